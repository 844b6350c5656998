/** A machine to be set up: certbot's folder, perhaps acme.sh's, and a systemd that does what it is told and writes it down. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setUp } from '../../src/commands/setup.ts'
import type { CommandLine } from '../../src/config/commandLine.ts'
import { recordedContext } from '../fixtures/context.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { BARE } from './checkFixture.ts'

export const SECRET = 'sk-never-to-be-shown'
export const ENV = { TENCENTCLOUD_SECRET_ID: 'AKIDtest', TENCENTCLOUD_SECRET_KEY: SECRET }

const LINE: CommandLine = { operands: [], json: false, skipCheck: true }

export interface Wish {
  /** systemd with certferry's units. */
  readonly units?: boolean
  readonly certbot?: boolean
  readonly acme?: boolean
  /** A unit that does not start. */
  readonly broken?: boolean
}

export async function openHost({ units = true, certbot = true, acme = false, broken = false }: Wish = {}) {
  const folder = await temporaryDirectory()
  const told: string[] = []
  const [root, home] = [join(folder, 'letsencrypt'), join(folder, '.acme.sh')]
  const places = {
    certbot: root,
    clients: {
      certbot: root,
      'acme.sh': home,
      lego: join(folder, '.lego'),
      dehydrated: join(folder, 'dehydrated/certs'),
      uacme: join(folder, 'uacme'),
      caddy: join(folder, 'caddy'),
      traefik: join(folder, 'acme.json'),
    },
    credentials: join(folder, 'etc/tencentcloud/credentials'),
    config: join(folder, 'etc/certferry/config.toml'),
  }
  const machine = { ...BARE, ...(units && { systemctl: systemdOf(told, broken) }) }
  if (certbot) await mkdir(places.certbot)
  if (acme) await mkdir(home)
  /** `answers` at a terminal; Enter where there is none left. */
  const run = async (
    line: Partial<CommandLine>,
    env: Readonly<Record<string, string>> = {},
    answers?: readonly string[],
  ) => {
    const recorded = recordedContext({ cwd: folder, env })
    const asked: string[] = []
    const rest = [...(answers ?? [])]
    const ask = async (question: string, hidden = false) => {
      asked.push(hidden ? `${question}(hidden)` : question)
      return rest.shift() ?? ''
    }
    const context = { ...recorded.context, ...(answers && { ask }) }
    const exit = await setUp(context, { ...LINE, ...line }, { places, machine })
    return { exit, asked, out: recorded.out(), json: recorded.json }
  }
  return { folder, places, told, run }
}

/** Units as systemd keeps them: enabled and started when they are told to be. */
function systemdOf(told: string[], broken: boolean) {
  const units = new Map(
    ['certferry.service', 'certferry-sync.timer'].map(id => [id, { enabled: false, up: false }]),
  )
  const shown = () =>
    [...units].map(
      ([id, { enabled, up }]) =>
        `Id=${id}\nLoadState=loaded\nActiveState=${up ? 'active' : 'inactive'}\nUnitFileState=${enabled ? 'enabled' : 'disabled'}\n`,
    )
  return async (...words: readonly string[]) => {
    const [verb = '', id = ''] = words
    if (verb === 'show') return { code: 0, stdout: shown().join('\n'), stderr: '' }
    told.push(words.join(' '))
    if (broken && verb === 'start') return { code: 1, stdout: '', stderr: `Job for ${id} failed.` }
    const unit = units.get(id)
    if (unit) units.set(id, { enabled: unit.enabled || verb === 'enable', up: unit.up || verb !== 'enable' })
    return { code: 0, stdout: '', stderr: '' }
  }
}
