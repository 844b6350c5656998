/** What the account behind the API consists of. Pure. */
import type { Resource } from './resources.ts'
import type { CertificateStore } from './store.ts'
import type { Traps } from './traps.ts'

interface Binding {
  readonly at: number
  readonly certId: string
}

export interface AccountResource {
  readonly resource: Resource
  /** What it was given and, by the jobs that run, is going to be given; in no order. */
  readonly bindings: Binding[]
  readonly extCertIds: string[]
  /** A certificate that is to be bound when it is uploaded. */
  awaited: string | undefined
  awaitedExtensions: readonly string[]
  /** How often a job has tried to change it. */
  attempts: number
  state: Resource['state']
}

export const STATUS = {
  pending: 0,
  done: 1,
  failed: 2,
  working: 3,
  rolledBack: 4,
  rollbackFailed: 5,
  nothingToDo: 6,
  undocumented: 7,
} as const

export type Status = (typeof STATUS)[keyof typeof STATUS]

interface Attempt {
  readonly from: number
  readonly workingFrom: number
  readonly until: number
  readonly ends: Status
  readonly message: string
}

/** One resource in a job. */
export interface Detail {
  readonly id: number
  readonly on: AccountResource
  readonly attempts: Attempt[]
}

export interface Job {
  readonly id: number
  readonly certId: string
  readonly oldCertId: string
  readonly types: readonly string[]
  readonly regions: readonly string[]
  readonly rollback: boolean
  readonly createdAt: number
  /** Until then its record shows nothing. */
  readonly visibleFrom: number
  readonly details: readonly Detail[]
}

/** The search for resources that comes before a job. */
export interface Scan {
  readonly startedAt: number
  readonly calls: number
  readonly calledAt: number
}

/** The search for the resources of one certificate. */
export interface Survey {
  readonly taskId: string
  readonly certId: string
  readonly doneAt: number
  readonly fails: boolean
  /** When it was found out; earlier than this task where it repeats an earlier one. */
  readonly foundAt: number
  readonly found: readonly AccountResource[]
  queries: number
  saidEmpty: boolean
}

export interface Deletion {
  readonly taskId: string
  readonly certId: string
  readonly domains: readonly string[]
  readonly doneAt: number
  /** 0 until it is done. */
  status: number
  message: string
}

export interface CloudAccount {
  readonly store: CertificateStore
  readonly resources: readonly AccountResource[]
  readonly traps: Traps
  readonly jobs: Job[]
  readonly scans: Map<string, Scan>
  readonly surveys: Survey[]
  readonly deletions: Deletion[]
  /** Reminders of these are switched off. */
  readonly silenced: Set<string>
  readonly now: () => number
  readonly dice: () => number
  /** Milliseconds in which so many seconds of the service's time pass. */
  readonly seconds: (count: number) => number
  /** Larger than 32 bits, as the service's. */
  readonly newNumber: () => number
}
