import { createPrivateKey, X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { inspect, inspectionText, verdictOf as judged } from '../../src/certificate/inspect.ts'
import { writePem } from '../../src/certificate/pem.ts'
import { secret } from '../../src/secret.ts'
import { caCertificate, encrypted, issue, type Pair, pkcs1, sec1 } from '../fixtures/certificates.ts'
import { newKey, pkcs8 } from '../fixtures/keys.ts'
import { derOf, proven } from '../fixtures/samples.ts'

const KEY = '-----BEGIN OPENSSH PRIVATE KEY-----\nTUlJ\n-----END OPENSSH PRIVATE KEY-----\n'
/** Within the validity of the pair below. */
const NOW = new Date('2026-03-01T00:00:00Z')
const verdictOf = (files: Parameters<typeof judged>[0], now = NOW, password?: string) =>
  judged(files, { now, password: password === undefined ? undefined : secret(password) })

let pair: Pair
beforeAll(async () => {
  pair = await issue({
    names: ['example.com', 'www.example.com'],
    notBefore: new Date('2026-02-01T00:00:00Z'),
    notAfter: new Date('2026-05-02T00:00:00Z'),
  })
})

describe('block by block', () => {
  test('a certificate says what it is', () => {
    const { blocks, fault } = inspect('chain.pem', pair.chain)
    expect(fault).toBeUndefined()
    expect(blocks[0]).toEqual({
      label: 'CERTIFICATE',
      subject: 'CN=example.com',
      issuer: 'CN=certferry tests intermediate',
      names: ['example.com', 'www.example.com'],
      notBefore: '2026-02-01T00:00:00.000Z',
      notAfter: '2026-05-02T00:00:00.000Z',
      kind: 'EC prime256v1',
      serial: new X509Certificate(pair.leaf).serialNumber.toLowerCase(),
      keyId: expect.stringMatching(/^[0-9a-f]{40}$/),
      authorityKeyId: expect.stringMatching(/^[0-9a-f]{40}$/),
      keyUsage: ['digitalSignature'],
      sha256: proven(pair.chain, pair.key).leaf,
    })
    expect(blocks).toHaveLength(2)
  })

  test.each<readonly [string, () => string, string]>([
    ['PKCS#8', () => pair.key, 'EC prime256v1'],
    ['SEC1', () => sec1(pair.key), 'EC prime256v1'],
    ['PKCS#1', () => pkcs1(pkcs8(newKey('rsa2048'))), 'RSA 2048'],
    ['Ed25519', () => pkcs8(newKey('ed25519')), 'ED25519'],
    ['encrypted', () => encrypted(pair.key, 'sesame'), 'encrypted'],
    [
      'encrypted, Proc-Type',
      () =>
        createPrivateKey(pair.key)
          .export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' })
          .toString(),
      'encrypted',
    ],
    ['damaged', () => pair.key.replace(/\n.{20}/, '\n'), 'unreadable'],
    ['of another program', () => KEY, 'unreadable'],
  ])('a key says its kind: %s', (_, text, kind) => {
    expect(inspect('key.pem', text()).blocks).toEqual([
      { label: expect.stringContaining('PRIVATE KEY'), kind },
    ])
  })

  test('other blocks are named', () => {
    const text = writePem('DH PARAMETERS', Buffer.from('x'))
    expect(inspect('f', text).blocks).toEqual([{ label: 'DH PARAMETERS' }])
  })

  test('a block that cannot be read does not hide the others', () => {
    const view = inspect('f', `${pair.leaf}${writePem('CERTIFICATE', Buffer.from('x'))}${pair.intermediate}`)
    expect(view.blocks.map(({ kind }) => kind)).toEqual(['EC prime256v1', 'unreadable', 'EC prime256v1'])
    expect(view.fault).toMatchObject({ code: 'CERTIFICATE_INVALID' })
  })

  test('a certificate whose key is of an unknown kind is shown all the same', () => {
    const ecPublicKey = Buffer.from('06072a8648ce3d0201', 'hex')
    const der = Buffer.from(derOf(pair.leaf))
    der[der.indexOf(ecPublicKey) + ecPublicKey.length - 1] = 0x7f
    expect(inspect('f', writePem('CERTIFICATE', der)).blocks[0]).toMatchObject({
      kind: 'unreadable',
      names: ['example.com', 'www.example.com'],
    })
  })

  test('a file that ends inside a block, or is empty, says so', () => {
    const [cut, empty] = [pair.chain.slice(0, -9), '']
    expect(inspect('f', cut).fault).toMatchObject({
      code: 'PAIR_INCOMPLETE',
      message: 'f: ends inside a block',
    })
    expect(inspect('f', empty).fault).toMatchObject({ code: 'PAIR_INCOMPLETE', message: 'f: is empty' })
    for (const text of [cut, empty])
      expect(inspect('f', text, true).fault).toMatchObject({ code: 'CERTIFICATE_INVALID', exit: 65 })
  })
})

describe('taken together', () => {
  test('chain and key: what would be sent', () => {
    const { chain, key } = pair
    expect(
      verdictOf([
        { path: 'chain.pem', text: chain },
        { path: 'key.pem', text: key },
      ]),
    ).toEqual({
      type: 'SVR',
      fingerprint: proven(chain, key).fingerprint,
      certificates: 2,
      notes: [],
    })
  })

  test('in any order, in one file, with what would be left out', () => {
    const text = pair.key + pair.intermediate + pair.root + pair.leaf
    expect(verdictOf([{ path: 'all.pem', text }])).toMatchObject({
      type: 'SVR',
      certificates: 2,
      notes: ['root CN=certferry tests root left out', 'certificates put in order, leaf first'],
    })
  })

  test('CA certificates without a key', async () => {
    expect(verdictOf([{ path: 'ca.pem', text: await caCertificate() }])).toMatchObject({
      type: 'CA',
      certificates: 1,
    })
  })

  test('a server certificate without its key would not be uploaded', () => {
    expect(verdictOf([{ path: 'chain.pem', text: pair.leaf }])).toMatchObject({ fault: { code: 'NOT_A_CA' } })
  })

  test('an encrypted key is proven with its password only', () => {
    const files = [
      { path: 'c', text: pair.chain },
      { path: 'k', text: encrypted(pair.key, 'sesame') },
    ]
    expect(verdictOf(files)).toMatchObject({ fault: { code: 'KEY_ENCRYPTED' } })
    expect(verdictOf(files, NOW, 'other')).toMatchObject({ fault: { code: 'KEY_PASSWORD_WRONG' } })
    expect(verdictOf(files, NOW, 'sesame')).toMatchObject({ type: 'SVR', certificates: 2 })
  })

  test('what is not valid on the day would not be uploaded', () => {
    const files = [{ path: 'all.pem', text: pair.chain + pair.key }]
    const on = (day: string) => verdictOf(files, new Date(day))
    expect(on('2026-05-02T00:00:00Z')).toMatchObject({ fault: { code: 'EXPIRED' } })
    expect(on('2026-01-31T23:59:59Z')).toMatchObject({ fault: { code: 'NOT_YET_VALID' } })
  })
})

const shown = (...files: readonly { path: string; text: string }[]) =>
  inspectionText(
    files.map(({ path, text }) => inspect(path, text)),
    verdictOf(files),
    NOW,
  )

describe('as text', () => {
  test('a pair', () => {
    const { leaf, fingerprint } = proven(pair.leaf, pair.key)
    const serial = new X509Certificate(pair.leaf).serialNumber.toLowerCase()
    expect(shown({ path: 'cert.pem', text: pair.leaf }, { path: 'key.pem', text: pair.key })).toBe(`cert.pem
  CERTIFICATE  EC prime256v1
    names    example.com, www.example.com
    subject  CN=example.com
    issuer   CN=certferry tests intermediate
    valid    2026-02-01 to 2026-05-02 (62 days left)
    serial   ${serial}
    sha256   ${leaf}

key.pem
  PRIVATE KEY  EC prime256v1

The key fits; 1 certificate would be sent, as SVR.
  its issuer is not in the chain file: browsers that do not know it will
  refuse the certificate
fingerprint ${fingerprint}
`)
  })

  test('a fault, with advice', () => {
    expect(shown({ path: 'x.pem', text: 'hello' })).toBe(`x.pem
  ! x.pem: holds neither a certificate nor a private key
    → Name the file with the certificates, or with the private key.

Would not be uploaded: x.pem: holds no certificate
  → Name the file with the server certificate and its issuers.
`)
  })

  test('a certificate without a subject, as authorities now issue them, is shown in full', async () => {
    const { leaf } = await issue({
      names: ['short.example'],
      commonName: 'x'.repeat(65),
      notBefore: new Date(0),
      notAfter: NOW,
    })
    const text = shown({ path: 'f', text: leaf })
    expect(text).toContain('names    short.example\n    subject  (empty)\n')
    expect(text).toContain('(0 days left)')
    expect(inspectionText([inspect('f', leaf)], verdictOf([]), new Date(NOW.getTime() + 1))).toContain(
      '(expired)',
    )
  })

  test('a path or a fault cannot steer the terminal', () => {
    const text = shown({ path: 'evil\u001b[2J\n.pem', text: 'x' })
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  })
})

test('no key, no password and no piece of one is ever printed', () => {
  const texts = [
    pair.key,
    sec1(pair.key),
    pair.key.replace(/\n.{20}/, '\n'),
    pair.key.slice(0, 100),
    pair.key + pair.key,
  ]
  for (const text of texts) {
    const files = [
      { path: 'chain.pem', text: pair.chain + text },
      { path: 'key.pem', text },
    ]
    const verdict = verdictOf(files)
    const views = files.map(file => inspect(file.path, file.text))
    const printed = inspectionText(views, verdict, NOW) + JSON.stringify([views, verdict])
    for (const line of text.split('\n').filter(line => line && !line.startsWith('-----')))
      expect(printed).not.toContain(line.slice(0, 16))
    expect(printed).not.toContain('BEGIN')
  }
})
