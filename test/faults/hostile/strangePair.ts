/** A pair that is strange in one thing, and what is to become of it. */
import type { KeyObject } from 'node:crypto'
import { newKey, pkcs8 } from '../../fixtures/keys.ts'
import { type Parts, strangePem } from '../../fixtures/strangeCertificate.ts'

export interface Strange {
  readonly name: string
  readonly chain: string
  readonly key: string
  readonly password?: string
  /** `pair`, or the code of the fault. */
  readonly verdict: string
}

/** One key for all whose strangeness is elsewhere. */
export const KEY: KeyObject = newKey()
const PEM = pkcs8(KEY)

export const certified = (name: string, parts: Partial<Parts>, verdict = 'pair'): Strange => ({
  name,
  chain: strangePem({ key: KEY, ...parts }),
  key: PEM,
  verdict,
})
