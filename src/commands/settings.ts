/** The settings in force: options over environment over file over default. */
import { resolve } from 'node:path'
import { type Settings, settle } from '../core/settings.ts'
import { loadConfig } from '../edge/configFile.ts'
import type { World } from '../world.ts'
import type { CommandLine } from './commandLine.ts'

export interface InForce {
  readonly settings: Settings
  /** Undefined where there is none and none was named. */
  readonly configFile: string | undefined
}

/** @throws Fault of the configuration. */
export async function settingsInForce(world: World, line: CommandLine): Promise<InForce> {
  const { env, cwd } = world
  const { config, file } = await loadConfig(line.config, world)
  const settled = settle(line, env, config)
  return { settings: { ...settled, stateDir: resolve(cwd, settled.stateDir) }, configFile: file }
}
