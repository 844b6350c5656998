/**
 * The contents of the executable as a CycloneDX 1.6 document: certferry, Node with its libraries, the packages.
 * `npm sbom --omit=dev` leaves out packages that development dependencies need too, and no two of its runs are the same.
 */
import { createHash } from 'node:crypto'
import type { Package } from './packages.ts'

export interface Contents {
  readonly version: string
  /** Seconds since 1970. */
  readonly epoch: number
  /** process.versions of the Node in the executable. */
  readonly node: Readonly<Record<string, string | undefined>>
  readonly packages: readonly Package[]
}

/** Not software, or without a version of their own. */
const NO_PARTS = new Set(['node', 'modules', 'napi', 'cldr', 'tz', 'unicode'])

/** Vulnerability scanners know these two by CPE names. */
const CPE: Readonly<Record<string, string>> = { node: 'nodejs:node.js', openssl: 'openssl:openssl' }

export function sbom({ version, epoch, node, packages }: Contents): string {
  const known = new Map(packages.map(each => [each.path, purlOf(each)]))
  const refs = (paths: readonly string[]) => paths.flatMap(path => known.get(path) ?? [])
  const self = `pkg:generic/certferry@${version}`
  const own = packages.filter(({ direct }) => direct).map(({ path }) => path)
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      timestamp: new Date(epoch * 1000).toISOString(),
      component: {
        'bom-ref': self,
        type: 'application',
        name: 'certferry',
        version,
        purl: self,
        licenses: [{ license: { id: 'MIT' } }],
      },
    },
    components: [nodeComponent(node), ...packages.map(packageComponent)],
    dependencies: [
      { ref: self, dependsOn: [nodeComponent(node)['bom-ref'], ...refs(own)] },
      ...packages.map(each => ({ ref: purlOf(each), dependsOn: refs(each.needs) })),
    ],
  }
  const serialNumber = `urn:uuid:${numberOf(JSON.stringify(document))}`
  const { bomFormat, specVersion, ...rest } = document
  return `${JSON.stringify({ bomFormat, specVersion, serialNumber, ...rest }, null, 2)}\n`
}

const purlOf = ({ name, version }: Package) => `pkg:npm/${name.replace(/^@/, '%40')}@${version}`

const packageComponent = (each: Package) => ({
  'bom-ref': purlOf(each),
  type: 'library',
  name: each.name,
  version: each.version,
  purl: purlOf(each),
  hashes: [{ alg: 'SHA-512', content: Buffer.from(each.sha512, 'base64').toString('hex') }],
  licenses: [{ license: { id: each.licence } }],
})

function generic(name: string, version: string) {
  const purl = `pkg:generic/${name}@${encodeURIComponent(version)}`
  const cpe = CPE[name] && `cpe:2.3:a:${CPE[name]}:${version}:*:*:*:*:*:*:*`
  return { 'bom-ref': purl, name, version, purl, ...(cpe && { cpe }) }
}

function nodeComponent(versions: Contents['node']) {
  const parts = Object.entries(versions).flatMap(([name, version]) =>
    NO_PARTS.has(name) || !version ? [] : [{ type: 'library', ...generic(name, version) }],
  )
  return { type: 'platform', ...generic('node', versions.node ?? ''), components: parts }
}

/** A UUID (RFC 9562, version 8) made of the document, so that equal documents have equal numbers. */
function numberOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ]
  return parts.join('-')
}
