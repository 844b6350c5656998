import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { followPath, unsafePath, unsafePlace } from '../../src/files/safePath.ts'
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
      says: expect.stringMatching(/cannot be looked at|is not there/),
    })
  })
})

test('what is not there is no file to read, and a place where one may be made', async () => {
  const { at } = await makeFolders()
  expect(unsafePath(at('none'))).toMatchObject({ path: at('none'), says: 'is not there', mayPass: true })
  expect(unsafePlace(at('none/deep'))).toBeUndefined()
})
