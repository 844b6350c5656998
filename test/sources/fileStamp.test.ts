import { chmod, cp, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isEqual, isReliable, pathStampsOf, stampOf, stampsOf } from '../../src/sources/fileStamp.ts'
import { issue } from '../fixtures/certificates.ts'
import { all, certbotIssue, certbotLink, certbotRenew } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const NOON = 1_800_000_000_000
const at = (ms: number, fraction = 0.125) => ({ ctimeMs: ms + fraction })

test('a stamp has device, inode, size and the quarter of a microsecond of the last change', () => {
  const stat = { dev: 1, ino: 2, size: 3, ...at(NOON) }
  const others = [{ dev: 9 }, { ino: 9 }, { size: 9 }, at(NOON, 0.125 + 1 / 4096)]
  const stamps = [stat, ...others.map(change => ({ ...stat, ...change }))].map(stampOf)
  expect(new Set(stamps).size).toBe(5)
})

test.each([
  ['in the same tick of the clock', at(NOON - 19), false],
  ['two ticks ago', at(NOON - 20, -0.125), true],
  ['a second ago where times are whole seconds', at(NOON - 1_000, 0), false],
  ['three seconds ago where times are whole seconds', at(NOON - 3_000, 0), true],
  ['in the future, by a clock that was set back since', at(NOON + 60_000), false],
])('the stamp of a file written %s is reliable: %s', (_, stat, expected) => {
  expect(isReliable(stat, NOON)).toBe(expected)
})

test('stamps are equal where those of chain and key are, and missing ones equal nothing', () => {
  const stamps = { chain: 'a', key: 'b' }
  expect(isEqual(stamps, { ...stamps })).toBe(true)
  expect(isEqual({ chain: 'a', key: null }, { chain: 'a', key: null })).toBe(true)
  for (const other of [
    undefined,
    { ...stamps, chain: 'x' },
    { ...stamps, key: 'x' },
    { ...stamps, key: null },
  ])
    expect(isEqual(stamps, other)).toBe(false)
  expect(isEqual(undefined, undefined)).toBe(false)
})

async function filesOnDisk() {
  const folder = await temporaryDirectory()
  const [chain, key] = [join(folder, 'chain.pem'), join(folder, 'key.pem')]
  await writeFile(chain, 'chain')
  await writeFile(key, 'key', { mode: 0o600 })
  return { folder, chain, key }
}

/** Repeats a change until the file's clock has ticked since. */
async function changed(file: string, change: (file: string) => Promise<void>): Promise<void> {
  const ctime = () => stampsOf({ chain: file, key: undefined })?.chain
  const before = ctime()
  do await change(file)
  while (ctime() === before)
}

describe('the stamps of chain and key', () => {
  test('stay the same while nothing is written, by whatever links the files are reached', async () => {
    const { folder, chain, key } = await filesOnDisk()
    const link = join(folder, 'link.pem')
    await symlink(chain, link)
    expect(stampsOf({ chain, key })).toEqual(stampsOf({ chain: link, key }))
    expect(pathStampsOf({ chain, key })).toBe(pathStampsOf({ chain, key }))
  })

  test.each<[string, (file: string) => Promise<void>]>([
    ['written with the same text', file => writeFile(file, 'chain')],
    [
      'replaced by a copy of itself',
      async file => {
        await cp(file, `${file}.new`)
        await rename(`${file}.new`, file)
      },
    ],
    [
      'given its old times again after a change',
      async file => {
        await writeFile(file, 'niahc')
        await utimes(file, 1, 1)
      },
    ],
  ])('change when a file is %s', async (_, change) => {
    const pair = await filesOnDisk()
    const [stamps, paths] = [stampsOf(pair), pathStampsOf(pair)]
    await changed(pair.chain, change)
    expect(stampsOf(pair)?.chain).not.toBe(stamps?.chain)
    expect(stampsOf(pair)?.key).toBe(stamps?.key)
    const withChain = pathStampsOf(pair)
    expect(withChain).not.toBe(paths)
    await changed(pair.key, change)
    expect(pathStampsOf(pair)).not.toBe(withChain)
  })

  test('are undefined where a file is missing, or every user may read the key', async () => {
    const { folder, chain, key } = await filesOnDisk()
    expect(stampsOf({ chain: folder, key: undefined })).toBeDefined()
    await chmod(key, 0o644)
    expect(stampsOf({ chain, key })).toBeUndefined()
    await chmod(key, 0o640)
    expect(stampsOf({ chain, key })).toBeDefined()
    await rm(key)
    expect(stampsOf({ chain, key })).toBeUndefined()
    expect(stampsOf({ chain, key: undefined })).toMatchObject({ key: null })
    expect(stampsOf({ chain: join(chain, 'below'), key: undefined })).toBeUndefined()
  })

  test('of paths change when a file goes and when it comes back', async () => {
    const pair = await filesOnDisk()
    const before = pathStampsOf(pair)
    await unlink(pair.key)
    const without = pathStampsOf(pair)
    await writeFile(pair.key, 'key')
    expect(new Set([before, without, pathStampsOf(pair)]).size).toBe(3)
  })

  test('of paths follow links, which certbot moves from file to file', async () => {
    const root = join(await temporaryDirectory(), 'letsencrypt')
    const live = join(root, 'live', 'a.example')
    const pair = { chain: join(live, 'fullchain.pem'), key: join(live, 'privkey.pem') }
    await all(certbotIssue(root, 'a.example', await issue()))
    const first = pathStampsOf(pair)
    await all(certbotRenew(root, 'a.example', await issue()))
    expect(pathStampsOf(pair)).not.toBe(first)
    await all(certbotLink(root, 'a.example', 1))
    expect(pathStampsOf(pair)).toBe(first)
  })

  test('of the path of a CA certificate have one part, an error where the path is a link to itself', async () => {
    const { chain } = await filesOnDisk()
    expect(pathStampsOf({ chain, key: undefined })).not.toContain(' ')
    await unlink(chain)
    await symlink(chain, chain)
    expect(pathStampsOf({ chain, key: undefined })).toBe('ELOOP')
  })
})
