/** ACME clients themselves, each in directories of its own, against a local ACME server. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { geteuid, env as ownEnv } from 'node:process'
import type { Client } from '../fixtures/recording.ts'
import { acmeShIn, findAcmeSh } from './acmesh.ts'
import { certbotIn } from './certbot.ts'
import { type Ended, type Environment, type Runner, run, SYSTEM_PATH } from './child.ts'
import { freePorts, type Pebble, serveWellKnown } from './pebble.ts'

export const DOMAIN = 'app.test.example'

interface Setting {
  readonly directory: string
  readonly pebble: Pebble
  readonly runner?: Runner
}

interface Options {
  /** The deploy hook of the client. */
  readonly hook?: string
  readonly env?: Environment
  /** As lego calls them; its own default is `ec256`. */
  readonly keyType?: 'rsa2048'
}

interface AcmeClient {
  /** The folder that a source of certferry names. */
  readonly root: string
  readonly issue: (domain: string, options?: Options) => Promise<Ended>
  /** Whether or not the certificate is due. */
  readonly renew: (domain: string, options?: Options) => Promise<Ended>
  readonly close: () => Promise<void>
}

const nothingToClose = async () => {}

const folders = async (...paths: readonly string[]) => {
  for (const path of paths) await mkdir(path, { recursive: true })
}

/** It renews with a new key. It cuts its hook at blanks, without any quoting. */
export function legoIn({ directory, pebble, runner = run }: Setting): AcmeClient {
  const root = join(directory, 'lego')
  const account = ['--path', root, '--server', pebble.url, '--accept-tos', '--email', 'admin@example.com']
  const lego = (domain: string, words: readonly string[], { env = {}, keyType }: Options) => {
    const wanted = ['-d', domain, '--http', '--http.port', `127.0.0.1:${pebble.httpPort}`]
    if (keyType) wanted.push('--key-type', keyType)
    const clean = { PATH: SYSTEM_PATH, HOME: directory, LEGO_CA_CERTIFICATES: pebble.trust }
    return runner('lego', [...account, ...wanted, ...words], { ...clean, ...env })
  }
  const hooked = (option: string, { hook }: Options) => (hook === undefined ? [] : [option, hook])
  return {
    root,
    issue: (domain, options = {}) => lego(domain, ['run', ...hooked('--run-hook', options)], options),
    renew: (domain, options = {}) =>
      lego(
        domain,
        ['renew', '--days', '1000', '--no-random-sleep', ...hooked('--renew-hook', options)],
        options,
      ),
    close: nothingToClose,
  }
}

/** It renews with a new key. `root` is its BASEDIR. */
export async function dehydratedIn({ directory, pebble, runner = run }: Setting): Promise<AcmeClient> {
  const [root, challenges] = [join(directory, 'dehydrated'), join(directory, 'challenges')]
  const config = join(root, 'config')
  await folders(join(root, 'conf.d'), challenges)
  const settings = {
    CA: pebble.url,
    BASEDIR: root,
    CONFIG_D: join(root, 'conf.d'),
    WELLKNOWN: challenges,
    CURL_OPTS: `--cacert ${pebble.trust}`,
  }
  await writeFile(
    config,
    Object.entries(settings)
      .map(([key, value]) => `${key}="${value}"\n`)
      .join(''),
  )
  const server = await serveWellKnown(challenges, pebble.httpPort)
  const dehydrated = (words: readonly string[], { env = {} }: Options = {}, runs = runner) =>
    runs('dehydrated', ['-f', config, ...words], { PATH: SYSTEM_PATH, HOME: directory, ...env })
  await dehydrated(['--register', '--accept-terms'], {}, run)
  return {
    root,
    issue: (domain, options) => dehydrated(['-c', '-d', domain], options),
    renew: (domain, options) => dehydrated(['-c', '-x', '-d', domain], options),
    close: server.close,
  }
}

const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'

/** Writes http-01 challenges into a folder and declines all others. */
const uacmeHook = (challenges: string) => `#!/bin/sh
[ "$2" = http-01 ] || exit 1
case "$1" in
  begin) printf %s "$5" > ${challenges}/"$4" ;;
  *) rm -f ${challenges}/"$4" ;;
esac
`

/** It keeps its key. It trusts the system's authorities alone, and so runs in a mount namespace where their file is another one. */
async function uacmeIn({ directory, pebble, runner = run }: Setting): Promise<AcmeClient> {
  const [root, challenges] = [join(directory, 'uacme'), join(directory, 'challenges')]
  const [hook, authorities] = [join(directory, 'hook.sh'), join(directory, 'authorities.crt')]
  await folders(root, challenges)
  await writeFile(hook, uacmeHook(challenges))
  await chmod(hook, 0o755)
  const trusted = [await readFile(AUTHORITIES, 'utf8'), await readFile(pebble.trust, 'utf8')]
  await writeFile(authorities, trusted.join('\n'))
  const server = await serveWellKnown(challenges, pebble.httpPort)
  const uacme = (words: readonly string[], runs = runner) => {
    const mounted = ['--mount', 'sh', '-c', `mount --bind "$0" ${AUTHORITIES} && exec "$@"`, authorities]
    const command = ['uacme', '--acme-url', pebble.url, '--confdir', root, '--hook', hook, '--yes', ...words]
    return runs('unshare', [...mounted, ...command], { PATH: SYSTEM_PATH, HOME: directory })
  }
  await uacme(['new', 'admin@example.com'], run)
  return {
    root,
    issue: domain => uacme(['issue', domain]),
    renew: domain => uacme(['--force', 'issue', domain]),
    close: server.close,
  }
}

