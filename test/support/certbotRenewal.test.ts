/** The replay of certbot's renewal, against what certbot does. */
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { certbotDelete, certbotLink, certbotRenew } from './certbotRenewal.ts'
import { certbotIssue, currentVersion } from './certbotTree.ts'
import { issue, type Pair } from './certificates.ts'
import { all, type Step, upTo } from './steps.ts'
import { temporaryDirectory } from './temporary.ts'

let root: string
let old: Pair
let fresh: Pair
let steps: readonly Step[]

beforeEach(async () => {
  root = await temporaryDirectory()
  old = await issue()
  fresh = await issue()
  await all(certbotIssue(root, 'app', old))
  steps = certbotRenew(root, 'app', fresh)
})

const live = (name: string) => join(root, 'live', 'app', name)
const archive = (name: string) => join(root, 'archive', 'app', name)
const read = (name: string) => readFileSync(live(name), 'utf8')
const mode = (path: string) => statSync(path).mode & 0o777

/** Which generation each of the four names shows: 1, 2, or - where there is nothing. */
const generations = () =>
  ['cert', 'privkey', 'chain', 'fullchain']
    .map(kind => (existsSync(live(`${kind}.pem`)) ? /\d/.exec(readlinkSync(live(`${kind}.pem`)))?.[0] : '-'))
    .join('')

test('nothing shows under live while the archive is written, key first and whole chain last', async () => {
  const order: string[] = []
  for (const { run } of upTo(steps, 'renewal conf')) {
    await run()
    order.push(...readdirSync(archive('')).filter(name => name.endsWith('2.pem') && !order.includes(name)))
    expect(generations()).toBe('1111')
  }
  expect(order).toEqual(['privkey2.pem', 'cert2.pem', 'chain2.pem', 'fullchain2.pem'])
})

test('the old links are remembered, absolute, before the first one moves', async () => {
  await all(upTo(steps, 'previous_fullchain'))
  expect(generations()).toBe('1111')
  expect(isAbsolute(readlinkSync(live('previous_privkey.pem')))).toBe(true)
  expect(realpathSync(live('previous_privkey.pem'))).toBe(realpathSync(archive('privkey1.pem')))
})

test('the links move one by one, each gone for a moment, fullchain last', async () => {
  const seen: string[] = []
  for (const { run } of steps) {
    await run()
    if (seen.at(-1) !== generations()) seen.push(generations())
  }
  expect(seen).toEqual(['1111', '-111', '2111', '2-11', '2211', '22-1', '2221', '222-', '2222'])
})

test('after it live holds the new pair, relative links, and nothing to remember', async () => {
  await all(steps)
  expect([read('privkey.pem'), read('fullchain.pem')]).toEqual([fresh.key, fresh.chain])
  expect(readlinkSync(live('fullchain.pem'))).toBe('../../archive/app/fullchain2.pem')
  expect(readdirSync(live('')).sort()).toEqual([
    'README',
    'cert.pem',
    'chain.pem',
    'fullchain.pem',
    'privkey.pem',
  ])
})

test('the number goes on from the highest of any kind, even one a crash left behind', async () => {
  await all(upTo(steps, 'write privkey'))
  await all(certbotRenew(root, 'app', fresh))
  expect(await currentVersion(root, 'app')).toBe(3)
})

test('a key opened to a group stays open to it, and is never executable by all', async () => {
  chmodSync(archive('privkey1.pem'), 0o640)
  await all(steps)
  expect(mode(archive('privkey2.pem'))).toBe(0o640)
})

test('a linked key leads to the file that holds it, in two hops and never more', async () => {
  for (const _ of [2, 3]) {
    await all(certbotRenew(root, 'app', await issue({ keyPem: old.key }), { linkKey: true }))
  }
  expect(readlinkSync(archive('privkey3.pem'))).toBe('privkey1.pem')
  expect(read('privkey.pem')).toBe(old.key)
})

test('links can be moved back to an older generation', async () => {
  await all(steps)
  await all(certbotLink(root, 'app', 1))
  expect([await currentVersion(root, 'app'), read('fullchain.pem')]).toEqual([1, old.chain])
})

test('a deleted lineage leaves its neighbours alone and can be issued again', async () => {
  await all(certbotIssue(root, 'other', old))
  await all(certbotDelete(root, 'app'))
  expect(readdirSync(join(root, 'live')).sort()).toEqual(['README', 'other'])
  await all(certbotIssue(root, 'app', fresh))
  expect(read('fullchain.pem')).toBe(fresh.chain)
})
