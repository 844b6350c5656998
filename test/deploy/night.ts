/** Hosts whose lineages are renewed at once, with the program's own replacer, queue and retries, in virtual time. */
import { createHash, type X509Certificate } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { object } from 'valibot'
import type { Bundle } from '../../src/certificate/bundle.ts'
import { resolveSettings } from '../../src/config/settings.ts'
import type { ShakeHands } from '../../src/deploy/handshake.ts'
import { replaceAll } from '../../src/deploy/replaceAll.ts'
import { createReplacer } from '../../src/deploy/replacer.ts'
import { servedLeaf } from '../../src/deploy/verify.ts'
import { bindAwaiting, certificateAt, createAccount, servedFor } from '../../src/emulator/account.ts'
import { perform } from '../../src/emulator/actions.ts'
import { API_ERRORS, ApiError } from '../../src/emulator/errors.ts'
import { createRateLimit } from '../../src/emulator/gateway.ts'
import { isAction } from '../../src/emulator/parameters.ts'
import { type ResourceInput, readSeed } from '../../src/emulator/resources.ts'
import type { CloudAccount } from '../../src/emulator/state.ts'
import { createLogger } from '../../src/log/logger.ts'
import { emptyReceipt, type Receipt, uploadOf, withUpload } from '../../src/receipts/receipt.ts'
import { type Lineage, pemLineage } from '../../src/sources/lineage.ts'
import { type Parameters, readReply } from '../../src/tencent/response.ts'
import type { Outcome } from '../../src/upload/outcome.ts'
import { createRetryingUploader } from '../../src/upload/uploader.ts'
import { seededRandom } from '../fixtures/random.ts'
import { type VirtualClock, virtualClock } from '../fixtures/virtualClock.ts'

const DAY = 86_400_000

const START = Date.UTC(2026, 5, 15, 2)

const ENDPOINT = 'ssl.tencentcloudapi.com'

const NO_OUTPUT = { write: () => {}, isTerminal: false, isJournal: false, colours: false, columns: 80 }

export interface SentRequest {
  /** Milliseconds since the beginning. */
  readonly at: number
  readonly action: string
  /** The lineages that it is for. */
  readonly lineages: readonly string[]
  readonly isThrottled: boolean
}

export interface Night {
  readonly outcomes: readonly Outcome[]
  readonly requests: readonly SentRequest[]
  /** Seconds until the last lineage was done. */
  readonly taken: number
  /** Requests for each renewal, its upload included; of one that is for several each has its share. */
  readonly perRenewal: readonly number[]
  /** Seconds that the service needed for its part: two searches, a scan, a job. */
  readonly ownTime: number
  /** Seconds that its scans and jobs took, one after another. */
  readonly jobTime: number
  /** The account's resources, and whether each has the certificate of a renewal. */
  readonly resources: ReadonlyArray<{ readonly isRenewed: boolean }>
  /** Records of the account: the older ID and the new one. */
  readonly jobs: ReadonlyArray<{ readonly from: string; readonly to: string }>
}

export interface NightOptions {
  readonly lineages: number
  readonly seed: number
  /** Each has all the lineages. */
  readonly hosts?: number
  /** Each host has a new certificate of its own, in place of the same older one. */
  readonly ownRenewals?: boolean
  /** Seconds within which the hosts begin. */
  readonly within?: number
  readonly resourcesOf?: (name: string, nth: number) => readonly ResourceInput[]
}

const onCdn = (name: string): readonly ResourceInput[] => [
  { type: 'cdn', domains: [name], certId: `first:${name}` },
]

const PER_SECOND = 10

