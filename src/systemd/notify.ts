/** Sends the daemon's state to systemd: ready, reloading, stopping, the watchdog's keep-alive and one line of status. */
import { execFile } from 'node:child_process'
import { printableText } from '../terminal/text.ts'

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

/** Pause between a message and a following status. */
const STATUS_INTERVAL_MS = 1_000

export function createServiceNotifier(options: ServiceNotifierOptions): ServiceNotifier {
  const { env, monotonic, onFailure, send = systemdNotify(env) } = options
  if (!env.NOTIFY_SOCKET) return NO_SYSTEMD
  /** States are sent one a message and in order; of statuses and keep-alives only the newest. */
  const states: string[][] = []
  let newStatus: (() => string) | undefined
  let sentStatus: string | undefined
  let keepAlive = false
  let hasFailed = false
  let sending: Promise<void> | undefined
  let pause: NodeJS.Timeout | undefined

  const nextMessage = (): readonly string[] => {
    const lines = [...(states.shift() ?? [])]
    const status = newStatus?.() ?? sentStatus
    if (status !== undefined && status !== sentStatus) lines.push(status)
    if (keepAlive) lines.push('WATCHDOG=1')
    sentStatus = status
    newStatus = undefined
    keepAlive = false
    return lines
  }
  const reportOnce = (error: unknown) => {
    if (!hasFailed) onFailure(error instanceof Error ? error.message : String(error))
    hasFailed = true
  }
  const sendAll = async () => {
    await undefined // calls of one turn share a message
    do {
      const lines = nextMessage()
      if (lines.length > 0) await send(lines).catch(reportOnce)
    } while (states.length > 0 || keepAlive)
    sending = undefined
    clearTimeout(pause)
    pause = setTimeout(() => {
      pause = undefined
      if (newStatus) start()
    }, STATUS_INTERVAL_MS).unref()
  }
  const start = () => {
    sending ??= sendAll()
  }
  const sendState = (...lines: string[]) => {
    states.push(lines)
    start()
  }
  const period = watchdogPeriod(options)
  const watchdog =
    period &&
    setInterval(() => {
      keepAlive = true
      start()
    }, period).unref()

  return {
    ready: () => sendState('READY=1'),
    reloading: () => sendState('RELOADING=1', `MONOTONIC_USEC=${Math.floor(monotonic() * 1000)}`),
    stopping: () => sendState('STOPPING=1'),
    status: text => {
      newStatus = () => `STATUS=${printableText(text())}`
      if (!pause) start()
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

/** systemd-notify itself waits 5 s for an unresponsive systemd. */
const NOTIFY_TIMEOUT_MS = 8_000

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
        timeout: NOTIFY_TIMEOUT_MS,
        killSignal: 'SIGKILL',
      } as const
      execFile('systemd-notify', [...lines], options, (error, _stdout, stderr) => {
        if (error) reject(new Error(`systemd-notify: ${stderr.trim() || error.message}`))
        else resolve()
      })
    })
