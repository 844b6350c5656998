/** What most tests of core start from: real pairs, proven bundles, plain settings, and the fault a call ends in. */
import 'reflect-metadata' // @peculiar/x509 registers its encoders through it and must come second
import type { KeyObject } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { type Bundle, type Files, parseBundle } from '../../src/certificate/bundle.ts'
import type { UploadSettings } from '../../src/config/settings.ts'
import { Fault } from '../../src/errors.ts'
import type { Receipt, Upload } from '../../src/receipts/receipt.ts'
import { secret } from '../../src/secret.ts'
import { type Issuer, sign, subjectOf } from '../support/authority.ts'
import { issue, type Wish } from '../support/certificates.ts'
import { newKey } from '../support/keys.ts'

export const CHAIN = '/live/example.com/fullchain.pem'
export const KEY = '/live/example.com/privkey.pem'

export const filesOf = (chain: string, key?: string, password?: string): Files => ({
  chain: { path: CHAIN, text: chain },
  key:
    key === undefined
      ? undefined
      : { path: KEY, text: key, password: password === undefined ? undefined : secret(password) },
})

export const proven = (chain: string, key?: string, password?: string): Bundle =>
  parseBundle(filesOf(chain, key, password), new Date())

export async function bundleOf(wish: Wish = {}): Promise<Bundle> {
  const { chain, key } = await issue(wish)
  return proven(chain, key)
}

/** The fault that `work` throws; anything else it throws, or nothing, fails the test. */
export function faultOf(work: () => unknown): Fault {
  try {
    work()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('no fault was thrown')
}

export const derOf = (pem: string): Buffer => Buffer.from(pem.split('-----')[2] ?? '', 'base64')

export interface CaWish {
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly extensions?: readonly x509.Extension[]
}

/** An authority of any place in any tree: of a given key, signed by whom one likes. */
export const ca = (
  name: string,
  issuer?: Issuer,
  key: KeyObject = newKey(),
  wish: CaWish = {},
): Promise<Issuer> =>
  sign({
    key,
    subject: subjectOf(name),
    notBefore: new Date('2000-01-01T00:00:00Z'),
    notAfter: new Date('2049-12-31T23:59:59Z'),
    issuer,
    extensions: [constraints(true), keyUsage('keyCertSign')],
    ...wish,
  })

export const constraints = (isCa: boolean, most?: number) =>
  new x509.BasicConstraintsExtension(isCa, most, true)

export const keyUsage = (use: 'keyCertSign' | 'cRLSign') =>
  new x509.KeyUsagesExtension(x509.KeyUsageFlags[use], true)

export const SETTINGS: UploadSettings = {
  type: undefined,
  alias: '{name} {notAfter}',
  projectId: undefined,
  use: undefined,
  tags: [],
  repeatable: false,
  keyPasswordFile: undefined,
  service: { endpoint: 'https://ssl.tencentcloudapi.com', region: undefined, language: 'en-US' },
}

const HEX = '0123456789abcdef'.repeat(4)

export const upload = (changes: Partial<Upload> = {}): Upload => ({
  certificateId: 'a92b1Z1i',
  requestId: '2a1f6b7e-0000-4000-8000-000000000001',
  fingerprint: HEX,
  leaf: HEX,
  names: ['example.com'],
  notBefore: '2026-01-01T00:00:00.000Z',
  notAfter: '2026-04-01T00:00:00.000Z',
  uploadedAt: '2026-01-02T03:04:05.678Z',
  endpoint: 'ssl.tencentcloudapi.com',
  ...changes,
})

export const receiptWith = (changes: Partial<Receipt> = {}): Receipt => ({
  lineage: 'certbot:example.com',
  uploaded: upload(),
  superseded: [],
  rejected: undefined,
  failing: undefined,
  ...changes,
})
