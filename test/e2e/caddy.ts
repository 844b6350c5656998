/** Caddy itself, with its storage in a directory of its own, against a server of our own. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Ended, type Runner, run, SYSTEM_PATH } from './child.ts'
import type { Pebble } from './pebble.ts'
import { freePorts } from './ports.ts'

export interface Caddy {
  /** Its data directory, with the folder `certificates`. */
  readonly root: string
  readonly issue: (domain: string) => Promise<Ended>
  /** As if it were due; the key stays, which is its way by default. */
  readonly renew: (domain: string) => Promise<Ended>
}

/** Serves until it has got a certificate. */
const SERVE = `caddy run --config "$1" >"$2" 2>&1 &
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

export function caddyIn(directory: string, { url, trust, httpPort }: Pebble, runner: Runner = run): Caddy {
  const env = { PATH: SYSTEM_PATH, HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory }
  const file = (name: string) => join(directory, name)
  const text = (domain: string, httpsPort: number) => `{
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
  const serve = async (domain: string, changed: (config: Config) => Config) => {
    await mkdir(directory, { recursive: true })
    const [httpsPort = 0] = await freePorts(1)
    await writeFile(file('Caddyfile'), text(domain, httpsPort))
    const { stdout, stderr, code } = await run('caddy', ['adapt', '--config', file('Caddyfile')], env)
    if (code !== 0) throw new Error(`caddy adapt: ${stderr}`)
    await writeFile(file('caddy.json'), JSON.stringify(changed(JSON.parse(stdout))))
    const ended = await runner('sh', ['-c', SERVE, 'sh', file('caddy.json'), file('caddy.log')], env)
    return { ...ended, stderr: ended.stderr + (await readFile(file('caddy.log'), 'utf8')) }
  }
  return {
    root: file('caddy'),
    issue: domain => serve(domain, config => config),
    renew: domain => serve(domain, due),
  }
}

interface Config {
  readonly apps: { readonly tls: { readonly automation: { readonly policies: readonly object[] } } }
}

/** Renewed is what has less left than its whole life. */
const due = ({ apps, ...rest }: Config): Config => {
  const policies = apps.tls.automation.policies.map(policy => ({ ...policy, renewal_window_ratio: 1 }))
  return {
    ...rest,
    apps: { ...apps, tls: { ...apps.tls, automation: { ...apps.tls.automation, policies } } },
  }
}
