/** What stands in dehydrated's configuration. It is a script of the shell: read, never run. */
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HOOK_FILES } from '../core/hookFile.ts'
import { readTextFile } from './fileText.ts'

export interface DehydratedConfig {
  /** The main file. */
  readonly file: string
  /** Where its certificates lie. */
  readonly certificates: string
  /** The folder of which it reads further files. */
  readonly folder: string | undefined
  /** The program that is its hook already, other than ours. */
  readonly hook?: string | undefined
  /** The file in which that one is named. */
  readonly hookIn?: string | undefined
}

export async function dehydratedConfig(file: string): Promise<DehydratedConfig> {
  const values = new Map([['BASEDIR', dirname(file)]])
  let hookIn: string | undefined
  const take = async (path: string) => {
    const { text } = await readTextFile(path).catch(() => ({ text: '' }))
    for (const [key, value] of assignments(text)) {
      values.set(key, expanded(value, values))
      if (key === 'HOOK') hookIn = value ? path : undefined
    }
  }
  await take(file)
  const folder = values.get('CONFIG_D') || undefined
  const more = folder ? await readdir(folder).catch(() => []) : []
  for (const name of more.filter(name => name.endsWith('.sh')).sort())
    if (folder && name !== HOOK_FILES.dehydrated.name) await take(join(folder, name))
  const certificates = values.get('CERTDIR') || join(values.get('BASEDIR') ?? '', 'certs')
  return { file, certificates, folder, hook: values.get('HOOK') || undefined, hookIn }
}

/** As the lines of the text give them, without the quotes around them. */
const assignments = (text: string) =>
  Array.from(
    text.matchAll(/^\s*(?:export\s+)?([A-Z_]+)=(["']?)(.*?)\2\s*(?:#.*)?$/gm),
    ([, key = '', , value = '']) => [key, value] as const,
  )

const expanded = (value: string, values: ReadonlyMap<string, string>) =>
  value.replace(
    /\$(?:\{([A-Z_]+)\}|([A-Z_]+))/g,
    (whole, braced, bare) => values.get(braced ?? bare) ?? whole,
  )
