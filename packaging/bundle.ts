/** Bundles the program into a few CommonJS files: one with what every start needs, others with what some commands need. */
import { readFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'
import { ROOT } from './paths.ts'
import { unresolvedIn } from './unresolved.ts'

export interface Bundle {
  /** Code by path: `main.js` requires the others, in `parts/`. */
  readonly parts: ReadonlyMap<string, string>
  /** The source files, relative to the repository. */
  readonly sources: readonly string[]
}

/** The bundle has no package.json to read the version from. */
const versionModule = (version: string): Plugin => ({
  name: 'version',
  load: id => (id === resolve(ROOT, 'src/version.ts') ? `export const VERSION = '${version}'\n` : null),
})

/** tsyringe, of @peculiar/x509, needs the metadata API when it is loaded, and bundling changes the order. */
const metadataFirst: Plugin = {
  name: 'reflect-metadata',
  transform: (code, id) =>
    id.endsWith('tsyringe/dist/esm5/index.js') ? `import 'reflect-metadata'\n${code}` : null,
}

/** What every start loads, in one file because that is read faster than a dozen. */
const BEGINNINGS = ['src/terminal/output.ts', 'src/cli/run.ts', 'src/commands/hook.ts'].map(path =>
  resolve(ROOT, path),
)

/** Finds all static imports of these files. */
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

/** Modules of pino that are not needed: transports in worker threads, opening log files, and what these two require. */
const UNUSED_PINO = new Set([
  './transport',
  './lib/transport',
  './lib/multistream',
  'sonic-boom',
  'on-exit-leak-free',
  'worker_threads',
])

const withoutUnusedPino: Plugin = {
  name: 'unused parts of pino',
  resolveId: (source, importer) =>
    UNUSED_PINO.has(source) && importer?.includes('/node_modules/pino/')
      ? resolve(ROOT, 'packaging/unused.cjs')
      : null,
}

const withoutUnusedAsn1: Plugin = {
  name: 'unused parts of @peculiar/x509',
  resolveId: (source, importer) =>
    /^@peculiar\/asn1-(cms|csr|pkcs9)$/.test(source) && importer?.includes('/@peculiar/x509/')
      ? resolve(ROOT, 'packaging/unusedAsn1.mjs')
      : null,
}

/** The packages that read certificates, always loaded together. */
const X509 =
  /node_modules\/(@peculiar|asn1js|pvtsutils|pvutils|reflect-metadata|tslib|tsyringe)\/|packaging\/unusedAsn1/

/** Files of undici that HTTP/1.1 with texts as bodies does not need. Using one of them in the bundle is an error. */
const UNUSED_UNDICI =
  /undici\/lib\/(dispatcher\/(client-h2|socks5-proxy-agent)|milo\/(simd|no-simd)|web\/(fetch\/(body|formdata)|webidl\/index))\.js$/

export const withoutUnusedUndici: Plugin = {
  name: 'unused parts of undici',
  load: id => {
    if (!UNUSED_UNDICI.test(id)) return null
    const file = id.slice(id.indexOf('undici/'))
    return `const fail = () => { throw new Error('${file} is not in this program') }
module.exports = new Proxy(function () {}, { apply: fail, construct: fail, get: fail })\n`
  },
}

/** Modules of Node that undici uses little of and that take milliseconds to load. */
const SMALLER = ['assert', 'http'] as const

export const withoutSlowModules: Plugin = {
  name: 'slow modules of Node',
  resolveId: (source, importer) => {
    const name = SMALLER.find(one => source === `node:${one}`)
    return name && importer?.includes('/node_modules/undici/') ? resolve(ROOT, `packaging/${name}.cjs`) : null
  },
}

/** Each package is a part of its own; what stands in packaging/ is for undici. */
const packageOf = (id: string) =>
  /\/packaging\//.test(id) ? 'undici' : (/.*node_modules\/(?:@[^/]+\/)?([^/.]+)/.exec(id)?.[1] ?? null)

/** CommonJS, because a single executable of Node 24 starts nothing else. Names are kept for readable stack traces. */
export async function bundle(version: string): Promise<Bundle> {
  const start = new Set<string>()
  const build = await rolldown({
    input: { main: resolve(ROOT, 'src/main.ts') },
    cwd: ROOT,
    platform: 'node',
    plugins: [
      versionModule(version),
      withoutUnusedPino,
      withoutUnusedUndici,
      withoutSlowModules,
      withoutUnusedAsn1,
      metadataFirst,
      closure(start),
    ],
    // ES modules: unused exports are left out
    resolve: { mainFields: ['module', 'main'], alias: { undici$: resolve(ROOT, 'packaging/undici.cjs') } },
    preserveEntrySignatures: false,
    transform: { target: 'node22', define: { 'import.meta.filename': '__filename' } },
  })
  try {
    const { output } = await build.generate({
      format: 'cjs',
      // the loader runs the parts by vm.Script, where import() does not work
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
