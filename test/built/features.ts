/** One test for each feature of the built program: that it does what its name says, once, as it ships. */
import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { getuid, pid } from 'node:process'
import { describe, expect, onTestFinished, test } from 'vitest'
import { NOTIFY_EVENTS, PRESETS } from '../../src/config/values.ts'
import type { EmulatorOptions } from '../../src/emulator/server.ts'
import { emptyReceipt } from '../../src/receipts/receipt.ts'
import { run } from '../e2e/child.ts'
import { caCertificate, encrypted, issue } from '../fixtures/certificates.ts'
import { all, certbotRenew } from '../fixtures/producers.ts'
import { putReceipts, receiptsIn } from '../fixtures/state.ts'
import { storeText } from '../fixtures/traefikStore.ts'
import { answering } from '../http/httpServers.ts'
import { secured } from '../http/tlsServers.ts'
import { robot, SIGNING_SECRET } from '../notify/robots.ts'
import { type BuiltProgram, KEYS, openBuiltProgram } from './builtProgram.ts'
import { CATALOGUE } from './catalogue.ts'
import { DEPLOY_KEYS, QUICK_ACCOUNT, replacesRenewals } from './replacement.ts'
import { ACCOUNT_WITH_TWO_KEYS, followsReplacements, REPLACEMENT_EVENTS } from './replacementDaemon.ts'
import { printsText, showsStatus, writesToJournal } from './screens.ts'

const DAY = 86_400_000

const listed = (json: string) => JSON.parse(json).results as ReadonlyArray<Readonly<Record<string, unknown>>>

/** A command that appends event and lineages of each notification to a file. */
const notifyCommand = (built: BuiltProgram) =>
  built.put(
    'tell',
    `#!/bin/sh\necho "$CERTFERRY_EVENT $CERTFERRY_LINEAGES" >> '${built.at('told')}'\n`,
    0o755,
  )

const isOfReplacement = (event: string) => REPLACEMENT_EVENTS.some(one => one === event)

const ask = (socketPath: string, path: string) =>
  new Promise<string>((resolve, reject) => {
    const asked = request({ socketPath, path }, async answer => {
      const parts: Buffer[] = []
      for await (const part of answer) parts.push(part)
      resolve(`${answer.statusCode} ${Buffer.concat(parts).toString()}`)
    })
    asked.on('error', reject).end()
  })

/**
 * `program` is asked for when the tests run; it may be made before them. Where `isBuild` it is that of dist/, and what waits
 * for the service is run without the launcher, on a quick clock.
 */