export async function simulateNight({
  lineages: count,
  seed,
  hosts: hostCount = 1,
  ownRenewals = false,
  within = 0,
  resourcesOf = onCdn,
}: NightOptions): Promise<Night> {
  const random = seededRandom(seed)
  const time = virtualClock({ still: () => setImmediate() })
  const now = () => START + time.now()
  const names = Array.from({ length: count }, (_, i) => `host${i}.example.com`)
  const resources = names.flatMap(resourcesOf)
  const account = createAccount({
    seed: readSeed({ certificates: [], resources, traps: {} }),
    ...{ now, dice: random, timeScale: 1 },
  })
  const service = openService(account, time, random)
  const signal = new AbortController().signal
  const log = createLogger({ format: 'json', level: 'error', output: NO_OUTPUT, now })
  const hosts = Array.from({ length: hostCount }, () => openHost(names, service, { account, now }))
  const run = async (host: (typeof hosts)[number], nth: number) => {
    const uploader = createRetryingUploader({
      ...{ ratePerSecond: PER_SECOND, send: service.send, repair: async () => false, log, signal },
      clock: { now: time.now, wait: time.wait, random },
    })
    const replacer = createReplacer({
      ...host,
      ...{ endpoint: ENDPOINT, log, signal, now, random, monotonicNow: time.now, sleep: time.wait },
      uploader: async () => uploader,
      onChange: () => {},
    })
    await time.wait(random() * within * 1000)
    const uploaded = host.lineages.map(async ({ id }): Promise<Outcome> => {
      await uploader.call('UploadCertificate', { Alias: id }, object({}), { lineage: id, failed: '' })
      const certificateId = host.renew(id, 60, ownRenewals ? nth : 0)
      return { lineage: id, outcome: 'uploaded', certificateId } as Outcome
    })
    const options = { dryRun: false, isHurried: false }
    return replaceAll(host.lineages, await Promise.all(uploaded), async () => replacer, options)
  }
  for (const host of hosts) for (const { id } of host.lineages) host.renew(id, 0, 0)
  const outcomes = (await time.until(Promise.all(hosts.map(run)))).flat()
  const { traps, jobs } = account
  const switched = jobs.map(job => {
    const ends = job.details.flatMap(({ attempts }) => attempts.map(({ until }) => until))
    return (Math.max(...ends) - job.createdAt) / 1000
  })
  return {
    outcomes,
    requests: service.requests,
    taken: time.now() / 1000,
    perRenewal: sharesOf(service.requests, names.length),
    ownTime: 2 * traps.surveyColdSeconds + traps.scanSeconds + Math.max(...switched),
    jobTime: switched.reduce((sum, seconds) => sum + traps.scanSeconds + seconds, 0),
    resources: account.resources.map(each => ({
      isRenewed: hosts.some(
        host => certificateAt(each, now()) === host.currentId(each.resource.domains[0] ?? ''),
      ),
    })),
    jobs: jobs.map(({ oldCertId: from, certId: to }) => ({ from, to })),
  }
}

function sharesOf(requests: readonly SentRequest[], renewals: number): readonly number[] {
  const shares = new Map<string, number>()
  for (const { lineages } of requests)
    for (const one of lineages) shares.set(one, (shares.get(one) ?? 0) + 1 / lineages.length)
  return [...shares.values(), ...Array(renewals - shares.size).fill(0)].sort((a, b) => a - b)
}

type Service = ReturnType<typeof openService>

/** The emulator's account behind its rate limit, without HTTP and signatures. */
function openService(account: CloudAccount, time: VirtualClock, random: () => number) {
  const { check } = createRateLimit(PER_SECOND)
  const requests: SentRequest[] = []
  /** By certificate ID. */
  const lineages = new Map<string, string>()
  /** The certificate of a search, the older one of a job. */
  const certificates = new Map<string, string>()
  const certificatesOf = (sent: Parameters): readonly string[] => [
    ...list(sent.CertificateIds),
    ...list(sent.OldCertificateId),
    ...list(sent.TaskIds ?? sent.TaskId ?? sent.DeployRecordId).flatMap(id => certificates.get(id) ?? []),
  ]
  const reply = (action: string, sent: Parameters): object => {
    const isFor = list(sent.Alias).concat(certificatesOf(sent).flatMap(id => lineages.get(id) ?? []))
    const request = { at: time.now(), action, lineages: [...new Set(isFor)] }
    try {
      check(action, time.now())
      requests.push({ ...request, isThrottled: false })
      if (action === 'UploadCertificate' || !isAction(action)) return {}
      const answer = perform(action, sent, { account, duplicates: 'both' })
      for (const one of account.surveys.slice(-100)) certificates.set(one.taskId, one.certId)
      for (const one of account.jobs.slice(-1)) certificates.set(`${one.id}`, one.oldCertId)
      return answer
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      const { code } = API_ERRORS[error.reason]
      if (code.includes('LimitExceeded')) requests.push({ ...request, isThrottled: true })
      return { Error: { Code: code, Message: code } }
    }
  }
  const send = async (action: string, sent: Parameters) => {
    await time.wait(10 + random() * 50)
    const body = JSON.stringify({ Response: { ...reply(action, sent), RequestId: 'r' } })
    await time.wait(10 + random() * 50)
    return readReply(200, body)
  }
  return { requests, lineages, send }
}

