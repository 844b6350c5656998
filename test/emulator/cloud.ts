/** An account with resources for one test: a clock to step, certificates of two generations, and the long ways. */
import type { EmulatorOptions } from '../../src/emulator/server.ts'
import { issue, type Wish } from '../fixtures/certificates.ts'
import { NOON, openEmulator, type TestEmulator } from './client.ts'

export const pairOf = async (...names: readonly string[]) => {
  const { chain, key, leaf } = await issue({ names } satisfies Wish)
  return { chain, key, leaf }
}

export const old = await pairOf('a.example.com', '*.b.example.com')

export const next = await pairOf('a.example.com', '*.b.example.com')

export const OLD_ID = 'oldAAAA1'

export const NEXT_ID = 'newBBBB2'

export const CERTIFICATES = [
  { id: OLD_ID, chain: old.chain, key: old.key },
  { id: NEXT_ID, chain: next.chain, key: next.key },
]

export const CDN = { type: 'cdn', domains: ['a.example.com'], certId: OLD_ID } as const

export const CLB = {
  type: 'clb',
  region: 'ap-guangzhou',
  instance: 'lb-1',
  listener: 'lbl-1',
  domains: ['a.example.com', 'x.b.example.com'],
  certId: OLD_ID,
} as const

export const REPLACE = {
  OldCertificateId: OLD_ID,
  CertificateId: NEXT_ID,
  ResourceTypes: ['cdn', 'clb'],
  ResourceTypesRegions: [{ ResourceType: 'clb', Regions: ['ap-guangzhou'] }],
}

export interface RecordDetail extends Readonly<Record<string, unknown>> {
  readonly Id: number
  readonly Status: number
  readonly Domains: readonly string[]
}

interface Counts {
  readonly TaskId: string
  readonly Status: number
  readonly CacheTime: string
  readonly Error: unknown
  readonly BindResourceResult: ReadonlyArray<{
    readonly ResourceType: string
    readonly BindResourceRegionResult: ReadonlyArray<{
      readonly Region: string
      readonly TotalCount: number
      readonly Error?: string
    }>
  }>
}

/** What is under Response; each action fills in its own part. */
export interface Reply extends Readonly<Record<string, unknown>> {
  readonly DeployRecordId: number | null
  readonly UpdateSyncProgress: ReadonlyArray<Readonly<Record<string, unknown>>> | null
  readonly DeployRecordList: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly RecordDetailList: ReadonlyArray<{
    readonly ResourceType: string
    readonly List: readonly RecordDetail[]
    readonly TotalCount: number
  }>
  readonly CertTaskIds: ReadonlyArray<{ readonly CertId: string; readonly TaskId: string }>
  readonly SyncTaskBindResourceResult: readonly Counts[]
  readonly DeleteTaskResult: ReadonlyArray<{ readonly Status: number; readonly Error: string }>
  readonly TaskId: string
  readonly Certificates: ReadonlyArray<Readonly<Record<string, unknown>>>
}

export interface Cloud extends TestEmulator {
  /** Seconds of the service's time. */
  readonly pass: (seconds: number) => void
  /** What an action answers with; rejects with the error's code. */
  readonly ask: (action: string, body?: object) => Promise<Reply>
  /** Repeats the request until there is a record, and answers with its number. */
  readonly replace: (changes?: object) => Promise<number>
  readonly record: (id: number, changes?: object) => Promise<Reply>
  /** Counts by type and region, once the search is complete. */
  readonly survey: (certId: string, IsCache?: number) => Promise<Readonly<Record<string, number>>>
}

export async function openCloud(options: EmulatorOptions = {}): Promise<Cloud> {
  let now = NOON
  const emulator = await openEmulator({
    certificates: CERTIFICATES,
    resources: [CDN, CLB],
    now: () => now,
    dice: () => 0.5,
    ...options,
  })
  const pass = (seconds: number) => {
    now += seconds * 1000
  }
  const ask = async (action: string, body: object = {}) => {
    const { response, code } = await emulator.send({ action, body, timestamp: Math.floor(now / 1000) })
    if (code !== 'OK') throw new Error(code)
    return response as unknown as Reply
  }
  const replace = async (changes: object = {}): Promise<number> => {
    const { DeployRecordId } = await ask('UpdateCertificateInstance', { ...REPLACE, ...changes })
    if (DeployRecordId) return DeployRecordId
    pass(4)
    return replace(changes)
  }
  const survey = async (certId: string, IsCache = 0) => {
    const { CertTaskIds } = await ask('CreateCertificateBindResourceSyncTask', {
      CertificateIds: [certId],
      IsCache,
    })
    for (;;) {
      pass(5)
      const { SyncTaskBindResourceResult: results } = await ask('DescribeCertificateBindResourceTaskResult', {
        TaskIds: CertTaskIds.map(({ TaskId }) => TaskId),
      })
      const [result] = results
      if (result?.BindResourceResult.length) return countsIn(result)
    }
  }
  return {
    ...emulator,
    pass,
    ask,
    replace,
    survey,
    record: (id, changes = {}) =>
      ask('DescribeHostUpdateRecordDetail', { DeployRecordId: String(id), ...changes }),
  }
}

const countsIn = ({ BindResourceResult: types }: Counts): Readonly<Record<string, number>> =>
  Object.fromEntries(
    types.flatMap(({ ResourceType, BindResourceRegionResult: regions }) =>
      regions.map(({ Region, TotalCount }) => [`${ResourceType} ${Region}`.trim(), TotalCount]),
    ),
  )
