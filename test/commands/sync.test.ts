import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FOLDER_KINDS } from '../../src/acme/clients.ts'
import { cli } from '../../src/cli/run.ts'
import { resolveSettings } from '../../src/config/settings.ts'
import { containsLineage, existingSources } from '../../src/sources/discover.ts'
import { lineageIn, usualSources } from '../../src/sources/lineage.ts'
import { issue } from '../fixtures/certificates.ts'
import { recordedContext } from '../fixtures/context.ts'
import { all, certbotLink, certbotRenew, upTo } from '../fixtures/producers.ts'
import { receiptsIn } from '../fixtures/state.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { KEYS, openStage } from './commandFixture.ts'

const HEX = /^[0-9a-f]{64}$/

describe('sync --json keeps its contract', () => {
  test('one object on standard output, with every member of an upload', async () => {
    const { type, certbot, emulator } = await openStage()
    const pair = await certbot('example.com')
    const run = await type(['sync', '--json'])
    const { results, summary, exit } = run.json()

    expect(results).toEqual([
      {
        lineage: 'certbot:example.com',
        outcome: 'uploaded',
        because: 'first-seen',
        certificateId: emulator.certificates()[0]?.id,
        reused: false,
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        fingerprint: expect.stringMatching(HEX),
        leaf: emulator.certificates()[0]?.fingerprint,
        names: ['example.com'],
        notBefore: pair.notBefore.toISOString(),
        notAfter: pair.notAfter.toISOString(),
        attempts: 1,
        elapsedMs: expect.any(Number),
        supersedes: null,
      },
    ])
    expect(summary).toEqual({
      uploaded: 1,
      unchanged: 0,
      refused: 0,
      failed: 0,
      planned: 0,
      replaced: 0,
      replacing: 0,
    })
    expect([exit, run.exit]).toEqual([0, 0])
  })

  test('logs go to standard error, as JSON lines, and say each upload once', async () => {
    const { type, certbot } = await openStage()
    await certbot('example.com')
    const lines = (await type(['sync', '--json']))
      .err()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    const uploads = lines.filter(({ event }) => event === 'uploaded')
    expect(uploads).toHaveLength(1)
    const members = [
      'lineage',
      'names',
      'notAfter',
      'fingerprint',
      'certificateId',
      'requestId',
      'because',
      'attempts',
      'elapsedMs',
    ]
    expect(Object.keys(uploads[0])).toEqual(expect.arrayContaining(members))
    expect(uploads[0].level).toBe('info')
  })

  test('a renewal names the certificate it takes the place of, and a third run is unchanged', async () => {
    const { type, certbot, folder } = await openStage()
    await certbot('example.com')
    const first = (await type(['sync', '--json'])).json().results[0]
    await all(
      certbotRenew(join(folder, 'letsencrypt'), 'example.com', await issue({ names: ['example.com'] })),
    )
    const second = (await type(['sync', '--json'])).json().results[0]
    const third = (await type(['sync', '--json'])).json().results[0]

    expect(second).toMatchObject({
      outcome: 'uploaded',
      because: 'changed',
      supersedes: first?.certificateId,
    })
    expect(third).toMatchObject({
      outcome: 'unchanged',
      because: 'unchanged',
      certificateId: second?.certificateId,
    })
  })

  test('a command that cannot start prints an object with its fault, too', async () => {
    const { type } = await openStage()
    const run = await type(['sync', '--json', '-c', 'missing.toml'])
    expect(run.json()).toMatchObject({ results: [], exit: 78, fault: { code: 'CONFIG_UNREADABLE' } })
    expect(run.exit).toBe(78)
  })
})

describe('what sync leaves alone', () => {
  test('--dry-run sends nothing, writes nothing and needs no credentials', async () => {
    const { type, certbot, emulator, folder } = await openStage()
    await certbot('example.com')
    const run = await type(['sync', '--json', '--dry-run'], {
      env: { TENCENTCLOUD_SECRET_ID: '', TENCENTCLOUD_SECRET_KEY: '' },
    })
    expect(run.json()).toMatchObject({
      results: [{ outcome: 'planned', because: 'first-seen' }],
      summary: { planned: 1, replaced: 0, replacing: 0 },
      exit: 0,
    })
    expect(emulator.entries).toEqual([])
    expect(await readdir(folder)).toEqual(['letsencrypt'])
  })

  test('--only takes a lineage with or without its kind, and no other', async () => {
    const { type, certbot } = await openStage()
    for (const name of ['one.example', 'two.example', 'three.example']) await certbot(name)
    const run = await type(['sync', '--json', '--only', 'one.example', '--only', 'certbot:two.example'])
    expect(run.json().results.map(({ lineage }) => lineage)).toEqual([
      'certbot:one.example',
      'certbot:two.example',
    ])
  })

  test('--only with an unknown name says so, exit 66', async () => {
    const { type, certbot } = await openStage()
    await certbot('one.example')
    const run = await type(['sync', '--only', 'won.example'])
    expect(run.exit).toBe(66)
    expect(run.out()).toContain('no source has a lineage "won.example"')
  })

  test('--force uploads again and says that the service already had it', async () => {
    const { type, certbot, emulator } = await openStage()
    await certbot('example.com')
    await type(['sync'])
    const run = await type(['sync', '--json', '--force'])
    expect(run.json().results[0]).toMatchObject({
      outcome: 'uploaded',
      because: 'forced',
      reused: true,
      supersedes: null,
    })
    expect(emulator.certificates()).toHaveLength(1)
  })
})

