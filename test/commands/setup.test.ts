import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { CommandLine } from '../../src/commands/commandLine.ts'
import { setUp } from '../../src/commands/setup.ts'
import type { Fault } from '../../src/core/fault.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { recordedWorld } from '../support/world.ts'

const LINE: CommandLine = { operands: [], json: false, noTest: true }
const SECRET = 'sk-never-to-be-shown'
const ENV = { TENCENTCLOUD_SECRET_ID: 'AKIDtest', TENCENTCLOUD_SECRET_KEY: SECRET }

/** A machine with certbot's folder, or acme.sh's too, and a systemd that writes down what it is told. */
async function machine({ units = true, acme = false } = {}) {
  const folder = await temporaryDirectory()
  const told: string[] = []
  const places = {
    certbot: join(folder, 'letsencrypt'),
    acme: join(folder, '.acme.sh'),
    credentials: join(folder, 'etc/tencentcloud/credentials'),
    config: join(folder, 'etc/certferry/config.toml'),
    systemctl: async (...words: readonly string[]) => {
      if (!units) return undefined
      if (words[0] === 'show') return { code: 0, stdout: 'LoadState=loaded\n', stderr: '' }
      told.push(words.join(' '))
      return { code: 0, stdout: '', stderr: '' }
    },
  }
  await mkdir(places.certbot)
  if (acme) await mkdir(places.acme)
  const run = async (
    line: Partial<CommandLine>,
    env: Readonly<Record<string, string>> = {},
    answers?: readonly string[],
  ) => {
    const recorded = recordedWorld({ cwd: folder, env })
    const asked: string[] = []
    const rest = [...(answers ?? [])]
    const ask = async (question: string) => {
      asked.push(question)
      return rest.shift() ?? ''
    }
    const source = [{ kind: 'certbot' as const, path: places.certbot, keys: {} }]
    const exit = await setUp(
      { ...recorded.world, ...(answers && { ask }) },
      { ...LINE, source, ...line },
      places,
    )
    return { exit, asked, out: recorded.out() }
  }
  return { folder, places, told, run }
}

describe('setup --yes', () => {
  test('stores the key for root alone, starts the service, and says what it did', async () => {
    const { run, places, told } = await machine()
    const { exit, out } = await run({ yes: true }, ENV)
    expect(exit).toBe(0)
    expect(await readFile(places.credentials, 'utf8')).toBe(
      `[default]\nsecret_id = AKIDtest\nsecret_key = ${SECRET}\n`,
    )
    expect((await stat(places.credentials)).mode & 0o777).toBe(0o600)
    expect(told).toEqual(['enable certferry.service', 'restart certferry.service'])
    expect(out).toContain(`written    ${places.credentials}, readable by root alone`)
    expect(out).toContain('started    certferry.service')
    expect(out).not.toContain(SECRET)
  })

  test('run again it changes nothing, and restarts nothing', async () => {
    const { run, told, folder } = await machine()
    await run({ yes: true }, ENV)
    const { out } = await run({ yes: true }, ENV)
    expect(told.slice(2)).toEqual(['enable certferry.service', 'start certferry.service'])
    expect(out).not.toContain('written')
    expect(await readdir(join(folder, 'etc/tencentcloud'))).toEqual(['credentials'])
  })

  test('a key that was there before is kept beside the new one, as closed as that', async () => {
    const { run, places, folder } = await machine()
    await mkdir(join(folder, 'etc/tencentcloud'), { recursive: true })
    await writeFile(places.credentials, 'old', { mode: 0o644 })
    const { out } = await run({ yes: true }, ENV)
    const backup =
      (await readdir(join(folder, 'etc/tencentcloud'))).find(name => name.includes('.bak-')) ?? ''
    const path = join(folder, 'etc/tencentcloud', backup)
    expect([await readFile(path, 'utf8'), (await stat(path)).mode & 0o777]).toEqual(['old', 0o600])
    expect(out).toContain(path)
  })

  test('a file with the key is taken as it is', async () => {
    const { run, places, folder } = await machine()
    const text = '# ours\n[default]\nsecret_id = a\nsecret_key = b\n'
    await writeFile(join(folder, 'key.ini'), text)
    await run({ yes: true, credentialsFile: 'key.ini' })
    expect(await readFile(places.credentials, 'utf8')).toBe(text)
  })

  test('with --hook the hook is installed and a timer looks after it', async () => {
    const { run, places, told } = await machine()
    const { out } = await run({ yes: true, hook: true }, ENV)
    expect(await readFile(join(places.certbot, 'renewal-hooks/deploy/zz-certferry'), 'utf8')).toContain(
      'certferry',
    )
    expect(told).toEqual(['enable certferry-sync.timer', 'restart certferry-sync.timer'])
    expect(out).toContain('certferry sync')
  })

  test('of two clients the one that is named is carried, and stands in the configuration', async () => {
    const { run, places } = await machine({ acme: true })
    await run({ yes: true, client: ['certbot'], endpoint: 'https://ssl.intl.tencentcloudapi.com' }, ENV)
    const text = await readFile(places.config, 'utf8')
    expect(text).toContain(`[[source]]\nkind = "certbot"\npath = ${JSON.stringify(places.certbot)}\n`)
    expect(text).toContain('endpoint = "https://ssl.intl.tencentcloudapi.com"')
    expect(text).not.toContain('acme.sh')
  })

  test('--dry-run says all of it and changes nothing', async () => {
    const { run, told, folder } = await machine()
    const { out } = await run({ yes: true, dryRun: true }, ENV)
    expect(out).toContain('Would be done:')
    expect([told, await readdir(folder)]).toEqual([[], ['letsencrypt']])
  })
})

describe('setup at a terminal', () => {
  test('asks four things, the key twice over, and shows nothing of it', async () => {
    const { run, places } = await machine()
    const { asked, out } = await run({ noTest: false, dryRun: true }, {}, [
      'y',
      'service',
      '',
      'AKIDtest',
      SECRET,
    ])
    expect(asked.map(question => question.split(/[?:(]/, 1)[0])).toEqual([
      'Carry the certificates of certbot',
      'Run as a service that watches, or as a hook of the client',
      'Test it now, with one harmless request',
      'API key from the console ',
      'SecretKey ',
    ])
    expect(out).not.toContain(SECRET)
    expect(places.credentials).toBeDefined()
  })

  test('a hook is a hook', async () => {
    const { run, told } = await machine()
    await run({}, ENV, ['', 'hook'])
    expect(told[0]).toBe('enable certferry-sync.timer')
  })
})

describe('setup refuses', () => {
  const fault = async (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: Fault) => error,
    )

  test.each<[string, Parameters<typeof machine>[0], Partial<CommandLine>, Record<string, string>, string]>([
    ['to guess where nobody can be asked', {}, {}, ENV, 'USAGE'],
    ['to start a service where there is none', { units: false }, { yes: true, daemon: true }, ENV, 'USAGE'],
    ['to go on without a key', {}, { yes: true }, {}, 'CREDENTIALS_MISSING'],
    [
      'a key of another line',
      {},
      { yes: true },
      { ...ENV, TENCENTCLOUD_SECRET_KEY: 'a\nsecret_id = b' },
      'CREDENTIALS_UNREADABLE',
    ],
    ['a client it does not know', {}, { yes: true, client: ['lego2'] }, ENV, 'USAGE'],
  ])('%s, and changes nothing', async (_, made, line, env, code) => {
    const { run, folder, told } = await machine(made)
    expect(await fault(run(line, env))).toMatchObject({ code })
    expect([told, await readdir(folder)]).toEqual([[], ['letsencrypt']])
  })
})
