import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { CommandLine } from '../../src/config/commandLine.ts'
import { DEMO_CREDENTIALS, startEmulator } from '../../src/emulator/server.ts'
import type { Fault } from '../../src/errors.ts'
import { issue } from '../fixtures/certificates.ts'
import { all, certbotIssue } from '../fixtures/producers.ts'
import { storeText } from '../fixtures/traefikStore.ts'
import { ENV, openHost, SECRET, type Wish } from './setupFixture.ts'

const KEY = `[default]\nsecret_id = AKIDtest\nsecret_key = ${SECRET}\n`
const modeOf = async (path: string) => (await stat(path)).mode & 0o777

describe('setup --yes', () => {
  test('stores the key readable only by root, starts the service, and says what it did', async () => {
    const { run, places, told } = await openHost()
    const { exit, out } = await run({ yes: true }, ENV)
    expect(exit).toBe(0)
    expect(await readFile(places.credentials, 'utf8')).toBe(KEY)
    expect(await modeOf(places.credentials)).toBe(0o600)
    expect(told).toEqual(['enable certferry.service', 'start certferry.service'])
    expect(out).toContain(`written    ${places.credentials}, the API key, readable only by root`)
    expect(out).toContain('started    certferry.service')
    expect(out).not.toContain(SECRET)
  })

  test.each<[string, Partial<CommandLine>]>([
    ['--daemon', { daemon: true }],
    ['--hook', { hook: true, endpoint: 'https://ssl.intl.tencentcloudapi.com', client: ['certbot'] }],
  ])('%s run again changes nothing, starts nothing, and says so', async (_, line) => {
    const { run, told, folder } = await openHost({ acme: true })
    await run({ yes: true, ...line }, ENV)
    const [names, before] = [await readdir(folder, { recursive: true }), told.length]
    const { exit, out } = await run({ yes: true, ...line }, ENV)
    expect([exit, out]).toEqual([0, 'Everything is already set up; nothing was changed.\n'])
    expect(await readdir(folder, { recursive: true })).toEqual(names)
    expect(told).toHaveLength(before)
  })

  test('another key takes the place of the one there was, of which nothing is left; the daemon starts again', async () => {
    const { run, places, told } = await openHost()
    await run({ yes: true }, ENV)
    const { out } = await run({ yes: true }, { ...ENV, TENCENTCLOUD_SECRET_KEY: 'another' })
    expect(await readdir(dirname(places.credentials))).toEqual(['credentials'])
    expect(await readFile(places.credentials, 'utf8')).toContain('another')
    expect(out).not.toContain('backup')
    expect(told.at(-1)).toBe('restart certferry.service')
  })

  test('what others could read before is closed, and other profiles stay', async () => {
    const { run, places, folder } = await openHost()
    await mkdir(dirname(places.credentials), { recursive: true })
    await writeFile(places.credentials, '[ops]\nsecret_id = o\nsecret_key = p\n', { mode: 0o644 })
    await run({ yes: true }, ENV)
    expect(await modeOf(places.credentials)).toBe(0o600)
    expect(await readFile(places.credentials, 'utf8')).toBe(`[ops]\nsecret_id = o\nsecret_key = p\n\n${KEY}`)
    await writeFile(join(folder, 'key.ini'), '[default]\nsecret_id = a\nsecret_key = b\ntoken = t\n')
    await run({ yes: true, credentialsFile: 'key.ini' })
    expect(await readFile(places.credentials, 'utf8')).toBe(
      '[ops]\nsecret_id = o\nsecret_key = p\n\n[default]\nsecret_id = a\nsecret_key = b\ntoken = t\n',
    )
  })

  test('a file with the key is taken as it is', async () => {
    const { run, places, folder } = await openHost()
    const text = '# ours\n[default]\nsecret_id = a\nsecret_key = b\n'
    await writeFile(join(folder, 'key.ini'), text)
    await run({ yes: true, credentialsFile: 'key.ini' })
    expect(await readFile(places.credentials, 'utf8')).toBe(text)
  })

  test('the profile that the configuration names is the one that is written', async () => {
    const { run, places } = await openHost()
    await mkdir(dirname(places.config), { recursive: true })
    await writeFile(places.config, '[tencent]\nprofile = "ops"\n')
    await run({ yes: true }, ENV)
    expect(await readFile(places.credentials, 'utf8')).toBe(KEY.replace('default', 'ops'))
  })

  test('with --hook the hook is installed and a timer beside it', async () => {
    const { run, places, told } = await openHost()
    const { out } = await run({ yes: true, hook: true }, ENV)
    const hook = join(places.certbot, 'renewal-hooks/deploy/zz-certferry')
    expect(await readFile(hook, 'utf8')).toContain('certferry')
    expect(told).toEqual(['enable certferry-sync.timer', 'start certferry-sync.timer'])
    expect(out).toContain('certferry sync')
  })

  test('acme.sh has to be given its hook, and the command for it is shown', async () => {
    const { run } = await openHost({ certbot: false, acme: true })
    const { out } = await run({ yes: true, hook: true }, ENV)
    expect(out).toContain('\n  certferry install-hook acme.sh\n')
  })

  test("an older hook of certferry's is kept, and never so that certbot would run it too", async () => {
    const { run, places } = await openHost()
    await run({ yes: true, hook: true }, ENV)
    const folder = join(places.certbot, 'renewal-hooks/deploy')
    const hook = join(folder, 'zz-certferry')
    await writeFile(hook, `${await readFile(hook, 'utf8')}# older\n`)
    await run({ yes: true, hook: true }, ENV)
    const backup = (await readdir(folder)).find(name => name.includes('.bak-')) ?? ''
    expect(await readFile(join(folder, backup), 'utf8')).toContain('# older')
    expect((await modeOf(join(folder, backup))) & 0o111).toBe(0)
    expect(await readFile(hook, 'utf8')).not.toContain('# older')
  })

  test('of two clients the one that is named is written to the configuration', async () => {
    const { run, places } = await openHost({ acme: true })
    await run({ yes: true, client: ['certbot'], endpoint: 'https://ssl.intl.tencentcloudapi.com' }, ENV)
    const text = await readFile(places.config, 'utf8')
    expect(text).toContain(`[[source]]\nkind = "certbot"\npath = ${JSON.stringify(places.certbot)}\n`)
    expect(text).toContain('endpoint = "https://ssl.intl.tencentcloudapi.com"')
    expect(text).not.toContain('acme.sh')
    expect(await modeOf(places.config)).toBe(0o644)
  })

  test('a configuration that is a link is changed where it lies', async () => {
    const { run, places, folder } = await openHost({ acme: true })
    const real = join(folder, 'kept.toml')
    await writeFile(real, '# kept elsewhere\n[log]\nlevel = "warn"\n')
    await mkdir(dirname(places.config), { recursive: true })
    await symlink(real, places.config)
    await run({ yes: true, client: ['certbot'] }, ENV)
    expect(await readFile(real, 'utf8')).toMatch(
      /^# kept elsewhere\n\[log\]\nlevel = "warn"\n\n\[\[source\]\]/,
    )
    expect((await readdir(folder)).some(name => name.startsWith('kept.toml.bak-'))).toBe(true)
  })

  test('--dry-run says all of it, shows what would be new in the configuration and no key, and changes nothing', async () => {
    const { run, told, folder, places } = await openHost({ acme: true })
    const { out } = await run({ yes: true, dryRun: true, hook: true, client: ['certbot'] }, ENV)
    for (const part of [
      'Would do:',
      places.credentials,
      'zz-certferry',
      'certferry-sync.timer',
      'kind = "certbot"',
    ])
      expect(out).toContain(part)
    expect(out).not.toContain(SECRET)
    expect([told, (await readdir(folder)).sort()]).toEqual([[], ['.acme.sh', 'letsencrypt']])
  })

  test('the test at the end is check, and uses the key that was stored; its exit code is the exit code', async () => {
    const { run, places } = await openHost()
    const emulator = await startEmulator()
    await all(certbotIssue(places.certbot, 'example.com', await issue({ names: ['example.com'] })))
    const { secretId, secretKey } = DEMO_CREDENTIALS
    const right = { TENCENTCLOUD_SECRET_ID: secretId, TENCENTCLOUD_SECRET_KEY: secretKey }
    const stored = { TENCENTCLOUD_CREDENTIALS_FILE: places.credentials }
    const line = {
      yes: true,
      skipCheck: false,
      endpoint: emulator.url,
      stateDir: join(places.certbot, '../state'),
    }
    const well = await run(line, { ...right, ...stored })
    expect([well.exit, well.out]).toEqual([
      0,
      expect.stringContaining(`accepted, from\n                     ${places.credentials}`),
    ])
    expect(well.out).toMatch(/No problems found\.\n\nRenewals are uploaded automatically from now on.*\n$/)
    const wrong = await run(line, { ...ENV, ...stored })
    expect([wrong.exit, wrong.out]).toEqual([77, expect.stringMatching(/^FAIL {2}credentials/m)])
    expect(wrong.out).not.toContain('from now on')
    expect(wrong.out).toMatch(
      /\n\nNot everything works yet\. To correct first: credentials: [^→]*→ [^→]*\n {4}certferry check\n$/,
    )
    await emulator.close()
  })

  test('--json is one object, with the findings of check', async () => {
    const { run, places } = await openHost()
    const { exit, json } = await run(
      { yes: true, json: true, skipCheck: false, endpoint: 'http://127.0.0.1:9' },
      { ...ENV, TENCENTCLOUD_CREDENTIALS_FILE: places.credentials },
    )
    const said = json<{ steps: ReadonlyArray<{ what: string }>; check: { exit: number }; exit: number }>()
    expect(said.steps.map(({ what }) => what)).toEqual(['written', 'written', 'enabled', 'started'])
    expect([exit, said.exit, said.check.exit]).toEqual([75, 75, 75])
  })
})

