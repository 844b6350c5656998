/** The settings in force: options over environment over file over default. */
import { resolve } from 'node:path'
import { resolveSettings, type Settings } from '../core/settings.ts'
import { loadConfig } from '../edge/configFile.ts'
import type { ProcessContext } from '../world.ts'
import type { CommandLine } from './commandLine.ts'

export interface LoadedConfig {
  readonly settings: Settings
  /** Undefined where there is none and none was named. */
  readonly configFile: string | undefined
}

/** @throws Fault of the configuration. */
export async function loadSettings(world: ProcessContext, line: CommandLine): Promise<LoadedConfig> {
  const { env, cwd } = world
  const { config, file } = await loadConfig(line.config, world)
  const settled = resolveSettings(line, env, config)
  return { settings: { ...settled, stateDir: resolve(cwd, settled.stateDir) }, configFile: file }
}
