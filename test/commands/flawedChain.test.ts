/** A chain whose issuer clients refuse: sent, and said wherever one looks. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { pemOf } from '../fixtures/authority.ts'
import { issue } from '../fixtures/certificates.ts'
import { newKey } from '../fixtures/keys.ts'
import { ca } from '../fixtures/samples.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { openStage } from './commandFixture.ts'

const EXPIRED = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2026-01-01T00:00:00Z') }
const FLAW = 'its issuer CN=low expired on 2026-01-01: clients may refuse the certificate'

let [key, leaf, expired, valid] = ['', '', '', '']
beforeAll(async () => {
  const [root, own] = [await ca('root'), newKey()]
  const issuer = await ca('low', root, own)
  const pair = await issue({ names: ['flawed.example'], authority: { root: '', intermediate: '', issuer } })
  key = pair.key
  leaf = pair.leaf
  valid = pemOf(issuer)
  expired = pemOf(await ca('low', root, own, EXPIRED))
})

async function inspected(chain: string) {
  const folder = await temporaryDirectory()
  const files = [join(folder, 'chain.pem'), join(folder, 'key.pem')] as const
  await writeFile(files[0], chain)
  await writeFile(files[1], key)
  return new Promise<string>(resolve => {
    execFile('dist/certferry', ['inspect', ...files], (_error, stdout) =>
      resolve(stdout.slice(stdout.indexOf('The key fits')).replaceAll(/\s+/g, ' ')),
    )
  })
}

test('as built, inspect says that an issuer has expired, and takes the valid one where the file has both', async () => {
  expect(await inspected(leaf + expired)).toContain(
    `The key fits; 2 certificates would be sent, as SVR. ${FLAW} fingerprint`,
  )
  const both = await inspected(leaf + expired + valid)
  expect(both).toContain('alternative issuer CN=low left out: it expired on 2026-01-01 fingerprint')
  expect(both.split('fingerprint')[1]).toBe((await inspected(leaf + valid)).split('fingerprint')[1])
})

test('sync warns of it, status and check go on saying it, and a second sync sends nothing', async () => {
  const { type, certbot, emulator } = await openStage()
  const pair = await issue({ names: ['flawed.example'] })
  await certbot('flawed.example', { ...pair, key, leaf, chain: leaf + expired, intermediate: expired })
  expect((await type(['sync'])).out()).toContain(FLAW)
  for (const _ of ['at first', 'and again']) {
    const status = await type(['status', '--json'])
    expect(status.json<{ lineages: readonly unknown[] }>().lineages[0]).toMatchObject({
      state: 'ok',
      reason: FLAW,
      advice: expect.stringContaining('certferry inspect'),
    })
    expect((await type(['sync', '--json'])).json().summary).toMatchObject({ unchanged: 1, uploaded: 0 })
  }
  expect((await type(['status'])).out().replaceAll(/\s+/g, ' ')).toContain(`certbot:flawed.example: ${FLAW}`)
  const check = (await type(['check', '--json'])).json() as { findings: readonly { says: string }[] }
  expect(check.findings.map(({ says }) => says)).toContain(`certbot:flawed.example: ${FLAW}`)
  expect(emulator.certificates()).toHaveLength(1)
})
