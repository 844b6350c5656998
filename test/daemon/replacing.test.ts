/** The daemon puts renewed certificates in place: against the emulator's account, with hours that take seconds. */
import { describe, expect, test } from 'vitest'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { createMetrics, type Metrics } from '../../src/metrics/registry.ts'
import { A, B, openAccount } from './replacingDaemon.ts'

const HOST = 'a.example.com'
const OTHER = 'b.example.com'
const MINUTE = 60_000
const HOUR = 60 * MINUTE

const cdn = (host: string) => ({ type: 'cdn', domains: [host], certId: `first:${host}` }) as const

type Account = Awaited<ReturnType<typeof openAccount>>

const bound = ({ emulator }: Account) => emulator.resources().map(({ certId }) => certId)
const newest = ({ emulator }: Account) => emulator.certificates().at(-1)?.id

/** A daemon that has uploaded a first certificate, and its renewal a moment ago. */
async function renewed(account: Account, metrics?: Metrics) {
  await account.issue(HOST)
  const running = await account.start(metrics)
  await account.until(() => running.said('uploaded').length === 1)
  await account.renew(HOST)
  await running.rescan()
  return running
}

/** The service's job is under way. */
const midJob = async (account: Account) => {
  const running = await renewed(account)
  await account.isIn('running')
  expect(account.emulator.jobs().map(({ finished }) => finished)).toEqual([false])
  return running
}

test('a renewal is put in place and verified, and each step is logged once', async () => {
  const account = await openAccount()
  const { said } = await renewed(account)
  await account.isIn('verified')
  expect(bound(account)).toEqual([newest(account)])
  for (const event of ['replaced', 'edge_verified'])
    expect(said(event).map(({ level }) => level)).toEqual(['info'])
  expect(said('replacing')).toHaveLength(2)
})

test('metrics and notifications tell what came of it, once', async () => {
  const account = await openAccount()
  await account.notifyBy('replaced', 'edge_stale')
  account.edge.setLag('never')
  const metrics = createMetrics({ version: '1', now: () => new Date(account.clock.now()), isDaemon: true })
  const { daemon, notify } = await renewed(account, metrics)
  await account.isIn('stale')
  await account.clock.until(account.clock.wait(9 * HOUR))
  const text = await metrics.text()
  expect(text).toContain(`certferry_replacement_state{lineage="${A}",state="stale"} 1`)
  expect(text.match(/^certferry_replacement_state/gm)).toHaveLength(1)
  expect(text).toMatch(new RegExp(`last_replacement_seconds{lineage="${A}"} [1-9]`))
  expect(text).toContain(`certferry_old_ids_bound{lineage="${A}"} 0`)
  await notify()
  await account.clock.until(daemon.stop())
  const next = await account.start()
  await next.rescan()
  await account.clock.until(account.clock.wait(9 * HOUR))
  await next.notify()
  expect((await account.told()).toSorted()).toEqual([`edge_stale ${A}`, `replaced ${A}`])
})

test('with replace = false nothing but uploads is sent', async () => {
  const account = await openAccount({ deploy: 'replace = false' })
  await renewed(account)
  await account.until(() => account.emulator.certificates().length === 2)
  await account.clock.until(account.clock.wait(HOUR))
  expect(new Set(account.emulator.journal.map(({ action }) => action))).toEqual(
    new Set(['UploadCertificate']),
  )
})

test('the upload of another certificate does not wait for a replacement', async () => {
  const account = await openAccount()
  const { rescan } = await midJob(account)
  const began = account.clock.now()
  await account.issue(OTHER)
  await rescan()
  await account.until(() => account.emulator.certificates().length === 3)
  expect(account.clock.now() - began).toBeLessThan(2_000)
  expect((await account.replacement())?.state).toBe('running')
})

describe('a daemon that ends while the service works on it', () => {
  test('by SIGTERM or a reload: at once, and the next one follows the same job', async () => {
    const account = await openAccount()
    const { daemon } = await midJob(account)
    const began = account.clock.now()
    await account.clock.until(daemon.stop())
    expect(account.clock.now() - began).toBeLessThan(10_000)
    expect((await account.replacement())?.state).toBe('running')
    await account.start()
    await account.isIn('verified')
    expect(account.emulator.jobs()).toHaveLength(1)
    expect(bound(account)).toEqual([newest(account)])
  })

  test.each(['surveying', 'asked', 'running', 'replaced'])('killed while it is %s', async state => {
    const account = await openAccount()
    const { kill } = await renewed(account)
    await account.isIn(state)
    kill()
    await account.start()
    await account.isIn('verified')
    expect(account.emulator.jobs()).toHaveLength(1)
    expect(bound(account)).toEqual([newest(account)])
  })
})

