/** Who carries renewals: hooks of the ACME clients, the daemon, a timer, cron. */
import { access, constants } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  daemonFinding,
  isDaemon,
  isTrusted,
  renewalFinding,
  runsSync,
  type Signs,
} from '../../core/carriers.ts'
import { Fault } from '../../core/fault.ts'
import { type Finding, ok, warning } from '../../core/finding.ts'
import { CLIENTS, type Client, HOOK_FILES, isOurs, quoted, startedBy } from '../../core/hookFile.ts'
import { deployCommand } from '../../core/hookNotice.ts'
import { QUESTION, SERVICE, TIMER, unitsIn } from '../../core/units.ts'
import { dehydratedConfig } from '../../edge/dehydratedConfig.ts'
import { lookAt, stillNaming } from '../../edge/hookFile.ts'
import type { Scene } from './scene.ts'

/** Whether the client calls us, and what is to be said of it. */
interface Hook {
  readonly client: Client
  readonly calls: boolean
  readonly finding: Finding
}

export async function renewals(scene: Scene): Promise<readonly Finding[]> {
  const [hooks, signs] = [await hooksOf(scene), await signsOf(scene)]
  const kinds = new Map<string, boolean>(scene.sources.map(({ kind }) => [kind, false]))
  for (const { client, calls } of hooks) kinds.set(client, calls || kinds.get(client) === true)
  return [
    ...hooks.map(({ finding }) => finding),
    daemonFinding(signs),
    ...(kinds.size ? [renewalFinding({ ...signs, kinds })] : []),
  ]
}

async function signsOf({ world, machine }: Scene): Promise<Signs> {
  const shown = await machine.systemctl(...QUESTION)
  const units = shown?.code === 0 ? unitsIn(shown.stdout) : undefined
  const user = machine.user()
  const daemons = (await machine.processes()).filter(({ words }) => isDaemon(words, world.program))
  const mine = daemons.filter(({ uid }) => isTrusted(uid, user))
  const lines = await machine.cronLines()
  return {
    units: units && { service: units(SERVICE), timer: units(TIMER) },
    pids: mine.map(({ pid }) => pid),
    others: daemons.filter(daemon => !mine.includes(daemon)).map(({ pid }) => pid),
    crontabs: [...new Set(lines.filter(line => runsSync(line, user)).map(({ file }) => file))],
  }
}

async function hooksOf(scene: Scene): Promise<readonly Hook[]> {
  const places = scene.sources.flatMap(source =>
    CLIENTS.filter(client => client === source.kind && 'path' in source).map(client => ({
      client,
      directory: 'path' in source ? source.path : '',
    })),
  )
  return Promise.all(places.map(place => hookIn(place, scene)))
}

interface Place {
  readonly client: Client
  readonly directory: string
}

async function hookIn({ client, directory }: Place, scene: Scene): Promise<Hook> {
  const { home, folder, name } = HOOK_FILES[client]
  const file = join(home(directory), folder, name)
  const says = (finding: Finding, calls = false): Hook => ({ client, calls, finding })
  try {
    const found = await lookAt(file)
    if (!found) return says(ok('hook', `${client}: not installed`))
    if (!isOurs(found))
      return says(
        warning('hook', `${client}: ${file} is not certferry's`, {
          advice: 'See what it is; move it away, then run `certferry install-hook`.',
          command: `less ${quoted(file)}`,
        }),
      )
    const trouble = (await troubleOf(client, found)) ?? (await otherHook(client, home(directory)))
    if (trouble)
      return says(
        warning('hook', `${client}: ${file} ${trouble}`, {
          command: `sudo certferry install-hook ${client}`,
        }),
      )
    return client === 'acme.sh'
      ? await named({ client, directory }, file, scene)
      : says(ok('hook', `${client}: ${file}`), true)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return says(warning('hook', `${client}: ${error.message}`, { command: 'sudo certferry check' }))
  }
}

/** Why the client would not run it, or it would not come to anything. */
async function troubleOf(client: Client, { text = '', mode }: { text?: string; mode: number }) {
  if (client === 'certbot' && !(mode & 0o111)) return 'is not executable, so certbot passes it over'
  if (client === 'dehydrated' && !(mode & 0o111)) return 'is not executable, so dehydrated ends there'
  for (const path of startedBy(text)) {
    const there = await access(path, constants.R_OK).then(
      () => true,
      () => false,
    )
    if (!there) return `starts ${path}, which is not there`
  }
  return undefined
}

/** dehydrated has only one hook. */
async function otherHook(client: Client, home: string): Promise<string | undefined> {
  if (client !== 'dehydrated') return undefined
  const { hookIn } = await dehydratedConfig(home, HOOK_FILES.dehydrated.name)
  return hookIn && `does not count beside the hook that ${hookIn} names`
}

/** acme.sh calls the hook for the certificates whose own file names it, and for no others. */
async function named({ client, directory }: Place, file: string, { listing }: Scene): Promise<Hook> {
  const naming = new Set((await stillNaming(directory, 'certferry')).map(conf => dirname(conf)))
  const { lineages } = await listing()
  const mine = lineages.filter(({ kind, chain }) => kind === client && dirname(dirname(chain)) === directory)
  const without = mine.filter(({ chain }) => !naming.has(dirname(chain)))
  const [next] = without
  if (!next) return { client, calls: true, finding: ok('hook', `${client}: ${file}`) }
  const says = `${client}: ${file}, and ${without.length} of ${mine.length} certificates do not call it`
  const domain = next.name.replace(/_ecc$/, '')
  return {
    client,
    calls: without.length < mine.length,
    finding: warning('hook', says, {
      advice: 'Once for each of them, with other hooks before it, OTHER,certferry:',
      command: deployCommand({ home: directory, domain, ecc: next.name.endsWith('_ecc') }),
    }),
  }
}
