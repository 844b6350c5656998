/** Files of every other form, as openssl and the usual tools make them; the command that is told makes PEM of them. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Files, parseBundle } from '../../src/certificate/bundle.ts'
import { formOf } from '../../src/certificate/fileForm.ts'
import type { Wanted } from '../../src/certificate/fileKinds.ts'
import { anyText } from '../../src/files/readFile.ts'
import { issue, type Pair } from '../fixtures/certificates.ts'
import { faultOf } from '../fixtures/samples.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

let folder: string
let pair: Pair
const at = (name: string) => join(folder, name)
const shell = (command: string) => execFileSync('/bin/sh', ['-ec', command], { cwd: folder, stdio: 'pipe' })
const textOf = (name: string) => {
  const bytes = readFileSync(at(name))
  return anyText({ bytes, text: bytes.toString('utf8') })
}

beforeAll(async () => {
  folder = await temporaryDirectory()
  pair = await issue()
  writeFileSync(at('full.pem'), pair.chain)
  writeFileSync(at('key.pem'), pair.key)
})

const proved = (files: Files) => parseBundle(files, new Date('2026-03-01T00:00:00Z'))

/** Proved with the other file as it should be. */
const faultAs = (wanted: 'chain' | 'key', name: string) =>
  faultOf(() =>
    proved({
      chain: wanted === 'chain' ? { path: name, text: textOf(name) } : { path: 'full.pem', text: pair.chain },
      key: {
        path: wanted === 'key' ? name : 'key.pem',
        text: wanted === 'key' ? textOf(name) : pair.key,
        password: undefined,
      },
    }),
  )

const JSON_OF_BOTH = `'const f=require("fs");console.log(JSON.stringify({cert:f.readFileSync("full.pem","utf8"),key:f.readFileSync("key.pem","utf8")}))'`

describe('the command in the advice makes the PEM that is wanted:', () => {
  const forms: ReadonlyArray<readonly [string, 'chain' | 'key', string, string]> = [
    ['a certificate in DER', 'chain', 'openssl x509 -in full.pem -outform der', 'is a certificate in DER'],
    ['a key in DER', 'key', 'openssl pkey -in key.pem -outform der', 'is a private key in DER'],
    ['PKCS#7', 'chain', 'openssl crl2pkcs7 -nocrl -certfile full.pem', 'is a PKCS#7 container (.p7b)'],
    [
      'PKCS#7 in DER',
      'chain',
      'openssl crl2pkcs7 -nocrl -certfile full.pem -outform der',
      'is a PKCS#7 container (.p7b) in DER',
    ],
    [
      'PKCS#7 under the label of a certificate',
      'chain',
      "openssl crl2pkcs7 -nocrl -certfile full.pem | sed 's/PKCS7/CERTIFICATE/'",
      'a CERTIFICATE block holds a PKCS#7 container',
    ],
    ['UTF-16', 'chain', 'iconv -f UTF-8 -t UTF-16 full.pem', 'is text in UTF-16'],
    ['UTF-16, little endian, no mark', 'key', 'iconv -f UTF-8 -t UTF-16LE key.pem', 'is text in UTF-16'],
    ['UTF-16, big endian, no mark', 'chain', 'iconv -f UTF-8 -t UTF-16BE full.pem', 'is text in UTF-16'],
    ['gzip', 'chain', 'gzip -c full.pem', 'is compressed with gzip'],
    ['a key in gzip', 'key', 'gzip -c key.pem', 'is compressed with gzip'],
    ['JSON', 'chain', `${'node'} -e ${JSON_OF_BOTH}`, String.raw`has its line breaks written as \n`],
    ['the key in JSON', 'key', `${'node'} -e ${JSON_OF_BOTH}`, String.raw`has its line breaks written as \n`],
    [
      String.raw`literal \n`,
      'chain',
      String.raw`sed -z 's/\n/\\n/g' full.pem`,
      String.raw`has its line breaks written as \n`,
    ],
    ['PEM in base64', 'chain', 'base64 full.pem', 'is PEM encoded once more in base64'],
    [
      'a certificate without its markers',
      'chain',
      'openssl x509 -in full.pem -outform der | base64',
      'is a certificate in DER, in base64 without the marker lines of PEM',
    ],
    [
      'a key without its markers',
      'key',
      'openssl pkey -in key.pem -outform der | base64',
      'is a private key in DER, in base64 without the marker lines of PEM',
    ],
    [
      'PEM in a value, as of a Secret of Kubernetes',
      'chain',
      `printf 'data:\\n  tls.crt: %s\\n  tls.key: %s\\n' $(base64 -w0 full.pem) $(base64 -w0 key.pem)`,
      'has PEM in it that is encoded once more in base64',
    ],
    ['UTF-32', 'chain', 'iconv -f UTF-8 -t UTF-32 full.pem', 'is text in UTF-32'],
    [
      'a key in DER with a newline after it',
      'key',
      'openssl pkey -in key.pem -outform der; echo',
      'is a private key in DER',
    ],
  ]
  test.each(forms)('%s', (_, wanted, make, says) => {
    shell(`(${make}) > strange`)
    const fault = faultAs(wanted, 'strange')
    expect(fault).toMatchObject({
      code: wanted === 'chain' ? 'CERTIFICATE_INVALID' : 'KEY_INVALID',
      exit: 65,
      retry: 'never',
    })
    expect(fault.message).toContain(`strange: ${says}`)
    const [, command = ''] = /^Convert it: (.*)$/.exec(fault.advice) ?? []
    shell(command)
    const made = wanted === 'chain' ? 'fullchain.pem' : 'privkey.pem'
    const { names } = proved({
      chain: { path: 'c', text: wanted === 'chain' ? textOf(made) : pair.chain },
      key: { path: 'k', text: wanted === 'key' ? textOf(made) : pair.key, password: undefined },
    })
    expect(names).toContain('example.com')
  })
})

