/** Daemons over certbot's tree and an account with resources and a TLS edge, all on a clock that passes while nothing is in flight. */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { openApp } from '../../src/app.ts'
import { createDaemon, type Daemon } from '../../src/daemon/daemon.ts'
import { startEdge } from '../../src/emulator/edge.ts'
import { type EmulatorOptions, startEmulator } from '../../src/emulator/server.ts'
import { Fault } from '../../src/errors.ts'
import type { Metrics } from '../../src/metrics/registry.ts'
import type { Receipt } from '../../src/receipts/receipt.ts'
// loaded before the clock runs: it does not see that a module is being read
import '../../src/deploy/replacer.ts'
import '../../src/upload/uploader.ts'
import '../../src/certificate/bundle.ts'
import { issue } from '../fixtures/certificates.ts'
import { recordedContext } from '../fixtures/context.ts'
import { startIdleClock } from '../fixtures/idleClock.ts'
import { all, certbotIssue, certbotRenew } from '../fixtures/producers.ts'
import { receiptsIn } from '../fixtures/state.ts'
import { memoryDirectory, temporaryDirectory } from '../fixtures/temporary.ts'
import { KEYS } from '../upload/uploaderFixture.ts'

const DAY = 86_400_000

export const A = 'certbot:a.example.com'
export const B = 'certbot:b.example.com'

export interface RunningDaemon {
  readonly daemon: Daemon
  readonly rescan: () => Promise<void>
  /** Sends the notifications that wait, in real time: no command is cut off by a clock that does not see it. */
  readonly notify: () => Promise<void>
  readonly said: (event: string) => ReadonlyArray<Readonly<Record<string, unknown>>>
  /** As `kill -9` at a pause: whatever waits goes no further. */
  readonly kill: () => void
}

export async function openAccount(options: EmulatorOptions & { readonly deploy?: string } = {}) {
  const { deploy = 'replace = true\nallow_untrusted = true', resources, ...others } = options
  const clock = startIdleClock()
  const cdn = (host: string) => ({ type: 'cdn', domains: [host], certId: `first:${host}` }) as const
  const emulator = await startEmulator({
    ...{ now: clock.now, dice: () => 0.5, rate: Number.POSITIVE_INFINITY },
    resources: resources ?? [cdn('a.example.com')],
    ...others,
  })
  onTestFinished(emulator.close)
  const edge = await startEdge(emulator)
  onTestFinished(edge.close)
  const folder = await temporaryDirectory()
  const root = join(folder, 'letsencrypt')
  const config = join(folder, 'config.toml')
  const stateDir = join(await memoryDirectory(), 'state')
  const [command, told] = [join(folder, 'tell'), join(folder, 'told')]
  const pinned = ['a', 'b'].map(
    name =>
      `[[certificate]]\nmatch = "certbot:${name}.example.com"\nverify = ["${name}.example.com@127.0.0.1:${edge.port}"]\n`,
  )
  const configure = (keys: string) =>
    writeFile(
      config,
      `[tencent]\nendpoint = "${emulator.url}"\nrate_per_second = 1000\n[state]\ndir = "${stateDir}"\n[watch]\nrescan = "0 0 1 1 *"\n[log]\nlevel = "debug"\n[deploy]\n${keys}\n[[source]]\nkind = "certbot"\npath = "${root}"\n${pinned.join('')}`,
    )
  await configure(deploy)

  const pairFor = (host: string) =>
    issue({
      names: [host],
      notBefore: new Date(clock.now() - DAY),
      notAfter: new Date(clock.now() + 89 * DAY),
    })
  const until = (condition: () => boolean | Promise<boolean>) => {
    const met = async () => {
      while (!(await condition())) await setImmediate()
    }
    return clock.until(met())
  }
  const file = join(stateDir, 'state.db')
  /** SQLite counts its transactions in these bytes; nothing else is read at each turn of the event loop. */
  const changes = () => (existsSync(file) ? readFileSync(file).subarray(24, 28).toString('hex') : '')
  let known: { readonly changes: string; readonly receipts: readonly Receipt[] } | undefined
  const replacement = async (lineage = A) => {
    const count = changes()
    if (known?.changes !== count) known = { changes: count, receipts: await receiptsIn(stateDir) }
    return known.receipts.find(one => one.lineage === lineage)?.replacement
  }

  const start = async (metrics?: Metrics): Promise<RunningDaemon> => {
    let isDead = false
    const released = new AbortController()
    const dead = () =>
      new Promise<void>((_, reject) => {
        released.signal.addEventListener('abort', () => reject(new Fault('INTERRUPTED', 'killed')))
      })
    const sleep = async (ms: number, signal?: AbortSignal) => {
      await clock.wait(ms, signal).catch(error => {
        if (!isDead) throw error
      })
      if (isDead) await dead()
    }
    const recorded = recordedContext({
      cwd: folder,
      env: { ...KEYS, CERTFERRY_LOG_FORMAT: 'json' },
      now: clock.now,
      monotonic: clock.monotonic,
      dice: () => 0.5,
      wait: sleep,
    })
    const deaths: unknown[] = []
    const line = { operands: [], json: false, config }
    // a file that was just written is read again after a second
    const app = await clock.until(
      openApp(recorded.context, line, new AbortController().signal, () => metrics),
    )
    const daemon = createDaemon(app, recorded.context, {
      onStatus: () => {},
      onDeath: error => void deaths.push(error),
      metrics: () => metrics,
    })
    onTestFinished(async () => {
      released.abort()
      isDead = false
      await Promise.race([clock.until(daemon.stop()).catch(() => {}), setImmediate()])
      if (deaths.length) throw deaths[0]
    })
    await app.receipts.prepare()
    await clock.until(daemon.start())
    return {
      daemon,
      notify: app.notifier.flush,
      rescan: () => clock.until(daemon.rescan('test')),
      said: event =>
        recorded
          .out()
          .split('\n')
          .filter(Boolean)
          .map(text => JSON.parse(text))
          .filter(entry => entry.event === event),
      kill: () => {
        isDead = true
      },
    }
  }
  await mkdir(folder, { recursive: true })
  return {
    ...{ clock, emulator, edge, stateDir, configure, start, until, replacement },
    issue: async (host: string) => all(certbotIssue(root, host, await pairFor(host))),
    renew: async (host: string) => all(certbotRenew(root, host, await pairFor(host))),
    remove: (host: string) => rm(join(root, 'live', host), { recursive: true }),
    isIn: (state: string, lineage = A) => until(async () => (await replacement(lineage))?.state === state),
    /** From the next start on. A command writes down of which events and lineages it was told. */
    notifyBy: async (...events: readonly string[]) => {
      await writeFile(command, `#!/bin/sh\necho "$CERTFERRY_EVENT $CERTFERRY_LINEAGES" >>${told}\n`, {
        mode: 0o755,
      })
      const listed = events.map(event => `"${event}"`).join(', ')
      await configure(`${deploy}\n[notify]\ncommand = "${command}"\nevents = [${listed}]`)
    },
    told: async () => (await readFile(told, 'utf8')).trim().split('\n'),
    /** When the service was asked that, in milliseconds since 1970. */
    askedAt: (action: string) => emulator.journal.filter(one => one.action === action).map(({ at }) => at),
  }
}
