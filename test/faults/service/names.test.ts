/** Names that cannot be looked up for a while, through the system's own resolver: nothing is lost, and what is wrong is said. */
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createServer as createSecureServer } from 'node:https'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { startEmulator } from '../../../src/emulator/server.ts'
import { run, SYSTEM_PATH } from '../../e2e/child.ts'
import { MAIN } from '../../e2e/program.ts'
import { issue } from '../../fixtures/certificates.ts'
import { seededDice } from '../../fixtures/dice.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { LONG, promised, SEED, times } from '../run.ts'
import { expectTold, summed } from './endurance.ts'
import { openFront } from './faultInjectingProxy.ts'
import { type Forest, plant } from './lineageFixtures.ts'
import { openNameServer, RCODES } from './nameServer.ts'
import { ACCOUNTS, KEYS, type Ledger, ledgerOf } from './results.ts'
import { linesOf, placesOf } from './serviceFixture.ts'

const HOST = 'ssl.certferry.test'

interface Namelessness {
  readonly answer: keyof typeof RCODES | 'nothing'
  readonly code: 'NETWORK' | 'TIMEOUT'
  readonly says: string
}

const QUICK: readonly Namelessness[] = [
  { answer: 'NXDOMAIN', code: 'NETWORK', says: `no such name (ENOTFOUND ${HOST})` },
  { answer: 'SERVFAIL', code: 'NETWORK', says: `the name could not be looked up (EAI_AGAIN ${HOST})` },
  { answer: 'REFUSED', code: 'NETWORK', says: `the name could not be looked up (EAI_AGAIN ${HOST})` },
]
const SLOW: readonly Namelessness[] = [
  { answer: 'nothing', code: 'NETWORK', says: `the name could not be looked up (EAI_AGAIN ${HOST})` },
]

const dice = seededDice(SEED)
const own = await issue({ names: [HOST] })
let forest: Forest

beforeAll(async () => {
  forest = await plant(times(2, 12))
})

async function once({ answer, code, says }: Namelessness): Promise<Ledger> {
  const folder = await temporaryDirectory()
  const authority = join(folder, 'authority.pem')
  await writeFile(authority, own.root)
  const emulator = await startEmulator({ accounts: ACCOUNTS })
  onTestFinished(emulator.close)
  const front = await openFront({
    service: emulator.url,
    host: listener => createSecureServer({ cert: own.chain, key: own.key }, listener),
  })
  onTestFinished(front.close)
  const names = await openNameServer(answer === 'nothing' ? undefined : RCODES[answer], 200 + 1_500 * dice())

  const stateDir = join(folder, 'state')
  const places = placesOf({ forest, stateDir, endpoint: `https://${HOST}:${front.port}` })
  const env = { ...KEYS, PATH: SYSTEM_PATH, NODE_EXTRA_CA_CERTS: authority }
  const [file = '', ...words] = [...names.ask, execPath, MAIN, 'sync', ...places]
  const { code: exit, stdout, stderr } = await run(file, words, env).finally(names.close)
  expect(exit).toBe(0)
  expect(names.queries()).toBeGreaterThan(1)
  const retries = linesOf(stdout).filter(({ event }) => event === 'retry')
  expect(retries[0]).toMatchObject({ level: 'info', code, msg: expect.stringContaining(says) })
  expectTold(retries, { code })
  return ledgerOf({ forest, emulator, stateDir, heard: stdout + stderr })
}

const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0

// a resolver of one's own is a file bound over the system's, which needs root
test.skipIf(!mayMount).each(LONG ? [...QUICK, ...SLOW] : QUICK.slice(0, 2))(
  'a name server that answers $answer for a while',
  async nameless => {
    const rounds = times(1, 2)
    const sum = await summed(rounds, () => once(nameless))
    promised({
      fault: `DNS: ${nameless.answer}, then well`,
      how: 'a name server of our own, the built program',
      runs: rounds * forest.names.length,
      ...sum,
    })
  },
)
