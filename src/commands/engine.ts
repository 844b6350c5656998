/** Everything that a pass needs, made from settings: what sync, hook, status and check have in common. */
import { exposureEntry } from '../core/exposure.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import type { Settings } from '../core/settings.ts'
import { findCredentials, markOf } from '../edge/credentials.ts'
import { type Exposures, openExposures } from '../edge/exposure.ts'
import { type Log, openLog } from '../edge/log.ts'
import type { Metrics } from '../edge/metrics.ts'
import { openReceipts, type Receipts } from '../edge/receipts.ts'
import type { Uploader } from '../edge/uploader.ts'
import type { PassEffects } from '../pass.ts'
import { VERSION } from '../version.ts'
import type { World } from '../world.ts'
import { openCarrier } from './carrier.ts'
import type { CommandLine } from './commandLine.ts'
import { passEffects } from './effects.ts'
import { write } from './entries.ts'
import { type Herald, openHerald } from './herald.ts'
import { type InForce, settingsInForce } from './settings.ts'
import { sayDamaged } from './teller.ts'

export interface Engine {
  readonly settings: Settings
  readonly configFile: string | undefined
  readonly log: Log
  readonly receipts: Receipts
  readonly effects: PassEffects
  readonly herald: Herald
  /** Of the files that secrets are read from. */
  readonly exposures: Exposures
  readonly uploader: () => Promise<Uploader>
  /** Tells one set of credentials from another; empty where there are none. Never rejects. */
  readonly credentialsMark: () => Promise<string>
  /** Closes the uploader; the next upload opens another, with credentials read anew. */
  readonly renewUploader: () => Promise<void>
  /** Ends what keeps the process alive. */
  readonly close: () => Promise<void>
}

/** @throws Fault of the configuration. */
export async function openEngine(
  world: World,
  line: CommandLine,
  signal: AbortSignal,
  metrics: () => Metrics | undefined = () => undefined,
): Promise<Engine> {
  return engineFor(await settingsInForce(world, line), { world, line, signal, metrics })
}

export interface Surroundings {
  readonly world: World
  readonly line: CommandLine
  readonly signal: AbortSignal
  readonly metrics?: () => Metrics | undefined
}

/** With settings that are known to be good. */
export function engineFor(
  { settings, configFile }: InForce,
  { world, line, signal, metrics = () => undefined }: Surroundings,
): Engine {
  const { env, home } = world
  const output = line.json ? world.stderr : world.stdout
  const log = openLog({ level: settings.logLevel, output, now: world.now })
  const now = () => new Date(world.now())
  const herald = openHerald(settings, world, log, signal)
  const receipts = openReceipts(settings.stateDir, sayDamaged(log), now)
  const exposures = openExposures()
  const onSecret = exposures.saw
  const carrier = openCarrier({
    settings,
    env,
    home,
    version: VERSION,
    log,
    now: world.now,
    passing: { now: world.monotonic, wait: world.wait, dice: world.dice },
    signal,
    told: new Set<FaultCode>(),
    onThrottled: () => metrics()?.throttled(),
    onSecret,
  })
  // cut short by the deadline, a pause is over: what follows meets the deadline itself
  const wait = (ms: number) => world.wait(ms, signal).catch(() => undefined)
  let closed: Promise<void> | undefined
  const alone = () => {
    closed ??= world.closeDebugger()
    return closed
  }
  const effects = passEffects({
    ...{ world, log, receipts, carrier, herald, metrics, onSecret, alone, wait },
    stateDir: settings.stateDir,
    force: line.force ?? false,
  })
  const { profile, role } = settings
  const credentialsMark = () =>
    import('../edge/role.ts')
      .then(({ roleCredentials }) =>
        findCredentials({ env, home, profile, role: () => roleCredentials(role), onSecret, now, wait }),
      )
      .then(markOf, () => '')
  const close = async () => {
    await carrier.renew()
    if (settings.notify.webhookFile !== undefined) await alone()
    await herald.deliver()
  }
  return {
    settings,
    configFile,
    log,
    receipts,
    effects,
    herald,
    exposures,
    uploader: carrier.uploader,
    credentialsMark,
    renewUploader: carrier.renew,
    close,
  }
}

/** The signal that ends all work: the operator's, or the deadline's. Its reason is the fault to report. */
export function endOf({ ending }: World, late?: AbortSignal): AbortSignal {
  const end = new AbortController()
  const interrupt = () => end.abort(new Fault('INTERRUPTED', `interrupted (${ending.reason})`))
  if (ending.aborted) interrupt()
  ending.addEventListener('abort', interrupt, { once: true })
  return AbortSignal.any([end.signal, ...(late ? [late] : [])])
}

/** Warns of secrets that others may read, as they are come upon. */
export const warnOfExposures = ({ exposures, log }: Engine): void =>
  exposures.tellTo(exposure => write(log, exposureEntry(exposure)))
