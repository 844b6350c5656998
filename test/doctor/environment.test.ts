import { execFile } from 'node:child_process'
import { watch } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { promisify } from 'node:util'
import { watch as chokidar } from 'chokidar'
import { expect, onTestFinished, test } from 'vitest'
import { budgetFinding, runtime, watchBudget, watchesNeeded } from '../../src/doctor/environment.ts'
import { currentUser } from '../../src/files/permissions.ts'
import { watchScopeOf } from '../../src/sources/watchScope.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const found = (needed: number, [used, limit]: readonly number[], [open, most] = [3, 128]) =>
  budgetFinding(needed, {
    limits: { watches: limit ?? 0, instances: most ?? 0 },
    used: { watches: used ?? 0, instances: open ?? 0 },
  })

test('enough inotify watches: the folders are counted', () => {
  const says = 'changes in 3 folders are noticed at once'
  expect(found(3, [12, 8192])).toEqual({ about: 'watching', level: 'ok', says })
  expect(found(8180, [12, 8192]).level).toBe('ok')
})

test('too few inotify watches: the command allows twice as many, and outlives a restart', () => {
  expect(found(8181, [12, 8192])).toMatchObject({
    level: 'warning',
    says: '8181 folders to watch, and the kernel lets this user watch 8180 more: the rest is read every five seconds',
    command:
      'echo fs.inotify.max_user_watches=32768 | sudo tee /etc/sysctl.d/60-certferry.conf && sudo sysctl --system',
  })
  expect(found(10_001, [0, 8192]).command).toContain('=32768 ')
})

test.each([
  ['/opt/certferry/node_modules/node/bin/node', '/opt/certferry/dist/main.js', 'installed beside certferry'],
  ['/root/.npm/_npx/a/node_modules/node/bin/node', '/usr/lib/node_modules/certferry/main.js', '/root/'],
  ['/usr/bin/certferry', undefined, 'in /usr/bin/certferry'],
])('the Node of %s', async (node, main, says) => {
  const context = { program: { node, main }, nodeVersion: '24.0.0' }
  const machine = { user: () => ({ uid: 0, name: 'root' }) }
  expect(await runtime({ context, machine } as never)).toMatchObject([
    { level: 'ok', says: expect.stringContaining(`Node 24.0.0, ${says}`) },
  ])
})

test('no inotify instance left: the command raises that limit', () => {
  expect(found(1, [0, 8192], [128, 128])).toMatchObject({
    level: 'warning',
    says: expect.stringContaining('all 128 inotify instances'),
    command: expect.stringContaining('fs.inotify.max_user_instances=512 '),
  })
})

test('unknown inotify limits are no limits', () => {
  const unknown: [number, number] = [0, Number.POSITIVE_INFINITY]
  expect(found(1, unknown, unknown)).toMatchObject({
    level: 'ok',
    says: 'changes in 1 folder are noticed at once',
  })
})

const { uid } = currentUser()

test("the inotify watches of all of this user's processes are counted", async () => {
  const folder = await temporaryDirectory()
  const names = Array.from({ length: 300 }, (_, i) => join(folder, `${i}`))
  for (const name of names) await mkdir(name)
  const before = (await watchBudget(uid)).used
  const watchers = names.map(name => watch(name, () => {}))
  onTestFinished(() => {
    for (const watcher of watchers) watcher.close()
  })
  const { used } = await watchBudget(uid)
  // other processes of this user start and end meanwhile
  expect(Math.abs(used.watches - before.watches - 300)).toBeLessThan(200)
  expect(used.instances).toBeGreaterThan(0)
})

/** Watches of this process alone, as the kernel counts them. */
async function ownWatches(): Promise<number> {
  const files = await readdir('/proc/self/fdinfo')
  const texts = files.map(file => readFile(`/proc/self/fdinfo/${file}`, 'utf8').catch(() => ''))
  return (await Promise.all(texts)).join('').match(/^inotify wd:/gm)?.length ?? 0
}

test('the daemon needs as many watches as chokidar opens, whatever lies deeper in the folders', async () => {
  const root = await temporaryDirectory()
  for (const name of ['a', 'b', 'c']) await mkdir(join(root, 'live', name, 'deep/er'), { recursive: true })
  const { folders, depth } = await watchScopeOf({ kind: 'certbot', path: root, keys: {} })
  const before = await ownWatches()
  const watcher = chokidar([...folders], { followSymlinks: false, ignoreInitial: true, depth })
  onTestFinished(() => watcher.close())
  await new Promise<void>(resolve => watcher.once('ready', resolve))
  expect(await watchesNeeded({ folders, depth })).toBe(4)
  expect((await ownWatches()) - before).toBe(4)
})

const SCRIPT = `
  const { watchBudget } = await import('${new URL('../../src/doctor/environment.ts', import.meta.url)}')
  console.log((await watchBudget(0)).limits.watches)`
const WITH_LIMIT = 'echo 500 > /proc/sys/user/max_inotify_watches && "$0" --input-type=module -e "$1"'
const inNamespace = (script: string) =>
  promisify(execFile)('unshare', ['-U', '-r', 'sh', '-c', script, execPath, SCRIPT]).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  )
const hasNamespaces = (await inNamespace('echo there')) === 'there'

test.skipIf(!hasNamespaces)(
  'the inotify limit is the smaller of the machine and of the user namespace',
  async () => {
    expect((await watchBudget(uid)).limits.watches).toBeGreaterThan(500)
    expect(await inNamespace(WITH_LIMIT)).toBe('500')
  },
)
