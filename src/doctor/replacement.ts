/** What replacing older certificates needs, as far as reading shows it: rights, role, what is bound where, one handshake. */
import { chainOf } from '../deploy/chain.ts'
import { covers, uncoveredIn } from '../deploy/gates.ts'
import { shakeHands } from '../deploy/handshake.ts'
import { membersIn, text, textsIn } from '../deploy/members.ts'
import { findRecords, MAX_SURVEYED, type Request } from '../deploy/requests.ts'
import { createSurveyor, type Survey } from '../deploy/survey.ts'
import { probesFor } from '../deploy/verify.ts'
import { Fault } from '../errors.ts'
import type { Receipt, Upload } from '../receipts/receipt.ts'
import type { Lineage } from '../sources/lineage.ts'
import { CHECK_SURVEY_LIMIT_MS } from '../util/schedule.ts'
import { type Finding, ok, skipped } from './finding.ts'
import {
  boundFindings,
  candidateFinding,
  handshakeFinding,
  rightsFindings,
  roleFinding,
  siteFindings,
} from './replacementFindings.ts'
import type { CheckContext } from './run.ts'

const ABOUT = 'replacement'

interface Known {
  readonly lineage: Lineage
  readonly uploaded: Upload
  readonly receipt: Receipt
  readonly older: readonly string[]
}

export async function replacement(check: CheckContext): Promise<readonly Finding[]> {
  const { app } = check
  const { hostname } = app.settings.endpoint
  const { lineages } = await check.listing()
  const receipts = await app.receipts.all().catch(() => [])
  const known = lineages.flatMap((lineage): readonly Known[] => {
    const receipt = receipts.find(one => one.lineage === lineage.id)
    const chain = receipt && chainOf(receipt, lineage.deploy, hostname)
    return receipt && chain ? [{ lineage, receipt, uploaded: chain.current, older: chain.older }] : []
  })
  const on = known.filter(({ lineage }) => lineage.deploy.replace)
  if (!lineages.some(({ deploy }) => deploy.replace) && !known.some(({ older }) => older.length))
    return [ok(ABOUT, 'off ([deploy] replace); no older ID is known')]
  if (!known.length) return [skipped(ABOUT, 'not tested: nothing is uploaded yet')]
  const site = siteFindings(
    hostname,
    on.flatMap(({ lineage }) => lineage.deploy.types ?? []),
  )
  const service = openService(check)
  const { surveys, fitting, left = 0, fault } = await ask(service, known, receipts)
  const isPermission = fault?.code === 'API_FORBIDDEN' || fault?.code === 'API_ROLE_MISSING'
  if (fault && !isPermission && !service.tried.size)
    return [...site, skipped(ABOUT, `not reached: ${fault.message}`)]
  const searched = known.filter(({ older }) => older.length && older.every(id => surveys.has(id)))
  const bound = [
    ...boundFindings(searched.map(one => boundOf(one, surveys))),
    ...(left
      ? [skipped(ABOUT, `${left} more IDs were not searched for: one search takes ${MAX_SURVEYED}`)]
      : []),
  ]
  if (!on.length) {
    if (!fault) return bound
    return [skipped(ABOUT, `off: [deploy] replace; where older IDs are bound is not known: ${fault.message}`)]
  }
  const jobs = receipts.flatMap(receipt => receipt.replacement?.jobs ?? [])
  const lastReplacement = jobs
    .flatMap(job => (job.recordId ? job.askedAt : []))
    .sort()
    .at(-1)
  const rights = rightsFindings({ tried: service.tried, lastReplacement })
  if (fault?.code === 'API_ROLE_MISSING') return [...site, ...rights, roleFinding(fault)]
  if (fault) return [...site, ...rights, ...(isPermission ? [] : [skipped(ABOUT, fault.message)])]
  return [
    ...site,
    ...rights,
    ...(service.tried.has(DETAIL) ? [roleFinding('there')] : []),
    ...bound,
    ...candidateFindings(fitting, surveys),
    ...(await handshake(on, surveys)),
  ]
}

const DETAIL = 'DescribeCertificateBindResourceTaskDetail'

interface Service {
  readonly send: (
    request: Request,
  ) => ReturnType<Awaited<ReturnType<CheckContext['app']['uploader']>>['client']['call']>
  /** Of `proof` the resources are read even where it has none: that shows the right and the role. */
  readonly survey: (ids: readonly string[], proof?: string) => Promise<ReadonlyMap<string, Survey>>
  /** By action, the fault that it was refused with. */
  readonly tried: Map<string, Fault | undefined>
}

/** The service takes ten requests a second of each kind; these go one after the other, and none is repeated. */
const REQUEST_INTERVAL_MS = 110

function openService({ app, context }: CheckContext): Service {
  const tried = new Map<string, Fault | undefined>()
  const call: Service['send'] = async ({ action, body }) => {
    const { client } = await app.uploader()
    try {
      const reply = await client.call(action, body)
      tried.set(action, undefined)
      return reply
    } catch (error) {
      if (error instanceof Fault && error.code === 'API_FORBIDDEN') tried.set(action, error)
      throw error
    }
  }
  let turn = Promise.resolve()
  const send: Service['send'] = request => {
    const reply = turn.then(() => call(request))
    turn = reply.then(
      () => context.sleep(REQUEST_INTERVAL_MS),
      () => {},
    )
    return reply
  }
  const limit = context.monotonicNow() + CHECK_SURVEY_LIMIT_MS
  const sleep = async (ms: number) => {
    if (context.monotonicNow() + ms > limit) throw new Fault('REPLACEMENT_RUNNING', LATE)
    await context.sleep(ms)
  }
  const { monotonicNow, random } = context
  const surveyIds = createSurveyor({ send, sleep, monotonicNow, random, batchMs: () => 0 })
  return {
    send,
    tried,
    survey: async (ids, proof) => {
      const others = ids.filter(id => id !== proof)
      const found = await Promise.all([
        surveyIds(proof === undefined ? [] : [proof], { isCached: true, detail: 'all' }),
        surveyIds(others, { isCached: true, detail: 'bound' }),
      ])
      return new Map(found.flatMap(one => [...one]))
    },
  }
}

