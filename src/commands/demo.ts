/** `certferry demo`: issues, renews and uploads certificates in a temporary folder, against a local SSL API. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CommandLine } from '../config/commandLine.ts'
import { openAuthority } from '../demo/certificates.ts'
import { certbotTree, writeAcmeTree } from '../demo/trees.ts'
import type { InjectedFault } from '../emulator/faults.ts'
import { DEMO_CREDENTIALS, type RequestEntry, startEmulator } from '../emulator/server.ts'
import type { ProcessContext } from '../processContext.ts'
import { sleep } from '../util/async.ts'
import { run as status } from './status.ts'
import { run as sync } from './sync.ts'

const CERTBOT_NAME = 'shop.example.com'

const ACME_NAME = '*.example.org'

export async function run(context: ProcessContext): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'certferry-demo-'))
  const faults: InjectedFault[] = []
  const emulator = await startEmulator({ faults: () => faults.shift() })
  try {
    return await demonstrate(context, folder, emulator, faults)
  } finally {
    await emulator.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** `faults` are injected into the next requests, in their order. */
async function demonstrate(
  context: ProcessContext,
  folder: string,
  emulator: Awaited<ReturnType<typeof startEmulator>>,
  faults: InjectedFault[],
): Promise<number> {
  const { stdout } = context
  const say = (text: string) => stdout.write(`\n${text}\n`)
  const certferry = commandsOf(context, folder, emulator.url)
  const issue = await openAuthority(context.now())
  const tree = await certbotTree(join(folder, 'letsencrypt'), CERTBOT_NAME)
  const acmeHome = join(folder, 'acme.sh')

  stdout.write(`A local SSL API listens on ${emulator.url}. No account is needed.\n`)

  say('1. certbot and acme.sh have each issued a certificate.')
  await tree.store(await issue(CERTBOT_NAME))
  await tree.moveAll()
  await writeAcmeTree(acmeHome, ACME_NAME, await issue(ACME_NAME))
  const exits = [await certferry.sync()]

  say('2. Nothing has changed: nothing is sent.')
  exits.push(await certferry.sync())

  say(
    '3. certbot renews, link by link. Half-way the new key stands beside the old\n   certificate; certferry is started at just that moment and waits for the pair.',
  )
  await tree.store(await issue(CERTBOT_NAME))
  await tree.move('cert')
  await tree.move('privkey')
  const early = certferry.sync()
  await sleep(600)
  await tree.move('chain')
  await tree.move('fullchain')
  exits.push(await early)

  say(
    '4. acme.sh renews. The API throttles the first request, carries out the second\n   and loses its reply. The certificate is stored once all the same.',
  )
  await writeAcmeTree(acmeHome, ACME_NAME, await issue(ACME_NAME))
  faults.push('gateway-throttle', 'reset-after')
  exits.push(await certferry.sync())

  say('5. What is known now:')
  await certferry.status()
  stdout.write(`\n${accountText(emulator.entries, emulator.certificates().length)}\n`)
  return exits.every(exit => exit === 0) ? 0 : 70
}

const accountText = (entries: readonly RequestEntry[], stored: number) =>
  `The API saw ${entries.length} requests and stores ${stored} certificates: two names, two generations,\neach once. Next: \`certferry check\` with your own account.`

/** sync and status as typed at a prompt, on the demonstration's folders and credentials. */
function commandsOf(context: ProcessContext, folder: string, endpoint: string) {
  const inDemo: ProcessContext = {
    ...context,
    cwd: folder,
    home: folder,
    env: {
      TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
      TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
    },
    stdout: { ...context.stdout, isTerminal: true },
  }
  const line: CommandLine = {
    operands: [],
    json: false,
    endpoint,
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
