/** The replay of certbot's first issuance, against what certbot does. */
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { certbotIssue, currentVersion } from './certbotTree.ts'
import { issue, type Pair } from './certificates.ts'
import { all, type Step, upTo } from './steps.ts'
import { temporaryDirectory } from './temporary.ts'

let root: string
let pair: Pair
let steps: readonly Step[]

beforeEach(async () => {
  root = join(await temporaryDirectory(), 'letsencrypt')
  pair = await issue()
  steps = certbotIssue(root, 'app', pair)
})

const live = (name: string) => join(root, 'live', 'app', name)
const read = (name: string) => readFileSync(live(name), 'utf8')
const mode = (path: string) => statSync(path).mode & 0o777

test('the links come first, relative and pointing at nothing', async () => {
  await all(upTo(steps, 'link fullchain'))
  for (const kind of ['cert', 'privkey', 'chain', 'fullchain']) {
    expect(readlinkSync(live(`${kind}.pem`))).toBe(`../../archive/app/${kind}1.pem`)
    expect(() => read(`${kind}.pem`)).toThrow('ENOENT')
  }
})

test('the files are then opened and written in the order cert, privkey, chain, fullchain', async () => {
  const seen: string[] = []
  const sizes = () =>
    readdirSync(join(root, 'archive', 'app')).map(
      name => `${name} ${statSync(join(root, 'archive', 'app', name)).size > 0 ? 'whole' : 'empty'}`,
    )
  await all(upTo(steps, 'link fullchain'))
  for (const { run } of steps.slice(upTo(steps, 'link fullchain').length)) {
    await run()
    seen.push(...sizes().filter(state => !seen.includes(state)))
  }
  const expected = ['cert', 'privkey', 'chain', 'fullchain'].flatMap(kind => [
    `${kind}1.pem empty`,
    `${kind}1.pem whole`,
  ])
  expect(seen).toEqual(expected)
})

describe('when it is done', () => {
  beforeEach(() => all(steps))

  test('every name under live gives its part of the pair', async () => {
    expect(read('cert.pem')).toBe(pair.leaf)
    expect(read('privkey.pem')).toBe(pair.key)
    expect(read('chain.pem')).toBe(pair.intermediate)
    expect(read('fullchain.pem')).toBe(pair.chain)
    expect(await currentVersion(root, 'app')).toBe(1)
  })

  test('only root may enter, and the key is for its owner alone', () => {
    expect([mode(join(root, 'live')), mode(join(root, 'archive'))]).toEqual([0o700, 0o700])
    expect(mode(live('privkey.pem'))).toBe(0o600)
    expect(mode(live('fullchain.pem'))).toBe(0o666 & ~process.umask())
  })

  test('a README lies beside the lineages and in each of them', () => {
    expect(readdirSync(join(root, 'live')).sort()).toEqual(['README', 'app'])
    expect(lstatSync(live('README')).isFile()).toBe(true)
  })

  test('the renewal conf names the lineage by its links', () => {
    const conf = readFileSync(join(root, 'renewal', 'app.conf'), 'utf8')
    expect(conf).toContain(`fullchain = ${live('fullchain.pem')}\n`)
  })
})

test('two lineages live side by side', async () => {
  await all(steps)
  await all(certbotIssue(root, 'app-0001', await issue()))
  expect(readdirSync(join(root, 'live')).sort()).toEqual(['README', 'app', 'app-0001'])
})
