import fc from 'fast-check'
import { expect, test } from 'vitest'
import { entryNamed, type Stored, storedIn } from '../../src/acme/traefikStore.ts'
import { parseBundle } from '../../src/certificate/bundle.ts'
import { Fault } from '../../src/errors.ts'
import { issue } from '../fixtures/certificates.ts'
import { storeText } from '../fixtures/traefikStore.ts'

const [one, two] = await Promise.all([issue(), issue()])
const PATH = '/etc/traefik/acme.json'
const names = (text: string) => storedIn(PATH, text).map(({ name }) => name)

test('an acme.json has the certificates of all resolvers', () => {
  const text = storeText({
    le: [
      { domains: ['a.example'], pair: one },
      { domains: ['*.b.example', 'b.example'], pair: two },
    ],
    zero: [{ domains: ['a.example'], pair: two }],
  })
  expect(storedIn(PATH, text)).toEqual([
    { name: 'a.example@le', chain: one.chain, key: one.key },
    { name: '*.b.example+b.example@le', chain: two.chain, key: two.key },
    { name: 'a.example@zero', chain: two.chain, key: two.key },
  ])
})

test('a certificate keeps its name when others are added or removed', () => {
  const [a, b] = [
    { domains: ['a.example'], pair: one },
    { domains: ['a.example', 'www.a.example'], pair: two },
  ] as const
  expect(names(storeText({ le: [a, b] }))).toEqual(names(storeText({ le: [b, a] })).reverse())
  expect(names(storeText({ le: [b] }))).toEqual(['a.example+www.a.example@le'])
})

test('the names of certificates with a hundred domains are short and different', () => {
  const many = (last: string): [string, ...string[]] => [
    'a.example',
    ...Array.from({ length: 98 }, (_, i) => `${i}.a.example`),
    last,
  ]
  const [first = '', second = ''] = ['x.example', 'y.example'].map(
    last => names(storeText({ le: [{ domains: many(last), pair: one }] }))[0] ?? '',
  )
  expect(first).toMatch(/^a\.example\+99-[0-9a-f]{8}@le$/)
  expect(second).not.toBe(first)
})

test.each([
  ['without text', ''],
  ['with an account alone', storeText({ le: [] })],
  ['with a resolver that has nothing yet', '{"le": null}'],
  [
    'with an entry that has no certificate yet',
    '{"le": {"Certificates": [{"domain": {"main": "a.example"}, "certificate": null, "key": null}]}}',
  ],
])('an acme.json %s has no certificates', (_, text) => {
  expect(storedIn(PATH, text)).toEqual([])
})

/** The fault it throws, or undefined. */
function faultOf(text: string, age?: number): Fault | undefined {
  try {
    storedIn(PATH, text, age)
    return undefined
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}

test('an acme.json cut anywhere is half-written, and its text is not quoted', () => {
  const text = storeText({ le: [{ domains: ['a.example'], pair: one }] })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: text.length - 1 }), length => {
      const fault = faultOf(text.slice(0, length))
      expect(fault).toMatchObject({
        code: 'PAIR_INCOMPLETE',
        retry: 'recheck',
        message: `${PATH}: is half-written`,
      })
      expect(fault?.cause).toBeUndefined()
    }),
  )
})

test('an acme.json that stays cut for a minute is damaged', () => {
  const half = storeText({ le: [{ domains: ['a.example'], pair: one }] }).slice(0, 300)
  expect(faultOf(half, 59_000)).toMatchObject({ code: 'PAIR_INCOMPLETE' })
  expect(faultOf(half, 60_000)).toMatchObject({
    code: 'FILE_INVALID',
    retry: 'never',
    message: `${PATH}: is cut off or damaged, and has not been written for a minute`,
    advice: expect.stringContaining('Traefik'),
  })
})

test.each([
  '[]',
  '7',
  '"text"',
  '{"le": {"Certificates": {}}}',
  '{"le": 7}',
  'http: {}',
  one.chain,
  '<html></html>',
])('%s is not an acme.json, and the advice names the right file', text =>
  expect(faultOf(text)).toMatchObject({
    code: 'FILE_INVALID',
    retry: 'never',
    advice: expect.stringContaining('acme.storage'),
  }),
)

test.each([
  '{"Account": {}, "Certificates": []}',
  '{"Account": {"Email": "a@a.example"}, "Certificates": null, "HTTPChallenges": {}}',
  '{"Account": {}, "Certificates": [{"Domain": {"Main": "a.example"}, "Certificate": "", "Key": ""}]}',
  '{"Email": "a@a.example", "PrivateKey": "", "DomainsCertificate": {"Certs": []}}',
])('an acme.json of Traefik 1 is recognised: %s', text =>
  expect(faultOf(text)).toMatchObject({
    code: 'FILE_INVALID',
    message: `${PATH}: is as Traefik 1 wrote its acme.json`,
    advice: expect.stringContaining('Traefik 2'),
  }),
)

