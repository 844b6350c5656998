/** Sends the daemon's state to systemd: ready, reloading, stopping, the watchdog's keep-alive and one line of status. */
import { execFile } from 'node:child_process'
import { printableText } from '../terminal/text.ts'
import { STATUS_INTERVAL_MS, SYSTEMD_NOTIFY_TIMEOUT_MS } from '../util/schedule.ts'

type Send = (lines: readonly string[]) => Promise<void>

export interface ServiceNotifierOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pid: number
  /** CLOCK_MONOTONIC in milliseconds, which systemd wants with a reload. */
  readonly monotonic: () => number
  /** Called for the first failure only: the daemon works without systemd, until the watchdog restarts it. */
  readonly onFailure: (why: string) => void
  /** Sends one message of `NAME=value` lines; resolves when systemd has read it. */
  readonly send?: Send
}

/** The functions neither block nor throw. */
interface ServiceNotifier {
  readonly ready: () => void
  readonly reloading: () => void
  readonly stopping: () => void
  /** `text` is called when the status is sent, because composing it may be expensive. */
  readonly status: (text: () => string) => void
  /** Stops the keep-alive; resolves when pending messages are sent or have failed. */
  readonly close: () => Promise<void>
}

export function createServiceNotifier(options: ServiceNotifierOptions): ServiceNotifier {
  const { env, monotonic, onFailure, send = systemdNotify(env) } = options
  if (!env.NOTIFY_SOCKET) return NO_SYSTEMD
  let sending = Promise.resolve()
  let hasFailed = false
  let newStatus: (() => string) | undefined
  let sentStatus: string | undefined
  let isThrottled = false

  /** One message at a time, in order. */
  const sendNext = (...lines: string[]): Promise<void> => {
    sending = sending
      .then(() => send(lines))
      .catch((error: Error) => {
        if (!hasFailed) onFailure(error.message)
        hasFailed = true
      })
    return sending
  }
  const sendStatus = async () => {
    if (!newStatus) return
    isThrottled = true
    const line = `STATUS=${printableText(newStatus())}`
    newStatus = undefined
    if (line !== sentStatus) await sendNext(line)
    sentStatus = line
    setTimeout(() => {
      isThrottled = false
      void sendStatus()
    }, STATUS_INTERVAL_MS).unref()
  }
  const period = watchdogPeriod(options)
  const watchdog = period && setInterval(() => void sendNext('WATCHDOG=1'), period).unref()

  return {
    ready: () => void sendNext('READY=1'),
    reloading: () => void sendNext('RELOADING=1', `MONOTONIC_USEC=${Math.floor(monotonic() * 1000)}`),
    stopping: () => void sendNext('STOPPING=1'),
    status: text => {
      newStatus = text
      if (!isThrottled) void sendStatus()
    },
    close: async () => {
      clearInterval(watchdog)
      await sending
    },
  }
}

const NO_SYSTEMD: ServiceNotifier = {
  ready: () => {},
  reloading: () => {},
  stopping: () => {},
  status: () => {},
  close: async () => {},
}

/** Half of systemd's limit, in milliseconds; undefined if the watchdog is off or watches another process. */
function watchdogPeriod({ env, pid }: ServiceNotifierOptions): number | undefined {
  const limit = Number(env.WATCHDOG_USEC)
  const isOurs = !env.WATCHDOG_PID || env.WATCHDOG_PID === String(pid)
  return isOurs && limit > 0 ? Math.min(limit / 2000, 2 ** 31 - 1) : undefined
}

/**
 * Node has no datagram sockets. Without --no-block the child ends only after systemd has read the message, while the child can
 * still be identified as the unit's. Its environment holds no credentials.
 */
const systemdNotify =
  ({ PATH, NOTIFY_SOCKET }: ServiceNotifierOptions['env']): Send =>
  lines =>
    new Promise((resolve, reject) => {
      const options = {
        env: { PATH, NOTIFY_SOCKET },
        timeout: SYSTEMD_NOTIFY_TIMEOUT_MS,
        killSignal: 'SIGKILL',
      } as const
      execFile('systemd-notify', [...lines], options, (error, _stdout, stderr) => {
        if (error) reject(new Error(`systemd-notify: ${stderr.trim() || error.message}`))
        else resolve()
      })
    })
