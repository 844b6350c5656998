/** Proves changed pairs, thousands of them, and holds what is still taken for a pair to a second opinion. */
import { createPrivateKey, createPublicKey, sign, verify, X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bundle, parseBundle } from '../../../src/certificate/bundle.ts'
import { secret } from '../../../src/secret.ts'
import { seededDice } from '../../fixtures/dice.ts'
import { openssl } from '../../fixtures/openssl.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { SEED, times } from '../run.ts'
import { type Judge, openJudge } from './assertions.ts'
import type { Dice } from './mutator.ts'
import type { Strange } from './strangePair.ts'

const [CHAIN, KEY] = ['/live/chain.pem', '/live/key.pem']
/** One in so many of the pairs that are taken is shown to the openssl program: it takes longer than all the rest. */
const SHOWN = times(400, 400)

export interface Mutation {
  readonly title: string
  readonly how: string
  readonly count: number
  readonly pairs: readonly Strange[]
  readonly change: (pair: Strange, dice: Dice, all: readonly Strange[]) => Strange
}

/** Each input follows from the seed and its number alone. */
export async function mutate({ title, how, count, pairs, change }: Mutation): Promise<void> {
  const judge = openJudge()
  const folder = await temporaryDirectory()
  let taken = 0
  for (let i = 0; i < count; i++) {
    const dice = seededDice(SEED * 1_000_003 + i)
    const pair = pairs[i % pairs.length] as Strange
    const changed = change(pair, dice, pairs)
    const input = { name: `${title} ${i}, of ${pair.name}`, files: [CHAIN, KEY], keys: [changed.key] }
    let bundle: Bundle | undefined
    await judge.hear(input, () => {
      bundle = proof(changed)
      return [...bundle.names, ...bundle.notes].join('\n')
    })
    if (!bundle) continue
    if (!signsForLeaf(bundle)) judge.wronglyTaken(input.name)
    if (taken++ % SHOWN === 0) await shown(bundle, folder, input.name, judge)
  }
  judge.close(title, `${how}; ${taken} still pairs, each made to sign, one in ${SHOWN} shown to openssl`)
}

const proof = ({ chain, key, password }: Strange) =>
  parseBundle(
    {
      chain: { path: CHAIN, text: chain },
      key: { path: KEY, text: key, password: password === undefined ? undefined : secret(password) },
    },
    new Date(),
  )

const opened = ({ key }: Bundle) =>
  createPrivateKey({ key: key?.pem.reveal() ?? '', passphrase: key?.password?.reveal() ?? '' })

/** By signing with what would be sent, and asking the certificate that would be sent. */
function signsForLeaf(bundle: Bundle): boolean {
  const key = opened(bundle)
  const message = Buffer.from('a second opinion')
  return verify(null, message, new X509Certificate(bundle.chainPem).publicKey, sign(null, message, key))
}

async function shown(bundle: Bundle, folder: string, name: string, judge: Judge): Promise<void> {
  const [chain, key] = [join(folder, 'chain.pem'), join(folder, 'key.pem')]
  await writeFile(chain, bundle.chainPem)
  await writeFile(key, opened(bundle).export({ type: 'pkcs8', format: 'pem' }))
  try {
    const certified = await openssl('x509', '-in', chain, '-noout', '-pubkey')
    const held = await openssl('pkey', '-in', key, '-pubout', '-check')
    const same = (pem: string) =>
      createPublicKey(pem.slice(pem.indexOf('-----BEGIN'))).export({ type: 'spki', format: 'der' })
    if (!same(certified).equals(same(held))) judge.wronglyTaken(`${name}: openssl finds two keys`)
  } catch (error) {
    judge.wronglyTaken(`${name}: ${(error as Error).message.slice(0, 300)}`)
  }
}