const list = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.map(String) : value === undefined ? [] : [String(value)]

/** Lineages with their files and records, and the edge as it is seen from here. */
function openHost(
  names: readonly string[],
  service: Service,
  { account, now }: { readonly account: CloudAccount; readonly now: () => number },
) {
  const { forLineage } = resolveSettings({}, {}, { deploy: { replace: true, allow_untrusted: true } })
  const lineages = names.map(name =>
    pemLineage({ kind: 'pem', name, chain: `${name}.pem`, key: `${name}.key`, keys: {} }, forLineage),
  )
  const receipts = new Map<string, Receipt>()
  const bundles = new Map<string, Bundle>()
  const recalled = (id: string) => receipts.get(id) ?? emptyReceipt(id)
  const shakeHands: ShakeHands = async (probes, { current, earlier }) =>
    probes.map(({ name }) => {
      const [id = ''] = servedFor(account, name, { lag: account.seconds(account.traps.edgeLagSeconds) })
      const leaf = account.store.everStored(id)?.fingerprint
      return { name, address: '192.0.2.1:443', leaf: servedLeaf(leaf, current, earlier) }
    })
  return {
    lineages,
    shakeHands,
    receipts: { all: async () => [...receipts.values()] },
    recall: async ({ id }: Lineage) => recalled(id),
    record: async ({ id }: Lineage, amend: (receipt: Receipt) => Receipt) =>
      void receipts.set(id, amend(recalled(id))),
    readBundle: async ({ id }: Lineage) => bundles.get(id) as Bundle,
    currentId: (name: string) => receipts.get(`pem:${name}`)?.uploaded?.certificateId,
    /** Stores a certificate of that day, by that owner, where it is not stored yet; answers with its ID. */
    renew: (id: string, day: number, owner: number): string => {
      const bundle = bundleOf(id.slice('pem:'.length), START + (day - 60) * DAY + owner * 1000)
      const known = account.store.find(bundle.leaf)?.id
      const certificateId = known ?? store(account, bundle)
      const uploaded = { certificateId, requestId: '', reused: known !== undefined, attempts: 1 }
      const upload = uploadOf(bundle, uploaded, ENDPOINT, new Date(now()))
      receipts.set(id, withUpload(recalled(id), upload, false))
      bundles.set(id, bundle)
      service.lineages.set(certificateId, id)
      return certificateId
    },
  }
}

/** Known by its digests: nothing here reads the certificate itself. */
function bundleOf(name: string, begin: number): Bundle {
  const digest = createHash('sha256').update(`${name} ${begin}`).digest('hex')
  const notBefore = new Date(begin)
  const notAfter = new Date(begin + 90 * DAY)
  return {
    names: [name],
    notBefore,
    notAfter,
    leaf: digest,
    fingerprint: digest,
    notes: [],
    flaws: [],
  } as unknown as Bundle
}

function store(account: CloudAccount, { names, leaf, notBefore, notAfter }: Bundle): string {
  const certificate = {
    ...{
      subject: '',
      subjectAltName: `DNS:${names[0]}`,
      fingerprint256: leaf,
      publicKey: { asymmetricKeyType: 'ec' },
    },
    ...{ validFrom: notBefore.toISOString(), validTo: notAfter.toISOString() },
  } as unknown as X509Certificate
  const details = {
    type: 'SVR',
    alias: '',
    projectId: 0,
    use: '',
    tags: [],
    chainPem: '',
    keyPem: undefined,
  } as const
  const stored = account.store.add({ ...details, insertedAt: notBefore }, [certificate])
  bindAwaiting(account, stored, account.now())
  return stored.id
}
