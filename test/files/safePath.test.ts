import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { followPath, type Step, unsafePath, unsafePlace, unsafeStep } from '../../src/files/safePath.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

/** `real/deep/file`, and what a test links to it. */
async function makeFolders() {
  const folder = await temporaryDirectory()
  const at = (...names: readonly string[]) => join(folder, ...names)
  await mkdir(at('real/deep'), { recursive: true })
  await writeFile(at('real/deep/file'), '')
  /** What is below the folder, each once, in the order in which it is first met. */
  const follow = (name: string) => {
    const { steps, ended } = followPath(at(name))
    const below = steps.flatMap(({ path }) =>
      path.startsWith(`${folder}/`) ? [path.slice(folder.length + 1)] : [],
    )
    return { steps: [...new Set(below)], ended }
  }
  return { at, follow }
}

describe('the path to a file', () => {
  test('has every folder from the root on', async () => {
    const { at } = await makeFolders()
    const paths = followPath(at('real/deep/file')).steps.map(({ path }) => path)
    expect(paths[0]).toBe('/')
    expect(paths.slice(-4)).toEqual(
      [at(), at('real'), at('real/deep'), at('real/deep/file')].map(path => path.replace(/\/$/, '')),
    )
  })

  test('has each link on it, and the folders on the way to where it leads', async () => {
    const { at, follow } = await makeFolders()
    await symlink('../real', at('real/up'))
    await symlink(at('real/up/deep'), at('first'))
    await symlink('first/file', at('last'))
    expect(follow('last')).toEqual({
      steps: ['last', 'first', 'real', 'real/up', 'real/deep', 'real/deep/file'],
      ended: undefined,
    })
  })

  test('goes up from where a link has led, as the kernel does, and not from the link', async () => {
    const { at, follow } = await makeFolders()
    await mkdir(at('other'))
    await symlink('../real/deep', at('other/far'))
    await symlink('other/far/../deep/file', at('last'))
    expect(follow('last')).toEqual({
      steps: ['last', 'other', 'other/far', 'real', 'real/deep', 'real/deep/file'],
      ended: undefined,
    })
  })

  test('ends in a circle, at what is missing and at what is no folder', async () => {
    const { at, follow } = await makeFolders()
    await symlink('b', at('a'))
    await symlink('a', at('b'))
    await symlink('gone/file', at('dangling'))
    expect(follow('a').ended?.code).toBe('ELOOP')
    expect(follow('dangling').ended).toEqual({ path: at('gone'), code: 'ENOENT' })
    expect(follow('real/deep/file/more').ended?.code).toBe('ENOTDIR')
  })

  test('that leads elsewhere than it says is not believed', async () => {
    const { at } = await makeFolders()
    await symlink('/proc/self/fd/0', at('standard input'))
    expect(unsafePath(at('standard input'))).toMatchObject({
      says: expect.stringMatching(/cannot be examined|is not there/),
    })
  })
})

test('what is not there is no file to read, and a place where one may be made', async () => {
  const { at } = await makeFolders()
  expect(unsafePath(at('none'))).toMatchObject({ path: at('none'), says: 'is not there', mayPass: true })
  expect(unsafePlace(at('none/deep'))).toBeUndefined()
  // every user may write to it, and none may be kept from that
  expect(unsafePlace('/dev/null/deep')).toBeUndefined()
})

const US = 1000
const OTHER = 1001

const step = (path: string, mode: number, more: Partial<Step> = {}): Step => ({
  path,
  kind: 'folder',
  uid: 0,
  gid: 0,
  mode,
  ...more,
})
const TOP = step('/', 0o755)
const TMP = step('/tmp', 0o1777)
const file = (mode: number, more: Partial<Step> = {}) => step('/etc/c.toml', mode, { kind: 'other', ...more })
const link = (more: Partial<Step> = {}) => step('/etc/link', 0o777, { kind: 'link', ...more })

describe('a path is decided by root and this user alone', () => {
  test.each([
    ['all of it root’s', [TOP, step('/etc', 0o755), file(0o644)]],
    [
      'the last of it ours',
      [TOP, step('/home', 0o755), step('/home/us', 0o700, { uid: US }), file(0o600, { uid: US })],
    ],
    [
      'in a folder such as /tmp, where others cannot rename or remove what is not theirs',
      [TMP, file(0o600, { uid: US })],
    ],
    ['a link, which has no permissions of its own', [TOP, link(), link({ uid: US }), file(0o644)]],
    ['what a group may read', [TOP, file(0o640, { gid: 50 })]],
    ['what root’s own group may write', [TOP, step('/etc', 0o775), file(0o660)]],
  ])('%s', (_, steps) => {
    expect(unsafeStep(steps, US)).toBeUndefined()
  })
})

describe('another user decides', () => {
  const open = 'may be written by every user of this machine'
  test.each<[string, readonly Step[], string, string, string]>([
    ['by a file', [TOP, file(0o602)], '/etc/c.toml', open, 'chmod o-w /etc/c.toml'],
    ['by its folder', [TOP, step('/a b', 0o777), file(0o600)], '/a b', open, "chmod o-w '/a b'"],
    ['two levels up', [TOP, step('/a', 0o703), step('/a/b', 0o700), file(0o600)], '/a', open, 'chmod o-w /a'],
    ['by the folder of a link', [TOP, step('/a', 0o777), link(), file(0o600)], '/a', open, 'chmod o-w /a'],
    [
      'as one of a group, and as any',
      [TOP, file(0o666, { gid: 50 })],
      '/etc/c.toml',
      open,
      'chmod go-w /etc/c.toml',
    ],
    [
      'as one of a group',
      [TOP, step('/srv', 0o2775, { gid: 50 }), file(0o600)],
      '/srv',
      'may be written by its group (gid 50)',
      'chmod g-w /srv',
    ],
    [
      'who owns a folder',
      [TOP, step('/home/x', 0o700, { uid: OTHER }), file(0o600)],
      '/home/x',
      'belongs to another user (uid 1001)',
      'chown root /home/x, or use another place',
    ],
    [
      'who owns the file',
      [TOP, file(0o600, { uid: OTHER })],
      '/etc/c.toml',
      'belongs to another user (uid 1001)',
      'chown root /etc/c.toml, or use another place',
    ],
    [
      'who left a link in a folder such as /tmp',
      [TOP, TMP, link({ uid: OTHER }), file(0o600)],
      '/etc/link',
      'is a link that belongs to another user (uid 1001)',
      'rm /etc/link, or name what it leads to',
    ],
    [
      'who owns a folder such as /tmp',
      [step('/x', 0o1777, { uid: OTHER }), file(0o600)],
      '/x',
      'belongs to another user (uid 1001)',
      'chown root /x, or use another place',
    ],
  ])('%s', (_, steps, path, says, advice) => {
    expect(unsafeStep(steps, US)).toEqual({ path, says, advice })
  })

  test('this user is another to root', () => {
    const steps = [TOP, file(0o600, { uid: US })]
    expect(unsafeStep(steps, 0)).toMatchObject({ path: '/etc/c.toml' })
  })
})
