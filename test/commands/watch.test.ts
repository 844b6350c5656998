import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { FSWatcher } from 'chokidar'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { cli } from '../../src/cli/run.ts'
import { emptyReceipt } from '../../src/receipts/receipt.ts'
import { issue } from '../fixtures/certificates.ts'
import { recordedContext } from '../fixtures/context.ts'
import { all, certbotRenew, upTo } from '../fixtures/producers.ts'
import { putReceipts, receiptsIn } from '../fixtures/state.ts'
import { KEYS, openStage } from './commandFixture.ts'
import { ask, BOUND, openWatchStage, sleepBriefly } from './watchFixture.ts'

afterEach(() => vi.restoreAllMocks())

describe('a daemon', () => {
  test('uploads what is on disk when it starts, then every renewal, and ends with 0', async () => {
    const { certbot, start, renew, stored } = await openWatchStage()
    for (const name of ['a.example', 'b.example']) await certbot(name)
    const { saying, said, lines, end } = start()
    await saying('watching')
    await stored(2)
    for (let count = 3; count <= 5; count++) {
      await renew('a.example')
      await stored(count)
    }
    const uploaded = await saying('uploaded', 5)
    expect(uploaded.slice(2)).toMatchObject(
      uploaded.slice(2).map((_, i) => ({
        lineage: 'certbot:a.example',
        supersedes: i > 0 ? uploaded[i + 1]?.certificateId : expect.any(String),
      })),
    )
    expect(await end()).toBe(0)
    expect(said('missed_change')).toEqual([])
    expect(lines().filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
  })

  test('uploads a first issuance, in a source that did not exist when it started', async () => {
    const { certbot, start, stored, renew } = await openWatchStage()
    const { saying, end } = start()
    expect(await saying('source_error')).toMatchObject([{ level: 'warn', code: 'SOURCE_MISSING' }])
    await certbot('a.example')
    await stored(1)
    await renew('a.example')
    await stored(2)
    await certbot('b.example')
    await stored(3)
    expect(await end()).toBe(0)
  })

  test('waits silently for the second half of a renewal', async () => {
    const { certbot, start, root, stored } = await openWatchStage()
    await certbot('a.example')
    const { said, lines, saying } = start()
    await stored(1)
    await saying('uploaded')
    const steps = certbotRenew(root, 'a.example', await issue({ names: ['a.example'] }))
    const half = upTo(steps, 'link privkey')
    await all(half)
    await expect.poll(() => said('failed').length, BOUND).toBeGreaterThan(1)
    await all(steps.slice(half.length))
    await stored(2)
    expect(lines().filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
  })

  test('forgets a lineage that is deleted', async () => {
    const { certbot, start, root, stored, folder } = await openWatchStage()
    for (const name of ['a.example', 'b.example']) await certbot(name)
    const { signal, saying } = start()
    await stored(2)
    await rename(join(root, 'live', 'a.example'), join(folder, 'a.example'))
    signal('SIGUSR1')
    expect(await saying('rescan')).toMatchObject([{ why: 'SIGUSR1', lineages: 1 }])
  })
})

describe('SIGUSR1', () => {
  test('rescans: a change without an event is uploaded, counted and logged', async () => {
    vi.spyOn(FSWatcher.prototype, 'add').mockImplementation(function deaf(this: FSWatcher) {
      queueMicrotask(() => this.emit('ready'))
      return this
    })
    const { certbot, start, renew, stored } = await openWatchStage()
    await certbot('a.example')
    const { signal, said, saying } = start()
    await saying('uploaded')
    signal('SIGUSR1')
    await saying('unchanged')
    expect(said('missed_change')).toEqual([])
    await renew('a.example')
    signal('SIGUSR1')
    await stored(2)
    expect(await saying('missed_change')).toMatchObject([
      { level: 'warn', lineage: 'certbot:a.example', missed: 1 },
    ])
  })
})

describe('SIGHUP', () => {
  test('with a configuration that is not valid is reported, and the old one stays in force', async () => {
    const { certbot, configure, start, stored, renew } = await openWatchStage()
    await certbot('a.example')
    const { signal, saying, said, end } = start()
    await stored(1)
    await configure('[watch]\nrescan = "often"\n')
    signal('SIGHUP')
    expect(await saying('reload')).toMatchObject([
      {
        level: 'error',
        code: 'CONFIG_INVALID',
        msg: expect.stringContaining('the old configuration stays: watch.rescan'),
      },
    ])
    await configure('[upload]\nsweeep = 1\nproject_id = -1\n')
    signal('SIGHUP')
    const problems = (await saying('reload', 3)).map(({ msg }) => msg).join('\n')
    for (const key of ['upload.sweeep', 'upload.project_id']) expect(problems).toContain(key)
    await renew('a.example')
    await stored(2)
    expect(said('reloaded')).toEqual([])
    expect(await end()).toBe(0)
  })

  test('takes a valid one, and checks everything under it', async () => {
    const { certbot, configure, start, stored, emulator, renew } = await openWatchStage()
    await certbot('a.example')
    const { signal, saying, end } = start()
    await stored(1)
    await configure('[upload]\nalias = "by {name}"\n')
    signal('SIGHUP')
    await saying('reloaded')
    await renew('a.example')
    await stored(2)
    expect(emulator.certificates().at(-1)).toMatchObject({ alias: 'by a.example' })
    expect(await end()).toBe(0)
  })
})

describe('a fault of the account', () => {
  test('is logged once, and no request is made while uploads are paused; SIGHUP ends the pause', async () => {
    const accounts = { 'certferry-demo': { secretKey: 'another' } }
    const { certbot, start, emulator, stored, renew } = await openWatchStage({ accounts })
    for (const name of ['a.example', 'b.example', 'c.example']) await certbot(name)
    const { signal, saying, said, lines, end } = start()
    expect(await saying('uploads_paused')).toMatchObject([
      { level: 'error', code: 'API_CREDENTIALS', until: expect.any(String), advice: expect.any(String) },
    ])
    await saying('failed', 3)
    const requests = emulator.entries.length
    await renew('a.example')
    signal('SIGUSR1')
    await saying('rescan')
    await expect
      .poll(() => lines().filter(({ code }) => code === 'UPLOADS_PAUSED').length, BOUND)
      .toBeGreaterThanOrEqual(3)
    expect(emulator.entries).toHaveLength(requests)
    expect(said('uploads_paused')).toHaveLength(1)
    expect(lines().filter(({ level }) => level === 'error')).toHaveLength(1)

    accounts['certferry-demo'].secretKey = 'not-a-secret-opens-only-the-emulator'
    signal('SIGHUP')
    await stored(3)
    expect(await end()).toBe(0)
  })
})

describe('the end', () => {
  test('of watching is a failure of the daemon, never a quiet exit', async () => {
    const watchers: FSWatcher[] = []
    const { add } = FSWatcher.prototype
    vi.spyOn(FSWatcher.prototype, 'add').mockImplementation(function kept(this: FSWatcher, paths) {
      watchers.push(this)
      return add.call(this, paths)
    })
    const { certbot, start, stored } = await openWatchStage()
    await certbot('a.example')
    const { exit, out } = start()
    await stored(1)
    watchers[0]?.emit('error', Object.assign(new Error('the disk is gone'), { code: 'EIO' }))
    expect(await exit).toBe(70)
    expect(out()).toContain('watching failed (EIO)')
  })

  test('finishes an upload under way and records it', async () => {
    const { certbot, start, folder, emulator } = await openWatchStage({ faults: () => ({ stall: 200 }) })
    await certbot('a.example')
    const { end, saying } = start()
    await expect.poll(() => emulator.certificates().length, BOUND).toBe(1)
    expect(await end()).toBe(0)
    await saying('uploaded')
    expect(await uploadedIn(folder)).toMatchObject({ certificateId: emulator.certificates()[0]?.id })
  })

  test('waits ten seconds for an upload that is stalled, and cuts it off', async () => {
    const { certbot, start, emulator } = await openWatchStage({ faults: () => ({ stall: 60_000 }) })
    await certbot('a.example')
    const waits: number[] = []
    const wait = async (ms: number) => void waits.push(ms)
    const { end, lines } = start({ wait })
    await expect.poll(() => emulator.certificates().length, BOUND).toBe(1)
    expect(await end()).toBe(0)
    expect(waits).toContain(10_000)
    await expect.poll(() => lines().filter(({ code }) => code === 'INTERRUPTED').length, BOUND).toBe(1)
    expect(emulator.entries.length).toBeLessThanOrEqual(1)
  })

  test('by a configuration that is not valid is at the start, exit 78', async () => {
    const { configure, start } = await openWatchStage()
    await configure('[watch]\nrescan = "often"\n')
    const { exit, err, out } = start()
    expect(await exit).toBe(78)
    expect(err() + out()).toContain('watch.rescan: expected a cron expression')
  })
})

test('a daemon that starts again waits until the next attempt that was recorded', async () => {
  const { certbot, start, folder, emulator, stored } = await openWatchStage()
  await certbot('a.example')
  const first = start()
  await stored(1)
  await first.saying('uploaded')
  expect(await first.end()).toBe(0)

  const { fingerprint = '' } = (await uploadedIn(folder)) ?? {}
  const nextAttemptAt = new Date(Date.now() + 600_000).toISOString()
  const since = new Date(Date.now() - 60_000).toISOString()
  const failing = {
    fingerprint: String(fingerprint),
    since,
    failures: 3,
    nextAttemptAt,
    code: 'TLS',
    message: 'no',
  }
  await putReceipts(join(folder, 'state'), { ...emptyReceipt('certbot:a.example'), failing })
  const requests = emulator.entries.length

  const second = start()
  expect(await second.saying('waiting')).toMatchObject([{ until: nextAttemptAt }])
  expect(emulator.entries).toHaveLength(requests)
  expect(await second.end()).toBe(0)
  expect(emulator.entries).toHaveLength(requests)
})

const uploadedIn = async (folder: string) => (await receiptsIn(join(folder, 'state')))[0]?.uploaded

test('a daemon with [http] answers what it has uploaded, and takes the socket away when it ends', async () => {
  const { folder, emulator, certbot } = await openStage()
  await certbot('example.com')
  const socket = join(folder, 's')
  await writeFile(
    join(folder, 'c.toml'),
    `[http]\nlisten = "unix:${socket}"\n[[source]]\nkind = "certbot"\npath = "letsencrypt"\n`,
  )
  const run = recordedContext({
    cwd: folder,
    wait: sleepBriefly,
    env: { ...KEYS, CERTFERRY_ENDPOINT: emulator.url },
  })
  const ended = cli(['watch', '-c', 'c.toml', '--state-dir', 'state'], run.context)
  await expect
    .poll(() => ask(socket, '/metrics').catch(String))
    .toContain('certferry_uploads_total{outcome="uploaded"} 1')
  expect(await ask(socket, '/ready')).toContain('ready')
  expect(await ask(socket, '/metrics')).toContain(
    `certferry_source_watch_up{source="certbot:${join(folder, 'letsencrypt')}"} 1`,
  )
  const db = new DatabaseSync(join(folder, 'state/state.db'))
  db.exec('PRAGMA user_version = 99')
  db.close()
  expect(await ask(socket, '/')).toContain('internal error')
  expect(run.out()).toMatch(/request failed: .*state\.db was written by a newer certferry/)
  run.end()
  expect(await ended).toBe(0)
  await expect(ask(socket, '/live')).rejects.toThrow()
})
