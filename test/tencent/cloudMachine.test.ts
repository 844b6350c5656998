import type { LookupAddress, lookup } from 'node:dns'
import { expect, test } from 'vitest'
import { linkLocalLookup } from '../../src/tencent/instanceRole.ts'

const address = (...texts: readonly string[]): LookupAddress[] =>
  texts.map(text => ({ address: text, family: text.includes(':') ? 6 : 4 }))

const looked = (answer: readonly LookupAddress[], all: boolean) => {
  const lookUp = ((_name: string, _options: object, done: (...answer: unknown[]) => void) =>
    done(null, answer)) as unknown as typeof lookup
  return new Promise<unknown[]>(resolve =>
    linkLocalLookup(lookUp)('metadata', { all }, (...told) => resolve(told)),
  )
}

test('of a name’s addresses only those of the own link are let through, in the form that was asked for', async () => {
  const mixed = address('203.0.113.7', '169.254.0.23', '2001:db8::1')
  expect(await looked(mixed, true)).toEqual([null, address('169.254.0.23')])
  expect(await looked(mixed, false)).toEqual([null, '169.254.0.23', 4])
})

test.each([['203.0.113.7'], ['127.0.0.1'], ['::ffff:169.254.0.23'], ['1.169.254.0'], []])(
  'where a name leads to %s only, that is said and nothing connects',
  async (...texts) => {
    const [error] = await looked(address(...texts.filter(Boolean)), true)
    expect(error).toMatchObject({
      code: 'CREDENTIALS_UNREADABLE',
      message: expect.stringMatching(/^metadata leads to \S+, and not to/),
    })
  },
)

test('a name that is not found is what it was', async () => {
  const missing = Object.assign(new Error('not found'), { code: 'ENOTFOUND' })
  const lookUp = ((_name: string, _options: object, done: (...answer: unknown[]) => void) =>
    done(missing, [])) as unknown as typeof lookup
  const [error] = await new Promise<unknown[]>(resolve =>
    linkLocalLookup(lookUp)('metadata', { all: true }, (...told) => resolve(told)),
  )
  expect(error).toBe(missing)
})
