/** The built program reports an error when it is given places where it cannot create folders or read files. */
import { execFileSync } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { cronLines } from '../src/acme/crontab.ts'
import { DEMO_CREDENTIALS, startEmulator } from '../src/emulator/server.ts'
import { makeFolders } from '../src/files/atomicWrite.ts'
import { backupFile } from '../src/setup/files.ts'
import { run } from './e2e/child.ts'
import { issue } from './fixtures/certificates.ts'
import { temporaryDirectory } from './fixtures/temporary.ts'

const LAUNCHER = 'dist/certferry'

/** Much longer than it takes: only an endless loop is still running. In milliseconds. */
const PATIENCE = 15_000

const ENV = {
  PATH: '/usr/bin:/bin',
  HOME: '/nonexistent',
  TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
  TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
}

async function stage() {
  const folder = await temporaryDirectory()
  const { chain, key } = await issue()
  await Promise.all([writeFile(join(folder, 'c.pem'), chain), writeFile(join(folder, 'k.pem'), key)])
  const emulator = await startEmulator()
  onTestFinished(() => emulator.close())
  const words = ['--source', `pem=a:${folder}/c.pem:${folder}/k.pem`, '--endpoint', emulator.url]
  return { folder, emulator, words }
}

describe('a state directory that cannot be created', () => {
  const places = ['/proc/nope', '/proc/self/nope/deep', '/dev/fd/nope', '/sys/nope', '/proc/version/nope']
  test.each([...places, '/dev/null/nope'])(
    '%s ends sync, hook and watch with 74 before anything is sent',
    async place => {
      const { folder, words, emulator } = await stage()
      const named = ['--chain', `${folder}/c.pem`, '--key', `${folder}/k.pem`, '--name', 'a']
      for (const command of [['sync'], ['hook', ...named], ['watch']]) {
        const { code, stdout, stderr } = await run(
          LAUNCHER,
          [...command, ...words, '--state-dir', place],
          ENV,
          PATIENCE,
        )
        expect([code, stdout + stderr]).toEqual([74, expect.stringContaining(place)])
        expect(stdout + stderr).not.toContain('chmod')
      }
      expect(emulator.entries).toEqual([])
    },
    60_000,
  )

  test('a metrics file that cannot be created is a warning', async () => {
    const { folder, words } = await stage()
    const places = ['--state-dir', join(folder, 'state'), '--metrics-file', '/proc/nope/deep/x.prom']
    const { code, stdout } = await run(LAUNCHER, ['sync', ...words, ...places], ENV, PATIENCE)
    expect([code, stdout]).toEqual([0, expect.stringContaining('the metrics could not be written')])
  })
})

test.each([
  ['certbot', '/proc'],
  ['certbot', '/dev/fd'],
  ['acme.sh', '/proc/self'],
  ['acme.sh', '/dev/fd'],
])(
  'install-hook %s ends with 74 when the folder for its hook cannot be created in %s',
  async (client, folder) => {
    const { code, stderr, stdout } = await run(
      LAUNCHER,
      ['install-hook', client, '--source', `${client}=${folder}`, '--home', folder],
      ENV,
      PATIENCE,
    )
    expect([code, stdout + stderr]).toEqual([
      74,
      expect.stringMatching(/cannot be read or written|belongs to/),
    ])
  },
)

describe('folders', () => {
  test('are created with all that are missing above them, with the mode, and returned uppermost first', async () => {
    const folder = await temporaryDirectory()
    const [a, b] = [join(folder, 'a'), join(folder, 'a/b')]
    expect(makeFolders(b, 0o700)).toEqual([a, b])
    expect(makeFolders(b)).toEqual([])
    expect(await readdir(a)).toEqual(['b'])
  })

  test('are not created over a file or through one', async () => {
    const folder = await temporaryDirectory()
    await writeFile(join(folder, 'file'), '')
    for (const path of ['file', 'file/deep'])
      expect(() => makeFolders(join(folder, path))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }))
  })
})

test('a pipe without a writer in a folder of crontabs is skipped', async () => {
  const folder = await temporaryDirectory()
  execFileSync('mkfifo', [join(folder, 'fifo')])
  await writeFile(join(folder, 'jobs'), '5 5 * * * root certferry sync')
  const inFolder = (await cronLines([folder])).filter(({ file }) => file.startsWith(folder))
  expect(inFolder).toEqual([
    { file: join(folder, 'jobs'), uid: process.getuid?.(), text: '5 5 * * * root certferry sync' },
  ])
})

test('a pipe without a writer is not copied as a backup', async () => {
  const folder = await temporaryDirectory()
  const path = join(folder, 'fifo')
  execFileSync('mkfifo', [path])
  await expect(backupFile(path, { mode: 0o600, now: new Date(0) })).rejects.toMatchObject({
    code: 'FILE_INVALID',
  })
  expect(await readdir(folder)).toEqual(['fifo'])
})
