import { describe, expect, test } from 'vitest'
import { isNamed, LAYOUTS, lineageId } from '../../src/core/lineage.ts'

test('a lineage is called by its kind and its name', () => {
  expect(lineageId('acme.sh', '*.example.com_ecc')).toBe('acme.sh:*.example.com_ecc')
})

test('it is meant with or without its kind, and by nothing less', () => {
  const lineage = { id: 'certbot:example.com', name: 'example.com' }
  expect(['certbot:example.com', 'example.com'].map(wanted => isNamed(wanted)(lineage))).toEqual([true, true])
  for (const wanted of ['acme.sh:example.com', 'example', '*', '', 'certbot:'])
    expect(isNamed(wanted)(lineage)).toBe(false)
})

describe("where the clients' files are", () => {
  const { certbot, 'acme.sh': acme } = LAYOUTS

  test('certbot: in live/, with the same names for every lineage', () => {
    expect([certbot.folder, certbot.chain, certbot.key('example.com')]).toEqual([
      'live',
      'fullchain.pem',
      'privkey.pem',
    ])
  })

  test('acme.sh: a key named for the domain, without the suffix of the folder', () => {
    expect(acme.key('example.com')).toBe('example.com.key')
    expect(acme.key('*.example.com_ecc')).toBe('*.example.com.key')
    expect(acme.key('2001:db8::1_ecc')).toBe('2001:db8::1.key')
    expect(acme.chain).toBe('fullchain.cer')
  })

  test.each([
    ['example.com', false],
    ['*.example.com_ecc', false],
    ['2001:db8::1', false],
    ['ca', true],
    ['dnsapi', true],
    ['deploy', true],
    ['.git', true],
  ])('acme.sh: %s is ignored: %j', (name, ignored) => {
    expect(acme.ignore(name)).toBe(ignored)
  })

  test('a key alone is no lineage of acme.sh: it stays behind when a first issuance fails', () => {
    expect(acme.signs('example.com_ecc')).toEqual(['fullchain.cer', 'example.com.cer'])
  })
})
