import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { showStatus } from '../../src/commands/status.ts'
import { emptyReceipt } from '../../src/receipts/receipt.ts'
import { openReceiptStore } from '../../src/receipts/store.ts'
import type { StatusRow } from '../../src/status/status.ts'
import { issue } from '../fixtures/certificates.ts'
import { recordedContext } from '../fixtures/context.ts'
import { putReceipts } from '../fixtures/state.ts'
import { BARE } from './checkFixture.ts'
import { KEYS, openStage, type Run } from './commandFixture.ts'

const rowsOf = (run: Run) => run.json<{ lineages: readonly StatusRow[] }>().lineages
const DAY = 86_400_000

/** Every file below a folder, with its text. */
async function textsOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter(one => one.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).sort()
  return Object.fromEntries(
    await Promise.all(paths.map(async path => [path, await readFile(path, 'utf8')] as const)),
  )
}

describe('status --json', () => {
  test('shows what is uploaded: names, share of life left, ID and when; nothing is failing', async () => {
    const { type, certbot, emulator, folder } = await openStage()
    const pair = await certbot('example.com', await issue({ names: ['example.com', 'www.example.com'] }))
    await type(['sync'])
    const [row] = rowsOf(await type(['status', '--json']))
    expect(row).toEqual({
      lineage: 'certbot:example.com',
      state: 'ok',
      names: ['example.com', 'www.example.com'],
      notAfter: pair.notAfter.toISOString(),
      daysLeft: 43,
      lifetimeRemaining: expect.closeTo(44 / 45, 2),
      certificateId: emulator.certificates()[0]?.id,
      uploadedAt: expect.stringMatching(/Z$/),
      supersedes: [],
      retryingSince: null,
      nextAttemptAt: null,
      reason: null,
      advice: null,
      replacement: null,
      path: join(folder, 'letsencrypt/live/example.com/fullchain.pem'),
      uploaded: expect.objectContaining({ certificateId: emulator.certificates()[0]?.id, reused: false }),
      superseded: [],
      rejected: null,
      failing: null,
    })
  })

  test('a certificate whose upload fails is failing: since when, why, and when the next attempt is', async () => {
    const { type, certbot, folder } = await openStage()
    await certbot('example.com')
    const { fingerprint = '' } = (await type(['sync', '--json', '--dry-run'])).json().results[0] as {
      fingerprint?: string
    }
    const [since, nextAttemptAt] = [Date.now() - 2 * DAY, Date.now() + 1_500_000].map(ms =>
      new Date(ms).toISOString(),
    )
    const told = { code: 'NETWORK', message: 'the connection was refused' }
    const failing = {
      fingerprint,
      since: since ?? '',
      nextAttemptAt: nextAttemptAt ?? '',
      failures: 9,
      ...told,
    }
    await putReceipts(join(folder, 'state'), { ...emptyReceipt('certbot:example.com'), failing })

    const [row] = rowsOf(await type(['status', '--json']))
    expect(row).toMatchObject({
      state: 'retrying',
      retryingSince: since,
      nextAttemptAt: nextAttemptAt,
      reason: told.message,
    })
    const table = (await type(['status'])).out().replace(/\s+/g, ' ')
    expect(table).toMatch(
      /: retrying since [-\d]+ [:\d]+ UTC, next attempt in 25 minutes: the connection was refused → /,
    )
  })

  test('what is not renewed in time is expiring, and expired in the end', async () => {
    const { type, certbot } = await openStage()
    await certbot('example.com')
    await type(['sync'])
    for (const [days, state] of [
      [28, 'ok'],
      [31, 'expiring'],
      [45, 'expired'],
    ] as const) {
      const run = await type(['status', '--json'], { now: () => Date.now() + days * DAY })
      expect(rowsOf(run)).toMatchObject([{ state }])
    }
  })
})

describe('status leaves everything as it is', () => {
  test('before anything has been uploaded it makes no state directory', async () => {
    const { type, certbot, folder } = await openStage()
    await certbot('example.com')
    expect(rowsOf(await type(['status', '--json']))).toMatchObject([{ state: 'new' }])
    expect(await readdir(folder)).toEqual(['letsencrypt'])
  })

  test('a damaged database stays where it is: setting it aside is for a run', async () => {
    const { type, certbot, folder, emulator } = await openStage()
    await certbot('example.com')
    await certbot('other.example')
    await type(['sync'])
    const state = join(folder, 'state')
    await writeFile(join(state, 'state.db'), 'damaged '.repeat(1_000))
    const before = [await textsOf(folder), emulator.entries.length]
    const run = await type(['status', '--json'])
    expect(rowsOf(run).map(({ state }) => state)).toEqual(['new', 'new'])
    expect(run.err()).toContain('state.db cannot be read')
    expect([await textsOf(folder), emulator.entries.length]).toEqual(before)
  })

  test('a read-only state directory is read', async () => {
    const { type, certbot, folder } = await openStage()
    await certbot('example.com')
    await type(['sync'])
    await chmod(join(folder, 'state'), 0o500)
    expect(rowsOf(await type(['status', '--json']))).toMatchObject([{ state: 'ok' }])
  })
})

