import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FSWatcher } from 'chokidar'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { sleep } from '../../src/util/async.ts'
import { ask, BOUND, openWatchStage, sleepBriefly } from './watchFixture.ts'

afterEach(() => vi.restoreAllMocks())

/** Watchers that are not ready before they are let go. */
function heldWatchers() {
  const held: FSWatcher[] = []
  const { add } = FSWatcher.prototype
  const hold = vi.spyOn(FSWatcher.prototype, 'add').mockImplementation(function kept(this: FSWatcher) {
    held.push(this)
    return this
  })
  return {
    held,
    letGo: () => {
      hold.mockImplementation(add)
      for (const watcher of held) watcher.emit('ready')
    },
  }
}

describe('a daemon that is starting', () => {
  test('SIGHUP and SIGUSR1 are handled, and the configuration is read once more', async () => {
    const { held, letGo } = heldWatchers()
    const { certbot, configure, start, stored } = await openWatchStage()
    await certbot('a.example')
    const { signal, said, saying, end } = start()
    await expect.poll(() => held.length, BOUND).toBe(1)
    for (const name of ['SIGHUP', 'SIGUSR1', 'SIGHUP'] as const) signal(name)
    await configure('[upload]\nalias = "by {name}"\n')
    expect(said('watching')).toEqual([])
    letGo()
    await saying('reloaded')
    await stored(1)
    expect(await end()).toBe(0)
    expect([said('watching'), said('reloaded')].map(lines => lines.length)).toEqual([1, 1])
  })

  test('SIGTERM ends it, though its watchers are not ready', async () => {
    const { held } = heldWatchers()
    const { certbot, start } = await openWatchStage()
    await certbot('a.example')
    const { said, end } = start()
    await expect.poll(() => held.length, BOUND).toBe(1)
    expect(await end()).toBe(0)
    expect(held.map(({ closed }) => closed)).toEqual([true])
    expect(said('watching')).toEqual([])
  })
})

/** Waits that last as long as a test wants where they are the ten seconds of an ending, and else as long as they say. */
function heldEndings() {
  const endings: PromiseWithResolvers<void>[] = []
  const wait = (ms: number, signal?: AbortSignal) => {
    if (ms !== 10_000) return sleepBriefly(ms, signal)
    const ending = Promise.withResolvers<void>()
    endings.push(ending)
    return ending.promise
  }
  return { endings, wait }
}

describe('SIGTERM', () => {
  test('during a reload ends the daemon in the ten seconds that the reload has begun, not in ten more', async () => {
    const { endings, wait } = heldEndings()
    const add = vi.spyOn(FSWatcher.prototype, 'add')
    const { certbot, start, emulator } = await openWatchStage({ faults: () => ({ stall: 60_000 }) })
    await certbot('a.example')
    const { signal, said, end } = start({ wait })
    await expect.poll(() => emulator.certificates().length, BOUND).toBe(1)
    signal('SIGHUP')
    await expect.poll(() => endings.length, BOUND).toBe(1)
    const ended = end()
    endings[0]?.resolve()
    expect(await ended).toBe(0)
    expect(endings).toHaveLength(1)
    expect(said('reloaded')).toEqual([])
    await sleep(100) // what nothing waits for would have begun by now
    expect(add).toHaveBeenCalledTimes(1)
  })
})

test('SIGTERM ends the daemon though the webhook does not answer', async () => {
  const { endings, wait } = heldEndings()
  const { folder, certbot, configure, start, stored } = await openWatchStage()
  await writeFile(join(folder, 'tell'), `#!/bin/sh\n: > '${folder}/asked'\nexec sleep 60\n`, { mode: 0o755 })
  await configure(`[notify]\ncommand = "${folder}/tell"\nevents = ["uploaded"]\n`)
  await certbot('a.example')
  const { said, end } = start({ wait })
  await stored(1)
  const ended = end()
  await expect.poll(() => endings.length, BOUND).toBe(1)
  await expect.poll(() => access(join(folder, 'asked')).then(() => 'asked', String), BOUND).toBe('asked')
  endings[0]?.resolve()
  expect(await ended).toBe(0)
  expect(said('notification_failed')).toHaveLength(1)
})