describe('setup at a terminal', () => {
  test('asks a few things, the key in its two halves and the second one hidden, and shows nothing of it', async () => {
    const { run, places } = await openHost()
    const { asked, out } = await run({ skipCheck: false, dryRun: true }, {}, ['y', '', 'AKIDtest', SECRET])
    expect(asked).toEqual([
      `Found certbot in ${places.certbot} (0 certificates). Upload them? [Y/n] `,
      'Which site is the account on: mainland (cloud.tencent.com) or international\n(tencentcloud.com)? [Mainland/international] ',
      'The API key, from the console (Access Management, Access Key).\nSecretId: ',
      'SecretKey (not shown): (hidden)',
      'Run as a service, or as a hook of the ACME client? [Service/hook] ',
      'Put renewed certificates in place of older ones on load balancers and CDN\ndomains too? It changes live traffic and needs more rights. [y/N] ',
      'Test it afterwards, with harmless requests? [Y/n] ',
    ])
    expect(out).toContain(places.credentials)
    expect(out).not.toContain(SECRET)
  })

  test('Enter each time accepts the defaults', async () => {
    const { run, told, places } = await openHost({ acme: true })
    await run({ yes: true }, ENV)
    const { asked } = await run({}, {}, [])
    expect(asked[0]).toContain('[Both/certbot/acme.sh]')
    expect(asked[2]).toBe(`${places.credentials} has an API key. Keep it? [Y/n] `)
    expect(told).toHaveLength(2)
  })

  test('Enter leaves live traffic alone; yes writes replace = true and is not asked for again', async () => {
    const { run, places } = await openHost()
    await run({ yes: true }, ENV)
    await run({}, {}, [])
    expect(await readFile(places.config, 'utf8').catch(() => '')).not.toContain('replace')
    const { out } = await run({}, {}, ['', '', '', '', 'y'])
    expect(await readFile(places.config, 'utf8')).toBe('[deploy]\nreplace = true\n')
    expect(out).toContain('put in place automatically')
    const { asked } = await run({}, {}, [])
    expect(asked.join()).not.toContain('live traffic')
    expect(await readFile(places.config, 'utf8')).toBe('[deploy]\nreplace = true\n')
  })

  test('--replace answers it without a terminal, and --yes alone means no', async () => {
    const { run, places } = await openHost()
    await run({ yes: true }, ENV)
    expect(await readFile(places.config, 'utf8').catch(() => '')).not.toContain('replace')
    const planned = (await run({ yes: true, replace: true, dryRun: true, json: true }, ENV)).json<object>()
    expect(planned).toMatchObject({ configuration: ['[deploy]', 'replace = true'] })
    await run({ yes: true, replace: true }, ENV)
    expect(await readFile(places.config, 'utf8')).toBe('[deploy]\nreplace = true\n')
  })

  test('a key that is there can be replaced', async () => {
    const { run, places } = await openHost()
    await run({ yes: true }, ENV)
    await run({}, {}, ['', '', 'n', 'AKIDnew', 'new'])
    expect(await readFile(places.credentials, 'utf8')).toContain('secret_key = new\n')
  })

  test('an invalid answer is asked for again, and why is said', async () => {
    const { run, told } = await openHost()
    const { asked } = await run({}, ENV, ['what?', 'y', 'moon', 'm', 'both', 'h'])
    expect(asked).toHaveLength(7)
    expect(asked[1]).toMatch(/^Answer y for yes, n for no, or Enter\.\nFound certbot/)
    expect(asked[3]).toMatch(/^Answer mainland or international; Enter is mainland\.\n/)
    expect(told[0]).toBe('enable certferry-sync.timer')
  })

  test('a key that cannot be one is refused with what is wrong, and not shown', async () => {
    const { run, places } = await openHost()
    const answers = ['y', '', 'wrong key with spaces', 'x', 'AKIDtest', `"${SECRET}"`, 'AKIDtest', SECRET]
    const { asked } = await run({}, {}, answers)
    expect(asked[4]).toMatch(/^The SecretId has blanks or other characters no credential has\.\nThe API key/)
    expect(asked[6]).toMatch(/^The SecretKey is in quotes, .*remove them\.\nThe API key/)
    expect(asked.join()).not.toContain('spaces')
    expect(await readFile(places.credentials, 'utf8')).toBe(KEY)
  })

  test('the site is asked for, and can be changed later; an endpoint of neither stays without a question', async () => {
    const { run, places } = await openHost()
    const international = '[tencent]\nendpoint = "https://ssl.intl.tencentcloudapi.com"\n'
    await run({}, ENV, ['y', 'int'])
    expect(await readFile(places.config, 'utf8')).toBe(international)
    const again = await run({}, {}, [])
    expect(again.asked[1]).toContain('[International/mainland]')
    expect(await readFile(places.config, 'utf8')).toBe(international)
    await run({ yes: true, site: 'mainland' }, ENV)
    expect(await readFile(places.config, 'utf8')).toBe(international.replace('.intl', ''))
    await writeFile(places.config, international.replace('ssl.intl', 'ssl.ap-example'))
    expect((await run({}, {}, [])).asked.join()).not.toContain('Which site')
  })
})

