/** The account's resources as a file or a test describes them: their form, and what is wrong with it. Pure. */
import * as v from 'valibot'
import { RESOURCE_TYPES, type ResourceTypeName, TYPE_NAMES } from './resourceTypes.ts'
import { trapsSchema } from './traps.ts'

const text = v.pipe(v.string(), v.nonEmpty('Expected text'))

const count = v.pipe(v.number(), v.integer(), v.minValue(0))

const resourceSchema = v.strictObject({
  /** How tests and messages call it; made of type, region, instance, listener and first domain if left out. */
  name: v.optional(text),
  type: v.picklist(TYPE_NAMES),
  region: v.optional(text),
  instance: v.optional(text),
  listener: v.optional(text),
  domains: v.pipe(v.array(text), v.minLength(1)),
  /** An ID or alias of `certificates`, `first:DOMAIN` or `alias:ALIAS`. */
  certId: v.optional(text),
  /** Served beside it: a second algorithm, or a pool for SNI. */
  extCertIds: v.optional(v.array(text), []),
  sni: v.optional(v.boolean(), false),
  /** The domain is a regular expression, which no certificate covers. */
  regex: v.optional(v.boolean(), false),
  /** Has no place at the edge. */
  private: v.optional(v.boolean(), false),
  /** What is operating cannot be changed. */
  state: v.optional(v.picklist(['idle', 'operating']), 'idle'),
  /** The first attempts, or all, to give it another certificate fail. */
  fail: v.optional(v.strictObject({ times: v.union([count, v.literal('always')]), message: v.string() })),
  /** 6: a job finds nothing to do here. 7: a job shows this undocumented number instead of "working". */
  shows: v.optional(v.picklist([6, 7])),
  /** A job changes it after so many seconds, whatever the traps say. */
  switchSeconds: v.optional(v.pipe(v.number(), v.minValue(0))),
})

const certificateSchema = v.strictObject({
  id: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9]{8}$/, 'Expected eight letters and digits'))),
  alias: v.optional(text),
  chain: text,
  key: text,
})

const accountSchema = v.strictObject({
  certificates: v.optional(v.array(certificateSchema), []),
  resources: v.optional(v.array(resourceSchema), []),
  traps: v.optional(trapsSchema, {}),
})

type Frozen<T> = T extends readonly (infer E)[]
  ? readonly Frozen<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T

export type ResourceInput = Frozen<v.InferInput<typeof resourceSchema>>

export type TrapChoices = Frozen<v.InferInput<typeof trapsSchema>>

export type Resource = v.InferOutput<typeof resourceSchema> & { readonly name: string }

/** Texts of chain and key; in a file, their paths. */
export type CertificateSeed = v.InferOutput<typeof certificateSchema>

export interface AccountSeed {
  readonly certificates: readonly CertificateSeed[]
  readonly resources: readonly Resource[]
  readonly traps: v.InferOutput<typeof trapsSchema>
}

/** One line for each mistake. */
export class SeedError extends Error {}

const nameOf = (resource: v.InferOutput<typeof resourceSchema>): string => {
  const { name, type, region, instance, listener, domains } = resource
  return name ?? [type, region, instance, listener, domains[0]].filter(part => part !== undefined).join('/')
}

/** A certificate that is not there yet. */
export const awaits = (reference: string): boolean => /^(first|alias):/.test(reference)

const placed = (type: ResourceTypeName, region: string | undefined): string | undefined => {
  const { regional } = RESOURCE_TYPES[type]
  if (regional && region === undefined) return `region: ${type} needs one, such as "ap-guangzhou"`
  return regional || region === undefined ? undefined : `region: ${type} has none`
}

function mistakesIn({ certificates, resources }: AccountSeed): readonly string[] {
  const known = new Set(certificates.flatMap(({ id, alias }) => [id, alias]))
  const seen = new Set<string>()
  return resources.flatMap((resource, i) => {
    const { name, type, region, certId, extCertIds } = resource
    const twice = seen.has(name) && `name: there are two of "${name}"; give one another name`
    seen.add(name)
    const missing = [certId, ...extCertIds]
      .filter(id => id !== undefined && !awaits(id) && !known.has(id))
      .map(id => `certId: no certificate "${id}"; name one of \`certificates\`, first:DOMAIN or alias:ALIAS`)
    return [placed(type, region), twice, ...missing]
      .filter(each => typeof each === 'string')
      .map(mistake => `resources[${i}].${mistake}`)
  })
}

const placeOf = (path: readonly unknown[]): string =>
  path
    .map(key => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '')

/** @throws SeedError */
export function readSeed(value: unknown): AccountSeed {
  const result = v.safeParse(accountSchema, value)
  if (!result.success) {
    const lines = result.issues.map(
      ({ path, message }) => `${placeOf(path?.map(({ key }) => key) ?? []) || 'the file'}: ${message}`,
    )
    throw new SeedError(lines.join('\n'))
  }
  const { certificates, resources, traps } = result.output
  const seed = { certificates, traps, resources: resources.map(each => ({ ...each, name: nameOf(each) })) }
  const mistakes = mistakesIn(seed)
  if (mistakes.length > 0) throw new SeedError(mistakes.join('\n'))
  return seed
}
