/** Eight processes that look at the same lineages while these are renewed: a daemon, passes and hooks without end. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { DEMO_CREDENTIALS, type Emulator, startEmulator } from '../../src/emulator/server.ts'
import type { Ended, Environment } from './child.ts'
import { MAIN, program } from './program.ts'
import { type Renewed, renewals, write } from './renewals.ts'

/** With the daemon they are eight. */
const SYNCS = 3
const HOOKS = 4
/** Milliseconds. Answers leave the service together, so that those who wait for them record in the same moment. */
const TICK = 1_000
/** Milliseconds within which the first issuances begin. */
const START = 500

export interface Race {
  readonly renewed: readonly Renewed[]
  readonly emulator: Emulator
  readonly stateDir: string
  readonly syncs: readonly Ended[]
  readonly hooks: ReadonlyArray<{ readonly of: Renewed; readonly ended: Ended }>
  readonly daemon: Ended
  /** One look at everything when all is quiet. */
  readonly quiet: Ended
}

export async function race(root: string, lineages: number): Promise<Race> {
  const roots = { certbot: join(root, 'letsencrypt'), acme: join(root, 'acme.sh') }
  for (const path of [join(roots.certbot, 'live'), roots.acme]) await mkdir(path, { recursive: true })
  const renewed = await renewals(lineages, roots)
  const faults = () => ({ stall: TICK - (Date.now() % TICK) })
  const emulator = await startEmulator({ rate: Number.POSITIVE_INFINITY, faults })
  const stateDir = join(root, 'state')
  const environment = {
    TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
    TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
    CERTFERRY_STATE_DIR: stateDir,
    CERTFERRY_ENDPOINT: emulator.url,
  }
  const sources = ['--source', `certbot=${roots.certbot}`, '--source', `acme.sh=${roots.acme}`]
  const sync = () => program(['sync', '--rate', '200', '--json', ...sources], environment)
  const hook = (of: Renewed) => program(['hook'], { ...environment, ...of.environment })
  const endDaemon = watching(['watch', '--rate', '200', ...sources], environment)
  const contest = await contended(renewed, sync, hook)
  const daemon = await endDaemon()
  return { renewed, emulator, stateDir, ...contest, daemon, quiet: await sync() }
}

/** Gives back what ends it and waits until it has. */
function watching(args: readonly string[], env: Environment): () => Promise<Ended> {
  const child = spawn(execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
    })
  const stop = () => child.kill('SIGKILL')
  process.once('exit', stop) // a run that is broken off leaves nobody behind
  const closed = once(child, 'close').finally(() => process.off('exit', stop))
  return async () => {
    child.kill('SIGTERM')
    const [code] = await closed
    return { code, ...said }
  }
}

/** Three look at everything, four at what was just renewed or, where nothing was, at any that there is. */
async function contended(
  renewed: readonly Renewed[],
  sync: () => Promise<Ended>,
  hook: (of: Renewed) => Promise<Ended>,
): Promise<Pick<Race, 'syncs' | 'hooks'>> {
  const syncs: Ended[] = []
  const hooks: Array<{ of: Renewed; ended: Ended }> = []
  const waiting: Renewed[] = []
  const issued: Renewed[] = []
  let over = false
  const looking = async () => {
    while (!over) syncs.push(await sync())
  }
  const hooking = async () => {
    while (!over) {
      const of = waiting.shift() ?? issued[Math.floor(Math.random() * issued.length)]
      if (of) hooks.push({ of, ended: await hook(of) })
      else await setTimeout(10)
    }
  }
  const processes = [...Array.from({ length: SYNCS }, looking), ...Array.from({ length: HOOKS }, hooking)]
  const written = renewed.map(async one => {
    await setTimeout(Math.random() * START)
    await write(one, Math.random, () => {
      waiting.push(one)
      issued.push(one)
    })
  })
  await Promise.all(written).finally(() => {
    over = true
  })
  await Promise.all(processes)
  return { syncs, hooks }
}