/** Serves until it has a certificate. */
const CADDY_RUN = `caddy run --config "$1" >"$2" 2>&1 &
server=$!
left=600
until grep -q 'certificate \\(obtained\\|renewed\\) successfully' "$2"; do
  left=$((left - 1))
  if [ "$left" = 0 ] || ! kill -0 "$server"; then cat "$2"; kill "$server"; exit 1; fi
  sleep 0.1
done
kill "$server"
wait "$server" || :
`

const caddyfile = (domain: string, httpsPort: number, { url, trust, httpPort }: Pebble) => `{
  admin off
  http_port ${httpPort}
  https_port ${httpsPort}
  default_bind 127.0.0.1
  acme_ca ${url}
  acme_ca_root ${trust}
}
${domain} {
  tls {
    issuer acme {
      dir ${url}
      trusted_roots ${trust}
      disable_tlsalpn_challenge
    }
  }
  respond "here"
}
`

interface CaddyConfig {
  readonly apps: { readonly tls: { readonly automation: { readonly policies: readonly object[] } } }
}

/** Every certificate is due that has less left than its whole life. */
function makeDue({ apps, ...rest }: CaddyConfig): CaddyConfig {
  const policies = apps.tls.automation.policies.map(policy => ({ ...policy, renewal_window_ratio: 1 }))
  const tls = { ...apps.tls, automation: { ...apps.tls.automation, policies } }
  return { ...rest, apps: { ...apps, tls } }
}

/** It keeps its key. `root` is its data directory, with the folder `certificates`. */
function caddyIn({ directory, pebble, runner = run }: Setting): AcmeClient {
  const env = { PATH: SYSTEM_PATH, HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory }
  const file = (name: string) => join(directory, name)
  const serve = async (domain: string, change: (config: CaddyConfig) => CaddyConfig) => {
    await folders(directory)
    const [httpsPort = 0] = await freePorts(1)
    await writeFile(file('Caddyfile'), caddyfile(domain, httpsPort, pebble))
    const { stdout, stderr, code } = await run('caddy', ['adapt', '--config', file('Caddyfile')], env)
    if (code !== 0) throw new Error(`caddy adapt: ${stderr}`)
    await writeFile(file('caddy.json'), JSON.stringify(change(JSON.parse(stdout))))
    const ended = await runner('sh', ['-c', CADDY_RUN, 'sh', file('caddy.json'), file('caddy.log')], env)
    return { ...ended, stderr: ended.stderr + (await readFile(file('caddy.log'), 'utf8')) }
  }
  return {
    root: file('caddy'),
    issue: domain => serve(domain, config => config),
    renew: domain => serve(domain, makeDue),
    close: nothingToClose,
  }
}

const acmeSh =
  (newKeys: boolean) =>
  ({ directory, pebble, runner = run }: Setting): AcmeClient => {
    const { home, issue, renew } = acmeShIn(directory, findAcmeSh(ownEnv) ?? '', pebble, runner)
    return { root: home, issue: domain => issue(domain, { newKeys }), renew, close: nothingToClose }
  }

interface Recorded {
  readonly open: (setting: Setting) => AcmeClient | Promise<AcmeClient>
  /** Below the root: what else is there is the client's own business. */
  readonly folders: readonly string[]
}

const RECORDED: Readonly<Record<Client, Recorded>> = {
  certbot: {
    open: ({ directory, pebble, runner = run }) => {
      const { config, issue, renew } = certbotIn(directory, pebble, runner)
      return { root: config, issue: domain => issue(domain, [domain]), renew, close: nothingToClose }
    },
    folders: ['live', 'archive'],
  },
  'acme.sh': { open: acmeSh(false), folders: [`${DOMAIN}_ecc`] },
  'acme.sh-new-keys': { open: acmeSh(true), folders: [`${DOMAIN}_ecc`] },
  lego: { open: legoIn, folders: ['certificates'] },
  dehydrated: { open: dehydratedIn, folders: ['certs'] },
  caddy: { open: caddyIn, folders: ['certificates'] },
  uacme: { open: uacmeIn, folders: [DOMAIN, `private/${DOMAIN}`] },
}

/** A client ready to issue a certificate for DOMAIN and to renew it, and the folders that a recording follows. */
export async function openClient(client: Client, setting: Setting) {
  const { root, issue, renew, close } = await RECORDED[client].open(setting)
  const scope = { root, name: DOMAIN, folders: RECORDED[client].folders }
  return { scope, issue: () => issue(DOMAIN), renew: () => renew(DOMAIN), close }
}

/** Why the tests of a client are skipped; undefined where they can run. */
export function whyNot(client: Client): string | undefined {
  if (client === 'uacme' && geteuid?.() !== 0) return 'uacme needs root to be given another authority'
  if (client.startsWith('acme.sh') && !findAcmeSh(ownEnv)) return 'none is on the PATH and ACME_SH names none'
  return undefined
}
