/**
 * Turns at changing a file, for any number of processes: none, however it ends, keeps another waiting for long.
 *
 * A draft, whole and synced, lies in a folder of its own. Renaming that folder to the one name that stands for the turn
 * takes the turn: rename(2) replaces an empty folder and refuses to replace one that holds another's draft. Moving the
 * draft into place empties the folder, which ends the turn in the same instant. Whoever has waited a second for a draft
 * that does not move removes it; a process that was only slow finds its own gone (ENOENT) and starts over. So a turn
 * may be taken from the living as from the dead, and there is no clock, process id or host name to be wrong about.
 *
 * Not a lock file made with O_EXCL: whether its holder is dead is a guess, two who guess at once remove each other's,
 * and a holder that was stopped and goes on changes the file all the same. Not flock: Node has none. Not an abstract
 * socket: a container and its host do not see each other's.
 *
 * The draft's folder is held open from its making to its end, and every other is opened before anything in it is removed:
 * where the state directory is another user's, and we are root, a link put in a folder's place leads nowhere.
 *
 * The limit: where no turn is to be had, because the file system renames no folders or because two seconds have gone
 * by, the change is made without one. What can be lost then is an entry that another process writes in the same
 * instant; giving up would surely lose the ID that was just uploaded.
 */
import { randomBytes } from 'node:crypto'
import { readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryName, writeFileAtomic } from '../files/atomicWrite.ts'
import { inside } from '../files/heldFolder.ts'

/** Milliseconds a draft may stay where others wait for it to go: a turn takes a thousandth of that. */
const ABANDONED = 1_000

/** Milliseconds of waiting after which the change is made without a turn. */
const LOCK_TIMEOUT_MS = 2_000

const LONGEST_PAUSE = 50

export interface Place {
  readonly dir: string
  /** Of the file in it. */
  readonly name: string
  readonly wait: (ms: number) => Promise<void>
}

interface Draft {
  /** Nobody else's draft has this name. */
  readonly token: string
  /** The folder it was written in. */
  readonly own: string
  /** The folder that it is in while it is its turn. */
  readonly turn: string
}

/**
 * Runs `act` when it is our turn, with the draft's path. What still can be renamed from there has had its turn all the
 * while. Synchronous, so that whatever else this process is busy with does not stretch the turn.
 */
export async function withLock<T>(place: Place, text: string, act: (draft: string) => T): Promise<T> {
  const draft = draftFor(place)
  let folder = draft.own
  await mkdir(draft.own, { mode: 0o700 })
  try {
    return await inside(draft.own, async held => {
      const file = join(held, draft.token)
      try {
        await writeFileAtomic(file, text, place.dir)
        folder = await turnOf(draft, place)
        return act(file)
      } finally {
        unlessRefused(() => unlinkSync(file))
      }
    })
  } finally {
    unlessRefused(() => rmdirSync(folder))
  }
}

/** Resolves to the folder the draft is in when it is its turn, or when waiting any longer would be worse than none. */
async function turnOf(draft: Draft, { wait }: Place): Promise<string> {
  let watched: { readonly holder?: string | undefined; readonly since: number } = { since: 0 }
  for (let waited = 0; ; ) {
    const folder = waited < LOCK_TIMEOUT_MS ? taken(draft) : draft.own
    if (folder) return folder
    const holder = holderOf(draft)
    if (holder !== watched.holder) watched = { holder, since: waited }
    else if (waited - watched.since >= ABANDONED) dismiss(draft, holder)
    const ms = Math.min(1 + waited, LONGEST_PAUSE)
    await wait(ms)
    waited += ms
  }
}

export function draftFor({ dir, name }: Pick<Place, 'dir' | 'name'>): Draft {
  const token = randomBytes(6).toString('hex')
  return {
    token,
    own: join(dir, temporaryName(name, token)),
    turn: join(dir, temporaryName(name, 'lock')),
  }
}

/** The folder the draft is in now that it is its turn; undefined while it is another's. */
export function taken({ own, turn }: Draft): string | undefined {
  try {
    renameSync(own, turn)
    return turn
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // whatever else is wrong here: if it matters, putting the draft in place will say so
    return code === 'ENOTEMPTY' || code === 'EEXIST' ? undefined : own
  }
}

/** A draft that is no longer there has been put in place or dismissed; a folder that is not empty is another's turn. */
export function leave(folder: string, token: string): void {
  unlessRefused(() => inside(folder, held => unlinkSync(join(held, token))))
  unlessRefused(() => rmdirSync(folder))
}

/** By its own name: a draft that has come in its place meanwhile stays. */
export const dismiss = ({ turn }: Draft, holder: string | undefined): void =>
  holder === undefined ? unlessRefused(() => rmdirSync(turn)) : leave(turn, holder)

export const holderOf = ({ turn }: Draft): string | undefined => unlessRefused(() => readdirSync(turn)[0])

function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
