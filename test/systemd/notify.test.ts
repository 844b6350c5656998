import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createServiceNotifier, type ServiceNotifierOptions } from '../../src/systemd/notify.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const UNIT = { NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '60000000', WATCHDOG_PID: '42' }

interface Stage extends Partial<ServiceNotifierOptions> {
  /** Fails every message with these words. */
  readonly failing?: string
}

/** What systemd is told, message by message, while the notifier is used. */
function open({ failing, ...options }: Stage = {}) {
  const messages: string[] = []
  const failures: string[] = []
  const notifier = createServiceNotifier({
    env: UNIT,
    pid: 42,
    monotonic: () => 7.000_999,
    onFailure: why => failures.push(why),
    send: async lines => {
      messages.push(lines.join(' '))
      if (failing) throw new Error(failing)
    },
    ...options,
  })
  return { notifier, messages, failures }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const settle = () => vi.advanceTimersByTimeAsync(0)

test('without systemd nothing is said, and nothing keeps the process alive', async () => {
  const { notifier, messages } = open({ env: { WATCHDOG_USEC: '1000' } })
  notifier.ready()
  notifier.status(() => 'here')
  await vi.advanceTimersByTimeAsync(60_000)
  await notifier.close()
  expect([messages, vi.getTimerCount()]).toEqual([[], 0])
})

test('what is said in one go goes out in one message', async () => {
  const { notifier, messages } = open()
  notifier.ready()
  notifier.status(() => '2 certificates, 0 pending')
  await settle()
  expect(messages).toEqual(['READY=1 STATUS=2 certificates, 0 pending'])
})

test('a reload says when it began, and is over only in a message of its own', async () => {
  const { notifier, messages } = open()
  notifier.reloading()
  notifier.ready()
  notifier.stopping()
  await settle()
  expect(messages).toEqual(['RELOADING=1 MONOTONIC_USEC=7000', 'READY=1', 'STOPPING=1'])
})

test('of a thousand statuses in a second the first and the newest are told', async () => {
  const { notifier, messages } = open()
  for (let n = 1; n <= 1_000; n++) {
    notifier.status(() => `${n} uploaded`)
    if (n === 1) await settle()
  }
  await vi.advanceTimersByTimeAsync(5_000)
  expect(messages).toEqual(['STATUS=1 uploaded', 'STATUS=1000 uploaded'])
})

test('a status is put together only when it is told', async () => {
  const { notifier, messages } = open()
  let asked = 0
  const text = () => `asked ${++asked} times`
  for (let n = 0; n < 1_000; n++) notifier.status(text)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(messages.filter(message => message.startsWith('STATUS'))).toEqual(['STATUS=asked 1 times'])
  const silent = open({ env: {} })
  silent.notifier.status(text)
  await settle()
  expect(asked).toBe(1)
})

test('a status that says the same again is not told again', async () => {
  const { notifier, messages } = open()
  for (const text of ['same', 'other', 'same']) notifier.status(() => text)
  await vi.advanceTimersByTimeAsync(2_000)
  notifier.status(() => 'same')
  await vi.advanceTimersByTimeAsync(2_000)
  expect(messages).toEqual(['STATUS=same'])
})

test('a status is one short line, whatever a certificate is called', async () => {
  const { notifier, messages } = open()
  notifier.status(() => `a\nREADY=1\u001b[31m${'x'.repeat(5_000)}`)
  await settle()
  expect(messages[0]).toMatch(/^STATUS=a READY=1\ufffd\[31mx+…$/)
  expect(messages[0]?.length).toBeLessThan(600)
})

test('nothing overtakes a message that is still under way', async () => {
  const under: Array<() => void> = []
  const messages: string[] = []
  const send = (lines: readonly string[]) => {
    messages.push(lines.join(' '))
    return new Promise<void>(resolve => under.push(resolve))
  }
  const { notifier } = open({ send })
  notifier.ready()
  await settle()
  notifier.status(() => 'working')
  notifier.stopping()
  await vi.advanceTimersByTimeAsync(30_000)
  expect(messages).toEqual(['READY=1'])
  under[0]?.()
  await settle()
  expect(messages).toEqual(['READY=1', 'STOPPING=1 STATUS=working WATCHDOG=1'])
})

test('the watchdog is fed at half of its patience until the end', async () => {
  const { notifier, messages } = open()
  await vi.advanceTimersByTimeAsync(29_999)
  expect(messages).toEqual([])
  await vi.advanceTimersByTimeAsync(60_001)
  expect(messages).toEqual(['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1'])
  await notifier.close()
  await vi.advanceTimersByTimeAsync(600_000)
  expect(messages).toHaveLength(3)
})

test.each([
  ['another process is watched', { WATCHDOG_PID: '43' }, 0],
  ['nobody says which process is', { WATCHDOG_PID: '' }, 2],
  ['nobody is', { WATCHDOG_USEC: '' }, 0],
  ['the limit is no number', { WATCHDOG_USEC: 'soon' }, 0],
  ['the limit is longer than a timer can count', { WATCHDOG_USEC: '18446744073709551615' }, 0],
])('pings in a minute where %s: as many as are due', async (_, env, count) => {
  const { messages } = open({ env: { ...UNIT, ...env } })
  await vi.advanceTimersByTimeAsync(60_000)
  expect(messages).toHaveLength(count)
})

test('a failure is told once, and never thrown', async () => {
  const { notifier, failures, messages } = open({ failing: 'no such socket' })
  notifier.ready()
  await vi.advanceTimersByTimeAsync(120_000)
  notifier.stopping()
  await notifier.close()
  expect(messages).toHaveLength(6)
  expect(failures).toEqual(['no such socket'])
})

/** A `systemd-notify` that writes down what it was given. */
async function impostor(script: string) {
  const directory = await temporaryDirectory()
  const file = join(directory, 'systemd-notify')
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o755)
  return { directory, PATH: `${directory}:/usr/bin:/bin` }
}

test('systemd-notify gets the words, the socket, and no secret of ours', async () => {
  vi.useRealTimers()
  const { directory, PATH } = await impostor(`printf '%s\\n' "$@" > "$0.words"; env > "$0.env"`)
  const env = { ...UNIT, PATH, TENCENTCLOUD_SECRET_KEY: 'hidden' }
  const { notifier, failures } = open({ env, send: undefined as never })
  notifier.ready()
  notifier.status(() => '--help')
  await notifier.close()
  const written = (name: string) => readFile(join(directory, `systemd-notify.${name}`), 'utf8')
  expect(await written('words')).toBe('READY=1\nSTATUS=--help\n')
  expect(await written('env')).toContain('NOTIFY_SOCKET=/run/systemd/notify')
  expect(await written('env')).not.toMatch(/hidden|WATCHDOG/)
  expect(failures).toEqual([])
})

test.each([
  ['fails', 'echo "Failed to notify" >&2; exit 1', /^systemd-notify: Failed to notify$/],
  ['is not there', undefined, /^systemd-notify: .*ENOENT/],
])('a systemd-notify that %s is reported in its own words', async (_, script, words) => {
  vi.useRealTimers()
  const PATH = script ? (await impostor(script)).PATH : await temporaryDirectory()
  const { notifier, failures } = open({ env: { ...UNIT, PATH }, send: undefined as never })
  notifier.ready()
  await notifier.close()
  expect(failures).toEqual([expect.stringMatching(words)])
})
