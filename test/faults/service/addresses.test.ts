/** A name with several addresses, of which one leads to the service over a slow link and the others nowhere. */
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { run, SYSTEM_PATH } from '../../e2e/child.ts'
import { issue } from '../../fixtures/certificates.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { issueLineages, linesOf } from './fixture.ts'
import type { SlowLink } from './slowLink.ts'

const HOST = 'ssl.certferry.test'
const SERVICE = '127.0.0.1'
const [REFUSES, DEAD, ROUTELESS] = ['127.0.0.2', '127.0.0.3', '2001:db8::1'] as const
const SCRIPT = fileURLToPath(new URL('slowLink.ts', import.meta.url))

const RULE =
  'ip link set lo up && iptables -A INPUT -p tcp -m statistic --mode nth --every 2 --packet 0 -j DROP'
const losesPackets = spawnSync('unshare', ['--net', '--mount', 'sh', '-c', RULE]).status === 0

const lineages = await issueLineages(1)
const own = await issue({ names: [HOST] })

// a network and a file of names of one's own need root
test.skipIf(!losesPackets).each([
  { addresses: [SERVICE, ROUTELESS], also: 'one without a route' },
  { addresses: [SERVICE, REFUSES], also: 'one that refuses' },
  { addresses: [SERVICE, DEAD], also: 'one that says nothing' },
  {
    addresses: [DEAD, SERVICE, ROUTELESS],
    also: 'one that says nothing before and one without a route after',
  },
  { addresses: [SERVICE, ROUTELESS], also: 'one without a route, of a proxy', byProxy: true },
])(
  'a service whose handshake takes a second is reached at the first attempt, with a useless address beside: $also',
  async ({ addresses, byProxy = false }) => {
    const folder = await temporaryDirectory()
    const file = async (name: string, text: string) => {
      await writeFile(join(folder, name), text)
      return join(folder, name)
    }
    const hosts = await file('hosts', addresses.map(address => `${address} ${HOST}\n`).join(''))
    const order = await file('nsswitch.conf', 'hosts: files\n')
    const link: SlowLink = {
      source: lineages.source,
      stateDir: join(folder, 'state'),
      host: HOST,
      chain: await file('chain.pem', own.chain),
      key: await file('key.pem', own.key),
      root: await file('root.pem', own.root),
      dead: DEAD,
      byProxy,
    }
    const mounts = `mount --bind ${hosts} /etc/hosts && mount --bind ${order} /etc/nsswitch.conf`
    const script = `ip link set lo up && ${mounts} && exec "$@"`
    const words = ['--net', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh']
    const ended = await run('unshare', [...words, execPath, SCRIPT, JSON.stringify(link)], {
      PATH: SYSTEM_PATH,
    })
    const { code, stdout, stored } = JSON.parse(ended.stdout)
    expect(linesOf(stdout).filter(({ event }) => event === 'retry')).toEqual([])
    expect([code, stored]).toEqual([0, 1])
  },
)
