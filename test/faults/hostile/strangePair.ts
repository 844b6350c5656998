/** A pair that is strange in one thing, and what has to become of it. */
import type { KeyObject } from 'node:crypto'
import { newKey, pkcs8 } from '../../fixtures/keys.ts'
import { type Parts, strangePem } from '../../fixtures/strangeCertificate.ts'

export interface StrangePair {
  readonly name: string
  readonly chain: string
  readonly key: string
  readonly password?: string
  /** `pair`, or the code of the fault. */
  readonly verdict: string
}

/** The key of all pairs whose key is ordinary. */
export const KEY: KeyObject = newKey()
const PEM = pkcs8(KEY)

export const certified = (name: string, parts: Partial<Parts>, verdict = 'pair'): StrangePair => ({
  name,
  chain: strangePem({ key: KEY, ...parts }),
  key: PEM,
  verdict,
})