describe('a file that no command converts is named:', () => {
  test.each([
    ['openssl req -new -key key.pem -subj /CN=a.example', 'is a certificate request (CSR)'],
    ['openssl req -new -key key.pem -subj /CN=a.example -outform der', 'is a certificate request (CSR)'],
    ['openssl pkey -in key.pem -pubout', 'is a public key'],
    ['openssl pkey -in key.pem -pubout -outform der', 'is a public key'],
    ["printf '<!DOCTYPE html>\\n<html>404</html>'", 'is a web page'],
    ["printf 'ssh-ed25519 AAAAC3Nza me@host'", "is a public key in OpenSSH's form"],
    ["printf 'PuTTY-User-Key-File-3: x'", "is a private key in PuTTY's form"],
    ["printf '\\376\\355\\376\\355\\0\\0'", 'is a Java keystore'],
    ["printf 'PK\\003\\004xx'", 'is a ZIP archive'],
    ["printf 'Salted__xxxxxxxx'", 'is encrypted as a whole file'],
    ['printf \'{"certificate": "none"}\'', 'is JSON'],
    ['printf \'{"kty":"EC","d":"AA"}\'', 'is a JSON Web Key (JWK)'],
    ["printf '\\036\\361\\265\\260xx'", "is a private key in Microsoft's form (PVK)"],
    ["printf '\\007\\002\\0\\0\\0\\244\\0\\0RSA2'", "is a private key in Microsoft's form (key BLOB)"],
    ['tar c full.pem key.pem', 'is a tar archive'],
    ["printf 'PK\\003\\004'; cat full.pem key.pem", 'is a ZIP archive'],
    ["sed 's/-----/—/g' full.pem key.pem", 'has marker lines that are not those of PEM'],
    ["sed 's/-----/----/g' full.pem key.pem", 'has marker lines that are not those of PEM'],
    ['sed 1d key.pem', 'has marker lines that are not those of PEM'],
    ['head -c 500 /dev/zero', 'holds only zeros'],
    ["printf '$ANSIBLE_VAULT;1.1;AES256\\n33'", 'is encrypted as a whole file'],
    ['openssl ts -query -data full.pem', 'is DER of an unknown form'],
    [
      "printf 'text -----BEGIN CERTIFICATE-----\\nAAAA'",
      'has the first line of its PEM block behind other text',
    ],
  ])('%s', (make, says) => {
    shell(`(${make}) > strange`)
    for (const wanted of ['chain', 'key'] as const) {
      const fault = faultAs(wanted, 'strange')
      expect(fault.exit).toBe(65)
      expect(fault.message).toContain(`strange: ${says}`)
      expect(fault.message).toContain('; expected:')
      expect(fault.advice).not.toBe('')
    }
  })

  test('a PKCS#12 container, with the command for either', () => {
    shell('openssl pkcs12 -export -in full.pem -inkey key.pem -passout pass:x -out strange')
    expect(faultAs('chain', 'strange').message).toContain('is a PKCS#12 container')
    expect(faultAs('chain', 'strange').advice).toContain('-nokeys')
    expect(faultAs('key', 'strange').advice).toContain('-nocerts')
    for (const wanted of ['chain', 'key'] as const)
      shell(
        faultAs(wanted, 'strange').advice.replace('Convert it: ', '').replace(' -in', ' -passin pass:x -in'),
      )
    expect(
      proved({
        chain: { path: 'c', text: textOf('fullchain.pem') },
        key: { path: 'k', text: textOf('privkey.pem'), password: undefined },
      }).names,
    ).toContain('example.com')
  })

  test('a revocation list', () => {
    writeFileSync(
      at('ca.cnf'),
      '[ca]\ndefault_ca=d\n[d]\ndatabase=idx\ndefault_md=sha256\ndefault_crl_days=9\n',
    )
    shell(
      'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=R; : > idx',
    )
    shell('openssl ca -gencrl -config ca.cnf -cert ca.pem -keyfile ca.key -out strange')
    expect(faultAs('chain', 'strange').message).toContain('is a revocation list (CRL)')
    shell('openssl crl -in strange -outform der -out other')
    expect(faultAs('chain', 'other').message).toContain('is a revocation list (CRL)')
  })
})