test('colours are for terminals that have them', async () => {
  const { type, certbot } = await openStage()
  await certbot('example.com')
  expect((await type(['status'])).out()).not.toContain('\u001b')
  const coloured = (await type(['status'], { terminal: true, colours: true })).out()
  expect(coloured).toContain('\u001b[36mnew')
  expect(coloured).toContain('\u001b[32m  43')
})

test('a daemon of the usual configuration is the first line, and one that is paused the first note', async () => {
  const { certbot, folder, emulator } = await openStage()
  await certbot('example.com')
  const shown = async (sub: string, says = '1 certificate') => {
    const { context, out } = recordedContext({ cwd: folder, env: KEYS })
    const source = [{ kind: 'certbot', path: join(folder, 'letsencrypt'), keys: {} }] as const
    const line = { operands: [], json: false, source, endpoint: emulator.url }
    const unit = `Id=certferry.service\nLoadState=loaded\nUnitFileState=enabled\nActiveState=${sub}\nStatusText=${says}\n`
    const machine = { ...BARE, systemctl: async () => ({ code: 0, stdout: unit, stderr: '' }) }
    expect(await showStatus(context, line, machine)).toBe(0)
    return out()
  }
  expect(await shown('active')).toMatch(/^Daemon: certferry\.service is active: 1 certificate\n\n/)
  const long = await shown('active', 'uploads paused '.repeat(9))
  expect(Math.max(...long.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80)
  expect(await shown('inactive')).toMatch(
    /^Daemon: certferry\.service is enabled but not running\n {2}→ sudo systemctl/,
  )
})

test('a table longer than the screen ends with the way to what is wrong, where something is', async () => {
  const { type, certbot } = await openStage()
  for (let i = 0; i < 20; i++) await certbot(`site${i}.example`)
  expect((await type(['status'])).out()).toMatch(/\n20 certificates: 20 new\n$/)
  await type(['sync'])
  const later = { now: () => Date.now() + 31 * DAY }
  await certbot(
    'fresh.example',
    await issue({ names: ['fresh.example'], notAfter: new Date(Date.now() + 90 * DAY) }),
  )
  expect((await type(['status'], later)).out()).toMatch(
    / 1 new, 20 expiring\n {2}→ .*: certferry status --failing\n$/,
  )
  expect((await type(['status', '--failing'], later)).out()).toMatch(
    /\n20 certificates: 20 expiring; 1 not shown\n$/,
  )
})

test('what is ignored is counted', async () => {
  const { type, certbot, folder } = await openStage()
  await certbot('example.com')
  await certbot('old.example')
  await rm(join(folder, 'letsencrypt/renewal/old.example.conf'))
  expect((await type(['status'])).out()).toMatch(
    /\n1 certificate: 1 new; 1 ignored \(certferry check says why\)\n$/,
  )
})

test('a pause is told of until it is over, an ID of another site is', async () => {
  const { type, certbot, folder } = await openStage()
  await certbot('example.com')
  await type(['sync'])
  const now = Date.now()
  const at = (ms: number) => new Date(now + ms).toISOString()
  const receipts = openReceiptStore(
    join(folder, 'state'),
    () => {},
    () => new Date(now),
  )
  await receipts.recordPause({
    since: at(-60_000),
    until: at(60_000),
    message: 'the key is refused',
    advice: 'Mend it.',
  })
  const status = async (ms: number, ...words: readonly string[]) =>
    (await type(['status', ...words], { now: () => now + ms })).out().replace(/\s+/g, ' ')
  expect(await status(0)).toMatch(
    /^Uploads of the daemon are paused until .* UTC: the key is refused → Mend it\. New/,
  )
  expect(await status(61_000)).not.toContain('paused')
  expect(await status(61_000, '--endpoint', 'https://ssl.example')).toMatch(
    /example\.com: its ID is one of 127\.0\.0\.1, and uploads go to ssl\.example now →/,
  )
})
