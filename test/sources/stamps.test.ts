import { chmod, cp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { stampsOf } from '../../src/sources/fileStamp.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

/** What this file system's clock surely tells apart. */
const TICK = 25

async function stage() {
  const folder = await temporaryDirectory()
  const [chain, key] = [join(folder, 'chain.pem'), join(folder, 'key.pem')]
  await writeFile(chain, 'chain')
  await writeFile(key, 'key', { mode: 0o600 })
  await setTimeout(TICK)
  return { folder, chain, key }
}

test('files that nobody touches stand the same, by whatever links they are reached', async () => {
  const { folder, chain, key } = await stage()
  const link = join(folder, 'link.pem')
  await symlink(chain, link)
  expect(stampsOf({ chain, key })).toEqual(stampsOf({ chain: link, key }))
  expect(stampsOf({ chain, key })).toEqual(stampsOf({ chain, key }))
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
])('a chain that was %s stands otherwise', async (_, change) => {
  const { chain, key } = await stage()
  const before = stampsOf({ chain, key })
  await change(chain)
  expect(stampsOf({ chain, key })?.chain).not.toBe(before?.chain)
  expect(stampsOf({ chain, key })?.key).toBe(before?.key)
})

test('where a file is missing, or every user may read the key, there is nothing to go by', async () => {
  const { folder, chain, key } = await stage()
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