const LATE = 'the service still searches; it keeps what it finds, so try again in a minute'

/** A certificate that certferry did not upload, without other names than the lineage's. */
interface Fitting {
  readonly of: Known
  readonly certificateId: string
}

interface Answers {
  readonly surveys: ReadonlyMap<string, Survey>
  readonly fitting: readonly Fitting[]
  /** IDs that one search has no room for. */
  readonly left?: number
  /** Why there is no survey. */
  readonly fault?: Fault
}

/**
 * Where replacing is on: the newest certificate, which proves the rights even where nothing is older, and certificates from
 * before certferry. And all older IDs. One search for all.
 */
async function ask(
  { send, survey }: Service,
  known: readonly Known[],
  receipts: readonly Receipt[],
): Promise<Answers> {
  const on = known.filter(({ lineage }) => lineage.deploy.replace).slice(0, 50)
  const fitting: Fitting[] = []
  try {
    // a right that is missing here is a finding of its own, and hides no other
    if (on[0]) await unlessForbidden(send(findRecords(on[0].uploaded.certificateId)))
    const first = on.filter(({ older }) => !older.length)
    if (first.length) fitting.push(...((await unlessForbidden(fittingIn(first, receipts, send))) ?? []))
    const newest = on.map(({ uploaded }) => uploaded.certificateId)
    const ids = [...newest, ...known.flatMap(({ older }) => older), ...fitting.map(one => one.certificateId)]
    const searched = [...new Set(ids)].slice(0, MAX_SURVEYED)
    return { surveys: await survey(searched, newest[0]), fitting, left: new Set(ids).size - searched.length }
  } catch (error) {
    if (error instanceof Fault) return { surveys: new Map(), fitting, fault: error }
    throw error
  }
}

const unlessForbidden = <T>(work: Promise<T>): Promise<T | undefined> =>
  work.catch(error => {
    if (error instanceof Fault && error.code === 'API_FORBIDDEN') return undefined
    throw error
  })

async function fittingIn(
  first: readonly Known[],
  receipts: readonly Receipt[],
  send: Service['send'],
): Promise<readonly Fitting[]> {
  const own = new Set(
    receipts.flatMap(({ uploaded, superseded }) =>
      [...(uploaded ? [uploaded] : []), ...superseded].map(({ certificateId }) => certificateId),
    ),
  )
  const body = { Limit: 1000, CertificateType: 'SVR', ExpirationSort: 'DESC' }
  const { fields } = await send({ action: 'DescribeCertificates', body })
  const others = membersIn(fields.Certificates)
    .map(one => ({
      certificateId: text(one.CertificateId),
      names: [text(one.Domain), ...textsIn(one.SubjectAltName)].filter(Boolean),
    }))
    .filter(({ certificateId, names }) => certificateId && names.length && !own.has(certificateId))
  return first.flatMap(of =>
    others
      .filter(({ names }) => names.every(name => covers(of.uploaded.names, name)))
      .map(({ certificateId }) => ({ of, certificateId })),
  )
}

const candidateFindings = (
  fitting: readonly Fitting[],
  surveys: ReadonlyMap<string, Survey>,
): readonly Finding[] =>
  fitting.flatMap(({ of, certificateId }) => {
    const { resources = [] } = surveys.get(certificateId) ?? {}
    if (!resources.length || surveys.get(of.uploaded.certificateId)?.resources.length) return []
    return [candidateFinding({ lineage: of.lineage.id, certificateId, resources })]
  })

const boundOf = ({ lineage, uploaded, older }: Known, answers: ReadonlyMap<string, Survey>) => {
  const surveys = older.map(id => answers.get(id))
  const resources = surveys.flatMap(survey => survey?.resources ?? [])
  const isKnown = resources.length > 0 || surveys.every(survey => survey?.isComplete)
  return {
    lineage: lineage.id,
    isOn: lineage.deploy.replace,
    current: uploaded.certificateId,
    uncovered: lineage.deploy.allowUncovered ? [] : uncoveredIn(resources, uploaded.names),
    resources: isKnown ? resources : undefined,
  }
}

/** One handshake with a name of the first lineage that has one. */
async function handshake(
  on: readonly Known[],
  answers: ReadonlyMap<string, Survey>,
): Promise<readonly Finding[]> {
  for (const { lineage, uploaded, receipt } of on) {
    const { deploy } = lineage
    if (!deploy.verify) continue
    const { resources = [] } = answers.get(uploaded.certificateId) ?? {}
    const domains = resources.flatMap(one => one.domains)
    const [probe] = probesFor(domains, uploaded.names, deploy.probes)
    if (!probe) continue
    const earlier = new Set(receipt.superseded.flatMap(({ leaf }) => leaf ?? []))
    const [found] = await shakeHands([probe], { current: uploaded.leaf, earlier })
    return found ? [handshakeFinding(lineage.id, found)] : []
  }
  return [skipped(ABOUT, 'no handshake: no name of a bound resource is known')]
}
