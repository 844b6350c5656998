/** What the built daemon does with older certificates of the account, and whom it tells. */
import { expect } from 'vitest'
import { startEdge } from '../../src/emulator/edge.ts'
import { DEMO_CREDENTIALS, type EmulatorOptions } from '../../src/emulator/server.ts'
import { putReceipts, receiptsIn } from '../fixtures/state.ts'
import { type BuiltProgram, KEYS } from './builtProgram.ts'
import { QUICK_ACCOUNT } from './replacement.ts'

export const REPLACEMENT_EVENTS = ['replaced', 'replacement_failed', 'edge_stale'] as const

type Daemon = ReturnType<BuiltProgram['begin']>

const HOUR = 3_600_000

const LIMITED = { TENCENTCLOUD_SECRET_ID: 'limited', TENCENTCLOUD_SECRET_KEY: 'opens-only-the-emulator' }

/** As QUICK_ACCOUNT, and with a second key, which may upload only. */
export const ACCOUNT_WITH_TWO_KEYS: EmulatorOptions = {
  ...QUICK_ACCOUNT,
  accounts: {
    [DEMO_CREDENTIALS.secretId]: DEMO_CREDENTIALS,
    [LIMITED.TENCENTCLOUD_SECRET_ID]: {
      secretKey: LIMITED.TENCENTCLOUD_SECRET_KEY,
      denied: ['CreateCertificateBindResourceSyncTask'],
    },
  },
}

/**
 * A renewal goes live although the daemon is killed while the service works on it; an edge stays behind; the next renewal
 * lacks a right. `command` is told of it, `metrics` reads the page.
 */
export async function followsReplacements(
  built: BuiltProgram,
  command: string,
  metrics: (socket: string) => Promise<string>,
): Promise<void> {
  const { begin, pair, emulator, at, read, did, now } = built
  const edge = await startEdge(emulator)
  edge.setLag('never')
  const configure = (deploy: string) =>
    built.configure(`
[notify]
command = "${command}"
events = ["replaced", "replacement_failed", "edge_stale"]
[log]
format = "json"
[http]
listen = "unix:${at('s')}"
[deploy]
replace = true
${deploy}
[[source]]
kind = "pem"
name = "r"
chain = "${at('r/chain.pem')}"
key = "${at('r/key.pem')}"
`)
  const config = await configure('allow_untrusted = true\nverify = false')
  const watch = (env: Readonly<Record<string, string>> = KEYS) => begin(['watch', '--config', config], env)
  const stored = (count: number) => expect.poll(() => emulator.certificates().length).toBe(count)
  const logs = (daemon: Daemon, event: string) => expect.poll(daemon.said).toContain(`"event":"${event}"`)
  /** Before it ends it sends its notifications. */
  const ends = async (daemon: Daemon) => {
    daemon.signal('SIGTERM')
    await expect.poll(daemon.ended).toBe(true)
  }
  const told = async (event: string) => {
    await expect.poll(() => read('told').catch(() => '')).toContain(`${event} pem:r\n`)
    did(`event ${event}`)
  }
  try {
    await pair('r')
    const first = watch()
    await stored(1)
    await pair('r', { notAfter: new Date(now() + 80 * 24 * HOUR) })
    await expect.poll(() => emulator.jobs().length).toBe(1)
    first.signal('SIGKILL')
    await expect.poll(first.ended).toBe(true)
    const second = watch()
    await logs(second, 'replaced')
    await ends(second)
    await told('replaced')
    expect(emulator.jobs()).toHaveLength(1)
    expect(emulator.resources()[0]?.certId).toBe(emulator.certificates()[1]?.id)

    // an hour later an address still serves the older one
    const [receipt = expect.unreachable()] = await receiptsIn(at('state'))
    const replacement = receipt.replacement ?? expect.unreachable()
    const replacedAt = new Date(now() - HOUR).toISOString()
    await putReceipts(at('state'), { ...receipt, replacement: { ...replacement, replacedAt } })
    await configure(`allow_untrusted = true\nverify = ["r.example.com@127.0.0.1:${edge.port}"]`)
    const third = watch(LIMITED)
    // before the next news of this certificate, which would take its place
    await told('edge_stale')
    expect(await metrics(at('s'))).toContain('certferry_replacement_state{lineage="pem:r",state="stale"} 1')

    // a key that may not search
    await pair('r', { notAfter: new Date(now() + 85 * 24 * HOUR) })
    await stored(3)
    await logs(third, 'replacement_failed')
    await ends(third)
    await told('replacement_failed')
    expect(third.said()).not.toContain('uploads_paused')
  } finally {
    await edge.close()
  }
}
