/** The uploader of an engine: opened, and HTTP loaded for it, with the first upload. */
import { Fault } from '../errors.ts'
import type { Uploader, UploaderOptions } from './uploader.ts'

export interface LazyUploader {
  readonly uploader: () => Promise<Uploader>
  /** Closes it; the next upload opens another, with credentials read anew. */
  readonly renew: () => Promise<void>
  /** Lets no more requests out of the one that is open. */
  readonly halt: (fault: Fault) => void
}

export function lazyUploader(options: UploaderOptions): LazyUploader {
  let opened: Promise<Uploader> | undefined
  return {
    uploader: () => {
      const opening = opened ?? open(options)
      opened = opening
      // what could not be opened once may be the next time
      opening.catch(() => {
        if (opened === opening) opened = undefined
      })
      return opening
    },
    renew: async () => {
      const before = opened
      opened = undefined
      // one that could not be opened has been reported as a fault and has nothing to close
      await (await before?.catch(() => undefined))?.close()
    },
    halt: fault =>
      void opened?.then(
        ({ halt }) => halt(fault),
        () => undefined,
      ),
  }
}

async function open(options: UploaderOptions): Promise<Uploader> {
  const { createUploader } = await import('./uploader.ts').catch(asTooManyOpenFiles)
  return createUploader(options)
}

/** A part of the program is a file like any other. Node tells of it by the code, or in words beside a code of its own. */
function asTooManyOpenFiles(error: NodeJS.ErrnoException): never {
  const [limit] = /EMFILE|ENFILE|too many open files/.exec(`${error.code} ${error.message}`) ?? []
  if (limit === undefined) throw error
  throw new Fault('TOO_MANY_OPEN_FILES', `no file can be opened (${limit})`, { cause: error })
}