describe('many signals at once', () => {
  test('SIGHUP is two reloads: the one under way, and one after it', async () => {
    const { certbot, stored, saying, said, signal, end } = await running()
    for (let i = 0; i < 100; i++) signal('SIGHUP')
    await saying('reloaded', 2)
    await certbot('b.example')
    await stored(2)
    expect(said('reloaded')).toHaveLength(2)
    expect(await end()).toBe(0)
  })

  test('SIGUSR1 is two rescans, and a change without an event is counted once', async () => {
    vi.spyOn(FSWatcher.prototype, 'add').mockImplementation(function deaf(this: FSWatcher) {
      queueMicrotask(() => this.emit('ready'))
      return this
    })
    const { renew, stored, said, signal, end } = await running()
    await renew('a.example')
    for (let i = 0; i < 100; i++) signal('SIGUSR1')
    await stored(2)
    expect(await end()).toBe(0)
    expect(said('missed_change')).toHaveLength(1)
    expect(said('rescan').length).toBeLessThanOrEqual(2)
  })
})

test('SIGUSR1 and a reload name the sources that a systemd unit hides, the first start does not', async () => {
  const { configure, start } = await openWatchStage()
  const hidden = '/dev/shm/certferry-none/le'
  await configure(`[[source]]\nkind = "certbot"\npath = "${hidden}"\n`)
  const { signal, said, saying, end } = start({ env: { INVOCATION_ID: '0' } })
  await saying('watching')
  expect(said('source_hidden')).toEqual([])
  signal('SIGUSR1')
  expect(await saying('source_hidden')).toMatchObject([
    { level: 'info', paths: [hidden], advice: expect.stringContaining('systemctl restart certferry') },
  ])
  signal('SIGHUP')
  await saying('source_hidden', 2)
  expect(await end()).toBe(0)
})

/** A daemon that has uploaded its one certificate. */
async function running() {
  const stage = await openWatchStage()
  await stage.certbot('a.example')
  const daemon = stage.start()
  await daemon.saying('uploaded')
  return { ...stage, ...daemon }
}

test('a reload with an address that cannot be opened leaves the server as it is', async () => {
  const { folder, configure, start } = await openWatchStage()
  const socket = join(folder, 's')
  await configure(`[http]\nlisten = "unix:${socket}"\n`)
  const { signal, saying, end } = start()
  await saying('watching')
  await configure(`[http]\nlisten = "unix:${folder}/nowhere/s"\n`)
  signal('SIGHUP')
  expect(await saying('reload')).toMatchObject([{ code: 'ADDRESS_UNAVAILABLE' }])
  expect(await ask(socket, '/ready')).toBe('ready\n')

  await configure(`[http]\nlisten = "unix:${socket}2"\n`)
  signal('SIGHUP')
  await saying('reloaded')
  expect(await ask(`${socket}2`, '/ready')).toBe('ready\n')
  await expect(ask(socket, '/ready')).rejects.toThrow()
  expect(await end()).toBe(0)
  await expect(ask(`${socket}2`, '/ready')).rejects.toThrow()
})

test('a reload that fails unexpectedly leaves the old configuration in force, and logs the error code', async () => {
  const { certbot, start, stored } = await openWatchStage()
  const daemon = start()
  await daemon.saying('watching')
  let broken = true
  Object.defineProperty(daemon.context.env, 'CERTFERRY_ENDPOINT', {
    get: () => {
      if (broken) throw Object.assign(new Error('text that is not said'), { code: 'EBADF' })
    },
  })
  daemon.signal('SIGHUP')
  expect(await daemon.saying('reload')).toMatchObject([
    { code: 'INTERNAL_ERROR', msg: expect.stringMatching(/EBADF/) },
  ])
  broken = false
  await certbot('b.example')
  await stored(1)
  expect(await daemon.end()).toBe(0)
})
