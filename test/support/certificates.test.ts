/** The certificates of the test kit, before the judge who matters: openssl. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { authority, caCertificate, issue, type KeyKind, type Pair, selfSigned } from './certificates.ts'
import { openssl } from './openssl.ts'
import { temporaryDirectory } from './temporary.ts'

let directory: string

beforeEach(async () => {
  directory = await temporaryDirectory()
})

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, text)
  return path
}

/** Trusts the root alone; the intermediate is shown the way a server would show it. */
async function verify({ leaf, intermediate, root }: Pair): Promise<string> {
  const trusted = ['-no-CAfile', '-no-CApath', '-trusted', await file('root.pem', root)]
  const shown = intermediate ? ['-untrusted', await file('intermediate.pem', intermediate)] : []
  return openssl('verify', '-x509_strict', ...trusted, ...shown, await file('leaf.pem', leaf))
}

const text = async (pem: string) => openssl('x509', '-noout', '-text', '-in', await file('one.pem', pem))

const publicKeys = async ({ leaf, key }: Pair) =>
  Promise.all([
    openssl('x509', '-noout', '-pubkey', '-in', await file('leaf.pem', leaf)),
    openssl('pkey', '-pubout', '-in', await file('key.pem', key)),
  ])

const KINDS: ReadonlyArray<readonly [KeyKind, string]> = [
  ['p256', 'NIST CURVE: P-256'],
  ['p384', 'NIST CURVE: P-384'],
  ['p521', 'NIST CURVE: P-521'],
  ['rsa2048', 'Public-Key: (2048 bit)'],
  ['rsa3072', 'Public-Key: (3072 bit)'],
  ['ed25519', 'Public Key Algorithm: ED25519'],
]

describe.each(KINDS)('a %s certificate', (kind, said) => {
  test('verifies against its root, and openssl names its key the same', async () => {
    const pair = await issue({ kind })
    expect(await verify(pair)).toContain('leaf.pem: OK')
    expect(await text(pair.leaf)).toContain(said)
  })

  test('fits its key', async () => {
    const [ofCertificate, ofKey] = await publicKeys(await issue({ kind }))
    expect(ofCertificate).toBe(ofKey)
  })

  test('verifies against itself when it signed itself', async () => {
    expect(await verify(await selfSigned({ kind }))).toContain('leaf.pem: OK')
  })
})

test('the chain is the leaf and then its intermediate, ended by one newline', async () => {
  const { chain, leaf, intermediate } = await issue()
  expect(chain).toBe(leaf + intermediate)
  expect(chain).toMatch(/^-----BEGIN CERTIFICATE-----\n[\s\S]+-----END CERTIFICATE-----\n$/)
  expect(chain).not.toMatch(/\r|\n\n/)
})

test('names, addresses and dates are the ones asked for', async () => {
  const notBefore = new Date('2026-03-01T12:00:00Z')
  const notAfter = new Date('2026-05-30T12:00:00Z')
  const names = ['*.example.org', 'example.org', '192.0.2.7', '2001:db8::7']
  const pair = await issue({ names, notBefore, notAfter, serial: '0badcafe' })
  const said = await text(pair.leaf)
  expect(said).toContain('DNS:*.example.org, DNS:example.org, IP Address:192.0.2.7, IP Address:2001:DB8')
  expect(said).toContain('Not Before: Mar  1 12:00:00 2026 GMT')
  expect(said).toContain('Not After : May 30 12:00:00 2026 GMT')
  expect(said).toMatch(/Serial Number: \d+ \(0xbadcafe\)/)
  expect(pair).toMatchObject({ names, notBefore, notAfter })
})

test('without wishes it is for example.com, from yesterday on and for 44 days more', async () => {
  const { names, notBefore, notAfter } = await issue()
  const days = (date: Date) => Math.round((date.getTime() - Date.now()) / 86_400_000)
  expect(names).toEqual(['example.com', 'www.example.com'])
  expect([days(notBefore), days(notAfter)]).toEqual([-1, 44])
})

test('a name too long to be a common name stands among the alternative names only', async () => {
  const name = `${'a'.repeat(60)}.example.com`
  const pair = await issue({ names: [name] })
  expect(await text(pair.leaf)).toMatch(new RegExp(`Alternative Name: critical\\s+DNS:${name}`))
  expect(await verify(pair)).toContain('OK')
})

test('with no names at all the common name is the only one', async () => {
  const said = await text((await issue({ names: [], commonName: 'old.example.com' })).leaf)
  expect(said).toContain('Subject: CN = old.example.com')
  expect(said).not.toContain('Alternative Name')
})

test('a given key is used again, and otherwise every certificate has its own', async () => {
  const first = await issue()
  const same = await issue({ keyPem: first.key })
  const other = await issue()
  expect(same.key).toBe(first.key)
  expect(same.leaf).not.toBe(first.leaf)
  expect(other.key).not.toBe(first.key)
})

test('one authority does not vouch for what another signed', async () => {
  const [one, two] = [await authority(), await authority()]
  const pair = await issue({ authority: one })
  await expect(verify({ ...pair, root: two.root, intermediate: two.intermediate })).rejects.toThrow(
    'unable to get local issuer certificate',
  )
})

test('a CA certificate says that it is one', async () => {
  const said = await text(await caCertificate('Clients of the tests'))
  expect(said).toContain('Subject: CN = Clients of the tests')
  expect(said).toContain('CA:TRUE')
})
