import { symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pathStampsOf } from '../../src/sources/fileStamp.ts'
import { issue } from '../fixtures/certificates.ts'
import { all, certbotIssue, certbotLink, certbotRenew } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

async function files() {
  const folder = await temporaryDirectory()
  const [chain, key] = [join(folder, 'chain.pem'), join(folder, 'key.pem')]
  await writeFile(chain, 'chain')
  await writeFile(key, 'key')
  return { chain, key }
}

test('stays the same while nothing is written', async () => {
  const pair = await files()
  expect(await pathStampsOf(pair)).toBe(await pathStampsOf(pair))
})

test.each(['chain', 'key'] as const)(
  'tells of a rewritten %s, though size and mtime are as before',
  async which => {
    const pair = await files()
    await utimes(pair[which], 1, 1)
    const before = await pathStampsOf(pair)
    await writeFile(pair[which], which.toUpperCase())
    await utimes(pair[which], 1, 1)
    expect(await pathStampsOf(pair)).not.toBe(before)
  },
)

test('tells of files that go, and of those that come back', async () => {
  const pair = await files()
  const before = await pathStampsOf(pair)
  await unlink(pair.key)
  const without = await pathStampsOf(pair)
  await writeFile(pair.key, 'key')
  expect(new Set([before, without, await pathStampsOf(pair)]).size).toBe(3)
})

test('follows links: certbot moves them and never writes a file twice', async () => {
  const root = join(await temporaryDirectory(), 'letsencrypt')
  const live = join(root, 'live', 'a.example')
  const pair = { chain: join(live, 'fullchain.pem'), key: join(live, 'privkey.pem') }
  await all(certbotIssue(root, 'a.example', await issue()))
  const first = await pathStampsOf(pair)
  await all(certbotRenew(root, 'a.example', await issue()))
  expect(await pathStampsOf(pair)).not.toBe(first)
  await all(certbotLink(root, 'a.example', 1))
  expect(await pathStampsOf(pair)).toBe(first)
})

test('of a CA certificate is that of its one file, and a link to itself does no harm', async () => {
  const { chain } = await files()
  expect(await pathStampsOf({ chain, key: undefined })).not.toContain(' ')
  await unlink(chain)
  await symlink(chain, chain)
  expect(await pathStampsOf({ chain, key: undefined })).toBe('ELOOP')
})
