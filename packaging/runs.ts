/** Runs the program as its users do, with certificates of its own and the emulator, so that what it calls gets compiled. */
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { certbotTree } from '../src/demo/trees.ts'
import { DEMO_CREDENTIALS, startEmulator } from '../src/emulator/server.ts'
import { sameCertificates } from './sameCertificates.ts'

const run = promisify(execFile)

/** Uploaded one by one: what is called in one run by chance is called in one of so many. */
const HOOKS = 6

/** Younger files are read twice, and a slow machine finds none of them young. In milliseconds. */
const AGED = 1_500

/** `node` with what stands before the program's own words. @throws where one of the runs fails. */
export async function runProgram(node: readonly string[], folder: string): Promise<void> {
  const root = join(folder, 'letsencrypt')
  const emulator = await startEmulator({ rate: Number.POSITIVE_INFINITY })
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: folder,
    TZ: 'UTC',
    TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
    TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
    CERTFERRY_ENDPOINT: emulator.url,
    CERTFERRY_STATE_DIR: join(folder, 'state'),
  }
  const certferry = (words: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    run(execPath, [...node, ...words], { cwd: folder, env: { ...env, ...more } })
  const names = Array.from({ length: HOOKS }, (_, i) => `host${i}.example.com`)
  try {
    await mkdir(root, { mode: 0o700 })
    for (const [i, issued] of (await sameCertificates(names)).entries()) {
      const tree = await certbotTree(root, names[i] ?? '')
      await tree.store(issued)
      await tree.moveAll()
    }
    await setTimeout(AGED)
    const hook = (name: string) => certferry(['hook'], { RENEWED_LINEAGE: join(root, 'live', name) })
    for (const name of names) await hook(name)
    await hook(names[0] ?? '')
    await certferry(['sync', '--source', `certbot=${root}`])
  } finally {
    await emulator.close()
  }
}
