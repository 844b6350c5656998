import 'reflect-metadata' // @peculiar/x509 registers its encoders through it and must come second
import * as x509 from '@peculiar/x509'
import { describe, expect, test } from 'vitest'
import { displayNameOf, isSelfSigned, matchesKey, readCertificate } from '../../src/certificate/x509.ts'
import { pemOf, sign, subjectOf } from '../fixtures/authority.ts'
import { caCertificate, issue, selfSigned, type Wish } from '../fixtures/certificates.ts'
import { inOtherForm } from '../fixtures/der.ts'
import { newKey } from '../fixtures/keys.ts'
import { derOf, faultOf } from '../fixtures/samples.ts'

const read = (pem: string) => readCertificate(derOf(pem), 'f')
const leafOf = async (wish: Wish) => read((await issue(wish)).leaf)

/** A certificate of any subject and alternative names, however odd. */
async function odd(subject: x509.JsonName, dns: readonly string[] = []) {
  const names = dns.map(value => ({ type: 'dns' as const, value }))
  const extensions = names.length ? [new x509.SubjectAlternativeNameExtension(names)] : []
  const dates = { notBefore: new Date('2026-01-01'), notAfter: new Date('2026-04-01') }
  return read(pemOf(await sign({ key: newKey(), subject, extensions, ...dates })))
}

describe('names are never empty', () => {
  test.each<readonly [string, Wish, readonly string[]]>([
    ['alternative names in their order', { names: ['b.example', 'a.example'] }, ['b.example', 'a.example']],
    ['a wildcard', { names: ['*.example.com'] }, ['*.example.com']],
    [
      'addresses among names',
      { names: ['a.example', '192.0.2.1', '2001:db8::1'] },
      ['a.example', '192.0.2.1', '2001:db8::1'],
    ],
    ['an address alone', { names: ['192.0.2.7'] }, ['192.0.2.7']],
    ['a name twice', { names: ['a.example', 'a.example'] }, ['a.example']],
    ['no alternative name: the common name', { names: [], commonName: 'intranet' }, ['intranet']],
    ['no name at all', { names: [], commonName: 'x'.repeat(65) }, ['(no name)']],
  ])('%s', async (_, wish, names) => {
    expect((await leafOf(wish)).names).toEqual(names)
  })

  test('no common name either: the subject', async () => {
    expect((await odd([{ O: ['Example Ltd'] }])).names).toEqual(['O=Example Ltd'])
  })

  test('empty alternative names do not count', async () => {
    expect((await odd([{ CN: ['real'] }], ['', ' '])).names).toEqual(['real'])
  })

  test('a thousand of them', async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `host-${i}.example.com`)
    expect((await leafOf({ names })).names).toEqual(names)
  })
})

test('what a certificate says of itself cannot steer a terminal', async () => {
  const evil = 'a\u001b]0;owned\u0007\u001b[2J\r\nb\u202egnp.\u009b31m'
  const { subject, issuer, names } = await odd([{ CN: [evil], O: [evil] }], ['evil\u001b[31m.example\n'])
  for (const text of [subject, issuer, ...names]) {
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    expect(text.length).toBeLessThanOrEqual(255)
  }
  expect(names).toEqual(['evil\ufffd[31m.example'])
})

test('a subject of 10,000 characters is cut for the eye', async () => {
  const { subject, names } = await odd([{ CN: ['y'.repeat(10_000)] }])
  expect(subject).toHaveLength(200)
  expect(names[0]).toHaveLength(255)
})

describe('dates', () => {
  test.each([
    ['UTCTime', '2026-01-01T00:00:00.000Z', '2049-12-31T23:59:59.000Z'],
    ['GeneralizedTime', '2050-01-01T00:00:00.000Z', '2051-01-01T00:00:00.000Z'],
    ['no expiry (RFC 5280, 4.1.2.5)', '2026-01-01T00:00:00.000Z', '9999-12-31T23:59:59.000Z'],
    ['before 1970', '1960-01-01T00:00:00.000Z', '2030-01-01T00:00:00.000Z'],
  ])('%s', async (_, notBefore, notAfter) => {
    const leaf = await leafOf({ notBefore: new Date(notBefore), notAfter: new Date(notAfter) })
    expect(leaf.notBefore.toISOString()).toBe(notBefore)
    expect(leaf.notAfter.toISOString()).toBe(notAfter)
  })

  test.each(['31xx06070809Z', '319906070809Z', '310536070809Z', '310506079999Z', 'xxxxxxxxxxxxx'])(
    '%s is none, and is not guessed at',
    async text => {
      const { leaf } = await issue({ notAfter: new Date('2031-05-06T07:08:09Z') })
      const der = Buffer.from(derOf(leaf).toString('latin1').replace('310506070809Z', text), 'latin1')
      expect(faultOf(() => readCertificate(der, 'f'))).toMatchObject({
        code: 'CERTIFICATE_INVALID',
        message: 'f: a certificate has an invalid validity date',
      })
    },
  )
})

