/** Packages of Debian as mere files below a folder: for another processor, or to make a container's root of. */
import { geteuid, stderr } from 'node:process'
import { run, SYSTEM_PATH } from './child.ts'
import { mirror, SUITE } from './debianFixture.ts'

const ENVIRONMENT = { PATH: SYSTEM_PATH, LC_ALL: 'C.UTF-8' }

export async function whyNoDebianFiles(): Promise<string | undefined> {
  if (geteuid?.() !== 0) return 'root is needed'
  const found = await run('mmdebstrap', ['--version'], ENVIRONMENT).catch(() => undefined)
  if (found?.code !== 0) return 'there is no mmdebstrap'
  return (await mirror()) ? undefined : `apt knows no mirror that has ${SUITE}`
}

/** With all that they depend on; none of their scripts is run. */
export async function debianFiles(
  folder: string,
  architecture: string,
  packages: readonly string[],
): Promise<string> {
  const since = Date.now()
  const words = ['--quiet', '--mode=root', '--variant=extract', `--architectures=${architecture}`]
  const wanted = `--include=${packages.join(',')}`
  const made = await run('mmdebstrap', [...words, wanted, SUITE, folder, (await mirror()) ?? ''], ENVIRONMENT)
  if (made.code !== 0) throw new Error(`mmdebstrap: exit ${made.code}\n${made.stderr}`)
  stderr.write(`  files of Debian for ${architecture} after ${((Date.now() - since) / 1000).toFixed(1)} s\n`)
  return folder
}
