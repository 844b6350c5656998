/** What stands in dehydrated's configuration of hooks. It is a script of the shell: read, never run. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readText } from './fileText.ts'

export interface DehydratedConfig {
  /** The folder of which it reads further files. */
  readonly folder: string | undefined
  /** The file in which a hook is named already, other than `ours`. */
  readonly hookIn: string | undefined
}

export async function dehydratedConfig(home: string, ours: string): Promise<DehydratedConfig> {
  const config = join(home, 'config')
  const more = (await readdir(join(home, 'conf.d')).catch(() => [])).filter(name => name.endsWith('.sh'))
  const files = [config, ...more.filter(name => name !== ours).map(name => join(home, 'conf.d', name))]
  const texts = await Promise.all(files.map(file => readText(file).catch(() => ({ text: '' }))))
  const valuesOf = (key: string) => texts.map(({ text }) => assigned(text, key))
  const folder = valuesOf('CONFIG_D')[0]
  return { folder: folder || undefined, hookIn: files.find((_, i) => valuesOf('HOOK')[i]) }
}

/** The last value given to a variable, without the quotes around it. */
const assigned = (text: string, key: string): string | undefined =>
  [...text.matchAll(new RegExp(`^\\s*(?:export\\s+)?${key}=(["']?)(.*?)\\1\\s*(?:#.*)?$`, 'gm'))].at(-1)?.[2]
