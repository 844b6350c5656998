import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createServiceNotifier, type ServiceNotifierOptions } from '../../src/systemd/notify.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const UNIT = { NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '60000000', WATCHDOG_PID: '42' }

/** A notifier and the messages it sends. */
function open(options: Partial<ServiceNotifierOptions> = {}) {
  const messages: string[] = []
  const failures: string[] = []
  const notifier = createServiceNotifier({
    env: UNIT,
    pid: 42,
    monotonic: () => 7.000_999,
    onFailure: why => failures.push(why),
    send: async lines => void messages.push(lines.join(' ')),
    ...options,
  })
  return { notifier, messages, failures }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const settle = () => vi.advanceTimersByTimeAsync(0)

test('without systemd no message is sent, and no timer keeps the process alive', async () => {
  const { notifier, messages } = open({ env: { WATCHDOG_USEC: '1000' } })
  notifier.ready()
  notifier.status(() => expect.unreachable())
  await vi.advanceTimersByTimeAsync(60_000)
  await notifier.close()
  expect([messages, vi.getTimerCount()]).toEqual([[], 0])
})

test('states are sent in order, each in a message of its own, a reload with its time', async () => {
  const { notifier, messages } = open()
  notifier.reloading()
  notifier.ready()
  notifier.status(() => '2 certificates, 0 pending')
  notifier.stopping()
  await settle()
  expect(messages).toEqual([
    'RELOADING=1 MONOTONIC_USEC=7000',
    'READY=1',
    'STATUS=2 certificates, 0 pending',
    'STOPPING=1',
  ])
})

test('of a thousand statuses in a second the first and the newest are composed and sent', async () => {
  const { notifier, messages } = open()
  let composed = 0
  for (let n = 1; n <= 1_000; n++)
    notifier.status(() => {
      composed += 1
      return `${n} uploaded`
    })
  await vi.advanceTimersByTimeAsync(5_000)
  expect(messages).toEqual(['STATUS=1 uploaded', 'STATUS=1000 uploaded'])
  expect(composed).toBe(2)
})

test('a status that is the same as before is not sent again', async () => {
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

test('while systemd does not read, messages wait in order and of statuses only the newest is kept', async () => {
  const messages: string[] = []
  const first = Promise.withResolvers<void>()
  const send = async (lines: readonly string[]) => {
    messages.push(lines.join(' '))
    await first.promise
  }
  const { notifier } = open({ send })
  for (let n = 1; n <= 20; n++) {
    notifier.status(() => `${n} uploaded`)
    await vi.advanceTimersByTimeAsync(1_000)
  }
  notifier.stopping()
  expect(messages).toEqual(['STATUS=1 uploaded'])
  first.resolve()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(messages).toEqual(['STATUS=1 uploaded', 'STOPPING=1', 'STATUS=20 uploaded'])
})

test('the keep-alive is sent at half of the limit of the watchdog, until the notifier is closed', async () => {
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
  ['no process is named', { WATCHDOG_PID: '' }, 2],
  ['the watchdog is off', { WATCHDOG_USEC: '' }, 0],
  ['the limit is no number', { WATCHDOG_USEC: 'soon' }, 0],
  ['the limit is longer than a timer can count', { WATCHDOG_USEC: '18446744073709551615' }, 0],
])('keep-alives in a minute when %s', async (_, env, count) => {
  const { messages } = open({ env: { ...UNIT, ...env } })
  await vi.advanceTimersByTimeAsync(60_000)
  expect(messages).toHaveLength(count)
})

test('of failures the first is reported, and none is thrown', async () => {
  let sent = 0
  const send = async () => {
    sent += 1
    throw new Error('no such socket')
  }
  const { notifier, failures } = open({ send })
  notifier.ready()
  await vi.advanceTimersByTimeAsync(120_000)
  notifier.stopping()
  await notifier.close()
  expect([sent, failures]).toEqual([6, ['no such socket']])
})

/** A directory with a `systemd-notify` that is this script. */
async function scriptedNotify(script: string) {
  const directory = await temporaryDirectory()
  const file = join(directory, 'systemd-notify')
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o755)
  return { directory, PATH: `${directory}:/usr/bin:/bin` }
}

test('systemd-notify gets the lines, the socket, and no secret of the daemon', async () => {
  vi.useRealTimers()
  const { directory, PATH } = await scriptedNotify(`printf '%s\\n' "$@" >> "$0.words"; env > "$0.env"`)
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
  const PATH = script ? (await scriptedNotify(script)).PATH : await temporaryDirectory()
  const { notifier, failures } = open({ env: { ...UNIT, PATH }, send: undefined as never })
  notifier.ready()
  await notifier.close()
  expect(failures).toEqual([expect.stringMatching(words)])
})
