/** Strange pairs by name, each with what has to become of it, made anew at each run. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type Bundle, parseBundle } from '../../../src/certificate/bundle.ts'
import { secret } from '../../../src/secret.ts'
import { issue } from '../../fixtures/certificates.ts'
import { newKey, pkcs8, sec1 } from '../../fixtures/keys.ts'
import { strangePem } from '../../fixtures/strangeCertificate.ts'
import { LONG } from '../run.ts'
import { forms } from './forms.ts'
import { keyForms, keys } from './keys.ts'
import { names } from './names.ts'
import type { StrangePair } from './strangePair.ts'

export type { StrangePair } from './strangePair.ts'

/** The paths under which `parse` reads a pair. */
export const FILES = ['/live/chain.pem', '/live/key.pem'] as const

export const parse = ({ chain, key, password }: StrangePair): Bundle =>
  parseBundle(
    {
      chain: { path: FILES[0], text: chain },
      key: { path: FILES[1], text: key, password: password === undefined ? undefined : secret(password) },
    },
    new Date(),
  )

const bits = LONG ? [1024, 2048, 3072, 4096, 8192] : [1024, 2048, 3072]
const curves = ['P-256', 'P-384', 'P-521', 'secp256k1', 'brainpoolP384r1', 'sect571r1']

function kinds(): readonly StrangePair[] {
  const of = (name: string, key: KeyObject): StrangePair => ({
    name,
    chain: strangePem({ key }),
    key: pkcs8(key),
    verdict: 'pair',
  })
  return [
    ...bits.map(modulusLength =>
      of(`RSA ${modulusLength}`, generateKeyPairSync('rsa', { modulusLength }).privateKey),
    ),
    ...curves.map(namedCurve => of(namedCurve, generateKeyPairSync('ec', { namedCurve }).privateKey)),
    of('Ed25519', newKey('ed25519')),
  ]
}

async function ordinary(): Promise<readonly StrangePair[]> {
  const pair = await issue()
  const rsa = await issue({ kind: 'rsa2048' })
  return [
    { name: 'leaf, intermediate and key', chain: pair.chain, key: pair.key, verdict: 'pair' },
    { name: 'the same, SEC 1', chain: pair.chain, key: sec1(pair.key), verdict: 'pair' },
    { name: 'the same, RSA', chain: rsa.chain, key: rsa.key, verdict: 'pair' },
    { name: 'a chain with its root', chain: pair.chain + pair.root, key: pair.key, verdict: 'pair' },
    { name: 'a key of another pair', chain: pair.chain, key: rsa.key, verdict: 'KEY_MISMATCH' },
    { name: 'all in both files', chain: pair.chain + pair.key, key: pair.key + pair.chain, verdict: 'pair' },
    { name: 'a chain for a key', chain: pair.chain, key: pair.chain, verdict: 'KEY_INVALID' },
    { name: 'a key for a chain', chain: pair.key, key: pair.key, verdict: 'CERTIFICATE_INVALID' },
  ]
}

export const corpus = async (): Promise<readonly StrangePair[]> => [
  ...(await ordinary()),
  ...kinds(),
  ...names(),
  ...forms(),
  ...(await keys()),
]

/** Pairs to change: all of them in a long run, in a short one those that are made quickly. */
export const mutable = async (): Promise<readonly StrangePair[]> =>
  LONG ? corpus() : [...(await ordinary()), ...kinds(), ...keyForms()]

/** The largest pairs are among these. */
export const heavy = async (): Promise<readonly StrangePair[]> => (LONG ? corpus() : forms())