describe('what a certificate is', () => {
  test('an authority, self-signed or not, and a leaf', async () => {
    const { leaf, intermediate, root } = await issue()
    const seen = (pem: string) => ({ isCa: read(pem).authority.isCa, selfSigned: isSelfSigned(read(pem)) })
    expect(seen(leaf)).toEqual({ isCa: false, selfSigned: false })
    expect(seen(intermediate)).toEqual({ isCa: true, selfSigned: false })
    expect(seen(root)).toEqual({ isCa: true, selfSigned: true })
    expect(seen(await caCertificate())).toEqual({ isCa: true, selfSigned: true })
    expect(seen((await selfSigned()).leaf)).toEqual({ isCa: false, selfSigned: true })
  })

  test('issued under its own name by another key is not self-signed', async () => {
    const [mine, other] = [newKey(), newKey()]
    const dates = { notBefore: new Date('2026-01-01'), notAfter: new Date('2027-01-01') }
    const subject = subjectOf('one name')
    const issuer = await sign({ key: other, subject, extensions: [], ...dates })
    const signed = await sign({ key: mine, subject, issuer, extensions: [], ...dates })
    expect(isSelfSigned(read(pemOf(signed)))).toBe(false)
  })

  test('it is called by its subject, and by its first name where the subject is empty', async () => {
    expect(displayNameOf(await leafOf({ names: ['a.example'] }))).toBe('CN=a.example')
    expect(displayNameOf(await leafOf({ names: ['b.example'], commonName: 'x'.repeat(65) }))).toBe(
      'b.example',
    )
  })

  test('its own key fits, another does not, nor one of another kind', async () => {
    const mine = newKey('p256')
    const pem = mine.export({ type: 'pkcs8', format: 'pem' }).toString()
    const leaf = read((await issue({ keyPem: pem })).leaf)
    expect(matchesKey(leaf, mine)).toBe(true)
    for (const kind of ['p256', 'p384', 'rsa2048', 'ed25519'] as const)
      expect(matchesKey(leaf, newKey(kind))).toBe(false)
  })
})

describe('what cannot be read is refused, with the file named', () => {
  test('bytes after the certificate', async () => {
    const der = Buffer.concat([derOf((await issue()).leaf), Buffer.from([0])])
    expect(faultOf(() => readCertificate(der, 'f')).message).toBe(
      'f: a certificate block goes on after the certificate ends',
    )
  })

  test.each(['long', 'indefinite'] as const)(
    'a length in %s form, which other readers refuse',
    async form => {
      const der = inOtherForm(derOf((await issue()).leaf), form)
      expect(faultOf(() => readCertificate(der, 'f'))).toMatchObject({
        code: 'CERTIFICATE_INVALID',
        message: 'f: a certificate block is not DER (X.690)',
      })
    },
  )

  test('PEM inside the base64 of a PEM', async () => {
    expect(faultOf(() => readCertificate(Buffer.from('-----BEGIN CERTIFICATE-----\n'), 'f')).code).toBe(
      'CERTIFICATE_INVALID',
    )
    const whole = Buffer.from((await issue()).leaf)
    expect(faultOf(() => readCertificate(whole, 'f')).code).toBe('CERTIFICATE_INVALID')
  })

  test.each([0, 1, 2, 10, 100])('its first %i bytes only', async length => {
    const der = derOf((await issue()).leaf).subarray(0, length)
    expect(faultOf(() => readCertificate(der, 'f'))).toMatchObject({
      code: 'CERTIFICATE_INVALID',
      message: 'f: a certificate block cannot be read as X.509',
    })
  })
})
