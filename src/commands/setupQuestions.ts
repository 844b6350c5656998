/** The questions of `certferry setup`: at most four, each with an answer that Enter gives. */
import { Fault } from '../core/fault.ts'
import { CLIENTS, type Client } from '../core/hookFile.ts'
import { type Secret, secret } from '../core/secret.ts'
import type { Answers } from '../core/setupPlan.ts'
import type { Ask } from '../world.ts'
import type { CommandLine } from './commandLine.ts'

export interface Given {
  /** Whose folders were found on this machine. */
  readonly found: readonly Client[]
  /** systemd runs here and knows the units. */
  readonly units: boolean
  /** Undefined where nobody is to be asked. */
  readonly ask: Ask | undefined
}

/** What the command line does not say is asked, or where nobody can be asked is what most want. @throws Fault USAGE. */
export async function answersOf(line: CommandLine, { found, units, ask }: Given): Promise<Answers> {
  const clients = line.client?.map(clientNamed) ?? (await askClients(found, ask))
  if (!clients.length)
    throw new Fault('NO_SOURCE', 'neither certbot nor acme.sh has its folder in the usual place', {
      advice: 'Install one of them first, or name it: certferry setup --client certbot.',
    })
  if (line.daemon && !units)
    throw new Fault('USAGE', 'there is no systemd here that knows certferry.service', {
      advice: 'Install the Debian package, copy the units (docs/systemd.md), or say --hook.',
    })
  const way = line.daemon ? 'daemon' : line.hook ? 'hook' : await askWay(units, ask)
  const test = line.noTest ? false : await yes(ask, 'Test it now, with one harmless request?')
  return { clients, way, test }
}

const clientNamed = (word: string): Client => {
  const client = CLIENTS.find(name => name === word)
  if (client) return client
  throw new Fault('USAGE', `--client: expected ${CLIENTS.join(' or ')}, not "${word}"`)
}

async function askClients(found: readonly Client[], ask: Ask | undefined): Promise<readonly Client[]> {
  if (!ask || found.length < 2)
    return (await yes(ask, `Carry the certificates of ${found[0] ?? 'nobody'}?`)) ? found : []
  const choice = await ask(`Carry the certificates of ${found.join(' and ')}? [both/${found.join('/')}] `)
  return choice === '' || choice === 'both' ? found : [clientNamed(choice)]
}

async function askWay(units: boolean, ask: Ask | undefined): Promise<Answers['way']> {
  if (!units) return 'hook'
  const choice = await ask?.('Run as a service that watches, or as a hook of the client? [service/hook] ')
  return choice === 'hook' ? 'hook' : 'daemon'
}

async function yes(ask: Ask | undefined, question: string): Promise<boolean> {
  const answer = (await ask?.(`${question} [Y/n] `)) ?? ''
  return answer === '' || /^y(es)?$/i.test(answer)
}

export interface ApiKey {
  readonly id: string
  readonly key: Secret
}

/** Both halves are one question to whoever answers it: they are copied from one page of the console. */
export async function askKey(ask: Ask): Promise<ApiKey> {
  const id = await ask('API key from the console (Access Management, Access Key). SecretId: ')
  return { id, key: secret(await ask('SecretKey (not shown): ', true)) }
}
