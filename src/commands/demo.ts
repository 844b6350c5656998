/** `certferry demo`: issues, renews, uploads and replaces certificates in a temporary folder, against a local SSL API. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CommandLine } from '../config/commandLine.ts'
import { createClock, type DemoClock, demoAccount, servedId } from '../demo/account.ts'
import { openAuthority } from '../demo/certificates.ts'
import { certbotTree, writeAcmeTree } from '../demo/trees.ts'
import { type Edge, startEdge } from '../emulator/edge.ts'
import type { InjectedFault } from '../emulator/faults.ts'
import { DEMO_CREDENTIALS, type Emulator, type RequestEntry, startEmulator } from '../emulator/server.ts'
import type { ProcessContext } from '../processContext.ts'
import { sleep } from '../util/async.ts'
import { run as status } from './status.ts'
import { run as sync } from './sync.ts'

const CERTBOT_NAME = 'shop.example.com'

const ACME_NAME = '*.example.org'

/** The age of the first certificates in days, and of renewed ones. */
const OLD = 29
const NEW = 0

/** A replacement takes the service minutes. */
const SPEED = 60

export async function run(context: ProcessContext): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'certferry-demo-'))
  const faults: InjectedFault[] = []
  const clock = createClock(context)
  const emulator = await startEmulator({
    ...demoAccount(CERTBOT_NAME),
    now: clock.now,
    faults: () => faults.shift(),
  })
  const edge = await startEdge(emulator)
  try {
    return await demonstrate(context, { folder, emulator, edge, clock, faults })
  } finally {
    await edge.close()
    await emulator.close()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Stage {
  readonly folder: string
  readonly emulator: Emulator
  readonly edge: Edge
  readonly clock: DemoClock
  /** Injected into the next requests, in their order. */
  readonly faults: InjectedFault[]
}

async function demonstrate(context: ProcessContext, stage: Stage): Promise<number> {
  const { folder, emulator, edge, clock, faults } = stage
  const { stdout } = context
  const say = (text: string) => stdout.write(`\n${text}\n`)
  const certferry = commandsOf(context, stage)
  const issue = await openAuthority(context.now())
  const tree = await certbotTree(join(folder, 'letsencrypt'), CERTBOT_NAME)
  const acmeHome = join(folder, 'acme.sh')

  stdout.write(`A local SSL API listens on ${emulator.url}. No account is needed.\n`)

  await writeFile(join(folder, 'config.toml'), '')

  say('1. certbot and acme.sh have each issued a certificate.')
  await tree.store(await issue(CERTBOT_NAME, OLD))
  await tree.moveAll()
  await writeAcmeTree(acmeHome, ACME_NAME, await issue(ACME_NAME, OLD))
  const exits = [await certferry.sync()]

  say('2. Nothing has changed: nothing is sent.')
  exits.push(await certferry.sync())

  say(
    '3. certbot renews, link by link. Half-way the new key stands beside the old\n   certificate; certferry is started at just that moment and waits for the pair.',
  )
  await tree.store(await issue(CERTBOT_NAME, NEW))
  await tree.move('cert')
  await tree.move('privkey')
  const early = certferry.sync()
  await sleep(600)
  await tree.move('chain')
  await tree.move('fullchain')
  exits.push(await early)

  const shake = async () => {
    const id = await servedId(CERTBOT_NAME, edge.port, emulator.certificates())
    stdout.write(`A TLS handshake with ${CERTBOT_NAME} shows: ${id}\n`)
  }
  say(
    `4. A CDN domain and a load balancer use the first certificate, and keep it until\n   it is replaced: [deploy] replace = true. (The clock runs ${SPEED} times as fast.)`,
  )
  await shake()
  await writeFile(join(folder, 'config.toml'), configText(edge))
  clock.runAt(SPEED)
  exits.push(await certferry.sync())
  await shake()

  say(
    '5. acme.sh renews. The API throttles the first request, carries out the second\n   and loses its reply. Even so, the certificate is stored once.',
  )
  await writeAcmeTree(acmeHome, ACME_NAME, await issue(ACME_NAME, NEW))
  faults.push('gateway-throttle', 'reset-after')
  exits.push(await certferry.sync())

  say('6. The state of each certificate now:')
  await certferry.status()
  stdout.write(`\n${accountText(emulator.entries, emulator.certificates().length)}\n`)
  return exits.every(exit => exit === 0) ? 0 : 70
}

/** The demonstration's authority is no public one, and its names lead to this machine. */
const configText = ({ port }: Edge) => `[deploy]
replace = true
allow_untrusted = true
verify = ["${CERTBOT_NAME}@127.0.0.1:${port}"]
`

const accountText = (entries: readonly RequestEntry[], stored: number) =>
  `The API saw ${entries.length} requests and stores ${stored} certificates: two names, two generations,\neach once. Next: \`certferry setup\`, with your own account.`

/** sync and status as typed at a prompt, on the demonstration's folders and credentials. */
function commandsOf(context: ProcessContext, { folder, emulator, clock }: Stage) {
  const { stdout } = context
  // in a file there is no line at the bottom that counts
  const write = stdout.isTerminal
    ? stdout.write
    : (text: string) => stdout.write(text.replace(/\r *\r/, '').replace(/[^\n]*$/, ''))
  const inDemo: ProcessContext = {
    ...context,
    now: clock.now,
    monotonicNow: clock.monotonicNow,
    sleep: clock.sleep,
    cwd: folder,
    home: folder,
    env: {
      TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
      TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
    },
    stdout: { ...stdout, write, isTerminal: true },
  }
  const line: CommandLine = {
    operands: [],
    json: false,
    endpoint: emulator.url,
    config: join(folder, 'config.toml'),
    stateDir: join(folder, 'state'),
    source: [
      { kind: 'certbot', path: join(folder, 'letsencrypt'), keys: {} },
      { kind: 'acme.sh', path: join(folder, 'acme.sh'), keys: {} },
    ],
  }
  const typed = (name: string, run: typeof sync) => () => {
    context.stdout.write(`$ certferry ${name}\n`)
    return run(inDemo, line)
  }
  return { sync: typed('sync', sync), status: typed('status', status) }
}
