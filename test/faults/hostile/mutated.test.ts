/** Chains and keys changed in bytes, lines and trees of DER; a second opinion on each pair that is still accepted. */
import { createPrivateKey, createPublicKey, sign, verify, X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'vitest'
import type { Bundle } from '../../../src/certificate/bundle.ts'
import { openssl } from '../../fixtures/openssl.ts'
import { seededRandom } from '../../fixtures/random.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { SEED, times } from '../run.ts'
import { type Checker, openChecker } from './checker.ts'
import { FILES, mutable, parse, type StrangePair } from './corpus.ts'
import { blocksOf, oneOf, withPemChanged } from './mutators.ts'

/** One accepted pair in so many is given to the openssl program, which takes longer than all the rest. */
const OPENSSL_EVERY = 400

/** Large ones are in the corpus as they are; changing them finds little and takes long. */
const SMALL = 16_384

/** Each input follows from the seed and its number alone. */
async function mutate(
  part: 'chain' | 'key',
  { title, count, pairs }: { title: string; count: number; pairs: readonly StrangePair[] },
): Promise<void> {
  const checker = openChecker()
  const folder = await temporaryDirectory()
  const blocks = pairs.flatMap(pair => blocksOf(pair[part]).map(({ der }) => der))
  let accepted = 0
  for (let i = 0; i < count; i++) {
    const random = seededRandom(SEED * 1_000_003 + i)
    const pair = pairs[i % pairs.length] as StrangePair
    const changed = { ...pair, [part]: withPemChanged(pair[part], random, oneOf(random, blocks)) }
    const input = { name: `${title} ${i}, of ${pair.name}`, files: FILES, keys: [changed.key] }
    let bundle: Bundle | undefined
    await checker.check(input, () => {
      bundle = parse(changed)
      return [...bundle.names, ...bundle.notes].join('\n')
    })
    if (!bundle) continue
    if (!signsForLeaf(bundle)) checker.acceptedWrongly(input.name)
    if (accepted++ % OPENSSL_EVERY === 0) await compareWithOpenssl(bundle, folder, input.name, checker)
  }
  checker.report(
    title,
    `bytes, lines and DER trees; ${accepted} still pairs, each made to sign, one in ${OPENSSL_EVERY} shown to openssl`,
  )
}

const privateKeyOf = ({ key }: Bundle) =>
  createPrivateKey({ key: key?.pem.reveal() ?? '', passphrase: key?.password?.reveal() ?? '' })

/** Signs with the key that would be sent, and verifies with the certificate that would be sent. */
function signsForLeaf(bundle: Bundle): boolean {
  const message = Buffer.from('a second opinion')
  const signature = sign(null, message, privateKeyOf(bundle))
  return verify(null, message, new X509Certificate(bundle.chainPem).publicKey, signature)
}

async function compareWithOpenssl(bundle: Bundle, folder: string, name: string, checker: Checker) {
  const [chain, key] = [join(folder, 'chain.pem'), join(folder, 'key.pem')]
  await writeFile(chain, bundle.chainPem)
  await writeFile(key, privateKeyOf(bundle).export({ type: 'pkcs8', format: 'pem' }))
  const derOf = (pem: string) =>
    createPublicKey(pem.slice(pem.indexOf('-----BEGIN'))).export({ type: 'spki', format: 'der' })
  try {
    const certified = derOf(await openssl('x509', '-in', chain, '-noout', '-pubkey'))
    const held = derOf(await openssl('pkey', '-in', key, '-pubout', '-check'))
    if (!certified.equals(held)) checker.acceptedWrongly(`${name}: openssl finds two keys`)
  } catch (error) {
    checker.acceptedWrongly(`${name}: ${(error as Error).message.slice(0, 300)}`)
  }
}

test('changed chains: no crash, no hang, no key in a message, and no mismatch accepted', async () => {
  const pairs = (await mutable()).filter(({ verdict, chain }) => verdict === 'pair' && chain.length < SMALL)
  await mutate('chain', { title: 'changed chains', count: times(700, 105_000), pairs })
})

test('changed keys: no crash, no hang, no key in a message, and no mismatch accepted', async () => {
  const small = (await mutable()).filter(({ chain, key }) => chain.length < SMALL && key.length < SMALL)
  // many differ only in their certificates: with all of them, most changes would be of one key
  const pairs = small.filter(({ key }, i) => small.findIndex(other => other.key === key) === i)
  await mutate('key', { title: 'changed keys', count: times(700, 66_000), pairs })
})
