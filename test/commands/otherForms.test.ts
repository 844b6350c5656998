/** Files of another form than PEM, as sync, hook and inspect of the built program name them: never as a renewal under way. */
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { beforeAll, expect, test } from 'vitest'
import { run } from '../e2e/child.ts'
import { MAIN } from '../e2e/program.ts'
import { issue } from '../fixtures/certificates.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

let folder: string
const at = (name: string) => join(folder, name)
const ENDPOINT = ['--endpoint', 'http://127.0.0.1:9', '--json'] as const
const certferry = (...words: readonly string[]) =>
  run(execPath, [MAIN, ...words], { PATH: '/usr/bin:/bin', HOME: folder })

/** Each in place of the chain, or of the key. */
const FORMS = [
  ['chain', 'openssl crl2pkcs7 -nocrl -certfile chain.pem -outform der', 'PKCS#7', 'openssl pkcs7'],
  ['chain', 'openssl x509 -in chain.pem -outform der', 'in DER', 'openssl x509'],
  ['chain', 'iconv -t UTF-16 chain.pem', 'UTF-16', 'iconv'],
  ['chain', 'gzip -c chain.pem', 'gzip', 'gunzip'],
  ['chain', 'tar c chain.pem', 'tar', 'Unpack'],
  ['chain', 'echo "<html>"', 'web page', 'Fetch'],
  ['chain', 'cat key.pem', 'holds a private key and no certificate', 'exchange'],
  ['chain', "sed 's/-----/——/' chain.pem", 'marker lines', 'five plain hyphens'],
  ['key', 'openssl pkey -in key.pem -outform der', 'in DER', 'openssl pkey'],
  ['key', "printf 'tls.key: '; base64 -w0 key.pem", 'base64', 'grep -o'],
  ['key', 'openssl pkey -in key.pem -pubout', 'public key', 'private key'],
  ['key', 'openssl pkcs12 -export -in chain.pem -inkey key.pem -passout pass:x', 'PKCS#12', '-nocerts'],
] as const

beforeAll(async () => {
  folder = await temporaryDirectory()
  const { chain, key } = await issue()
  await writeFile(at('chain.pem'), chain)
  await writeFile(at('key.pem'), key, { mode: 0o600 })
  for (const [i, [, make]] of FORMS.entries())
    execFileSync('/bin/sh', ['-ec', `(${make}) > form${i}`], { cwd: folder, stdio: 'pipe' })
})

/** The words for the pair in which the form stands. */
const pairWith = (i: number, wanted: 'chain' | 'key') => {
  const chain = at(wanted === 'chain' ? `form${i}` : 'chain.pem')
  const key = at(wanted === 'key' ? `form${i}` : 'key.pem')
  return { chain, key }
}

test('each is named at once, with what is to be done: exit 65', async () => {
  const sources = FORMS.flatMap(([wanted], i) => {
    const { chain, key } = pairWith(i, wanted)
    return ['--source', `pem=f${i}:${chain}:${key}`]
  })
  const { code, stdout } = await certferry('sync', ...sources, ...ENDPOINT, '--state-dir', at('state'))
  expect(code).toBe(65)
  const results: ReadonlyArray<{ lineage: string; fault: object }> = JSON.parse(stdout).results
  for (const [i, [, , names, advises]] of FORMS.entries())
    expect(results.find(({ lineage }) => lineage === `pem:f${i}`)?.fault).toMatchObject({
      retry: 'never',
      message: expect.stringContaining(names),
      advice: expect.stringContaining(advises),
    })
})

test.each(FORMS.map(([wanted, , names], i) => ({ wanted, names, i })).filter(({ i }) => i % 4 === 0))(
  'inspect and hook say the same: $names in place of the $wanted',
  async ({ wanted, names, i }) => {
    const { chain, key } = pairWith(i, wanted)
    const inspected = await certferry('inspect', chain, key)
    expect([inspected.code, inspected.stdout]).toEqual([65, expect.stringContaining(names)])
    const hook = ['hook', '--chain', chain, '--key', key, '--name', 'x', '--state-dir', at('state')]
    const hooked = await certferry(...hook, ...ENDPOINT)
    expect([hooked.code, hooked.stdout]).toEqual([65, expect.stringContaining(names)])
  },
)
