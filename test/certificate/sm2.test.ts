import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readExtensions } from '../../src/certificate/extensions.ts'
import { isSignedBySm2 } from '../../src/certificate/sm2.ts'
import { readCertificate } from '../../src/certificate/x509.ts'
import { derOf, faultOf, proven } from '../fixtures/samples.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

/** A root and a leaf under it, signed with this identifier, or with none as OpenSSL does unasked. */
async function pairOf(...identifier: readonly string[]) {
  const cwd = await temporaryDirectory()
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { cwd, stdio: 'pipe' })
  const signing = identifier.flatMap(id => ['-sigopt', `distid:${id}`])
  for (const name of ['root', 'leaf'])
    openssl('ecparam', '-name', 'SM2', '-genkey', '-noout', '-out', `${name}.key`)
  const root = ['-key', 'root.key', '-sm3', ...signing, '-subj', '/CN=root', '-days', '30']
  openssl('req', '-x509', ...root, '-out', 'root.pem')
  const request = ['-key', 'leaf.key', '-sm3', ...signing, '-subj', '/CN=sm2.example']
  openssl('req', '-new', ...request, '-out', 'leaf.csr')
  const checking = identifier.flatMap(id => ['-vfyopt', `distid:${id}`])
  const by = ['-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial', '-sm3', ...signing, '-days', '9']
  openssl('x509', '-req', '-in', 'leaf.csr', ...checking, ...by, '-out', 'leaf.pem')
  const text = (name: string) => readFile(join(cwd, name), 'utf8')
  return { leaf: await text('leaf.pem'), root: await text('root.pem'), key: await text('leaf.key') }
}

describe('a chain of SM2 certificates', () => {
  test.each([
    ['with the identifier that authorities use', ['1234567812345678']],
    ['with none', []],
  ])('signed %s is proven like any other', async (_, identifier) => {
    const { leaf, root, key } = await pairOf(...identifier)
    expect(proven(leaf + root, key)).toMatchObject({
      issuerMissing: false,
      flaws: [],
      notes: ['root CN=root left out'],
    })
    const foreign = await pairOf(...identifier)
    expect(faultOf(() => proven(leaf + foreign.root, key)).code).toBe('UNRELATED_CERTIFICATE')
  })

  test('proves nothing where a bit of the certificate, or the key, is another', async () => {
    const { leaf, root } = await pairOf('1234567812345678')
    const spki = (pem: string) =>
      readCertificate(derOf(pem), 'f').openssl.publicKey.export({ type: 'spki', format: 'der' })
    const signed = readExtensions(derOf(leaf))
    expect(isSignedBySm2(signed, spki(root))).toBe(true)
    expect(isSignedBySm2(signed, spki(leaf))).toBe(false)
    const changed = (bytes: Buffer) => Buffer.from(bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte)))
    expect(isSignedBySm2({ ...signed, tbs: changed(signed.tbs) }, spki(root))).toBe(false)
    expect(isSignedBySm2({ ...signed, signature: changed(signed.signature) }, spki(root))).toBe(false)
  })
})