describe('one bad certificate never stops the others', () => {
  test('expired, mixed and missing ones are distinguished, and the good one is uploaded', async () => {
    const { type, certbot, folder } = await openStage()
    const root = join(folder, 'letsencrypt')
    await certbot('good.example')
    const long = 86_400_000
    const dates = { notBefore: new Date(Date.now() - 50 * long), notAfter: new Date(Date.now() - 5 * long) }
    await certbot('old.example', await issue({ names: ['old.example'], ...dates }))
    await certbot('mixed.example')
    await all(
      upTo(certbotRenew(root, 'mixed.example', await issue({ names: ['mixed.example'] })), 'link privkey'),
    )
    await certbot('bare.example')
    await rm(join(root, 'live/bare.example/privkey.pem'))

    const { results, exit } = (await type(['sync', '--json'])).json()
    const told = Object.fromEntries(
      results.map(({ lineage, outcome, because, fault }) => [lineage, [outcome, because ?? fault?.code]]),
    )
    expect(told).toEqual({
      'certbot:bare.example': ['failed', 'PAIR_INCOMPLETE'],
      'certbot:good.example': ['uploaded', 'first-seen'],
      'certbot:mixed.example': ['failed', 'KEY_MISMATCH'],
      'certbot:old.example': ['refused', 'expired'],
    })
    expect(exit).toBe(65)
  })

  test('a mixed pair alone is "try again later", exit 75', async () => {
    const { type, certbot, folder } = await openStage()
    await certbot('mixed.example')
    const renewal = certbotRenew(
      join(folder, 'letsencrypt'),
      'mixed.example',
      await issue({ names: ['mixed.example'] }),
    )
    await all(upTo(renewal, 'link privkey'))
    const run = await type(['sync'])
    expect(run.exit).toBe(75)
    expect(run.out()).toContain('certbot:mixed.example pending')
  })

  test('links that went back to an older certificate are refused, and named', async () => {
    const { type, certbot, folder, emulator } = await openStage()
    const root = join(folder, 'letsencrypt')
    const day = 86_400_000
    await certbot(
      'back.example',
      await issue({ names: ['back.example'], notBefore: new Date(Date.now() - 20 * day) }),
    )
    await type(['sync'])
    await all(certbotRenew(root, 'back.example', await issue({ names: ['back.example'] })))
    await type(['sync'])
    await all(certbotLink(root, 'back.example', 1))
    const run = await type(['sync', '--json'])
    expect(run.json().results[0]).toMatchObject({ outcome: 'refused', because: 'older-than-uploaded' })
    expect(run.exit).toBe(65)
    expect(emulator.certificates()).toHaveLength(2)
  })

  test('two paths to one certificate cost one upload and get one ID', async () => {
    const { type, certbot, folder, emulator } = await openStage()
    await certbot('example.com')
    const live = join(folder, 'letsencrypt/live/example.com')
    const copy = [
      '--source',
      `certbot=${folder}/letsencrypt`,
      '--source',
      `pem=copy:${live}/fullchain.pem:${live}/privkey.pem`,
    ]
    const { results } = (await type(['sync', '--json', ...copy])).json()
    expect(emulator.entries).toHaveLength(1)
    expect(new Set(results.map(({ certificateId }) => certificateId)).size).toBe(1)
    expect(results.map(({ lineage }) => lineage)).toEqual(['certbot:example.com', 'pem:copy'])
  })
})

