/** A host name that cannot be looked up for a while, by the system's own resolver: nothing is lost, and the log says what failed. */
import { writeFile } from 'node:fs/promises'
import { createServer as createSecureServer } from 'node:https'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { startEmulator } from '../../../src/emulator/server.ts'
import { run, SYSTEM_PATH } from '../../e2e/child.ts'
import { MAIN } from '../../e2e/program.ts'
import { issue } from '../../fixtures/certificates.ts'
import { seededRandom } from '../../fixtures/random.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { LONG, SEED, times } from '../run.ts'
import { startProxy } from './faultInjectingProxy.ts'
import {
  ACCOUNTS,
  type CertbotLineages,
  expectLogged,
  issueLineages,
  KEYS,
  linesOf,
  optionsFor,
  reportResults,
  resultsOf,
  sumResults,
} from './fixture.ts'
import { canMount, RCODES, startNameServer } from './nameServer.ts'

const HOST = 'ssl.certferry.test'

const LATER = `the name could not be looked up (EAI_AGAIN ${HOST})`
const REPLIES = [
  { reply: 'NXDOMAIN', says: `no such name (ENOTFOUND ${HOST})` },
  { reply: 'SERVFAIL', says: LATER },
  { reply: 'REFUSED', says: LATER },
  { reply: 'nothing', says: LATER },
] as const

const random = seededRandom(SEED)
const own = await issue({ names: [HOST] })
let lineages: CertbotLineages

beforeAll(async () => {
  lineages = await issueLineages(times(2, 12))
})

async function testOnce({ reply, says }: (typeof REPLIES)[number]) {
  const folder = await temporaryDirectory()
  const root = join(folder, 'root.pem')
  await writeFile(root, own.root)
  const emulator = await startEmulator({ accounts: ACCOUNTS })
  onTestFinished(emulator.close)
  const proxy = await startProxy({
    service: emulator.url,
    host: listener => createSecureServer({ cert: own.chain, key: own.key }, listener),
  })
  onTestFinished(proxy.close)
  const rcode = reply === 'nothing' ? undefined : RCODES[reply]
  const { prefix, queries, close } = await startNameServer(rcode, 200 + 1_500 * random())

  const stateDir = join(folder, 'state')
  const options = optionsFor({ lineages, stateDir, endpoint: `https://${HOST}:${proxy.port}` })
  const env = { ...KEYS, PATH: SYSTEM_PATH, NODE_EXTRA_CA_CERTS: root }
  const [file = '', ...words] = [...prefix, execPath, MAIN, 'sync', ...options]
  const { code, stdout, stderr } = await run(file, words, env).finally(close)
  expect(code).toBe(0)
  expect(queries()).toBeGreaterThan(1)
  const retries = linesOf(stdout).filter(({ event }) => event === 'retry')
  expect(retries[0]).toMatchObject({ level: 'info', code: 'NETWORK', msg: expect.stringContaining(says) })
  expectLogged(retries, { code: 'NETWORK' })
  return resultsOf({ lineages, emulator, stateDir, text: stdout + stderr })
}

// a resolver of one's own is a file bound over the system's, which needs root
test.skipIf(!canMount).each(LONG ? REPLIES : REPLIES.slice(0, 2))(
  'a name server that replies $reply for a while: uploaded after it',
  async one => {
    const rounds = times(1, 2)
    const sum = await sumResults(rounds, () => testOnce(one))
    reportResults(
      { fault: `DNS: ${one.reply}, then well`, how: 'a name server of our own, the built program' },
      rounds * lineages.names.length,
      sum,
    )
  },
)
