/** A stage to be examined by the doctor, on a machine that is the test's: its systemd, its processes, its crontabs. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { COMMANDS } from '../../src/cli/commands.ts'
import { parseCommandLine } from '../../src/cli/run.ts'
import { check } from '../../src/commands/check.ts'
import type { Level } from '../../src/doctor/finding.ts'
import type { Machine } from '../../src/doctor/run.ts'
import type { EmulatorOptions } from '../../src/emulator/server.ts'
import { currentUser } from '../../src/files/permissions.ts'
import { type ContextOptions, recordedContext } from '../fixtures/context.ts'
import { KEYS, openStage } from './commandFixture.ts'

export interface FindingJson {
  readonly about: string
  readonly level: Level
  readonly says: string
  readonly advice?: string
  readonly command?: string
  readonly policy?: object
  readonly fault?: { readonly code: string; readonly apiCode: string | null }
}

/** No systemd, no process, no crontab. */
export const BARE: Machine = {
  systemctl: async () => undefined,
  processes: async () => [],
  cronLines: async () => [],
  user: currentUser,
}

const COMMAND = COMMANDS.find(({ name }) => name === 'check')

export interface Visit extends Partial<ContextOptions> {
  readonly words?: readonly string[]
  readonly machine?: Partial<Machine>
}

export async function openClinic(options: EmulatorOptions = {}) {
  const stage = await openStage(options)
  const root = join(stage.folder, 'letsencrypt')
  const config = join(stage.folder, 'config.toml')
  const usual = `[tencent]
endpoint = "${stage.emulator.url}"
[state]
dir = "${stage.folder}/state"
[[source]]
kind = "certbot"
path = "${root}"
`
  await mkdir(root)
  await writeFile(config, usual)
  const examine = async ({ words = [], machine = {}, env = KEYS, ...surroundings }: Visit = {}) => {
    const recorded = recordedContext({ cwd: stage.folder, ...surroundings, env })
    if (!COMMAND) throw new Error('there is no check')
    const line = parseCommandLine(COMMAND, ['-c', config, ...words], recorded.context.cwd)
    const exit = await check(recorded.context, line, { ...BARE, ...machine })
    return { ...recorded, exit }
  }
  /** By topics, in their order. */
  const findings = async (visit: Visit = {}) => {
    const run = await examine({ ...visit, words: [...(visit.words ?? []), '--json'] })
    const all = run.json<{ findings: readonly FindingJson[]; exit: number }>().findings
    return { exit: run.exit, all, of: (about: string) => all.filter(finding => finding.about === about) }
  }
  return { ...stage, root, config, usual, examine, findings }
}