describe('what stops sync before anything is sent', () => {
  test('a state directory that cannot be written: exit 74 and not one request', async () => {
    const { type, certbot, folder, emulator } = await openStage()
    await certbot('example.com')
    await writeFile(join(folder, 'state'), 'a file where a directory should be')
    const run = await type(['sync'])
    expect(run.exit).toBe(74)
    expect(run.out()).toContain(`the state directory ${folder}/state cannot be used`)
    expect(emulator.entries).toEqual([])
  })

  test('wrong credentials cost one request for any number of certificates and are reported once', async () => {
    const { type, certbot, emulator } = await openStage()
    for (let i = 0; i < 12; i++) await certbot(`host${i}.example`)
    const run = await type(['sync'], { env: { TENCENTCLOUD_SECRET_KEY: 'mistyped' } })
    expect(run.exit).toBe(77)
    expect(emulator.entries.map(({ code }) => code)).toEqual(['AuthFailure.SignatureFailure'])
    expect(run.out().match(/stopped:/g)).toHaveLength(1)
  })

  test('a service that does not answer is reported once, with advice and what is left to do', async () => {
    const { type, certbot } = await openStage()
    for (let i = 0; i < 12; i++) await certbot(`host${i}.example`)
    const run = await type(['sync', '--endpoint', 'http://127.0.0.1:9'], {
      env: { CERTFERRY_LOG_FORMAT: 'json' },
    })
    expect(run.exit).toBe(75)
    const lines = run.out().trim().split('\n')
    expect(lines.map(line => JSON.parse(line)).filter(({ level }) => level !== 'debug')).toMatchObject([
      { event: 'retry', code: 'NETWORK', advice: expect.stringContaining('Check the network') },
      { event: 'failed', code: 'NETWORK', advice: expect.stringContaining('Check the network') },
      {
        event: 'stopped',
        level: 'warn',
        msg: expect.stringContaining('the next run sends the rest'),
      },
      { event: 'run_finished', summary: { failed: 12 }, exit: 75 },
    ])
  })

  test('no source at all: exit 66 and what to do', async () => {
    const cwd = await temporaryDirectory()
    const run = recordedContext({ cwd, env: {} })
    const exit = await cli(['sync', '--state-dir', join(cwd, 'state')], run.context)
    // certbot may be installed where the tests run: then its folder is a source
    expect([66, 0]).toContain(exit)
    if (exit === 66) expect(run.out()).toContain('--source certbot=/etc/letsencrypt')
  })

  test('a default directory that cannot be listed is a source all the same, and sync fails', async () => {
    const home = await temporaryDirectory()
    await symlink('.acme.sh', join(home, '.acme.sh'))
    const { context, out } = recordedContext({ cwd: home, env: {} })
    expect(await cli(['sync', '--state-dir', join(home, 'state')], context)).not.toBe(0)
    expect(out()).toContain('.acme.sh: cannot be listed (ELOOP)')
  })
})

describe('the configuration of sync', () => {
  test('every [upload] key reaches the service, per source and by pattern', async () => {
    const { folder, emulator } = await openStage()
    for (const name of ['plain', 'special']) {
      const { chain, key } = await issue({ names: [`${name}.example`] })
      await writeFile(join(folder, `${name}.pem`), chain)
      await writeFile(join(folder, `${name}.key`), key)
    }
    await writeFile(
      join(folder, 'config.toml'),
      `[upload]
alias = "{domain} of {name}"
tags = { team = "web" }
[[source]]
kind = "pem"
name = "plain"
chain = "plain.pem"
key = "plain.key"
project_id = 7
[[source]]
kind = "pem"
name = "special"
chain = "special.pem"
key = "special.key"
[[certificate]]
match = "spec*"
certificate_use = "CDN"
repeatable = true`,
    )
    const recorded = recordedContext({ cwd: folder, env: { ...KEYS, CERTFERRY_ENDPOINT: emulator.url } })
    expect(await cli(['sync', '-c', 'config.toml', '--state-dir', 'state'], recorded.context)).toBe(0)
    expect(await receiptsIn(join(folder, 'state'))).toHaveLength(2)
    const stored = Object.fromEntries(emulator.certificates().map(one => [one.alias, one]))
    expect(stored['plain.example of plain']).toMatchObject({
      projectId: 7,
      tags: [{ TagKey: 'team', TagValue: 'web' }],
    })
    expect(stored['special.example of special']).toMatchObject({ projectId: 0, use: 'CDN' })
  })
})

test('receipts are private to the user and name the superseded IDs', async () => {
  const { type, certbot, folder } = await openStage()
  await certbot('example.com')
  await type(['sync'])
  await all(certbotRenew(join(folder, 'letsencrypt'), 'example.com', await issue({ names: ['example.com'] })))
  await type(['sync'])
  const [receipt = expect.unreachable()] = await receiptsIn(join(folder, 'state'))
  expect(receipt).toMatchObject({
    lineage: 'certbot:example.com',
    superseded: [{ certificateId: expect.any(String) }],
  })
  expect(receipt.superseded[0]?.certificateId).not.toBe(receipt.uploaded?.certificateId)
})

