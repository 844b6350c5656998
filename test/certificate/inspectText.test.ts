import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { inspect, inspectionText, verdictOf as judged } from '../../src/certificate/inspect.ts'
import { issue, type Pair, sec1 } from '../fixtures/certificates.ts'
import { proven } from '../fixtures/samples.ts'

const NOW = new Date('2026-03-01T00:00:00Z')
const verdictOf = (files: Parameters<typeof judged>[0]) => judged(files, { now: NOW, password: undefined })
let pair: Pair
beforeAll(async () => {
  pair = await issue({
    names: ['example.com', 'www.example.com'],
    notBefore: new Date('2026-02-01T00:00:00Z'),
    notAfter: new Date('2026-05-02T00:00:00Z'),
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
