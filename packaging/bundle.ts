/** The whole program as few files of CommonJS: what a start needs is in one, and what few commands need in others. */
import { readFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'
import { ROOT } from './places.ts'
import { unresolvedIn } from './unresolved.ts'

export interface Bundle {
  /** Code by path: `main.js` begins, and asks for the others in `parts/`. */
  readonly parts: ReadonlyMap<string, string>
  /** Paths of the files that went into it, from the repository. */
  readonly sources: readonly string[]
}

/** In a bundle there is no package.json beside the code to read the version from. */
const stating = (version: string): Plugin => ({
  name: 'version',
  load: id => (id === resolve(ROOT, 'src/version.ts') ? `export const VERSION = '${version}'\n` : null),
})

/** tsyringe, of @peculiar/x509, looks for the metadata API as soon as it is loaded, and bundling changes who loads it first. */
const metadataFirst: Plugin = {
  name: 'reflect-metadata',
  transform: (code, id) =>
    id.endsWith('tsyringe/dist/esm5/index.js') ? `import 'reflect-metadata'\n${code}` : null,
}

/** What every start loads, a hook's above all: one file of it is opened and read sooner than a dozen. */
const BEGINNINGS = ['src/terminal/output.ts', 'src/cli/run.ts', 'src/commands/hook.ts'].map(path =>
  resolve(ROOT, path),
)

/** All that these files import, and so on, as far as nothing waits to be asked for. */
const closure = (found: Set<string>): Plugin => ({
  name: 'closure',
  buildEnd() {
    const add = (id: string) => {
      if (found.has(id) || id.startsWith('node:')) return
      found.add(id)
      for (const next of this.getModuleInfo(id)?.importedIds ?? []) add(next)
    }
    for (const id of BEGINNINGS) add(id)
  },
})

/** Of pino: transports in worker threads, files it would open itself, and what these two need. */
const UNUSED = new Set([
  './transport',
  './lib/transport',
  './lib/multistream',
  'sonic-boom',
  'on-exit-leak-free',
  'worker_threads',
])

const withoutUnused: Plugin = {
  name: 'unused parts of pino',
  resolveId: (source, importer) =>
    UNUSED.has(source) && importer?.includes('/node_modules/pino/')
      ? resolve(ROOT, 'packaging/unused.cjs')
      : null,
}

/** Reads certificates: 16 packages, of which none is loaded without the others. */
const X509 = /node_modules\/(@peculiar|asn1js|pvtsutils|pvutils|reflect-metadata|tslib|tsyringe)\//

/** A library is known by its name wherever it is loaded. */
const packageOf = (id: string) =>
  /.*(?:node_modules\/(?:@[^/]+\/)?|packaging\/)([^/.]+)/.exec(id)?.[1] ?? null

/**
 * CommonJS, for that is what a single executable of Node 24 can start. Names are kept, so that a stack trace in a bug
 * report can be read.
 */
export async function bundle(version: string): Promise<Bundle> {
  const start = new Set<string>()
  const build = await rolldown({
    input: { main: resolve(ROOT, 'src/main.ts') },
    cwd: ROOT,
    platform: 'node',
    plugins: [stating(version), withoutUnused, metadataFirst, closure(start)],
    // ES modules: what is not used of them is left out
    resolve: { mainFields: ['module', 'main'], alias: { undici$: resolve(ROOT, 'packaging/undici.cjs') } },
    preserveEntrySignatures: false,
    transform: { target: 'node22', define: { 'import.meta.filename': '__filename' } },
  })
  try {
    const { output } = await build.generate({
      format: 'cjs',
      // the loader runs the parts by vm.Script, where an import() that is left has no one to answer it
      dynamicImportInCjs: false,
      entryFileNames: '[name].js',
      chunkFileNames: 'parts/[name].js',
      codeSplitting: {
        includeDependenciesRecursively: false,
        groups: [
          { name: 'start', test: id => start.has(id) },
          { name: 'x509', test: X509 },
          { name: packageOf, test: /node_modules|packaging/, debugName: 'libraries' },
        ],
      },
      minify: { compress: true, mangle: false, codegen: true },
      comments: { legal: false },
    })
    const chunks = output.filter(file => file.type === 'chunk')
    const parts = new Map(chunks.map(({ fileName, code }) => [fileName, code]))
    const unresolved = unresolvedIn(parts)
    if (unresolved.length) throw new Error(`the bundle cannot load:\n${unresolved.join('\n')}`)
    return {
      parts,
      sources: chunks.flatMap(({ moduleIds }) => moduleIds.map(path => relative(ROOT, path))),
    }
  } finally {
    await build.close()
  }
}

export const readVersion = async (): Promise<string> =>
  JSON.parse(await readFile(resolve(ROOT, 'package.json'), 'utf8')).version
