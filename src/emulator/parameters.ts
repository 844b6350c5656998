/** The parameters that each action takes: names and types in one table. Pure. */
import { ApiError } from './errors.ts'

export interface Tag {
  readonly TagKey: string
  readonly TagValue: string
}

export interface TypeRegions {
  readonly ResourceType: string
  readonly Regions: readonly string[]
}

interface Values {
  readonly string: string
  readonly integer: number
  readonly boolean: boolean
  readonly strings: readonly string[]
  readonly integers: readonly number[]
  readonly tags: readonly Tag[]
  readonly typeRegions: readonly TypeRegions[]
}

type Type = keyof Values

type Types = Readonly<Record<string, Type>>

/**
 * https://www.tencentcloud.com/document/product/1007/36579 and the mainland SDK's models of 2026-08. What is a string
 * in one action is a number in another.
 */
const PARAMETERS = {
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
    },
  },
  CheckCertificateExist: { required: { CertificatePublicKey: 'string' }, optional: {} },
  DeleteCertificate: { required: { CertificateId: 'string' }, optional: { IsCheckResource: 'boolean' } },
  DescribeDeleteCertificatesTaskResult: { required: { TaskIds: 'strings' }, optional: {} },
  ModifyCertificatesExpiringNotificationSwitch: {
    required: { CertificateIds: 'strings', SwitchStatus: 'integer' },
    optional: {},
  },
  CreateCertificateBindResourceSyncTask: {
    required: { CertificateIds: 'strings', IsCache: 'integer' },
    optional: {},
  },
  DescribeCertificateBindResourceTaskResult: { required: { TaskIds: 'strings' }, optional: {} },
  DescribeCertificateBindResourceTaskDetail: {
    required: { TaskId: 'string' },
    optional: { Limit: 'string', Offset: 'string', ResourceTypes: 'strings', Regions: 'strings' },
  },
  UpdateCertificateInstance: {
    required: { OldCertificateId: 'string', ResourceTypes: 'strings' },
    optional: {
      CertificateId: 'string',
      Regions: 'strings',
      ResourceTypesRegions: 'typeRegions',
      CertificatePublicKey: 'string',
      CertificatePrivateKey: 'string',
      ExpiringNotificationSwitch: 'integer',
      Repeatable: 'boolean',
      AllowDownload: 'boolean',
      Tags: 'tags',
      ProjectId: 'integer',
    },
  },
  DescribeHostUpdateRecord: {
    required: {},
    optional: {
      Offset: 'integer',
      Limit: 'integer',
      CertificateId: 'string',
      OldCertificateId: 'string',
    },
  },
  DescribeHostUpdateRecordDetail: {
    required: { DeployRecordId: 'string' },
    optional: { Limit: 'string', Offset: 'string' },
  },
  UpdateCertificateRecordRetry: {
    required: {},
    optional: { DeployRecordId: 'integer', DeployRecordDetailId: 'integer' },
  },
  UpdateCertificateRecordRollback: { required: {}, optional: { DeployRecordId: 'integer' } },
} as const satisfies Record<string, { readonly required: Types; readonly optional: Types }>

type Table = typeof PARAMETERS

export type Action = keyof Table

/** An action's parameters after they have been checked. */
export type Parameters<A extends Action> = {
  readonly [P in keyof Table[A]['required']]: Values[Table[A]['required'][P] & Type]
} & { readonly [P in keyof Table[A]['optional']]?: Values[Table[A]['optional'][P] & Type] }

export const isAction = (name: string): name is Action => Object.hasOwn(PARAMETERS, name)

const isString = (value: unknown) => typeof value === 'string'

const isInteger = (value: unknown) => typeof value === 'number' && Number.isInteger(value) && value >= 0

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What each element of a list of objects holds; all of it is required. */
const ELEMENTS = {
  tags: { TagKey: 'string', TagValue: 'string' },
  typeRegions: { ResourceType: 'string', Regions: 'strings' },
} as const satisfies Partial<Record<Type, Types>>

const isListOfObjects = (type: Type): type is keyof typeof ELEMENTS => Object.hasOwn(ELEMENTS, type)

/** null is a value of no type. */
const IS: Readonly<Record<Exclude<Type, keyof typeof ELEMENTS>, (value: unknown) => boolean>> = {
  string: isString,
  integer: isInteger,
  boolean: value => typeof value === 'boolean',
  strings: value => Array.isArray(value) && value.every(isString),
  integers: value => Array.isArray(value) && value.every(isInteger),
}

function checkElements(name: string, list: unknown, types: Types): void {
  if (!Array.isArray(list)) throw new ApiError('type', { name })
  for (const [i, element] of list.entries()) {
    if (!isObject(element)) throw new ApiError('type', { name: `${name}.${i}` })
    checkMembers(element, types, Object.keys(types), `${name}.${i}.`)
  }
}

function checkMembers(sent: object, types: Types, required: readonly string[], prefix = ''): void {
  for (const [name, value] of Object.entries(sent)) {
    const type = Object.hasOwn(types, name) ? types[name] : undefined
    if (type === undefined) continue
    if (isListOfObjects(type)) checkElements(prefix + name, value, ELEMENTS[type])
    else if (!IS[type](value)) throw new ApiError('type', { name: prefix + name })
  }
  const missing = required.find(name => !Object.hasOwn(sent, name))
  if (missing !== undefined) throw new ApiError('missing', { name: prefix + missing })
  const unknown = Object.keys(sent).find(name => !Object.hasOwn(types, name))
  if (unknown !== undefined) throw new ApiError('unknown', { name: prefix + unknown })
}

/** @throws ApiError for the first fault in the order wrong type, missing, unknown. */
export function checkParameters<A extends Action>(action: A, sent: object): Parameters<A> {
  const { required, optional } = PARAMETERS[action]
  checkMembers(sent, { ...required, ...optional }, Object.keys(required))
  return sent as Parameters<A>
}
