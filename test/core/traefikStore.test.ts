import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/core/fault.ts'
import { storedIn } from '../../src/core/traefikStore.ts'
import { issue } from '../support/certificates.ts'
import { storeText } from '../support/traefikStore.ts'

const [one, two] = await Promise.all([issue(), issue()])
const PATH = '/etc/traefik/acme.json'
const names = (text: string) => storedIn(PATH, text).map(({ name }) => name)

describe('the certificates in an acme.json', () => {
  test('are those of all resolvers, each with its chain and its key', () => {
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

  test('keep their names when others come, go or are renewed', () => {
    const [a, b] = [
      { domains: ['a.example'], pair: one },
      { domains: ['a.example', 'www.a.example'], pair: two },
    ] as const
    expect(names(storeText({ le: [a, b] }))).toEqual(names(storeText({ le: [b, a] })).reverse())
    expect(names(storeText({ le: [b] }))).toEqual(['a.example+www.a.example@le'])
  })

  test('have names that can be read, and are told apart, with a hundred domains', () => {
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
  ])('are none in one %s', (_, text) => {
    expect(storedIn(PATH, text)).toEqual([])
  })
})

/** The fault it throws, or undefined. */
function faultOf(text: string): Fault | undefined {
  try {
    storedIn(PATH, text)
    return undefined
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}

describe('an acme.json', () => {
  test('that is cut anywhere is half-written, and what stands in it is not repeated', () => {
    const text = storeText({ le: [{ domains: ['a.example'], pair: one }] })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: text.length - 1 }), length => {
        const fault = faultOf(text.slice(0, length))
        expect(fault).toMatchObject({
          code: 'PAIR_INCOMPLETE',
          retry: 'soon',
          message: `${PATH}: is half-written`,
        })
        expect(fault?.cause).toBeUndefined()
      }),
    )
  })

  test.each(['[]', '7', '"text"', '{"Account": {}, "Certificates": []}', '{"le": {"Certificates": {}}}'])(
    'that is %s is no such file',
    text => expect(faultOf(text)).toMatchObject({ code: 'FILE_UNFIT', retry: 'never' }),
  )
})
