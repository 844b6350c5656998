import { execFile } from 'node:child_process'
import { watch } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { promisify } from 'node:util'
import { watch as chokidar } from 'chokidar'
import { expect, onTestFinished, test } from 'vitest'
import { watchBudget, watchesNeeded } from '../../src/doctor/watching.ts'
import { currentUser } from '../../src/files/permissions.ts'
import { watchScopeOf } from '../../src/sources/watchScope.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const { uid } = currentUser()

/** Watches of this process alone, as the kernel counts them. */
async function held(): Promise<number> {
  const files = await readdir('/proc/self/fdinfo')
  const texts = files.map(file => readFile(`/proc/self/fdinfo/${file}`, 'utf8').catch(() => ''))
  return (await Promise.all(texts)).join('').match(/^inotify wd:/gm)?.length ?? 0
}

test('what is in use is counted over all processes of this user', async () => {
  const folder = await temporaryDirectory()
  const names = Array.from({ length: 300 }, (_, i) => join(folder, `${i}`))
  for (const name of names) await mkdir(name)
  const before = (await watchBudget(uid)).used
  const watchers = names.map(name => watch(name, () => {}))
  onTestFinished(() => {
    for (const watcher of watchers) watcher.close()
  })
  const { used } = await watchBudget(uid)
  // others of this user come and go meanwhile
  expect(Math.abs(used.watches - before.watches - 300)).toBeLessThan(200)
  expect(used.instances).toBeGreaterThan(0)
})

test('as many are needed as the daemon then holds, whatever lies deeper in the folders', async () => {
  const root = await temporaryDirectory()
  for (const name of ['a', 'b', 'c']) await mkdir(join(root, 'live', name, 'deep/er'), { recursive: true })
  const view = await watchScopeOf({ kind: 'certbot', path: root, keys: {} })
  const before = await held()
  const watcher = chokidar([...view.folders], {
    followSymlinks: false,
    ignoreInitial: true,
    depth: view.depth,
  })
  onTestFinished(() => watcher.close())
  await new Promise<void>(resolve => watcher.once('ready', resolve))
  expect(await watchesNeeded(view)).toBe(4)
  expect((await held()) - before).toBe(4)
})

const SCRIPT = `
  const { watchBudget } = await import('${new URL('../../src/doctor/watching.ts', import.meta.url)}')
  console.log((await watchBudget(0)).limits.watches)`
const NARROWED = 'echo 500 > /proc/sys/user/max_inotify_watches && "$0" --input-type=module -e "$1"'
const inNamespace = (script: string) =>
  promisify(execFile)('unshare', ['-U', '-r', 'sh', '-c', script, execPath, SCRIPT]).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  )
// without user namespaces there is none to be limited by
const namespaces = (await inNamespace('echo there')) === 'there'

test.skipIf(!namespaces)('the limit is the smaller of the machine and of the user namespace', async () => {
  expect((await watchBudget(uid)).limits.watches).toBeGreaterThan(500)
  expect(await inNamespace(NARROWED)).toBe('500')
})