describe('setup refuses', () => {
  const fault = async (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: Fault) => error,
    )

  test.each<[string, Wish, Partial<CommandLine>, Record<string, string>, string]>([
    ['to guess where nobody can be asked', {}, {}, ENV, 'USAGE'],
    ['to start a service where there is none', { units: false }, { yes: true, daemon: true }, ENV, 'USAGE'],
    ['two ways at once', {}, { yes: true, daemon: true, hook: true }, ENV, 'USAGE'],
    ['another configuration than the units read', {}, { yes: true, config: 'other.toml' }, ENV, 'USAGE'],
    ['to go on without a key', {}, { yes: true }, {}, 'CREDENTIALS_MISSING'],
    [
      'a key that lives for hours',
      {},
      { yes: true },
      { ...ENV, TENCENTCLOUD_TOKEN: 't' },
      'CREDENTIALS_MISSING',
    ],
    [
      'a key of another line',
      {},
      { yes: true },
      { ...ENV, TENCENTCLOUD_SECRET_KEY: 'a\nsecret_id = b' },
      'CREDENTIALS_UNREADABLE',
    ],
    [
      'a site and an endpoint',
      {},
      { yes: true, site: 'mainland', endpoint: 'https://x.example' },
      ENV,
      'USAGE',
    ],
    ['a client it does not know', {}, { yes: true, client: ['lego2'] }, ENV, 'USAGE'],
    ['a machine without a client', { certbot: false }, { yes: true }, ENV, 'NO_SOURCE'],
  ])('%s, and changes nothing', async (_, wish, line, env, code) => {
    const { run, folder, told } = await openHost(wish)
    const before = await readdir(folder)
    expect(await fault(run(line, env))).toMatchObject({ code })
    expect([told, await readdir(folder)]).toEqual([[], before])
  })

  test.each([
    ['that is wrong', '[tencent]\nregoin = "x"\n'],
    ['that it could not change without damage', 'tencent.endpoint = "https://old.example"\n'],
  ])('a configuration %s, and leaves it as it is', async (_, text) => {
    const { run, places, told } = await openHost()
    await mkdir(dirname(places.config), { recursive: true })
    await writeFile(places.config, text)
    const line = { yes: true, endpoint: 'https://ssl.intl.tencentcloudapi.com' }
    expect(await fault(run(line, ENV))).toMatchObject({ code: 'CONFIG_INVALID' })
    expect([told, await readFile(places.config, 'utf8')]).toEqual([[], text])
  })

  test('a unit that does not start is reported with the command that shows its log', async () => {
    const { run } = await openHost({ broken: true })
    expect(await fault(run({ yes: true }, ENV))).toMatchObject({
      code: 'SERVICE_FAILED',
      message: 'systemctl start certferry.service: Job for certferry.service failed.',
      advice: expect.stringContaining('journalctl -u certferry.service'),
    })
  })

  test('a place it may not write, before it asks anything', async () => {
    const { run, places } = await openHost()
    await mkdir(dirname(dirname(places.config)))
    await writeFile(dirname(places.config), 'a file where the folder should be')
    const asked: string[] = []
    expect(await fault(run({}, ENV, asked))).toMatchObject({ code: 'SETUP_UNWRITABLE', exit: 74 })
  })
})

