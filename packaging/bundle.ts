/** One CommonJS file of the whole program. What a command does not ask for is in it, and is not run. */
import { readFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'
import { ROOT } from './places.ts'

/** In a bundle there is no package.json beside the code to read the version from. */
const stating = (version: string): Plugin => ({
  name: 'version',
  load: id => (id === resolve(ROOT, 'src/version.ts') ? `export const VERSION = '${version}'\n` : null),
})

export interface Bundle {
  readonly code: string
  /** Paths of the files that went into it, from the repository. */
  readonly sources: readonly string[]
}

/**
 * CommonJS, for that is what a single executable of Node 24 can start. Names are kept, so that a stack trace in a bug
 * report can be read.
 */
export async function bundle(version: string): Promise<Bundle> {
  const build = await rolldown({
    input: resolve(ROOT, 'src/main.ts'),
    cwd: ROOT,
    platform: 'node',
    plugins: [stating(version)],
    transform: { target: 'node22', define: { 'import.meta.filename': '__filename' } },
  })
  try {
    const { output } = await build.generate({
      format: 'cjs',
      codeSplitting: false,
      minify: { compress: true, mangle: false, codegen: true },
      comments: { legal: false },
    })
    return { code: output[0].code, sources: output[0].moduleIds.map(path => relative(ROOT, path)) }
  } finally {
    await build.close()
  }
}

export const readVersion = async (): Promise<string> =>
  JSON.parse(await readFile(resolve(ROOT, 'package.json'), 'utf8')).version
