/** The first pass of a large server: the limit is kept, nobody is throttled, and little time is lost to keeping it. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { DEMO_CREDENTIALS, startEmulator } from '../../src/emulator/server.ts'
import { issue } from '../fixtures/certificates.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const LINEAGES = 1_000
const RATE = 10

test(`${LINEAGES} lineages are uploaded at ${RATE} requests a second without one throttled request`, async () => {
  const folder = await temporaryDirectory()
  for (let i = 0; i < LINEAGES; i++) {
    const name = `host${i}.example.com`
    const { chain, key } = await issue({ names: [name] })
    await mkdir(join(folder, 'le/live', name), { recursive: true })
    await writeFile(join(folder, 'le/live', name, 'fullchain.pem'), chain)
    await writeFile(join(folder, 'le/live', name, 'privkey.pem'), key)
  }
  const emulator = await startEmulator({ rate: RATE })
  try {
    const { stdout } = await promisify(execFile)(
      execPath,
      [
        'dist/main.js',
        'sync',
        '--json',
        '--source',
        `certbot=${folder}/le`,
        '--state-dir',
        `${folder}/state`,
        '--endpoint',
        emulator.url,
      ],
      {
        env: {
          TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
          TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
        },
        maxBuffer: 1 << 26,
      },
    )
    const { summary } = JSON.parse(stdout)
    expect(summary).toEqual({ uploaded: LINEAGES, unchanged: 0, refused: 0, failed: 0, planned: 0 })
    expect(emulator.entries.filter(({ code }) => code !== 'OK')).toEqual([])
    expect(emulator.entries).toHaveLength(LINEAGES)
    expect(new Set(emulator.certificates().map(({ fingerprint }) => fingerprint)).size).toBe(LINEAGES)

    const times = emulator.entries.map(({ at }) => at)
    const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000
    const perfect = (LINEAGES - 1) / RATE
    // printed, for the figure in the documentation is read off here
    process.stdout.write(
      `  ${LINEAGES} uploads in ${seconds.toFixed(1)} s; the limit itself needs ${perfect.toFixed(1)} s\n`,
    )
    expect(seconds).toBeLessThan(perfect * 1.1)
  } finally {
    await emulator.close()
  }
})