async function skipping(match: string) {
  const stage = await openStage()
  await stage.certbot('shop.example.com')
  await stage.certbot('dev.example.com')
  const config = join(stage.folder, 'config.toml')
  await writeFile(config, `[[certificate]]\nmatch = "${match}"\nexclude = true\n`)
  return { ...stage, given: ['--config', config] }
}

test('an excluded certificate is neither uploaded nor shown', async () => {
  const { type, emulator, given } = await skipping('dev.*')
  expect((await type(['sync', ...given])).exit).toBe(0)
  expect(emulator.certificates().map(({ names }) => names[0])).toEqual(['shop.example.com'])
  const status = (await type(['status', ...given])).out()
  expect(status).toContain('1 certificate: 1 ok')
  expect(status).not.toContain('dev.example.com')
})

test('a certificate uploaded before it was excluded is not shown as removed', async () => {
  const { type, given } = await skipping('certbot:dev*')
  await type(['sync'])
  expect((await type(['status', ...given])).out()).not.toContain('removed')
})

test('a hook for an excluded certificate logs that and exits 0', async () => {
  const { type, folder, emulator, given } = await skipping('dev.*')
  const env = { RENEWED_LINEAGE: join(folder, 'letsencrypt/live/dev.example.com') }
  const run = await type(['hook', '--config', given[1] ?? ''].slice(0, 3), { env })
  expect([run.exit, emulator.certificates().length]).toEqual([0, 0])
  expect(run.out()).toContain('certbot:dev.example.com is skipped, as the configuration says')
})

test('of several matching patterns the last one that sets exclude decides', () => {
  const { isExcluded } = resolveSettings(
    {},
    {},
    {
      certificate: [
        { match: '*', exclude: true },
        { match: 'shop*', exclude: false },
        { match: 'shop*', certificate_use: 'CDN' },
      ],
    },
  )
  expect([isExcluded('certbot:dev'), isExcluded('certbot:shop.example.com')]).toEqual([true, false])
  expect(resolveSettings({}, {}, {}).isExcluded('certbot:dev')).toBe(false)
})

test('every client has a usual place, and those that are there are read', async () => {
  const home = await temporaryDirectory()
  expect(usualSources(home).map(({ kind }) => kind)).toEqual(FOLDER_KINDS)
  await mkdir(join(home, '.lego'))
  await mkdir(join(home, '.acme.sh'))
  const found = existingSources(home)
  expect(found).toContainEqual({ kind: 'lego', path: join(home, '.lego'), keys: {} })
  expect(found).toContainEqual({ kind: 'acme.sh', path: join(home, '.acme.sh'), keys: {} })
})

test('a lineage belongs to the source that it was found in, be that a folder or one file', () => {
  const { forLineage } = resolveSettings({}, {}, {})
  for (const kind of FOLDER_KINDS) {
    const [source, other] = ['/srv/one', '/srv/one-more'].map(path => ({ kind, path, keys: {} }))
    if (!source || !other) continue
    const lineage = lineageIn(source, 'a.example@issuer', forLineage)
    expect([kind, containsLineage(source, lineage), containsLineage(other, lineage)]).toEqual([
      kind,
      true,
      false,
    ])
    if (kind !== 'traefik') expect(containsLineage({ ...source, path: '/srv/one/' }, lineage)).toBe(true)
  }
})

test('sync writes the metrics of its run for node_exporter', async () => {
  const { type, certbot, folder } = await openStage()
  const { notAfter } = await certbot('example.com')
  const file = join(folder, 'certferry.prom')
  expect((await type(['sync', '--metrics-file', file])).exit).toBe(0)
  const text = await readFile(file, 'utf8')
  expect(text).toContain('certferry_certificate_synced{lineage="certbot:example.com"} 1')
  expect(text).toContain(
    `certferry_certificate_not_after_timestamp_seconds{lineage="certbot:example.com"} ${notAfter.getTime() / 1000}`,
  )
})

test('a metrics file that cannot be written is warned of, and the certificate is uploaded all the same', async () => {
  const { type, certbot, emulator } = await openStage()
  await certbot('example.com')
  const run = await type(['sync', '--metrics-file', '/nowhere/certferry.prom'])
  expect(run.exit).toBe(0)
  expect(run.out()).toContain('the metrics could not be written to /nowhere/certferry.prom')
  expect(emulator.certificates()).toHaveLength(1)
})

test('a path that node_exporter would not read is refused', async () => {
  const { type } = await openStage()
  expect((await type(['sync', '--metrics-file', 'x.txt'])).exit).toBe(64)
})
