/** The questions of `certferry setup`: at most four, each with an answer that Enter gives. */
import { FOLDER_KINDS, type FolderKind } from '../acme/clients.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { Fault } from '../errors.ts'
import type { Ask } from '../processContext.ts'
import type { SetupChoices } from './plan.ts'

/** A client's folder on this machine. */
export interface ClientFound {
  readonly client: FolderKind
  readonly directory: string
  readonly certificates: number
}

/** @throws Fault USAGE, or NO_SOURCE where there is no client. */
export async function chosenClients(
  { client }: CommandLine,
  found: readonly ClientFound[],
  ask: Ask | undefined,
): Promise<readonly FolderKind[]> {
  if (client) return client.map(clientNamed)
  if (!found.length)
    throw new Fault('NO_SOURCE', 'no ACME client was found in the usual directories', {
      advice: 'Install one first, or give its directory: certferry setup --source certbot=DIR.',
    })
  const all = found.map(({ client }) => client)
  const [only, ...more] = found
  if (!ask) return all
  if (only && !more.length) {
    if (await yes(ask, `Found ${titleOf(only)}. Upload them?`)) return all
    throw new Fault('USAGE', 'no client was chosen, and nothing was changed')
  }
  const every = all.length === 2 ? 'both' : 'all'
  const choice = await oneOf(ask, `Found ${found.map(titleOf).join(' and ')}. Upload ${every}, or one?`, [
    every,
    ...all,
  ])
  return choice === every ? all : [clientNamed(choice)]
}

const titleOf = ({ client, directory, certificates }: ClientFound) =>
  `${client} in ${directory} (${certificates} certificate${certificates === 1 ? '' : 's'})`

const clientNamed = (word: string): FolderKind => {
  const client = FOLDER_KINDS.find(name => name === word)
  if (client) return client
  throw new Fault('USAGE', `--client: expected one of ${FOLDER_KINDS.join(', ')}, not "${word}"`)
}

/** @throws Fault USAGE for a service where there is none. */
export async function chosenWay(
  { daemon, hook }: CommandLine,
  units: boolean,
  ask: Ask | undefined,
): Promise<SetupChoices['way']> {
  if (daemon && hook) throw new Fault('USAGE', 'setup takes --daemon or --hook, not both')
  if (daemon && !units)
    throw new Fault('USAGE', 'systemd has no certferry.service on this machine', {
      advice: 'Install the Debian package, copy the units (docs/systemd.md), or use --hook.',
    })
  if (daemon || hook || !units) return daemon ? 'daemon' : 'hook'
  if (!ask) return 'daemon'
  const choice = await oneOf(ask, 'Run as a service, or as a hook of the ACME client?', ['service', 'hook'])
  return choice === 'hook' ? 'hook' : 'daemon'
}

export async function yes(ask: Ask | undefined, question: string): Promise<boolean> {
  if (!ask) return true
  for (;;) {
    const answer = await ask(`${question} [Y/n] `)
    if (/^(y(es)?)?$/i.test(answer)) return true
    if (/^no?$/i.test(answer)) return false
  }
}

/** Asked again until it is one of the words, or begins one; Enter is the first. */
async function oneOf(ask: Ask, question: string, words: readonly string[]): Promise<string> {
  for (;;) {
    const answer = (await ask(`${question} [${words.join('/')}] `)).toLowerCase()
    const found = words.find(word => word.startsWith(answer))
    if (found !== undefined) return found
  }
}