const NOW = new Date('2026-03-01T00:00:00Z')
const taken = (name: string, stored: readonly Stored[]) => entryNamed(name, stored, { path: PATH, now: NOW })
const valid = (from: string, to: string) =>
  issue({ names: ['a.example'], notBefore: new Date(from), notAfter: new Date(to) })
const [expired, old, latest, future] = await Promise.all([
  valid('2025-06-01', '2025-09-01'),
  valid('2026-01-01', '2026-04-01'),
  valid('2026-02-01', '2026-05-01'),
  valid('2026-04-01', '2026-07-01'),
])

const among = (...pairs: ReadonlyArray<{ chain: string; key: string }>) => {
  const text = storeText({ le: pairs.map(pair => ({ domains: ['a.example'], pair })) })
  return taken('a.example@le', storedIn(PATH, text))
}

test('of several entries of a name the latest valid one is taken, with a note', () => {
  for (const order of [
    [expired, old, latest, future],
    [latest, future, old, expired],
    [future, expired, latest],
  ]) {
    const found = among(...order)
    expect(found.chain).toBe(latest.chain)
    expect(found.key).toBe(latest.key)
    const notes = [`${PATH} has ${order.length} entries of this name: the latest valid one is taken`]
    expect(found.notes).toEqual(notes)
    const { chain, key } = found
    const files = {
      chain: { path: PATH, text: chain },
      key: { path: PATH, text: key, password: undefined },
    }
    expect(parseBundle({ ...files, notes }, new Date()).notes).toContain(notes[0])
  }
})

test('of several entries of a name those with a wrong key or unreadable ones are taken last', () => {
  const broken = { chain: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', key: one.key }
  expect(among({ ...latest, key: one.key }, old, broken).chain).toBe(old.chain)
  expect(among(broken, expired).chain).toBe(expired.chain)
  expect(() => among(broken, broken)).toThrow('has a certificate that cannot be read')
})

test('a single entry is taken without a note', () => {
  expect(among(expired)).toEqual({ chain: expired.chain, key: expired.key, notes: [] })
})

const base64 = (text: string) => Buffer.from(text).toString('base64')
const good = { domain: { main: 'b.example' }, certificate: base64(two.chain), key: base64(two.key) }
const [certificate, key] = [base64(one.chain), base64(one.key)]
const domain = { main: 'a.example' }

test.each<readonly [string, unknown, string, string]>([
  [
    'no base64',
    { domain, certificate: '!!!!', key },
    'a.example',
    'has a certificate that is not PEM in base64',
  ],
  [
    'cut base64',
    { domain, certificate: certificate.slice(0, -3), key },
    'a.example',
    'has a certificate that is not PEM in base64',
  ],
  [
    'PEM itself',
    { domain, certificate: one.chain, key },
    'a.example',
    'has a certificate that is not PEM in base64',
  ],
  ['a number', { domain, certificate: 7, key }, 'a.example', 'has a certificate that is not PEM in base64'],
  ['a bad key', { domain, certificate, key: 'AAAA' }, 'a.example', 'has a key that is not PEM in base64'],
  ['no key', { domain, certificate, key: '' }, 'a.example', 'has no key'],
  ['no certificate', { domain, certificate: null, key }, 'a.example', 'has no certificate'],
  [
    'PEM of nothing',
    { domain, certificate: base64('-----BEGIN CERTIFICATE-----'), key },
    'a.example',
    'has a certificate that cannot be read',
  ],
  ['no domain', { certificate, key }, 'entry-1', 'has no domain'],
  ['no table', 'a.example', 'entry-1', 'has no domain'],
])('an entry with %s is reported, and the others are taken', (_, entry, name, damage) => {
  const stored = storedIn(PATH, JSON.stringify({ le: { Certificates: [entry, good] } }))
  expect(stored.map(one => one.name)).toEqual([`${name}@le`, 'b.example@le'])
  expect(taken('b.example@le', stored).chain).toBe(two.chain)
  let fault: unknown
  try {
    taken(`${name}@le`, stored)
  } catch (error) {
    fault = error
  }
  expect(fault).toMatchObject({
    code: 'CERTIFICATE_INVALID',
    message: `${PATH}: the entry ${name}@le ${damage}`,
    advice: expect.stringContaining('remove this entry'),
  })
})
