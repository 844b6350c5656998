/**
 * The file of `certferry emulator --resources FILE`: JSON, as `startEmulator` takes it, but with paths instead of texts.
 *
 *     {
 *       "certificates": [{ "id": "oldAAAA1", "chain": "old/fullchain.pem", "key": "old/privkey.pem" }],
 *       "resources": [
 *         { "type": "cdn", "domains": ["www.example.com"], "certId": "oldAAAA1" },
 *         { "type": "clb", "region": "ap-guangzhou", "instance": "lb-1", "listener": "lbl-1",
 *           "domains": ["shop.example.com"], "certId": "first:shop.example.com" }
 *       ],
 *       "traps": { "switchFromSeconds": 2, "switchToSeconds": 5 }
 *     }
 */
import { dirname, resolve } from 'node:path'
import { type AccountSeed, type CertificateSeed, readSeed, SeedError } from './resources.ts'

/** Paths are relative to the file. `read` resolves to a file's text. @throws SeedError, with a line for each mistake. */
export async function readSeedFile(
  path: string,
  read: (path: string) => Promise<string>,
): Promise<AccountSeed> {
  const textOf = (path: string, member = 'it') =>
    read(path).catch((error: Error) => {
      throw new SeedError(`${member} cannot be read: ${error.message}`)
    })
  const seed = readSeed(parse(await textOf(path)))
  const texts = async (certificate: CertificateSeed, i: number) => ({
    ...certificate,
    chain: await textOf(resolve(dirname(path), certificate.chain), `certificates[${i}].chain`),
    key: await textOf(resolve(dirname(path), certificate.key), `certificates[${i}].key`),
  })
  return { ...seed, certificates: await Promise.all(seed.certificates.map(texts)) }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // the message may quote the text, which has no secret: keys are in files of their own
    throw new SeedError(`it is no JSON: ${(error as Error).message}`)
  }
}
