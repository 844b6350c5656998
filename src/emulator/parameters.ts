/** What each action may be sent: names and types in a table, and the checks that hold a request to it. Pure. */
import { ApiError } from './refusal.ts'

export interface Tag {
  readonly TagKey: string
  readonly TagValue: string
}

interface Values {
  readonly string: string
  readonly integer: number
  readonly boolean: boolean
  readonly strings: readonly string[]
  readonly integers: readonly number[]
  readonly tags: readonly Tag[]
}

type Type = keyof Values
type Types = Readonly<Record<string, Type>>

/** https://www.tencentcloud.com/document/product/1007/36579 and the mainland SDK's models of 2026-08. */
export const PARAMETERS = {
  UploadCertificate: {
    required: { CertificatePublicKey: 'string' },
    optional: {
      CertificatePrivateKey: 'string',
      CertificateType: 'string',
      Alias: 'string',
      ProjectId: 'integer',
      CertificateUse: 'string',
      Tags: 'tags',
      Repeatable: 'boolean',
      KeyPassword: 'string',
    },
  },
  DescribeCertificates: {
    required: {},
    optional: {
      Offset: 'integer',
      Limit: 'integer',
      SearchKey: 'string',
      CertificateType: 'string',
      ProjectId: 'integer',
      ExpirationSort: 'string',
      CertificateStatus: 'integers',
      Deployable: 'integer',
      Upload: 'integer',
      Renew: 'integer',
      FilterSource: 'string',
      IsSM: 'integer',
      FilterExpiring: 'integer',
      Hostable: 'integer',
      Tags: 'tags',
      IsPendingIssue: 'integer',
      CertIds: 'strings',
      ServiceId: 'string',
    },
  },
  DescribeCertificateDetail: { required: { CertificateId: 'string' }, optional: {} },
  CheckCertificateExist: { required: { CertificatePublicKey: 'string' }, optional: {} },
  DeleteCertificate: { required: { CertificateId: 'string' }, optional: { IsCheckResource: 'boolean' } },
} as const satisfies Record<string, { readonly required: Types; readonly optional: Types }>

type Table = typeof PARAMETERS
export type Action = keyof Table

/** An action's parameters once they have been proven. */
export type Sent<A extends Action> = {
  readonly [P in keyof Table[A]['required']]: Values[Table[A]['required'][P] & Type]
} & { readonly [P in keyof Table[A]['optional']]?: Values[Table[A]['optional'][P] & Type] }

export const isAction = (name: string): name is Action => Object.hasOwn(PARAMETERS, name)

export const typesOf = (action: Action): Types => ({
  ...PARAMETERS[action].required,
  ...PARAMETERS[action].optional,
})

type Test = (value: unknown) => boolean

const string: Test = value => typeof value === 'string'
// uint64 on the wire; null is no value of any type.
const integer: Test = value => typeof value === 'number' && Number.isInteger(value) && value >= 0
const listOf = (test: Test) => (value: unknown) => Array.isArray(value) && value.every(test)

const IS: Readonly<Record<Exclude<Type, 'tags'>, Test>> = {
  string,
  integer,
  boolean: value => typeof value === 'boolean',
  strings: listOf(string),
  integers: listOf(integer),
}

const TAG = { TagKey: 'string', TagValue: 'string' } as const

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function checkTags(name: string, tags: unknown): void {
  if (!Array.isArray(tags)) throw new ApiError('type', { name })
  for (const [i, tag] of tags.entries()) {
    if (!isObject(tag)) throw new ApiError('type', { name: `${name}.${i}` })
    checkMembers(tag, TAG, ['TagKey', 'TagValue'], `${name}.${i}.`)
  }
}

function checkMembers(sent: object, types: Types, required: readonly string[], prefix = ''): void {
  for (const [name, value] of Object.entries(sent)) {
    const type = Object.hasOwn(types, name) ? types[name] : undefined
    if (type === undefined) continue
    if (type === 'tags') checkTags(name, value)
    else if (!IS[type](value)) throw new ApiError('type', { name: prefix + name })
  }
  const missing = required.find(name => !Object.hasOwn(sent, name))
  if (missing !== undefined) throw new ApiError('missing', { name: prefix + missing })
  const unknown = Object.keys(sent).find(name => !Object.hasOwn(types, name))
  if (unknown !== undefined) throw new ApiError('unknown', { name: prefix + unknown })
}

/** Throws the first Refusal in the order wrong type, missing, unknown; otherwise the type carries the proof. */
export function prove<A extends Action>(action: A, sent: object): Sent<A> {
  checkMembers(sent, typesOf(action), Object.keys(PARAMETERS[action].required))
  return sent as Sent<A>
}
