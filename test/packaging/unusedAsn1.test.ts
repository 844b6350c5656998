/** The bundle leaves PKCS #7 and requests for certificates out of @peculiar/x509; what stands in their place has to be complete. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const REPLACED = /^import (?:\* as (\w+)|\{ ([^}]+) \}) from '@peculiar\/asn1-(?:cms|csr|pkcs9)';$/gm

test('it has every name that @peculiar/x509 takes of the packages it replaces, with the identifiers they have', async () => {
  const code = readFileSync('node_modules/@peculiar/x509/build/x509.es.js', 'utf8')
  const taken = [...code.matchAll(REPLACED)].flatMap(([, space, names]) =>
    space
      ? [...code.matchAll(new RegExp(`\\b${space}\\.(\\w+)`, 'g'))].map(match => match[1] ?? '')
      : (names ?? '').split(', '),
  )
  const stub: Record<string, unknown> = await import('../../packaging/unusedAsn1.mjs' as string)
  expect(Object.keys(stub).toSorted()).toEqual([...new Set(taken)].toSorted())
  const real: Record<string, unknown> = {
    ...(await import('@peculiar/asn1-cms' as string)),
    ...(await import('@peculiar/asn1-pkcs9' as string)),
  }
  for (const name of taken.filter(one => one.startsWith('id_'))) expect(stub[name], name).toBe(real[name])
})

test('making one of its classes is an error that names it', async () => {
  const { SignedData } = await import('../../packaging/unusedAsn1.mjs' as string)
  expect(() => new SignedData()).toThrow('SignedData is not in this program')
})
