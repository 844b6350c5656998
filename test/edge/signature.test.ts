import { symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { signatureOf } from '../../src/edge/signature.ts'
import { issue } from '../support/certificates.ts'
import { all, certbotIssue, certbotLink, certbotRenew } from '../support/producers.ts'
import { temporaryDirectory } from '../support/temporary.ts'

async function files() {
  const folder = await temporaryDirectory()
  const [chain, key] = [join(folder, 'chain.pem'), join(folder, 'key.pem')]
  await writeFile(chain, 'chain')
  await writeFile(key, 'key')
  return { chain, key }
}

test('stays the same while nothing is written', async () => {
  const pair = await files()
  expect(await signatureOf(pair)).toBe(await signatureOf(pair))
})

test.each(['chain', 'key'] as const)(
  'tells of a rewritten %s, though size and mtime are as before',
  async which => {
    const pair = await files()
    await utimes(pair[which], 1, 1)
    const before = await signatureOf(pair)
    await writeFile(pair[which], which.toUpperCase())
    await utimes(pair[which], 1, 1)
    expect(await signatureOf(pair)).not.toBe(before)
  },
)

test('tells of files that go, and of those that come back', async () => {
  const pair = await files()
  const before = await signatureOf(pair)
  await unlink(pair.key)
  const without = await signatureOf(pair)
  await writeFile(pair.key, 'key')
  expect(new Set([before, without, await signatureOf(pair)]).size).toBe(3)
})

test('follows links: certbot moves them and never writes a file twice', async () => {
  const root = join(await temporaryDirectory(), 'letsencrypt')
  const live = join(root, 'live', 'a.example')
  const pair = { chain: join(live, 'fullchain.pem'), key: join(live, 'privkey.pem') }
  await all(certbotIssue(root, 'a.example', await issue()))
  const first = await signatureOf(pair)
  await all(certbotRenew(root, 'a.example', await issue()))
  expect(await signatureOf(pair)).not.toBe(first)
  await all(certbotLink(root, 'a.example', 1))
  expect(await signatureOf(pair)).toBe(first)
})

test('of a CA certificate is that of its one file, and a link to itself does no harm', async () => {
  const { chain } = await files()
  expect(await signatureOf({ chain, key: undefined })).not.toContain(' ')
  await unlink(chain)
  await symlink(chain, chain)
  expect(await signatureOf({ chain, key: undefined })).toBe('ELOOP')
})
