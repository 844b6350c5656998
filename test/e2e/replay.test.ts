/** The replays that the other tests rely on leave the same tree behind as the clients themselves. */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { issue } from '../fixtures/certificates.ts'
import { acmeIssue, acmeRenew, all, certbotIssue, certbotRenew } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { acmeShIn, findAcmeSh } from './acmesh.ts'
import { certbotIn } from './certbot.ts'
import { type Pebble, startPebble } from './pebble.ts'

const DOMAIN = 'app.test.example'
const acmeSh = findAcmeSh(env)

let pebble: Pebble

beforeAll(async () => {
  pebble = await startPebble()
})

afterAll(() => pebble?.close())

/** Every entry with its kind, its mode and where it points: `fullchain.pem 777 -> ../../archive/app/fullchain1.pem`. */
function treeOf(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map(name => {
      const entry = lstatSync(join(root, name))
      const mode = (entry.mode & 0o777).toString(8)
      if (entry.isSymbolicLink()) return `${name} ${mode} -> ${readlinkSync(join(root, name))}`
      return `${name}${entry.isDirectory() ? '/' : ''} ${mode}`
    })
    .sort()
}

const certbotTree = (config: string) => ({
  live: treeOf(join(config, 'live')),
  archive: treeOf(join(config, 'archive')),
  modes: ['live', 'archive'].map(name => lstatSync(join(config, name)).mode & 0o777),
})

test("certbot's issuance and renewal", async () => {
  const certbot = certbotIn(await temporaryDirectory(), pebble)
  const replayed = await temporaryDirectory()
  const pair = await issue({ names: [DOMAIN] })

  expect(await certbot.issue('app', [DOMAIN])).toMatchObject({ code: 0 })
  await all(certbotIssue(replayed, 'app', pair))
  expect(certbotTree(replayed)).toEqual(certbotTree(certbot.config))

  expect(await certbot.renew('app')).toMatchObject({ code: 0 })
  await all(certbotRenew(replayed, 'app', pair))
  expect(certbotTree(replayed)).toEqual(certbotTree(certbot.config))
})

test.skipIf(!acmeSh)("acme.sh's issuance and renewal", async () => {
  const real = acmeShIn(await temporaryDirectory(), acmeSh ?? '', pebble)
  const replayed = await temporaryDirectory()
  const pair = await issue({ names: [DOMAIN] })
  // requests for signing are nobody's business here, and backups are made by --install-cert only
  const tree = (home: string) =>
    treeOf(join(home, `${DOMAIN}_ecc`)).filter(name => !/\.csr|^backup/.test(name))

  expect(await real.issue(DOMAIN)).toMatchObject({ code: 0 })
  await all(acmeIssue(replayed, DOMAIN, pair))
  expect(tree(replayed)).toEqual(tree(real.home))

  expect(await real.renew(DOMAIN)).toMatchObject({ code: 0 })
  await all(acmeRenew(replayed, DOMAIN, pair))
  expect(tree(replayed)).toEqual(tree(real.home))
})