describe('content and label that do not belong together are named:', () => {
  const asCertificate = "sed 's/-----\\(BEGIN\\|END\\) [A-Z ]*-----/-----\\1 CERTIFICATE-----/'"
  test.each([
    ['chain', `${asCertificate} key.pem`, 'a CERTIFICATE block is a private key'],
    [
      'chain',
      `openssl req -new -key key.pem -subj /CN=a.example | ${asCertificate}`,
      'a CERTIFICATE block is a certificate request (CSR)',
    ],
    ['key', "sed 's/CERTIFICATE/PRIVATE KEY/' full.pem", 'a PRIVATE KEY block is a certificate'],
    [
      'chain',
      "sed 's/CERTIFICATE/SERVER CERT/' full.pem",
      'holds a certificate under the label "SERVER CERT", which servers do not read',
    ],
    [
      'key',
      "sed 's/PRIVATE KEY/SECRET/' key.pem",
      'holds a private key under the label "SECRET", which servers do not read',
    ],
  ] as const)('%s: %s', (wanted, make, says) => {
    shell(`${make} > strange`)
    expect(faultAs(wanted, 'strange')).toMatchObject({ exit: 65, message: `strange: ${says}` })
  })
})

test('a path for the shell is quoted', () => {
  const form = (path: string, wanted: Wanted) => formOf({ path, text: '\x1f\x8b' }, [], wanted)
  expect(form('/a b/$(x).gz', 'key').advice).toBe("Convert it: gunzip -c '/a b/$(x).gz' > privkey.pem")
})

test.each(['a', '\n ', '-----BEGIN A-----', 'a -----BEGIN', '----- ', 'A=\n', '\\', '0'])(
  '1 MiB of %j is examined in a moment',
  piece => {
    const started = process.cpuUsage()
    formOf({ path: 'f', text: piece.repeat((1 << 20) / piece.length) }, [], 'chain')
    const { user, system } = process.cpuUsage(started)
    expect((user + system) / 1000).toBeLessThan(3_000)
  },
)
