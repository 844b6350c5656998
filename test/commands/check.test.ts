import { once } from 'node:events'
import { chmod, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { asNobody } from '../fixtures/asNobody.ts'
import { issue } from '../fixtures/certificates.ts'
import { refused } from '../http/httpServers.ts'
import { secured } from '../http/tlsServers.ts'
import { type FindingJson, openClinic } from './checkFixture.ts'
import { KEYS } from './commandFixture.ts'

const HOUR = 3_600_000
const WAY = ['name', 'connection', 'TLS', 'answer', 'clock', 'credentials', 'permission']

const widest = (text: string) => Math.max(...text.split('\n').map(line => [...line].length))
const levels = (findings: readonly FindingJson[]) => findings.map(({ about, level }) => `${about} ${level}`)
const well = (name: string) => `${name} ok`
const unreached = (name: string) => `${name} unreached`

describe('check examines everything', () => {
  test('and where all is well it is one screen of 24 lines by 80, with exit 0', async () => {
    const { certbot, examine } = await openClinic()
    await certbot('example.com')
    const cronLines = async () => [
      { file: '/etc/cron.d/certferry', uid: 0, text: '5 5 * * * root certferry sync' },
    ]
    const { exit, out } = await examine({ machine: { cronLines }, terminal: true })
    expect([exit, out().trimEnd().split('\n').at(-1)]).toEqual([0, 'No problems found.'])
    expect(out().split('\n').length).toBeLessThanOrEqual(24)
    expect(widest(out())).toBeLessThanOrEqual(80)
    expect(out()).not.toMatch(/^(WARN|FAIL)/m)
    expect((await examine({ words: ['--quiet'], machine: { cronLines } })).out()).toBe('')
  })

  test('each thing once, in its order, and with one signed request', async () => {
    const { certbot, findings, emulator } = await openClinic()
    await certbot('example.com')
    const { all } = await findings()
    expect(all.map(({ about }) => about)).toEqual([
      ...['runtime', 'configuration', 'source', 'watching', 'state', 'hook', 'daemon', 'renewals'],
      'notify',
      ...WAY,
      'replacement',
    ])
    expect(emulator.entries.map(({ action }) => action)).toEqual(['DescribeCertificates'])
  })

  test('and leaves nothing behind, not even the state directory', async () => {
    const { certbot, examine, folder } = await openClinic()
    await certbot('example.com')
    const before = await readdir(folder, { recursive: true })
    await examine()
    expect(await readdir(folder, { recursive: true })).toEqual(before)
  })

  test('every problem is shown with what fixes it', async () => {
    const { certbot, findings, root } = await openClinic()
    for (const name of ['torn.example', 'lost.example']) await certbot(name)
    await rm(join(root, 'archive/lost.example'), { recursive: true })
    await rm(join(root, 'live/torn.example/privkey.pem'))
    const visits = [
      {},
      { env: {} },
      { words: ['--endpoint', await refused()] },
      { now: () => Date.now() - HOUR },
    ]
    for (const visit of visits) {
      const wrong = (await findings(visit)).all.filter(
        ({ level }) => level === 'warning' || level === 'failure',
      )
      expect(wrong.length).toBeGreaterThan(1)
      for (const { says, advice, command } of wrong) expect(advice ?? command, says).toBeTruthy()
    }
  })

  test('a bug in one examination is shown as one and hides none of the others', async () => {
    const { certbot, findings } = await openClinic()
    await certbot('example.com')
    const processes = async () => {
      throw new TypeError('of what it was given: hush')
    }
    const { exit, all, of } = await findings({ machine: { processes } })
    expect(exit).toBe(70)
    expect(of('renewals')).toMatchObject([
      { level: 'failure', says: 'renewals could not be checked (TypeError)' },
    ])
    expect(levels(all)).toEqual(expect.arrayContaining(['source ok', 'state ok', ...WAY.map(well)]))
  })
})

test('what is left out, what fits nothing and where nobody answers have a line', async () => {
  const { certbot, config, usual, findings, folder } = await openClinic()
  await certbot('example.com')
  await certbot('other.example')
  const tables =
    '[[certificate]]\nmatch = "other.*"\nexclude = true\n[[certificate]]\nmatch = "shop.*"\nalias = "x"\n'
  await writeFile(config, `${usual}${tables}[http]\nlisten = "unix:${folder}/s"\n`)
  const { of } = await findings()
  expect(of('source').map(({ level, says }) => `${level} ${says}`)).toEqual([
    expect.stringMatching(/^ok .*: 1 of 1 certificate ready$/),
    'unreached left out by exclude = true: certbot:other.example',
    'warning [[certificate]] match = "shop.*" matches no certificate',
  ])
  expect(of('http')).toMatchObject([{ level: 'unreached', says: expect.stringContaining('nothing answers') }])
  const server = createServer((_, reply) => reply.end('live\n')).listen(`${folder}/s`)
  await once(server, 'listening')
  expect((await findings()).of('http')).toMatchObject([{ level: 'ok' }])
  server.close()
})

test('a command for root begins with sudo where this user needs it and has it', async () => {
  const { certbot, findings } = await openClinic()
  await certbot('example.com')
  const commands = async (sudo: boolean) =>
    (await findings({ sudo })).all.map(({ command = '' }) => command).join('\n')
  expect(await commands(true)).toMatch(/^sudo certferry setup$/m)
  expect(await commands(false)).toMatch(/^certferry setup$/m)
})

describe('the configuration', () => {
  test('has every mistake shown with file, key and line, and what is right is examined all the same', async () => {
    const { certbot, config, usual, findings } = await openClinic()
    await certbot('example.com')
    await writeFile(config, `${usual}project = 1\n[upload]\nalais = "x"\n[log]\nlevel = "loud"\n`)
    const { exit, all, of } = await findings({ env: { ...KEYS, CERTFERRY_LOG_LEVEL: 'shrill' } })
    expect(exit).toBe(78)
    expect(of('configuration').map(({ says }) => says)).toEqual([
      `${config}: line 8, column 1: source[1].project: unknown key: did you mean project_id?`,
      `${config}: line 10, column 1: upload.alais: unknown key: did you mean alias?`,
      expect.stringContaining(`${config}: line 12, column 1: log.level: expected one of`),
      expect.stringContaining('CERTFERRY_LOG_LEVEL: expected one of'),
    ])
    expect(of('configuration').find(({ says }) => says.includes('alais'))?.command).toBe(
      `sudo editor +10 ${config}`,
    )
    expect(levels(all)).toEqual(
      expect.arrayContaining(['runtime ok', 'source ok', 'state ok', ...WAY.map(well)]),
    )
  })

  test('that is wrong about the endpoint leaves only the way there aside', async () => {
    const { certbot, config, usual, findings, emulator } = await openClinic()
    await certbot('example.com')
    await writeFile(config, usual.replace('http://127.0.0.1', 'ftp://127.0.0.1'))
    const { all } = await findings()
    expect(levels(all)).toEqual(expect.arrayContaining(['source ok', 'state ok', 'answer unreached']))
    expect(emulator.entries).toEqual([])
  })

  test('whose only source is wrong does not have others examined in its place', async () => {
    const { config, usual, findings } = await openClinic()
    await writeFile(config, usual.replace('path =', 'paht ='))
    expect((await findings()).of('source')).toMatchObject([{ level: 'unreached' }])
  })

  test.each([
    ['is no TOML', 'not toml', /config.toml: line 1, column \d+/],
    ['is not there', undefined, /config.toml: is not there/],
  ])('that %s is told, and what does not depend on it is examined', async (_, text, says) => {
    const { config, findings } = await openClinic()
    await (text === undefined ? rm(config) : writeFile(config, text))
    const { exit, all, of } = await findings()
    expect(exit).toBe(78)
    expect(of('configuration')).toMatchObject([{ level: 'failure', says: expect.stringMatching(says) }])
    expect(levels(all)).toContain('runtime ok')
    expect(levels(all)).toEqual(
      expect.arrayContaining(['source', 'watching', 'state', 'renewals', 'answer'].map(unreached)),
    )
  })
})

describe('sources and files are examined as this user', () => {
  test('a link that leads nowhere is shown with both its ends', async () => {
    const { certbot, findings, root } = await openClinic()
    await certbot('fine.example')
    await certbot('lost.example')
    await rm(join(root, 'archive/lost.example'), { recursive: true })
    const { exit, of } = await findings()
    expect(exit).toBe(75)
    expect(of('source')).toMatchObject([
      { level: 'warning', says: `certbot in ${root}: 1 of 2 certificates ready` },
    ])
    expect(of('certificate')).toMatchObject([
      {
        level: 'failure',
        says: `certbot:lost.example: ${root}/live/lost.example/fullchain.pem leads to ${root}/archive/lost.example/fullchain1.pem, which does not exist`,
      },
    ])
  })

  test('a folder that is closed is named with its mode', async () => {
    const { certbot, findings, folder, root, config } = await openClinic()
    await certbot('example.com')
    for (const open of [folder, root, config]) await chmod(open, 0o755)
    await chmod(join(root, 'live'), 0o700)
    const { exit, of } = await asNobody(() => findings())
    expect(exit).toBe(74)
    expect(of('source')).toMatchObject([
      {
        level: 'failure',
        says: expect.stringContaining(`${root}/live is not readable for`),
        command: 'sudo certferry check',
      },
    ])
    expect(of('state')).toMatchObject([
      {
        level: 'failure',
        fault: { code: 'STATE_DIR_UNUSABLE' },
        advice: expect.stringMatching(/^Run .* as root/),
      },
    ])
  })

  test('an expired certificate comes with the command that renews it', async () => {
    const { certbot, findings } = await openClinic()
    const past = { notBefore: new Date(0), notAfter: new Date(1e12) }
    await certbot('old.example', await issue({ names: ['old.example'], ...past }))
    const { exit, of } = await findings()
    expect(exit).toBe(65)
    expect(of('certificate')).toMatchObject([
      { level: 'failure', fault: { code: 'EXPIRED' }, command: 'sudo certbot renew --cert-name old.example' },
    ])
  })

  test('one that was not renewed in time is a warning', async () => {
    const { certbot, findings } = await openClinic()
    const [day, now] = [24 * HOUR, Date.now()]
    const life = { notBefore: new Date(now - 80 * day), notAfter: new Date(now + 10 * day) }
    await certbot('late.example', await issue({ names: ['late.example'], ...life }))
    const { exit, of } = await findings()
    expect([exit, levels(of('certificate'))]).toEqual([0, ['certificate warning']])
    expect(of('certificate')[0]?.says).toContain('less than a third of its lifetime left')
  })

  test('no source at all is shown with the places that were searched', async () => {
    const { config, usual, findings, folder } = await openClinic()
    await writeFile(config, usual.slice(0, usual.indexOf('[[source]]')))
    const { of } = await findings({ words: ['--source', `certbot=${folder}/nowhere`] })
    expect(of('source')).toMatchObject([{ level: 'failure', fault: { code: 'SOURCE_MISSING' } }])
  })

  test('a thousand that are alike fill no screen', async () => {
    const { root, examine } = await openClinic()
    for (let i = 0; i < 40; i++) {
      await mkdir(join(root, `live/c${i}`), { recursive: true })
      await symlink('../../archive/x.pem', join(root, `live/c${i}/fullchain.pem`))
    }
    const { out } = await examine({ terminal: true })
    expect(out()).toContain('… and 37 more like it')
    expect(out().match(/leads to\s+\//g)).toHaveLength(3)
  })
})

describe('hooks and the daemon', () => {
  const unit = (state: string) => ({
    systemctl: async () => ({
      code: 0,
      stdout: `Id=certferry.service\nLoadState=loaded\n${state}`,
      stderr: '',
    }),
  })

  test('a hook that was installed is found, and one whose program has gone is shown', async () => {
    const { certbot, findings, type, folder, root } = await openClinic()
    await certbot('example.com')
    const [node, main] = [join(folder, 'node'), join(folder, 'main.js')]
    for (const file of [node, main]) await writeFile(file, '', { mode: 0o755 })
    await type(['install-hook', 'certbot'].toSpliced(2, 0), { program: { node, main } }).catch(
      () => undefined,
    )
    const file = join(root, 'renewal-hooks/deploy/zz-certferry')
    expect((await findings()).of('hook')).toMatchObject([{ level: 'ok', says: `certbot: ${file}` }])
    expect((await findings()).of('renewals')).toMatchObject([
      { level: 'warning', says: expect.stringContaining('only') },
    ])
    await rm(main)
    expect((await findings()).of('hook')).toMatchObject([
      {
        level: 'warning',
        says: `certbot: ${file} starts ${main}, which does not exist`,
        command: 'sudo certferry install-hook certbot',
      },
    ])
  })

  test('one that is not executable, or of another program, is a warning', async () => {
    const { findings, root, folder, type } = await openClinic()
    await mkdir(join(root, 'live'), { recursive: true })
    const [node, main] = [join(folder, 'node'), join(folder, 'main.js')]
    for (const file of [node, main]) await writeFile(file, '')
    await type(['install-hook', 'certbot'], { program: { node, main } })
    const file = join(root, 'renewal-hooks/deploy/zz-certferry')
    await chmod(file, 0o644)
    expect((await findings()).of('hook')[0]?.says).toContain('is not executable, so certbot ignores it')
    await writeFile(file, '#!/bin/sh\nreload nginx\n')
    expect((await findings()).of('hook')).toMatchObject([
      { level: 'warning', says: expect.stringContaining('was not written by certferry') },
    ])
  })

  test('a daemon that runs uploads renewals; one that has failed is a failure with its log', async () => {
    const { certbot, findings } = await openClinic()
    await certbot('example.com')
    const running = await findings({
      machine: unit('ActiveState=active\nStatusText=1 certificate, 0 pending\n'),
    })
    expect(running.of('daemon')).toMatchObject([
      { level: 'ok', says: 'certferry.service is active: 1 certificate, 0 pending' },
    ])
    expect(running.of('renewals')).toMatchObject([{ level: 'ok' }])
    const failed = await findings({ machine: unit('ActiveState=failed\nExecMainStatus=78\n') })
    expect(failed.exit).toBe(75)
    expect(failed.of('daemon')).toMatchObject([
      {
        level: 'failure',
        fault: { code: 'SERVICE_FAILED' },
        command: 'journalctl -u certferry.service -n 20 --no-pager',
      },
    ])
  })

  test('without systemd a daemon is found by its process', async () => {
    const { certbot, findings } = await openClinic()
    await certbot('example.com')
    const processes = async () => [{ pid: 42, uid: 0, words: ['/usr/bin/certferry', 'watch'] }]
    const { of } = await findings({ machine: { processes } })
    expect(of('daemon')).toMatchObject([{ level: 'ok', says: 'running as process 42' }])
    expect(of('renewals')).toMatchObject([{ level: 'ok', says: 'uploaded by the daemon' }])
  })

  test("another user's process of that name, or line for cron, counts for nothing", async () => {
    const { certbot, findings } = await openClinic()
    await certbot('example.com')
    const processes = async () =>
      [4_711, undefined].map((uid, i) => ({ pid: 42 + i, uid, words: ['/usr/bin/certferry', 'watch'] }))
    const cronLines = async () => [
      { file: '/var/spool/cron/crontabs/other', uid: 4_711, text: '@daily certferry sync' },
      { file: '/etc/cron.d/other', uid: 0, text: '@daily other certferry sync' },
    ]
    const { of } = await findings({ machine: { processes, cronLines } })
    expect(of('daemon')).toMatchObject([
      { level: 'unreached', says: 'not running; processes of other users, not counted: 42, 43' },
    ])
    expect(of('renewals')).toMatchObject([
      { level: 'warning', says: expect.stringMatching(/^renewals are not uploaded automatically/) },
    ])
  })
})

describe('the connection to the service is shown step by step, and the rest is not reached', () => {
  const wayOf = (all: readonly FindingJson[]) =>
    levels(all.filter(({ about }) => [...WAY, 'proxy'].includes(about)))

  test('a port without a listener', async () => {
    const { findings } = await openClinic()
    const { exit, all } = await findings({ words: ['--endpoint', await refused()] })
    expect(exit).toBe(75)
    expect(wayOf(all)).toEqual(['name ok', 'connection failure', ...WAY.slice(2).map(unreached)])
  })

  test('an unknown name', async () => {
    const { findings } = await openClinic()
    const { all, of } = await findings({ words: ['--endpoint', 'https://no-such-name.invalid'] })
    expect(wayOf(all)).toEqual(['name failure', ...WAY.slice(1).map(unreached)])
    expect(of('name')[0]?.command).toBe('getent ahosts no-such-name.invalid')
  })

  test('a certificate that is not trusted', async () => {
    const { findings } = await openClinic()
    const port = await secured(await issue({ names: ['localhost'] }))
    const { all, of } = await findings({ words: ['--endpoint', `https://localhost:${port}`] })
    expect(wayOf(all)).toEqual(['name ok', 'connection ok', 'TLS failure', ...WAY.slice(3).map(unreached)])
    expect(of('TLS')[0]?.fault?.code).toBe('TLS')
  })

  test('a proxy that is not there, though HTTPS_PROXY names it', async () => {
    const { findings } = await openClinic()
    const HTTPS_PROXY = await refused()
    const { all, of } = await findings({
      words: ['--endpoint', 'https://ssl.tencentcloudapi.com'],
      env: { ...KEYS, HTTPS_PROXY },
    })
    expect(wayOf(all)).toEqual(['name ok', 'proxy failure', ...WAY.slice(2).map(unreached)])
    expect(of('proxy')[0]?.command).toContain(`--proxy ${new URL(HTTPS_PROXY).host}`)
  })

  test('HTTPS_PROXY that is no address is shown, and hides nothing else', async () => {
    const { certbot, findings } = await openClinic()
    await certbot('example.com')
    const { exit, all } = await findings({
      words: ['--endpoint', 'https://ssl.tencentcloudapi.com'],
      env: { ...KEYS, HTTPS_PROXY: 'socks5://hush@x' },
    })
    expect(exit).toBe(78)
    expect(levels(all)).toEqual(expect.arrayContaining(['source ok', 'state ok', 'answer failure']))
    expect(JSON.stringify(all)).not.toContain('hush')
  })

  test('a clock that is ten minutes slow: one request, and nothing is known of the key', async () => {
    const { findings, emulator } = await openClinic()
    const { exit, all, of } = await findings({ now: () => Date.now() - 600_000 })
    expect(exit).toBe(77)
    expect(wayOf(all).slice(-3)).toEqual(['clock failure', 'credentials unreached', 'permission unreached'])
    expect(of('clock')).toMatchObject([
      { says: '10 minutes slow; the service allows 5 minutes', command: 'sudo timedatectl set-ntp true' },
    ])
    expect(emulator.entries).toHaveLength(1)
  })

  test('no credentials: connection and clock are examined by a request without any', async () => {
    const { findings, emulator } = await openClinic()
    const { exit, all } = await findings({ env: {}, now: () => Date.now() - 90_000 })
    expect(exit).toBe(77)
    expect(wayOf(all).slice(-4)).toEqual([
      'answer ok',
      'clock warning',
      'credentials failure',
      'permission unreached',
    ])
    expect(emulator.entries.map(({ action }) => action ?? '')).toEqual([''])
  })

  test('a wrong key', async () => {
    const { findings } = await openClinic()
    const { exit, all, of } = await findings({ env: { ...KEYS, TENCENTCLOUD_SECRET_KEY: 'mistyped' } })
    expect(exit).toBe(77)
    expect(wayOf(all).slice(-2)).toEqual(['credentials failure', 'permission unreached'])
    expect(of('credentials')[0]?.fault?.apiCode).toBe('AuthFailure.SignatureFailure')
  })

  test('a key that may only upload: a warning that names the action, with the policy to paste; exit 0', async () => {
    const accounts = { narrow: { secretKey: 'narrow-key', denied: ['DescribeCertificates'] } }
    const env = { TENCENTCLOUD_SECRET_ID: 'narrow', TENCENTCLOUD_SECRET_KEY: 'narrow-key' }
    const { certbot, findings, examine, type } = await openClinic({ accounts })
    await certbot('example.com')
    const { exit, of } = await findings({ env })
    expect(exit).toBe(0)
    expect(of('permission')).toMatchObject([
      { level: 'warning', says: expect.stringContaining('ssl:DescribeCertificates is not allowed') },
    ])
    expect(JSON.stringify(of('permission')[0]?.policy)).toContain('"ssl:UploadCertificate"')
    await type(['sync'], { env })
    const shown = (await examine({ env, terminal: true })).out()
    expect(shown.replace(/\s+/g, ' ')).toContain('it allowed an upload on')
    expect(shown).toContain('\n{"version": "2.0", "statement": [{"effect": "allow"')
    expect(widest(shown)).toBeLessThanOrEqual(80)
  })

  test('a service with an internal error', async () => {
    const { findings } = await openClinic({ faults: () => 'internal-error' })
    const { exit, all } = await findings()
    expect(exit).toBe(75)
    expect(wayOf(all).slice(3)).toEqual(['answer failure', ...WAY.slice(4).map(unreached)])
  })
})

test('a credentials file that others can read is a warning, with what closes it', async () => {
  const { findings, folder } = await openClinic()
  await chmod(folder, 0o755)
  const file = join(folder, 'credentials')
  const { TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY } = KEYS
  await writeFile(
    file,
    `[default]\nsecret_id=${TENCENTCLOUD_SECRET_ID}\nsecret_key=${TENCENTCLOUD_SECRET_KEY}\n`,
  )
  await chmod(file, 0o644)
  const visit = { env: { TENCENTCLOUD_CREDENTIALS_FILE: file } }
  const { exit, of } = await findings(visit)
  expect(exit).toBe(0)
  expect(of('credentials')).toMatchObject([{ level: 'ok', says: `accepted, from ${file} [default]` }])
  expect(of('API key')).toMatchObject([{ level: 'warning', advice: `chmod o= ${file}` }])
  await chmod(file, 0o600)
  expect((await findings(visit)).of('API key')).toEqual([])
})

test('a configuration that every user may write is shown with the command that closes it', async () => {
  const { findings, folder, config } = await openClinic()
  await chmod(folder, 0o755)
  await chmod(config, 0o666)
  const { exit, of } = await findings()
  expect(exit).toBe(78)
  expect(of('configuration')).toMatchObject([
    { level: 'failure', advice: expect.stringContaining(`chmod o-w ${config}`) },
  ])
})