export function describeBuilt(program: () => string, { isBuild = false } = {}): void {
  const covered = new Set<string>()

  const feature = (
    title: string,
    covers: readonly string[],
    does: (built: BuiltProgram) => Promise<unknown>,
    {
      emulator,
      isQuick = false,
      needsRoot = false,
    }: { readonly emulator?: EmulatorOptions; readonly isQuick?: boolean; readonly needsRoot?: boolean } = {},
  ) => {
    for (const name of covers) covered.add(name)
    test.skipIf(needsRoot && getuid?.() !== 0)(title, async () => {
      const built = await openBuiltProgram(program(), { emulator, isQuick: isQuick && isBuild })
      await does(built)
      expect(covers.filter(name => !built.used.has(name))).toEqual([])
    })
  }

  describe('runs', () => {
    feature(
      'sync uploads, once, and does what each of its options says',
      [
        'sync',
        'sync --source',
        'sync --state-dir',
        'sync --endpoint',
        'sync --rate',
        'sync --log-level',
        'sync --json',
        'sync --only',
        'sync --dry-run',
        'sync --force',
        'sync --metrics-file',
        'source certbot',
        'TENCENTCLOUD_SECRET_ID',
        'TENCENTCLOUD_SECRET_KEY',
      ],
      async ({ certbot, typed, at, emulator, read }) => {
        await certbot('a.example.com')
        await certbot('b.example.com')
        const places = [
          '--source',
          `certbot=${at('letsencrypt')}`,
          '--state-dir',
          at('own'),
          '--endpoint',
          emulator.url,
        ]
        const sync = async (...words: readonly string[]) =>
          listed(await typed(['sync', ...places, '--rate', '500', '--json', ...words])).map(
            ({ outcome }) => outcome,
          )
        expect(await sync('--dry-run')).toEqual(['planned', 'planned'])
        expect(await sync('--only', 'a.example.com')).toEqual(['uploaded'])
        expect(await sync('--metrics-file', at('m.prom'))).toEqual(['unchanged', 'uploaded'])
        expect(await read('m.prom')).toContain('certferry_')
        expect(await sync('--only', 'certbot:a.example.com', '--force')).toEqual(['uploaded'])
        expect(await typed(['sync', ...places, '--log-level', 'debug'])).toContain('Z debug ')
        expect(emulator.certificates()).toHaveLength(2)
      },
    )

    feature(
      'sync reads the folders of every client',
      [
        'source acme.sh',
        'source lego',
        'source dehydrated',
        'source uacme',
        'source caddy',
        'source traefik',
        'source pem',
        '[[source]] kind',
        '[[source]] path',
        '[[source]] name',
        '[[source]] chain',
        '[[source]] key',
        'sync --config',
      ],
      async ({ put, configure, typed, emulator }) => {
        const place = async (chain: string, key: string) => {
          const pair = await issue({ names: ['x.example.com'] })
          await put(chain, pair.chain)
          await put(key, pair.key)
          return pair
        }
        await place('acme/x.example.com_ecc/fullchain.cer', 'acme/x.example.com_ecc/x.example.com.key')
        await put('acme/x.example.com_ecc/x.example.com.conf', '')
        await place('lego/certificates/x.example.com.crt', 'lego/certificates/x.example.com.key')
        await place('dehydrated/x.example.com/fullchain.pem', 'dehydrated/x.example.com/privkey.pem')
        await place('uacme/x.example.com/cert.pem', 'uacme/private/x.example.com/key.pem')
        const caddy = 'caddy/certificates/acme/x.example.com/x.example.com'
        await place(`${caddy}.crt`, `${caddy}.key`)
        await place('own.pem', 'own.key')
        const pair = await issue({ names: ['x.example.com'] })
        await put('acme.json', storeText({ le: [{ domains: ['x.example.com'], pair }] }))
        const folders = ['lego', 'dehydrated', 'uacme', 'caddy'].map(
          kind => `[[source]]\nkind = "${kind}"\npath = "${kind}"\n`,
        )
        const config = await configure(
          `${folders.join('')}[[source]]\nkind = "acme.sh"\npath = "acme"\n[[source]]\nkind = "traefik"\npath = "acme.json"\n[[source]]\nkind = "pem"\nname = "own"\nchain = "own.pem"\nkey = "own.key"\n`,
        )
        const results = listed(await typed(['sync', '--json', '--config', config]))
        expect(results.map(({ lineage }) => String(lineage).replace(/:.*/, '')).toSorted()).toEqual([
          'acme.sh',
          'caddy',
          'dehydrated',
          'lego',
          'pem',
          'traefik',
          'uacme',
        ])
        expect(emulator.certificates()).toHaveLength(7)
      },
    )

    feature(
      'hook uploads what each client has just renewed',
      [
        'hook',
        'RENEWED_LINEAGE',
        'CERT_FULLCHAIN_PATH',
        'CERT_KEY_PATH',
        'LEGO_HOOK_CERT_PATH',
        'LEGO_HOOK_CERT_KEY_PATH',
        'LEGO_CERT_PATH',
        'LEGO_CERT_KEY_PATH',
        'hook of dehydrated',
        'hook --chain',
        'hook --key',
        'hook --name',
        'hook --deadline',
        'CERTFERRY_ENDPOINT',
        'CERTFERRY_STATE_DIR',
        'CERTFERRY_LOG_LEVEL',
      ],
      async ({ certbot, pair, put, type, at, emulator, did }) => {
        const own = {
          CERTFERRY_STATE_DIR: at('state'),
          CERTFERRY_ENDPOINT: emulator.url,
          CERTFERRY_LOG_LEVEL: 'silent',
        }
        await certbot('a.example.com')
        for (const stem of ['b', 'c', 'd', 'e']) await pair(stem)
        const ofLego4 = await issue({ names: ['f.example.com'] })
        const files = (stem: string) => [at(stem, 'chain.pem'), at(stem, 'key.pem')] as const
        const hook = async (env: Readonly<Record<string, string>>, ...words: readonly string[]) =>
          expect(await type(['hook', ...words], { ...KEYS, ...own, ...env })).toEqual({
            code: 0,
            stdout: '',
            stderr: '',
          })
        await hook({ RENEWED_LINEAGE: at('letsencrypt/live/a.example.com') }, '--deadline', '60')
        const [chain, key] = files('b')
        await hook({ CERT_FULLCHAIN_PATH: chain, CERT_KEY_PATH: key })
        const [legoChain, legoKey] = files('c')
        await hook({ LEGO_HOOK_CERT_PATH: legoChain, LEGO_HOOK_CERT_KEY_PATH: legoKey })
        await hook({
          LEGO_CERT_PATH: await put('f.crt', ofLego4.chain),
          LEGO_CERT_KEY_PATH: await put('f.key', ofLego4.key),
        })
        const [fullchain, privkey] = files('d')
        await hook({}, 'deploy_cert', 'd.example.com', privkey, fullchain, fullchain)
        did('hook of dehydrated')
        const [ownChain, ownKey] = files('e')
        await hook({}, '--chain', ownChain, '--key', ownKey, '--name', 'e')
        expect(
          emulator
            .certificates()
            .flatMap(({ names }) => names)
            .toSorted(),
        ).toEqual(['a', 'b', 'c', 'd', 'e', 'f'].map(stem => `${stem}.example.com`))
      },
    )

    feature(
      'what is uploaded is what the configuration says',
      [
        '[upload] alias',
        '[upload] project_id',
        '[upload] certificate_use',
        '[upload] tags',
        '[upload] repeatable',
        '[upload] type',
        '[[source]] type',
        '[upload] key_password_file',
        '[[certificate]] match',
        '[[certificate]] exclude',
        '[[certificate]] certificate_use',
        '[state] dir',
        '[log] level',
        '[tencent] endpoint',
        '[tencent] rate_per_second',
      ],
      async ({ put, pair, configure, typed, emulator, at }) => {
        for (const stem of ['a', 'b', 'c']) await pair(stem)
        const locked = await issue({ names: ['locked.example.com'] })
        await put('locked/chain.pem', locked.chain)
        await put('locked/key.pem', encrypted(locked.key, 'opens'))
        await put('ca.pem', await caCertificate())
        await put('password', 'opens\n')
        const source = (name: string) =>
          `[[source]]\nkind = "pem"\nname = "${name}"\nchain = "${name}/chain.pem"\nkey = "${name}/key.pem"\n`
        const config = await configure(`[tencent]
endpoint = "${emulator.url}"
rate_per_second = 500
[upload]
alias = "own {domain}"
project_id = 7
certificate_use = "CLB"
tags = { team = "web" }
repeatable = true
type = "SVR"
key_password_file = "password"
[state]
dir = "elsewhere"
[log]
level = "warn"
${source('a')}${source('b')}${source('c')}${source('locked')}
[[source]]
kind = "pem"
name = "ca"
chain = "ca.pem"
type = "CA"
[[certificate]]
match = "pem:b"
certificate_use = "CDN"
[[certificate]]
match = "c"
exclude = true
`)
        const keys = { ...KEYS, CERTFERRY_ENDPOINT: '', CERTFERRY_STATE_DIR: '' }
        expect(await typed(['sync', '--config', config], keys)).toBe('')
        const stored = emulator
          .certificates()
          .map(({ alias, projectId, use, type, tags }) => ({ alias, projectId, use, type, tags }))
        expect(stored.toSorted((x, y) => x.alias.localeCompare(y.alias))).toMatchObject([
          {
            alias: 'own a.example.com',
            projectId: 7,
            use: 'CLB',
            type: 'SVR',
            tags: [{ TagKey: 'team', TagValue: 'web' }],
          },
          { alias: 'own b.example.com', use: 'CDN' },
          { type: 'CA' },
          { alias: 'own locked.example.com', type: 'SVR' },
        ])
        expect((await receiptsIn(at('elsewhere'))).map(({ lineage }) => lineage)).toContain('pem:a')
        expect(await typed(['config', 'print', '--config', config], keys)).toContain(at('elsewhere'))
      },
    )
  })

  feature(
    'forget takes one lineage out of the state',
    ['forget'],
    async ({ certbot, type, typed, configure }) => {
      await certbot('a.example.com')
      await certbot('b.example.com')
      const config = await configure(`[[source]]\nkind = "certbot"\npath = "letsencrypt"\n`)
      await typed(['sync', '--config', config])
      const id = /certbot:a\.example\.com +ok .* ([A-Za-z0-9]{8}) /.exec(
        await typed(['status', '--config', config]),
      )?.[1]
      expect(await typed(['forget', 'a.example.com', '--config', config])).toBe(
        `certbot:a.example.com is forgotten; the account still has ${id}\n`,
      )
      const status = await typed(['status', '--config', config])
      expect(status).toMatch(/certbot:a\.example\.com +new /)
      expect(status).toMatch(/certbot:b\.example\.com +ok /)
      expect((await type(['forget', 'a.example.com', '--config', config])).code).toBe(66)
      expect((await type(['forget', '--config', config])).code).toBe(64)
      expect(await typed(['sync', '--config', config])).toContain(`uploaded as ${id}`)
    },
  )

  describe('what is shown', () => {
    feature(
      "a hook's upload stands in the journal, once",
      ['hook'],
      built => writesToJournal(built, program()),
      { needsRoot: true },
    )

    feature(
      'output is text through a pipe, JSON where it is asked for, and nothing where nothing is wrong',
      ['sync --quiet', 'hook --quiet', '[log] format', 'CERTFERRY_LOG_FORMAT'],
      printsText,
    )

    feature(
      'status begins with what is wrong, then one line a certificate; check too knows of a pause',
      ['status', 'status --only', 'status --failing', 'status --verbose', 'status --quiet', 'check', 'watch'],
      showsStatus,
    )

    feature(
      'status, inspect and check show what is there',
      ['status', 'inspect', 'check', 'config', 'CERTFERRY_CONFIG'],
      async ({ certbot, pair, put, type, typed, at, configure }) => {
        await certbot('a.example.com')
        await pair('b')
        const config = await configure(`[[source]]\nkind = "certbot"\npath = "letsencrypt"\n`)
        await typed(['sync', '--config', config])
        expect(await typed(['status', '--config', config])).toMatch(/^certbot:a\.example\.com +ok /m)
        expect(await typed(['inspect', at('b/chain.pem'), at('b/key.pem')])).toContain('b.example.com')
        // a process that only has the daemon's name
        const named = spawn(await put('certferry', '#!/bin/sh\nread -r line\n', 0o755), ['watch'])
        onTestFinished(() => void named.kill())
        const { code, stdout } = await type(['check', '--config', config])
        expect([code, stdout]).toEqual([0, expect.stringMatching(/^ok +answer /m)])
        expect(stdout).toMatch(/^(ok|-) +daemon /m)
        expect(stdout).not.toMatch(new RegExp(`process.*\\b${named.pid}\\b`))
        expect(await typed(['config', 'check', '--config', config])).toContain(': no problems')
        expect(await typed(['config', 'print'], { CERTFERRY_CONFIG: config })).toContain(at('letsencrypt'))
      },
    )
  })

  feature('colours are for a terminal, and may be switched off', ['NO_COLOR'], async built => {
    const { certbot, typed, configure, at, did } = built
    await certbot('a.example.com')
    const config = await configure(`[[source]]\nkind = "certbot"\npath = "letsencrypt"\n`)
    expect(await typed(['status', '--config', config])).not.toContain('\x1b[')
    const onTerminal = async (env: Readonly<Record<string, string>>) => {
      const words = ['-qec', `'${program()}' status --config '${config}'`, '/dev/null']
      const own = { PATH: '/usr/bin:/bin', HOME: at(), TERM: 'xterm', CERTFERRY_STATE_DIR: at('state') }
      return (await run('script', words, { ...own, ...env })).stdout
    }
    expect(await onTerminal({})).toContain('\x1b[')
    expect(await onTerminal({ NO_COLOR: '1' })).not.toContain('\x1b[')
    did('NO_COLOR')
  })

  describe('credentials', () => {
    const sync = (
      { typed, at }: BuiltProgram,
      env: Readonly<Record<string, string>>,
      ...words: readonly string[]
    ) => typed(['sync', '--json', '--source', `certbot=${at('letsencrypt')}`, ...words], env)
    const ini = (profile: string) =>
      `[${profile}]\nsecret_id = ${KEYS.TENCENTCLOUD_SECRET_ID}\nsecret_key = ${KEYS.TENCENTCLOUD_SECRET_KEY}\n`

    feature(
      'are found in files, of systemd, of a container, and by profile',
      [
        'TENCENTCLOUD_CREDENTIALS_FILE',
        'TENCENTCLOUD_SECRET_KEY_FILE',
        'CREDENTIALS_DIRECTORY',
        '[tencent] profile',
      ],
      async built => {
        const { certbot, put, at, configure, emulator } = built
        await certbot('a.example.com')
        await put('systemd/tencentcloud', ini('default'))
        await sync(built, { CREDENTIALS_DIRECTORY: at('systemd') }, '--force')
        const config = await configure('[tencent]\nprofile = "ops"\n')
        await sync(
          built,
          { TENCENTCLOUD_CREDENTIALS_FILE: await put('ini', ini('ops')) },
          '--force',
          '--config',
          config,
        )
        const file = await put('key', `${KEYS.TENCENTCLOUD_SECRET_KEY}\n`)
        const { TENCENTCLOUD_SECRET_ID } = KEYS
        await sync(built, { TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY_FILE: file }, '--force')
        expect(emulator.entries.map(({ code }) => code)).toEqual(['OK', 'OK', 'OK'])
      },
    )

    const temporary = { secretKey: 'temporary-key', token: 'temporary-token' }

    feature(
      'may be temporary ones',
      ['TENCENTCLOUD_TOKEN'],
      async built => {
        await built.certbot('a.example.com')
        const env = { TENCENTCLOUD_SECRET_ID: 'temporary', TENCENTCLOUD_SECRET_KEY: temporary.secretKey }
        await sync(built, { ...env, TENCENTCLOUD_TOKEN: temporary.token })
        expect(built.emulator.certificates()).toHaveLength(1)
      },
      { emulator: { accounts: { temporary } } },
    )

    feature('in quotes are refused before anything is sent', [], async ({ certbot, type, at, emulator }) => {
      await certbot('a.example.com')
      const env = { ...KEYS, TENCENTCLOUD_SECRET_KEY: `"${KEYS.TENCENTCLOUD_SECRET_KEY}"` }
      const { code, stdout } = await type(['sync', '--source', `certbot=${at('letsencrypt')}`], env)
      expect([code, stdout]).toEqual([77, expect.stringContaining('TENCENTCLOUD_SECRET_KEY: is in quotes')])
      expect(emulator.entries).toEqual([])
    })

    feature(
      "may be those of the machine's role",
      ['role of the machine', '[tencent] instance_role'],
      async ({ certbot, put, at, configure, emulator, did, folder }) => {
        await certbot('a.example.com')
        const config = await configure(
          `[tencent]\ninstance_role = true\n[[source]]\nkind = "certbot"\npath = "letsencrypt"\n`,
        )
        // an address of this test's own, so that its port 80 is free
        const address = `127.77.${(pid >> 8) & 255}.${pid & 255 || 1}`
        const metadata = await metadataAt(address)
        const hosts = await put('hosts', `${address} metadata.tencentyun.com\n127.0.0.1 localhost\n`, 0o644)
        const script = 'mount --bind "$0" /etc/hosts && exec "$@"'
        const words = ['--mount', 'sh', '-c', script, hosts, program(), 'sync', '--config', config]
        const env = {
          PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
          HOME: folder,
          CERTFERRY_ENDPOINT: emulator.url,
          CERTFERRY_STATE_DIR: at('state'),
        }
        expect(await run('unshare', words, env)).toMatchObject({ code: 0 })
        did('role of the machine')
        expect([metadata.length, emulator.certificates().length]).toEqual([2, 1])
      },
      { emulator: { accounts: { temporary } }, needsRoot: true },
    )

    async function metadataAt(address: string): Promise<readonly string[]> {
      const asked: string[] = []
      const server = createTcpServer(socket =>
        socket.once('data', data => {
          const path = data.toString().split(' ', 2)[1] ?? ''
          asked.push(path)
          const credentials = {
            TmpSecretId: 'temporary',
            TmpSecretKey: temporary.secretKey,
            Token: temporary.token,
            ExpiredTime: Math.floor(Date.now() / 1000) + 3_600,
            Code: 'Success',
          }
          const body = path.endsWith('/') ? 'web' : JSON.stringify(credentials)
          socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`)
        }),
      )
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(80, address, resolve))
      onTestFinished(() => void server.close())
      return asked
    }
  })

  describe('the way there', () => {
    const proxied = async ({ certbot, type, at, configure }: BuiltProgram, by: 'variable' | 'setting') => {
      await certbot('a.example.com')
      const asked: string[] = []
      const server = createTcpServer(socket =>
        socket
          .on('error', () => {})
          .once('data', data => {
            asked.push(data.toString().split('\r\n', 1)[0] ?? '')
            socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
          }),
      )
      const port = await new Promise<number>(resolve =>
        server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
      )
      onTestFinished(() => void server.close())
      const proxy = `http://127.0.0.1:${port}`
      const setting = by === 'setting' ? `proxy = "${proxy}"\n` : ''
      const config = await configure(
        `[tencent]\nendpoint = "https://ssl.invalid"\n${setting}[[source]]\nkind = "certbot"\npath = "${at('letsencrypt')}"\n`,
      )
      const env = { ...KEYS, CERTFERRY_ENDPOINT: '', ...(by === 'variable' && { HTTPS_PROXY: proxy }) }
      const { stdout } = await type(['check', '--config', config], env)
      expect(stdout).toMatch(/^FAIL +proxy /m)
      expect(new Set(asked)).toEqual(new Set(['CONNECT ssl.invalid:443 HTTP/1.1']))
      const before = asked.length
      await type(['check', '--config', config], { ...env, NO_PROXY: '.invalid' })
      if (by === 'variable') expect(asked).toHaveLength(before)
    }
    feature('leads through the proxy of the environment', ['HTTPS_PROXY', 'NO_PROXY'], built =>
      proxied(built, 'variable'),
    )
    feature('leads through the proxy of the configuration', ['[tencent] proxy'], built =>
      proxied(built, 'setting'),
    )

    feature(
      'is proved by an authority of the environment or of the system',
      ['NODE_EXTRA_CA_CERTS', 'NODE_USE_SYSTEM_CA'],
      async ({ type, certbot, put, at }) => {
        await certbot('a.example.com')
        const pair = await issue({ names: ['localhost'] })
        const [endpoint, root] = [
          `https://localhost:${await secured(pair)}`,
          await put('root.pem', pair.root),
        ]
        const words = ['check', '--source', `certbot=${at('letsencrypt')}`, '--endpoint', endpoint]
        const check = async (env: Readonly<Record<string, string>>) =>
          /^(\S+) +TLS /m.exec((await type(words, { ...KEYS, ...env })).stdout)?.[1]
        expect(await check({})).toBe('FAIL')
        expect(await check({ NODE_EXTRA_CA_CERTS: root })).toBe('ok')
        expect(await check({ NODE_USE_SYSTEM_CA: '1', SSL_CERT_FILE: root })).toBe('ok')
      },
    )

    feature(
      'says the region and the language',
      ['[tencent] region', '[tencent] language'],
      async ({ type, configure }) => {
        const { url, asked } = await answering(() => ({ body: '{}' }))
        const config = await configure(
          `[tencent]\nendpoint = "${url}"\nregion = "ap-guangzhou"\nlanguage = "zh-CN"\n`,
        )
        await type(['check', '--config', config], { ...KEYS, CERTFERRY_ENDPOINT: '' })
        expect(asked.map(({ headers }) => [headers['x-tc-region'], headers['x-tc-language']])).toContainEqual(
          ['ap-guangzhou', 'zh-CN'],
        )
      },
    )
  })

  describe('the daemon', () => {
    feature(
      'uploads a renewal, reloads, rescans, answers on its page and ends',
      [
        'watch',
        '[watch] rescan',
        '[watch] rescan_jitter',
        '[http] listen',
        'GET /',
        'GET /live',
        'GET /ready',
        'GET /metrics',
        'SIGHUP',
        'SIGUSR1',
        'SIGTERM',
      ],
      async ({ certbot, begin, at, configure, emulator, did }) => {
        await certbot('a.example.com')
        const config = await configure(
          `[watch]\nrescan = "0 0 1 1 *"\nrescan_jitter = 0\n[http]\nlisten = "unix:${at('s')}"\n[log]\nlevel = "debug"\nformat = "json"\n[[source]]\nkind = "certbot"\npath = "letsencrypt"\n`,
        )
        const daemon = begin(['watch', '--config', config])
        const saying = (event: string, count = 1) =>
          expect
            .poll(() => daemon.said().split(`"event":"${event}"`).length - 1)
            .toBeGreaterThanOrEqual(count)
        await saying('uploaded')
        await saying('watching')
        expect(await ask(at('s'), '/live')).toBe('200 live\n')
        await expect.poll(() => ask(at('s'), '/ready')).toBe('200 ready\n')
        expect(await ask(at('s'), '/metrics')).toContain('certferry_')
        expect(await ask(at('s'), '/')).toMatch(
          /^200 <!doctype html>.*1 certificate, all is well.*a\.example\.com/s,
        )
        did('GET /', 'GET /live', 'GET /ready', 'GET /metrics')
        await rm(at('s'))
        await all(certbotRenew(at('letsencrypt'), 'a.example.com', await issue({ names: ['a.example.com'] })))
        await expect.poll(() => emulator.certificates().length).toBe(2)
        daemon.signal('SIGUSR1')
        await saying('rescan')
        daemon.signal('SIGHUP')
        await saying('reloaded')
        // within five seconds
        await expect.poll(() => ask(at('s'), '/live').catch(String)).toBe('200 live\n')
        daemon.signal('SIGTERM')
        await expect.poll(daemon.ended).toBe(true)
      },
    )
  })

  describe('people are notified', () => {
    feature(
      'by a command, of each kind of news',
      [
        ...['[notify] command', '[notify] events'],
        ...NOTIFY_EVENTS.filter(event => !isOfReplacement(event)).map(event => `event ${event}`),
      ],
      async built => {
        const { certbot, put, type, configure, read, did } = built
        const now = Date.now()
        await certbot('good.example.com')
        const old = { notBefore: new Date(now - 90 * DAY), notAfter: new Date(now - DAY) }
        await certbot('old.example.com', old)
        await put('bad/chain.pem', 'no certificate\n')
        await put('bad/key.pem', 'no key\n')
        const command = await notifyCommand(built)
        const config = await configure(
          `[notify]\ncommand = "${command}"\nevents = ["uploaded", "rejected", "uploads_paused", "failing", "renewal_overdue"]\n[[source]]\nkind = "certbot"\npath = "letsencrypt"\n[[source]]\nkind = "pem"\nname = "two"\nchain = "two/chain.pem"\nkey = "two/key.pem"\n`,
        )
        const two = [
          await issue({ names: ['x.example.com'] }),
          await issue({ names: ['y.example.com'] }),
        ] as const
        await put('two/chain.pem', two[0].leaf + two[1].leaf)
        await put('two/key.pem', two[0].key)
        expect((await type(['sync', '--config', config])).code).toBe(65)
        await type(['sync', '--config', config, '--only', 'good.example.com', '--force'], {
          ...KEYS,
          TENCENTCLOUD_SECRET_KEY: 'wrong',
        })
        await certbot('slow.example.com')
        const [{ fingerprint } = {}] = listed(
          (await type(['sync', '--dry-run', '--json', '--config', config, '--only', 'slow.example.com']))
            .stdout,
        )
        const since = new Date(now - 2 * DAY).toISOString()
        const failing = {
          fingerprint: String(fingerprint),
          since,
          failures: 9,
          nextAttemptAt: since,
          code: 'NETWORK',
          message: 'no',
        }
        const lineage = 'certbot:slow.example.com'
        await putReceipts(built.at('state'), { ...emptyReceipt(lineage), failing })
        const refusal = { Error: { Code: 'FailedOperation.Unheard', Message: 'no' }, RequestId: 'r' }
        const { url } = await answering(() => ({ body: JSON.stringify({ Response: refusal }) }))
        await type(['sync', '--config', config, '--only', 'slow.example.com', '--endpoint', url])
        const told = (await read('told')).split('\n').slice(0, -1)
        expect(told.toSorted()).toEqual([
          'failing certbot:slow.example.com',
          'rejected pem:two',
          'renewal_overdue certbot:old.example.com',
          'uploaded certbot:good.example.com',
          'uploads_paused ',
        ])
        did(...told.map(line => `event ${line.split(' ', 1)[0]}`))
      },
    )

    feature(
      'of what takes the place of older certificates, by a daemon that is killed meanwhile',
      REPLACEMENT_EVENTS.map(event => `event ${event}`),
      async built =>
        followsReplacements(built, await notifyCommand(built), socket => ask(socket, '/metrics')),
      { emulator: ACCOUNT_WITH_TWO_KEYS, isQuick: true },
    )

    feature(
      'by a webhook, in the words of its template',
      ['[notify] webhook_file', '[notify] template'],
      async ({ certbot, put, typed, configure }) => {
        await certbot('a.example.com')
        const { url, asked } = await answering(() => ({}))
        await put('hook', `${url}robot?key=1\n`)
        const config = await configure(
          `[notify]\nwebhook_file = "hook"\ntemplate = '{"said":"{text}"}'\n[[source]]\nkind = "certbot"\npath = "letsencrypt"\n`,
        )
        await typed(['sync', '--config', config])
        expect(asked.map(({ path, body }) => [path, JSON.parse(body.toString()).said])).toEqual([
          ['/robot?key=1', expect.stringContaining('certbot:a.example.com')],
        ])
      },
    )

    feature('by mail, which sendmail is handed', ['[notify] mail', '[notify] sendmail'], async built => {
      await built.certbot('a.example.com')
      await built.put('sendmail', `#!/bin/sh\n[ "$*" = '-t -i' ] && cat >> '${built.at('mail')}'\n`, 0o755)
      const config = await built.configure(
        '[notify]\nmail = "ops@example.com"\nsendmail = "sendmail"\n[[source]]\nkind = "certbot"\npath = "letsencrypt"\n',
      )
      expect(await built.typed(['notify', '--test', '--config', config])).toBe(
        `mail to ops@example.com by ${built.at('sendmail')}: sent\n`,
      )
      await built.typed(['sync', '--config', config])
      const mails = await built.read('mail')
      expect(mails.match(/^To: ops@example.com$/gm)).toHaveLength(2)
      expect(mails).toMatch(/^Subject: certferry on \S+: 1 certificate uploaded to Tencent Cloud$/m)
      expect(mails).toMatch(/^certbot:a\.example\.com: \S+, valid until/m)
    })

    feature(
      'to the robots of WeCom, DingTalk, Feishu and Slack, as their presets say',
      ['[notify] preset'],
      async ({ put, configure, typed, type }) => {
        for (const preset of PRESETS) {
          const { file, texts } = await robot(preset)
          await put('hook', file)
          const config = await configure(`[notify]\nwebhook_file = "hook"\npreset = "${preset}"\n`)
          await typed(['notify', '--test', '--config', config])
          expect(texts).toEqual([expect.stringMatching(/^certferry on .*: a test of \[notify\]/)])
        }
        const { file } = await robot('dingtalk')
        await put('hook', file.replace(SIGNING_SECRET, 'another'))
        const config = await configure('[notify]\nwebhook_file = "hook"\npreset = "dingtalk"\n')
        const { code, stdout } = await type(['notify', '--test', '--config', config])
        expect([code, stdout]).toEqual([
          75,
          expect.stringContaining('refused the message: sign not match (310000)'),
        ])
      },
    )

    feature(
      'by a command, with the facts in its environment',
      ['EVENT', 'TEXT', 'COUNT', 'LINEAGES', 'CERTIFICATE_IDS', 'HOST', 'JSON'].map(
        name => `CERTFERRY_${name}`,
      ),
      async ({ certbot, put, typed, configure, read, at, did }) => {
        await certbot('a.example.com')
        const command = await put('facts', `#!/bin/sh\nenv > '${at('told')}'\n`, 0o755)
        const config = await configure(
          `[notify]\ncommand = "${command}"\n[[source]]\nkind = "certbot"\npath = "letsencrypt"\n`,
        )
        await typed(['sync', '--config', config])
        const told = await read('told')
        expect(told).toMatch(/^CERTFERRY_LINEAGES=certbot:a\.example\.com$/m)
        did(...[...told.matchAll(/^(CERTFERRY_\w+)=./gm)].map(([, name = '']) => name))
      },
    )

    feature('of a sample, by every channel', ['notify', 'notify --test'], async built => {
      const { url, asked } = await answering(() => ({}))
      await built.put('hook', url)
      const config = await built.configure(
        `[notify]\ncommand = "${await notifyCommand(built)}"\nwebhook_file = "hook"\n`,
      )
      await built.typed(['notify', '--test', '--config', config])
      expect(await built.read('told')).toBe('test \n')
      expect(asked.map(({ body }) => JSON.parse(body.toString()).event)).toEqual(['test'])
    })
  })

  describe('what is installed', () => {
    feature(
      'install-hook writes the hook of each client, and takes it away',
      [
        'install-hook',
        'install-hook --home',
        'install-hook --remove',
        'install-hook --dry-run',
        'install-hook certbot',
        'install-hook acme.sh',
        'install-hook dehydrated',
      ],
      async ({ certbot, put, typed, at, read }) => {
        await certbot('a.example.com')
        await put('acme/account.conf', '')
        await put('dehydrated/certs/x.example.com/cert.pem', '')
        await put('dehydrated/config', `CONFIG_D=${at('dehydrated/conf.d')}\n`)
        for (const [client, directory, file] of [
          ['certbot', 'letsencrypt', 'letsencrypt/renewal-hooks/deploy/zz-certferry'],
          ['acme.sh', 'acme', 'acme/deploy/certferry.sh'],
          ['dehydrated', 'dehydrated/certs', 'dehydrated/conf.d/zz-certferry.sh'],
        ] as const) {
          const home = client === 'acme.sh' ? ['--home', at('acme')] : []
          const install = (...words: readonly string[]) =>
            typed(['install-hook', client, '--source', `${client}=${at(directory)}`, ...home, ...words])
          expect(await install('--dry-run')).toContain(at(file))
          await install()
          expect(await read(file)).toContain('certferry')
          await install('--remove')
          await expect(read(file)).rejects.toThrow('ENOENT')
        }
      },
    )

    feature(
      'setup says what it would do',
      [
        'setup',
        'setup --yes',
        'setup --client',
        'setup --site',
        'setup --credentials-file',
        'setup --daemon',
        'setup --hook',
        'setup --replace',
        'setup --skip-check',
        'setup --dry-run',
      ],
      async ({ certbot, put, typed, type, at }) => {
        await certbot('a.example.com')
        const file = await put('key.ini', '[default]\nsecret_id = AKIDexample\nsecret_key = example\n')
        const words = [
          'setup',
          '--dry-run',
          '--yes',
          '--client',
          'certbot',
          '--credentials-file',
          file,
          '--skip-check',
        ]
        const place = ['--source', `certbot=${at('letsencrypt')}`]
        const planned = await typed([...words, '--hook', '--replace', ...place])
        expect(planned).toContain('credentials')
        expect(planned).toContain('replace = true')
        const abroad = await typed([...words, '--hook', '--site', 'international', ...place])
        expect(abroad).toContain('endpoint = "https://ssl.intl.tencentcloudapi.com"')
        // without the unit there is no service to start, and that is said
        const { code, stdout, stderr } = await type([...words, '--daemon', ...place])
        expect([0, 64]).toContain(code)
        expect(stdout + stderr).toMatch(/credentials|systemd has no certferry\.service/)
      },
      { needsRoot: true },
    )
  })

  feature(
    'replace puts a renewal in place of the older one, rollback takes it back, and sync says how it stands',
    [
      ...[
        'replace',
        'replace --force',
        'replace --dry-run',
        'rollback',
        'sync --no-replace',
        'sync --deadline',
      ],
      ...DEPLOY_KEYS.map(key => `[deploy] ${key}`),
      ...['[[source]] replace', '[[certificate]] replace'],
    ],
    replacesRenewals,
    { emulator: QUICK_ACCOUNT, isQuick: true },
  )

  describe('without an account', () => {
    feature('demo tells the whole story', ['demo'], async ({ typed }) => {
      expect(await typed(['demo'], {})).toContain('uploaded')
    })

    feature(
      'emulator serves, and misbehaves where it is asked to',
      [
        'emulator',
        'emulator --port',
        'emulator --inject-faults',
        'emulator --resources',
        'emulator --time-scale',
      ],
      async ({ certbot, begin, typed, at, put }) => {
        await certbot('a.example.com')
        const served = { type: 'cdn', domains: ['a.example.com'], certId: 'first:a.example.com' }
        const file = await put('account.json', JSON.stringify({ resources: [served] }))
        for (const words of [[], ['--inject-faults', '7'], ['--resources', file, '--time-scale', '60']]) {
          const emulator = begin(['emulator', '--port', '0', ...words])
          const url = () => /^http:\S+/.exec(emulator.said())?.[0] ?? ''
          await expect.poll(url).toContain('127.0.0.1')
          const places = [
            '--endpoint',
            url(),
            '--state-dir',
            at(`state${words[0]}`),
            '--source',
            `certbot=${at('letsencrypt')}`,
          ]
          await typed(['sync', ...places])
          expect(emulator.said()).toContain('UploadCertificate')
          expect(emulator.said().includes('TLS edge on 127.0.0.1:')).toBe(words.includes(file))
        }
      },
    )
  })

  test('no documented feature is without a test of the built program', () => {
    expect(CATALOGUE.filter(names => !names.some(name => covered.has(name)))).toEqual([])
  })
}