test('a renewal during a replacement follows it: never two jobs for one ID at once', async () => {
  const account = await openAccount()
  const { rescan } = await midJob(account)
  await account.renew(HOST)
  await rescan()
  await account.until(() => account.emulator.certificates().length === 3)
  await account.until(async () => {
    const { state, to } = (await account.replacement()) ?? {}
    return state === 'verified' && to === newest(account)
  })
  expect(bound(account)).toEqual([newest(account)])
  const askedFor = account.emulator.journal
    .filter(({ action, code }) => action === 'UpdateCertificateInstance' && code === 'OK')
    .map(({ body }) => `${body.OldCertificateId} ${body.CertificateId}`)
  const [first, second] = [...new Set(askedFor)]
  expect(new Set(askedFor).size).toBe(2)
  // the first pair is not asked for again once the second is
  expect(askedFor.lastIndexOf(first ?? '')).toBeLessThan(askedFor.indexOf(second ?? ''))
})

test('a right that is missing for replacing stops no upload, and is logged once', async () => {
  const denied = ['CreateCertificateBindResourceSyncTask']
  const { secretId, secretKey } = DEMO_CREDENTIALS
  const account = await openAccount({ accounts: { [secretId]: { secretKey, denied } } })
  const { rescan, said } = await renewed(account)
  await account.until(() => said('replacement_failed').length > 0)
  await account.issue(OTHER)
  await rescan()
  await account.until(() => account.emulator.certificates().length === 3)
  await account.clock.until(account.clock.wait(9 * HOUR))
  expect(said('uploads_paused')).toEqual([])
  expect(said('replacement_failed').filter(({ level }) => level !== 'debug')).toMatchObject([
    { code: 'API_FORBIDDEN', lineage: A },
  ])
  // 15 minutes, an hour, six hours
  expect(account.askedAt('CreateCertificateBindResourceSyncTask').length).toBeLessThanOrEqual(4)
})

test('an edge that stays old is an error at growing intervals; the rest is logged once', async () => {
  const account = await openAccount()
  account.edge.setLag('never')
  const { said } = await renewed(account)
  await account.isIn('stale')
  await account.clock.until(account.clock.wait(15 * HOUR))
  const told = said('edge_stale').map(({ time }) => Date.parse(`${time}`))
  const gaps = told.slice(1).map((at, i) => at - (told[i] ?? 0))
  // each with the minute that the search takes
  expect(gaps.map(ms => 15 * Math.round(ms / (15 * MINUTE)))).toEqual([15, 60, 360, 360])
  expect(said('replaced')).toHaveLength(1)
  expect(said('replacing')).toHaveLength(2)
  account.edge.setLag(0)
  await account.isIn('verified')
})

test('a lineage that is removed from disk is not checked any more', async () => {
  const account = await openAccount()
  await account.edge.setFault('reset')
  const { rescan } = await renewed(account)
  await account.isIn('unverified')
  const before = await account.replacement()
  account.remove(HOST)
  await rescan()
  await account.clock.until(account.clock.wait(9 * HOUR))
  expect(await account.replacement()).toEqual(before)
})

test('after an outage it goes on, though nothing is uploaded', async () => {
  let isDown = false
  const account = await openAccount({ faults: () => (isDown ? 'reset-before' : undefined) })
  const { said } = await midJob(account)
  isDown = true
  await account.clock.until(account.clock.wait(HOUR))
  expect(said('replacement_failed').filter(({ level }) => level !== 'debug').length).toBeLessThanOrEqual(1)
  isDown = false
  const back = account.clock.now()
  await account.isIn('verified')
  expect(account.clock.now() - back).toBeLessThan(20 * MINUTE)
})

test('a job that takes longer than one run follows it is followed to its end', async () => {
  const account = await openAccount({ traps: { switchFromSeconds: 3_000, switchToSeconds: 3_600 } })
  await midJob(account)
  const began = account.clock.now()
  await account.isIn('verified')
  expect(account.clock.now() - began).toBeLessThan(70 * MINUTE)
})

test('what comes of age for retirement is deleted at a rescan', async () => {
  const account = await openAccount({
    deploy: 'replace = true\nallow_untrusted = true\nretire = "delete"\nkeep = 0\ngrace_days = 1',
  })
  const { rescan, said } = await renewed(account)
  await account.isIn('verified')
  const requests = account.emulator.journal.length
  await account.clock.until(account.clock.wait(23 * HOUR))
  await rescan()
  await account.clock.until(account.clock.wait(HOUR / 2))
  expect(account.emulator.journal).toHaveLength(requests)
  await account.clock.until(account.clock.wait(HOUR))
  await rescan()
  await account.until(() => said('retired').some(({ how }) => how === 'deleted'))
  expect(account.emulator.certificates().map(({ id }) => id)).toEqual(bound(account))
})

test('many that are due share one search', async () => {
  const account = await openAccount({ resources: [cdn(HOST), cdn(OTHER)] })
  for (const host of [HOST, OTHER]) await account.issue(host)
  const { rescan } = await account.start()
  await account.until(() => account.emulator.certificates().length === 2)
  for (const host of [HOST, OTHER]) await account.renew(host)
  await rescan()
  for (const lineage of [A, B]) await account.isIn('verified', lineage)
  expect(account.askedAt('CreateCertificateBindResourceSyncTask').length).toBeLessThanOrEqual(3)
})
