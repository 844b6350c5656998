/** The built program, started without a working directory, a home or a value for an option. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DEMO_CREDENTIALS, startEmulator } from '../src/emulator/server.ts'
import { isRoot } from './fixtures/asNobody.ts'
import { issue } from './fixtures/certificates.ts'
import { temporaryDirectory } from './fixtures/temporary.ts'

const MAIN = join(import.meta.dirname, '../dist/main.js')

const KEYS = {
  PATH: '/usr/bin:/bin',
  TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
  TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
}

interface Start {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly uid?: number
  /** JavaScript that runs before the program. */
  readonly first?: string
}

function started(words: readonly string[], { env = {}, first, ...options }: Start = {}) {
  const before = first === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(first)}`]
  const child = spawn(execPath, [...before, MAIN, ...words], {
    env: { ...KEYS, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (said += text))
  const ended = once(child, 'close')
  return { child, ended, said: () => said }
}

async function run(words: readonly string[], start: Start = {}) {
  const { child, ended, said } = started(words, start)
  await ended
  return { code: endOf(child), said: said().replace(/\s+/g, ' ') }
}

const endOf = ({ exitCode, signalCode }: ChildProcess) => exitCode ?? signalCode

/** A certificate, and a folder for receipts that the given user may write. */
async function stage(owner = 0) {
  const folder = await temporaryDirectory()
  const { chain, key } = await issue()
  await chmod(folder, 0o755)
  const [certificate, secret, state] = ['c.pem', 'k.pem', 'state'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await Promise.all([writeFile(certificate, chain), writeFile(secret, key), mkdir(state)])
  if (isRoot) for (const path of [secret, state]) await chown(path, owner, owner)
  const emulator = await startEmulator()
  onTestFinished(() => emulator.close())
  const words = ['--source', `pem=a:${certificate}:${secret}`, '--endpoint', emulator.url]
  return { folder, words: [...words, '--state-dir', state], state }
}

/** A folder that is deleted once a process stands in it. */
const DELETED = (folder: string) =>
  `import { rmdirSync } from 'node:fs'; process.chdir(${JSON.stringify(folder)}); rmdirSync(${JSON.stringify(folder)})`

async function deleted() {
  const folder = join(await temporaryDirectory(), 'gone')
  await mkdir(folder)
  return DELETED(folder)
}

describe('in a deleted working directory', () => {
  test('absolute paths work', async () => {
    const { words } = await stage()
    expect(await run(['sync', ...words], { first: await deleted() })).toMatchObject({ code: 0 })
  })

  test('relative paths do not exist', async () => {
    const { words } = await stage()
    const { code, said } = await run(['sync', ...words, '-c', 'config.toml'], { first: await deleted() })
    expect([code, said]).toEqual([78, expect.stringContaining('config.toml: is not there')])
    const state = await run(['sync', ...words, '--state-dir', 'state'], { first: await deleted() })
    expect(state.code).toBe(74)
  })
})

describe('a user without a home', () => {
  test.skipIf(!isRoot)('and without an entry in the system, and no HOME', async () => {
    const uid = 54_321
    const { words } = await stage(uid)
    expect(await run(['sync', ...words], { uid })).toMatchObject({ code: 0 })
    expect(await run(['check', ...words], { uid })).not.toMatchObject({ code: 70 })
  })

  test.each(['', 'relative'])('HOME=%j is no folder of the working directory', async HOME => {
    const cwd = await temporaryDirectory()
    await mkdir(join(cwd, HOME, '.tencentcloud'), { recursive: true })
    await writeFile(join(cwd, HOME, '.tencentcloud/credentials'), 'broken')
    const { words } = await stage()
    const env = { HOME, TENCENTCLOUD_SECRET_ID: '', TENCENTCLOUD_SECRET_KEY: '' }
    const { said } = await run(['sync', ...words], { env, cwd })
    expect(said).not.toContain(cwd)
    expect(said).not.toMatch(/(^|[ ,])(relative\/)?\.tencentcloud/)
  })
})

describe('an option without its value', () => {
  test.each([
    ['sync', '--state-dir'],
    ['sync', '--config'],
    ['sync', '--source'],
    ['sync', '--source', 'certbot='],
    ['sync', '--source', 'pem=a::k'],
    ['sync', '--metrics-file'],
    ['sync', '--endpoint'],
    ['watch', '--state-dir'],
    ['hook', '--chain'],
    ['hook', '--key'],
    ['install-hook', '--state-dir'],
    ['setup', '--credentials-file'],
    ['inspect', '--config'],
  ])('is refused: %s %s', async (command, option, value = '') => {
    const cwd = await temporaryDirectory()
    const { code, said } = await run([command, option, value], { cwd })
    expect([code, said]).toEqual([64, expect.stringContaining(option)])
    expect(await readdir(cwd)).toEqual([])
  })

  test('a file without a name is refused', async () => {
    expect(await run(['inspect', ''])).toMatchObject({ code: 64 })
  })

  test('an empty variable counts as not set', async () => {
    const { words, state } = await stage()
    const cwd = await temporaryDirectory()
    const env = {
      CERTFERRY_CONFIG: '',
      CERTFERRY_ENDPOINT: '',
      CERTFERRY_LOG_LEVEL: '',
      CREDENTIALS_DIRECTORY: '',
    }
    const more = { CERTFERRY_STATE_DIR: state, TENCENTCLOUD_CREDENTIALS_FILE: '', RENEWED_LINEAGE: '' }
    expect(await run(['sync', ...words.slice(0, 4)], { cwd, env: { ...env, ...more } })).toMatchObject({
      code: 0,
    })
    const { said } = await run(['config', 'print'], { cwd, env: { CERTFERRY_STATE_DIR: '' } })
    expect(said).toContain('/var/lib/certferry')
    expect(await readdir(cwd)).toEqual([])
  })
})

/** Before the first lines of main.ts that install a handler for it have been passed, a program ends. */
const AT_ONCE = "process.on('newListener', name => name === 'SIGINT' && process.kill(process.pid, 'SIGHUP'))"

describe('SIGHUP while it starts', () => {
  test('leaves the daemon as it is', async () => {
    const folder = await temporaryDirectory()
    await mkdir(join(folder, 'le/live'), { recursive: true })
    const places = ['--source', `certbot=${join(folder, 'le')}`, '--state-dir', join(folder, 'state')]
    const { child, ended, said } = started(['watch', ...places], { first: AT_ONCE })
    await expect.poll(said, { timeout: 15_000, interval: 20 }).toContain(' watching: ')
    child.kill('SIGTERM')
    await ended
    expect([endOf(child), said()]).toEqual([0, expect.not.stringContaining('in certferry itself')])
  })

  test('ends any other command, as the end of its terminal does', async () => {
    const { words } = await stage()
    expect(await run(['sync', ...words], { first: AT_ONCE })).toMatchObject({ code: 'SIGHUP' })
  })
})
