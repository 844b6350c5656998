/**
 * A process of a user whom the state directory belongs to, and who wants root to write or delete elsewhere: whatever
 * folder root makes there is moved away, and a link to the victim's folder put in its place. Run by receiptsHostile.test.ts.
 */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { env, setgid, setuid, stdout } from 'node:process'

const { DIR = '', VICTIM = '', PRIZE = '', NOBODY } = env
setgid?.(Number(NOBODY))
setuid?.(Number(NOBODY))

const attempt = (work: () => unknown) => {
  try {
    work()
    return true
  } catch {
    return false
  }
}

let taken = 0
const swap = (path: string) => {
  if (lstatSync(path).isDirectory()) {
    renameSync(path, join(DIR, `moved${taken++}`))
    symlinkSync(VICTIM, path)
  } else unlinkSync(path)
}

/** An old turn whose draft has the name of the file that root is to delete. */
const bait = (path: string) => {
  mkdirSync(path)
  writeFileSync(join(path, PRIZE), '')
}

stdout.write('ready\n')
for (let i = 0; ; i++) {
  const names = readdirSync(DIR).filter(name => name.endsWith('.tmp'))
  for (const name of names) attempt(() => swap(join(DIR, name)))
  if (i % 7 === 0) attempt(() => bait(join(DIR, env.TURN ?? '')))
}
