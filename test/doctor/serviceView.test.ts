/** What a daemon with a view of its own sees of the sources, in a /proc made of folders. */
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pid } from 'node:process'
import { expect, test } from 'vitest'
import type { Source } from '../../src/config/settings.ts'
import { unseenFinding, unseenPaths } from '../../src/doctor/serviceView.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const keys = {}
const folder = (path: string): Source => ({ kind: 'acme.sh', path, keys })
const files = (chain: string, key: string): Source => ({ kind: 'pem', name: 'x', chain, key, keys })

/** The root of process 42, in which a link leads to the temporary directory itself: all of it is seen. */
async function openView() {
  const home = await temporaryDirectory()
  const proc = await temporaryDirectory()
  const root = join(proc, '42/root')
  await mkdir(join(root, dirname(home)), { recursive: true })
  const unseen = (...sources: readonly Source[]) => unseenPaths(42, sources, proc)
  return { home, root, seen: join(root, home), unseen }
}

test('service view: a folder that is there for us alone is unseen', async () => {
  const { home, unseen } = await openView()
  await mkdir(join(home, '.acme.sh'))
  expect(unseen(folder(join(home, '.acme.sh')), folder(join(home, '.lego')))).toEqual([
    join(home, '.acme.sh'),
  ])
})

test('service view: a folder that was replaced since is unseen, though one of its name is there', async () => {
  const { home, seen, unseen } = await openView()
  await mkdir(join(home, '.acme.sh'))
  await mkdir(join(seen, '.acme.sh'), { recursive: true })
  expect(unseen(folder(join(home, '.acme.sh')))).toEqual([join(home, '.acme.sh')])
})

test('service view: an absolute link is followed below the root of the process', async () => {
  const { home, seen, unseen } = await openView()
  const [chain, key] = [join(home, 'link/chain.pem'), join(home, 'link/key.pem')]
  await mkdir(join(home, 'real'))
  await symlink(join(home, 'real'), join(home, 'link'))
  for (const file of [chain, key]) await writeFile(file, '')
  await cp(home, seen, { recursive: true, verbatimSymlinks: true })
  expect(unseen(files(chain, key))).toEqual([])
  await rm(join(seen, 'real/key.pem'))
  expect(unseen(files(chain, key))).toEqual([key])
})

test('service view: a link that leads to itself is unseen, and ends', async () => {
  const { home, seen, unseen } = await openView()
  await mkdir(join(home, 'a'))
  await mkdir(seen)
  await symlink('a', join(seen, 'a'))
  expect(unseen(folder(join(home, 'a')))).toEqual([join(home, 'a')])
})

test('service view: a process whose root may not be looked at says nothing, our own sees everything', async () => {
  const { home, root, unseen } = await openView()
  await rm(root, { recursive: true })
  expect(unseen(folder(home))).toEqual([])
  expect(unseenPaths(pid, [folder(home)])).toEqual([])
})

test('service view: the service is restarted by systemd, another daemon by its operator', () => {
  const [service, other] = [true, false].map(isService =>
    unseenFinding('/root/.lego', { pid: 42, isService }),
  )
  expect(service).toMatchObject({ level: 'warning', command: 'sudo systemctl restart certferry.service' })
  expect(other).toMatchObject({
    level: 'warning',
    says: expect.stringMatching(/^process 42 does not see \/root/),
  })
})
