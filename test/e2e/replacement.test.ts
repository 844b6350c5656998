/** Ten renewals by a real certbot go live: the edge serves each new leaf, as `openssl s_client` sees it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { expect, onTestFinished, test } from 'vitest'
import { startEdge } from '../../src/emulator/edge.ts'
import { DEMO_CREDENTIALS, startEmulator } from '../../src/emulator/server.ts'
import { QUICK_CLOCK, type QuickClock, quickClock, quickTime } from '../fixtures/quickClock.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { certbotIn } from './certbot.ts'
import { run, SYSTEM_PATH } from './child.ts'
import { startPebble } from './pebble.ts'
import { MAIN } from './program.ts'

const RENEWALS = 10

const NAME = 'app.test.example'

const openssl = (script: string) => run('/bin/sh', ['-c', script], { PATH: SYSTEM_PATH })

const FINGERPRINT = 'openssl x509 -noout -fingerprint -sha256'

/** The account has the service's ordinary times; they pass a hundred times as fast for it and for certferry. */
async function openService(clock: QuickClock) {
  const emulator = await startEmulator({
    now: quickTime(clock),
    resources: [
      { type: 'cdn', domains: [NAME], certId: `first:${NAME}` },
      {
        ...{ type: 'clb', region: 'ap-singapore', instance: 'lb-1', listener: 'lbl-1' },
        ...{ domains: [NAME], certId: `first:${NAME}` },
      },
    ],
  })
  onTestFinished(emulator.close)
  const edge = await startEdge(emulator)
  onTestFinished(edge.close)
  return { emulator, edge }
}

test('ten renewals by certbot go live, each seen by openssl', { timeout: 600_000 }, async () => {
  const directory = await temporaryDirectory()
  const pebble = await startPebble()
  onTestFinished(pebble.close)
  const certbot = certbotIn(directory, pebble)
  const clock = quickClock()
  const { emulator, edge } = await openService(clock)
  const config = join(directory, 'certferry.toml')
  await writeFile(
    config,
    `[deploy]\nreplace = true\nallow_untrusted = true\nverify = ["${NAME}@127.0.0.1:${edge.port}"]\n
[[source]]\nkind = "certbot"\npath = "${certbot.config}"\n`,
  )
  const env = {
    ...{ PATH: SYSTEM_PATH, HOME: directory, QUICK_CLOCK: JSON.stringify(clock) },
    ...{ CERTFERRY_CONFIG: config, CERTFERRY_STATE_DIR: join(directory, 'state') },
    CERTFERRY_ENDPOINT: emulator.url,
    TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
    TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
  }
  const words = ['--import', QUICK_CLOCK, MAIN]
  const sync = () => run(execPath, [...words, 'sync', '--json'], env)
  const stateOf = (stdout: string) => JSON.parse(stdout).results[0].replacement.state

  expect(await certbot.issue('app', [NAME])).toMatchObject({ code: 0 })
  expect(await sync()).toMatchObject({ code: 0 })
  for (let i = 1; i <= RENEWALS; i++) {
    // a hook has less time than a replacement takes, and leaves it to the next run; sync takes the time that it needs
    const command = i % 2 ? 'sync' : 'hook'
    const hook = [execPath, ...words, command].join(' ')
    expect(await certbot.renew('app', { hook, env })).toMatchObject({ code: 0 })
    const after = await sync()
    expect([after.code, stateOf(after.stdout)], after.stdout).toEqual([0, 'verified'])
    const served = await openssl(
      `openssl s_client -connect 127.0.0.1:${edge.port} -servername ${NAME} </dev/null 2>/dev/null | ${FINGERPRINT}`,
    )
    const onDisk = await openssl(`${FINGERPRINT} -in ${certbot.live('app')}/cert.pem`)
    expect(served.stdout).toMatch(/fingerprint=([0-9A-F]{2}:){31}[0-9A-F]{2}\n$/i)
    expect(served.stdout).toBe(onDisk.stdout)
    expect(emulator.jobs()).toHaveLength(i)
  }
  expect(new Set(emulator.jobs().map(({ oldCertId }) => oldCertId)).size).toBe(RENEWALS)
  expect(emulator.certificates()).toHaveLength(RENEWALS + 1)
})
