/** The replay of acme.sh, against what acme.sh does. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { acmeInstall } from './acmeInstall.ts'
import { acmeIssue, acmeRenew } from './acmeTree.ts'
import { issue, type Pair, sec1 } from './certificates.ts'
import { after, all, upTo } from './steps.ts'
import { temporaryDirectory } from './temporary.ts'

const DOMAIN = 'example.com'

let home: string
let pair: Pair

beforeEach(async () => {
  home = join(await temporaryDirectory(), '.acme.sh')
  pair = await issue()
})

const path = (name: string) => join(home, `${DOMAIN}_ecc`, name)
const read = (name: string) => readFileSync(path(name), 'utf8')
const mode = (name: string) => statSync(path(name)).mode & 0o777
const inode = (name: string) => statSync(path(name)).ino

test('the key is there long before any certificate', async () => {
  await all(upTo(acmeIssue(home, DOMAIN, pair), 'write key'))
  expect(readdirSync(path('')).sort()).toEqual(['example.com.conf', 'example.com.key'])
  expect(read('example.com.key')).toBe(sec1(pair.key))
})

test('the leaf file holds the whole chain first, and is cut down once fullchain.cer has it', async () => {
  const steps = acmeIssue(home, DOMAIN, pair)
  await all(upTo(steps, 'write cer with chain'))
  expect(read('example.com.cer')).toBe(pair.chain)
  await all(after(steps, 'write cer with chain').slice(0, 1))
  expect(read('fullchain.cer')).toBe('')
  await all(after(steps, 'open fullchain'))
  expect(read('fullchain.cer')).toBe(pair.chain)
  expect(read('example.com.cer')).toBe(pair.leaf)
  expect(read('ca.cer')).toBe(pair.intermediate)
})

test('a renewal truncates fullchain.cer in place: empty, then the leaf alone, then all of it', async () => {
  await all(acmeIssue(home, DOMAIN, pair))
  const before = inode('fullchain.cer')
  const fresh = await issue({ keyPem: pair.key })
  const seen: string[] = []
  for (const { run } of acmeRenew(home, DOMAIN, fresh)) {
    await run()
    if (seen.at(-1) !== read('fullchain.cer')) seen.push(read('fullchain.cer'))
  }
  expect(seen).toEqual([pair.chain, '', fresh.leaf, fresh.chain])
  expect(inode('fullchain.cer')).toBe(before)
})

test('a renewal leaves the key alone unless it is told to rotate it', async () => {
  await all(acmeIssue(home, DOMAIN, pair))
  await all(acmeRenew(home, DOMAIN, await issue({ keyPem: pair.key })))
  expect(read('example.com.key')).toBe(sec1(pair.key))
})

test('a rotated key stands beside the old certificate until the order is through', async () => {
  await all(acmeIssue(home, DOMAIN, pair))
  const fresh = await issue()
  const steps = acmeRenew(home, DOMAIN, fresh, { rotateKey: true })
  await all(upTo(steps, 'write key'))
  expect([read('example.com.key'), read('fullchain.cer')]).toEqual([sec1(fresh.key), pair.chain])
  await all(after(steps, 'write key'))
  expect(read('fullchain.cer')).toBe(fresh.chain)
})

test('home is private, keys and conf are for their owner alone', async () => {
  await all(acmeIssue(home, DOMAIN, pair))
  expect(statSync(home).mode & 0o777).toBe(0o700)
  expect([mode('example.com.key'), mode('example.com.conf')]).toEqual([0o600, 0o600])
  expect(mode('fullchain.cer')).toBe(0o666 & ~process.umask())
})

test('the conf is a list of shell assignments that ends with the next renewal', async () => {
  await all(acmeIssue(home, DOMAIN, pair))
  expect(read('example.com.conf')).toMatch(/^(Le_\w+='[^']*'\n)+$/)
  expect(read('example.com.conf')).toMatch(/Le_Alt='www.example.com'\n[\s\S]+Le_NextRenewTime='\d+'\n$/)
})

test('a wildcard keeps its star on disk, and RSA lies beside ECC', async () => {
  await all(acmeIssue(home, '*.example.com', pair))
  const rsa = await issue({ kind: 'rsa2048' })
  await all(acmeIssue(home, '*.example.com', rsa, { ecc: false }))
  expect(readdirSync(home)).toEqual(expect.arrayContaining(['*.example.com', '*.example.com_ecc', 'ca']))
})

test('an installation writes key before fullchain, into the files that are there', async () => {
  const directory = await temporaryDirectory()
  const places = { key: join(directory, 'site.key'), fullchain: join(directory, 'site.pem') }
  expect(acmeInstall(places, pair).map(step => step.name)).toEqual([
    'open key',
    'write key',
    'open fullchain',
    'write fullchain',
  ])
  await all(acmeInstall(places, pair))
  const before = statSync(places.fullchain).ino
  const fresh = await issue()
  await all(acmeInstall(places, fresh))
  expect(readFileSync(places.fullchain, 'utf8')).toBe(fresh.chain)
  expect(statSync(places.fullchain).ino).toBe(before)
  expect(statSync(places.key).mode & 0o777).toBe(0o600)
})
