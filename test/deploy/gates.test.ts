/** Whether a certificate may take the place of another that serves. */
import { rootCertificates } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { parseBundle } from '../../src/certificate/bundle.ts'
import { covers, type GateContext, isTrusted, obstacleTo, uncoveredIn } from '../../src/deploy/gates.ts'
import { authority, issue, selfSigned } from '../fixtures/certificates.ts'

const NOW = new Date('2026-06-15T12:00:00Z')

const inDays = (days: number) => new Date(NOW.getTime() + days * 86_400_000)

describe('a name', () => {
  test.each([
    ['a.example.com', 'a.example.com', true],
    ['A.Example.COM', 'a.example.com', true],
    ['a.example.com', 'A.example.com.', true],
    ['a.example.com', 'b.example.com', false],
    ['example.com', 'a.example.com', false],
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'b.a.example.com', false],
    ['*.a.example.com', 'b.example.com', false],
    ['*.a.example.com', 'a.example.com', false],
    ['*.example.com', '*.example.com', true],
    ['*.example.com', '*.a.example.com', false],
    ['*.a.example.com', '*.example.com', false],
    ['a.example.com', '*.example.com', false],
    ['*.com', 'localhost', false],
    ['*.example.com', '', false],
    ['*', 'a', false],
    ['*.*.example.com', 'b.a.example.com', false],
    ['a*.example.com', 'ab.example.com', false],
    ['xn--bcher-kva.example.com', 'XN--bcher-kva.example.com', true],
  ])('%s covers %s: %j', (own, domain, is) => {
    expect(covers([own], domain)).toBe(is)
    expect(covers(['x.example.org', own], domain)).toBe(is)
    expect(covers([], domain)).toBe(false)
  })

  test('that is not covered is reported with its resource, once', () => {
    const on = (type: string, instance: string, ...domains: string[]) => ({
      type,
      region: '',
      instance,
      domains,
    })
    const resources = [
      on('clb', 'lb-1 lbl-1', 'a.example.com', 'b.a.example.com'),
      on('clb', 'lb-1 lbl-1', 'b.a.example.com'),
      on('cdn', 'c.org', 'c.org'),
      on('mqtt', 'mqtt-1'),
    ]
    expect(uncoveredIn(resources, ['*.example.com'])).toEqual([
      'b.a.example.com (clb lb-1 lbl-1)',
      'c.org (cdn)',
    ])
  })
})

describe('a chain is trusted', () => {
  test('where it leads to a root, with or without it, until that ends', async () => {
    const own = await authority()
    const { leaf, intermediate, root } = await issue({ authority: own })
    const roots = [...rootCertificates, own.root]
    expect(isTrusted(leaf + intermediate, roots, NOW)).toBe(true)
    expect(isTrusted(leaf + intermediate + root, roots, NOW)).toBe(true)
    // its issuer is not named, and cannot be found
    expect(isTrusted(leaf, roots, NOW)).toBe(false)
    expect(isTrusted(leaf + intermediate, [own.root], new Date('2050-01-01T00:00:00Z'))).toBe(false)
  })

  test('neither where it is of a staging or private authority, nor where it signed itself', async () => {
    const { leaf, intermediate, root } = await issue()
    expect(isTrusted(leaf + intermediate, rootCertificates, NOW)).toBe(false)
    expect(isTrusted(leaf + intermediate + root, rootCertificates, NOW)).toBe(false)
    expect(isTrusted((await selfSigned()).chain, rootCertificates, NOW)).toBe(false)
    expect(isTrusted('', rootCertificates, NOW)).toBe(false)
  })

  test('nor by an authority that only has a root’s name', async () => {
    const [real, forged] = [await authority('same name'), await authority('same name')]
    const { leaf, intermediate } = await issue({ authority: forged })
    expect(isTrusted(leaf + intermediate, [real.root], NOW)).toBe(false)
    expect(isTrusted(leaf + intermediate, [real.root, forged.root], NOW)).toBe(true)
  })

  test('by each root that Node ships, of itself', () => {
    const valid = rootCertificates.filter(root => isTrusted(root, [root], NOW))
    expect(valid.length).toBeGreaterThan(100)
    expect(isTrusted(valid[0] ?? '', rootCertificates, NOW)).toBe(true)
  })

  test('and no root lends its name to a chain that it does not belong to', async () => {
    const { leaf, intermediate, key } = await issue()
    const chain = { text: `${leaf}${intermediate}${rootCertificates[0]}`, path: 'chain.pem' }
    const files = { chain, key: { text: key, path: 'key.pem', password: undefined }, still: true }
    expect(() => parseBundle(files, new Date())).toThrow(
      expect.objectContaining({ code: 'UNRELATED_CERTIFICATE' }),
    )
  })
})

describe('the gate', () => {
  const BUNDLE = { names: ['a.example.com'], notBefore: inDays(-1), notAfter: inDays(89), chainPem: '' }

  const CONTEXT: GateContext = {
    bundle: BUNDLE,
    replacedNotAfter: inDays(30),
    resources: [{ type: 'cdn', region: '', instance: 'a.example.com', domains: ['a.example.com'] }],
    roots: [],
    now: NOW,
    allowUncovered: false,
    allowUntrusted: true,
    force: false,
  }
  const bundle = (more: Partial<GateContext['bundle']>) => ({ bundle: { ...BUNDLE, ...more } })
  const elsewhere = {
    resources: [{ ...CONTEXT.resources[0], domains: ['b.example.com'] }],
  } as Partial<GateContext>

  const cases: ReadonlyArray<readonly [string, Partial<GateContext>, string | undefined]> = [
    ['lets a renewal pass', {}, undefined],
    ['lets one pass of which nothing older is known', { replacedNotAfter: undefined }, undefined],
    ['lets one pass whose hosts are unknown', { resources: [] }, undefined],
    ['holds one that begins later', bundle({ notBefore: new Date(NOW.getTime() + 1) }), 'held'],
    ['lets one pass that begins now', bundle({ notBefore: NOW }), undefined],
    ['holds one that has ended, whatever is allowed', { ...bundle({ notAfter: NOW }), force: true }, 'held'],
    [
      'holds one that ends within the hour',
      bundle({ notAfter: new Date(NOW.getTime() + 3_599_999) }),
      'held',
    ],
    [
      'allows one that lasts an hour',
      { ...bundle({ notAfter: new Date(NOW.getTime() + 3_600_000) }), replacedNotAfter: NOW },
      undefined,
    ],
    ['stops what leads to no root', { allowUntrusted: false }, 'untrusted'],
    ['stops it even with force', { allowUntrusted: false, force: true }, 'untrusted'],
    ['holds one that ends sooner', { replacedNotAfter: inDays(100) }, 'held'],
    ['holds one that ends at the same time', { replacedNotAfter: inDays(89) }, 'held'],
    ['lets that pass with force', { replacedNotAfter: inDays(100), force: true }, undefined],
    ['stops where a host is not covered', elsewhere, 'uncovered'],
    ['stops there even with force', { ...elsewhere, force: true }, 'uncovered'],
    ['lets that pass where it is allowed', { ...elsewhere, allowUncovered: true }, undefined],
    ['names the worst first', { ...elsewhere, ...bundle({ notAfter: NOW }), allowUntrusted: false }, 'held'],
  ]
  test.each(cases)('%s', (_, change, state) => {
    const obstacle = obstacleTo({ ...CONTEXT, ...change })
    expect(obstacle?.state).toBe(state)
    if (obstacle) expect([obstacle.reason, obstacle.advice].every(text => text.length > 20)).toBe(true)
  })
})
