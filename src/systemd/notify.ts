/** Tells systemd how the daemon is: ready, reloading, stopping, alive, and one line of status. Silent without systemd. */
import { execFile } from 'node:child_process'
import { printableText } from '../terminal/text.ts'
import { STATUS_INTERVAL_MS, SYSTEMD_NOTIFY_TIMEOUT_MS } from '../util/schedule.ts'

export interface ServiceNotifierOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pid: number
  /** CLOCK_MONOTONIC in milliseconds: systemd asks of a reload when it began. */
  readonly monotonic: () => number
  /** Told once, however often it fails: the daemon works without systemd hearing of it, until the watchdog bites. */
  readonly onFailure: (why: string) => void
  /** One message, `NAME=value` each; resolves when systemd has read it. */
  readonly send?: (lines: readonly string[]) => Promise<void>
}

/** Nothing here blocks, throws or returns a result. */
interface ServiceNotifier {
  readonly ready: () => void
  readonly reloading: () => void
  readonly stopping: () => void
  /** Asked for its text when it can be sent, and not before: to put it together may be work. */
  readonly status: (text: () => string) => void
  /** Ends the watchdog's pings; resolves when what was said has been delivered or given up. */
  readonly close: () => Promise<void>
}

const nothing = () => {}

const SILENT: ServiceNotifier = {
  ready: nothing,
  reloading: nothing,
  stopping: nothing,
  status: nothing,
  close: async () => {},
}

export function createServiceNotifier(options: ServiceNotifierOptions): ServiceNotifier {
  const { env, monotonic } = options
  if (!env.NOTIFY_SOCKET) return SILENT
  const wire = openWire(options.send ?? bySystemdNotify(env), once(options.onFailure))
  const period = watchdogPeriod(options)
  const beat = period === undefined ? undefined : setInterval(wire.alive, period).unref()
  return {
    ready: () => wire.state(['READY=1']),
    reloading: () => wire.state(['RELOADING=1', `MONOTONIC_USEC=${Math.floor(monotonic() * 1000)}`]),
    stopping: () => wire.state(['STOPPING=1']),
    status: text => wire.status(() => `STATUS=${printableText(text())}`),
    close: () => {
      clearInterval(beat)
      return wire.delivered()
    },
  }
}

/** Half of what systemd allows, in milliseconds; undefined where it does not watch, or watches another process. */
function watchdogPeriod({ env, pid }: ServiceNotifierOptions): number | undefined {
  const allowed = Number(env.WATCHDOG_USEC)
  const ours = !env.WATCHDOG_PID || env.WATCHDOG_PID === String(pid)
  return ours && allowed > 0 ? Math.min(allowed / 2000, 2 ** 31 - 1) : undefined
}

function once(tell: (why: string) => void): (error: unknown) => void {
  let told = false
  return error => {
    if (!told) tell(error instanceof Error ? error.message : String(error))
    told = true
  }
}

/** What is still to be said: states in their order, of the rest the newest. */
function openOutbox() {
  const states: Array<readonly string[]> = []
  let status: (() => string) | undefined
  let said: string | undefined
  let alive = false
  return {
    state: (lines: readonly string[]) => void states.push(lines),
    status: (line: () => string) => {
      status = line
    },
    alive: () => {
      alive = true
    },
    holds: () => ({ urgent: states.length > 0 || alive, status: status !== undefined }),
    take: (): readonly string[] => {
      const line = status?.() ?? said
      const news = line === undefined || line === said ? [] : [line]
      const lines = [...(states.shift() ?? []), ...news, ...(alive ? ['WATCHDOG=1'] : [])]
      said = line
      status = undefined
      alive = false
      return lines
    },
  }
}

/** One message under way at a time, so that none overtakes another. */
function openWire(send: (lines: readonly string[]) => Promise<void>, onFailure: (error: unknown) => void) {
  const outbox = openOutbox()
  let sending: Promise<void> | undefined
  let pause: NodeJS.Timeout | undefined

  const deliver = async () => {
    await undefined // what is said in one go goes out together
    do {
      const lines = outbox.take()
      if (lines.length > 0) await send(lines).catch(onFailure)
    } while (outbox.holds().urgent)
    sending = undefined
    clearTimeout(pause)
    pause = setTimeout(rest, STATUS_INTERVAL_MS).unref()
  }
  const start = () => {
    sending ??= deliver()
  }
  const rest = () => {
    pause = undefined
    if (outbox.holds().status) start()
  }
  const urgently =
    <T extends readonly unknown[]>(put: (...what: T) => void) =>
    (...what: T) => {
      put(...what)
      start()
    }
  const status = (line: () => string) => {
    outbox.status(line)
    if (!pause && outbox.holds().status) start()
  }
  const delivered = () => sending ?? Promise.resolve()
  return { state: urgently(outbox.state), alive: urgently(outbox.alive), status, delivered }
}

/**
 * Node has no datagram sockets. Without --no-block the child ends only when systemd has read the message, and so while it
 * can still be recognised as the unit's. It is given none of our environment: a key of the account may stand there.
 */
const bySystemdNotify =
  ({ PATH, NOTIFY_SOCKET }: ServiceNotifierOptions['env']) =>
  (lines: readonly string[]) =>
    new Promise<void>((resolve, reject) => {
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