const pair = await issue()

/** lego and Traefik, each with a certificate, and dehydrated without one. */
async function host() {
  const opened = await openHost({ certbot: false })
  const { lego, traefik, dehydrated } = opened.places.clients
  await mkdir(join(lego, 'certificates'), { recursive: true })
  await writeFile(join(lego, 'certificates/a.example.crt'), pair.chain)
  await writeFile(join(lego, 'certificates/a.example.key'), pair.key)
  await writeFile(traefik, storeText({ le: [{ domains: ['b.example'], pair }] }))
  const base = dirname(dehydrated)
  await mkdir(dehydrated, { recursive: true })
  await writeFile(join(base, 'config'), `CONFIG_D=${join(base, 'conf.d')}\n`)
  return { ...opened, base }
}

test('setup finds every client in its default directory, with its certificates counted', async () => {
  const { run, places } = await host()
  const { exit, asked } = await run({}, ENV, ['all', '', '', ''])
  const { lego, traefik, dehydrated } = places.clients
  expect(exit).toBe(0)
  expect(asked[0]).toBe(
    `Found lego in ${lego} (1 certificate) and dehydrated in ${dehydrated} (0 certificates) and traefik in ${traefik} (1 certificate). Upload all, or one? [All/lego/dehydrated/traefik] `,
  )
})

test('setup --client writes the source of that client to the configuration', async () => {
  const { run, places } = await host()
  expect((await run({ yes: true, client: ['traefik'] }, ENV)).exit).toBe(0)
  expect(await readFile(places.config, 'utf8')).toContain(
    `[[source]]\nkind = "traefik"\npath = ${JSON.stringify(places.clients.traefik)}\n`,
  )
})

test('setup --hook installs the hook of a client that has hook files, and names the command for each other', async () => {
  const { run, base } = await host()
  const { exit, out } = await run({ yes: true, hook: true }, ENV)
  expect(exit).toBe(0)
  expect(await readFile(join(base, 'conf.d/zz-certferry.sh'), 'utf8')).toContain('deploy_cert')
  const said = out.replace(/\s+/g, ' ')
  expect(said).toContain('dehydrated will call certferry at each renewal')
  for (const client of ['lego', 'traefik']) expect(said).toContain(`certferry install-hook ${client}`)
})
