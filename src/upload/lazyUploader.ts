/** An uploader that is created, and HTTP loaded for it, with the first upload. */
import { Fault } from '../errors.ts'
import type { Uploader, UploaderOptions } from './uploader.ts'

export interface LazyUploader {
  readonly uploader: () => Promise<Uploader>
  /** Closes it; the next upload creates another, with credentials read again. */
  readonly renew: () => Promise<void>
  /** Sends no more requests of the current one. */
  readonly halt: (fault: Fault) => void
}

export function lazyUploader(options: UploaderOptions): LazyUploader {
  let opened: Promise<Uploader> | undefined
  return {
    uploader: () => {
      const opening = opened ?? open(options)
      opened = opening
      // the next upload tries again
      opening.catch(() => {
        if (opened === opening) opened = undefined
      })
      return opening
    },
    renew: async () => {
      const before = opened
      opened = undefined
      // if it could not be created, that has been reported, and there is nothing to close
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

/** Loading a module opens a file. Node names the error in its code, or in the message beside another code. */
function asTooManyOpenFiles(error: NodeJS.ErrnoException): never {
  const [limit] = /EMFILE|ENFILE|too many open files/.exec(`${error.code} ${error.message}`) ?? []
  if (limit === undefined) throw error
  throw new Fault('TOO_MANY_OPEN_FILES', `no file can be opened (${limit})`, { cause: error })
}
