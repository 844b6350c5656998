/** What is not finished is looked at again at growing intervals, and told once. */
import { expect, test } from 'vitest'
import type { Replacement } from '../../src/receipts/replacement.ts'
import { REPLACEMENT_RETRY_MS } from '../../src/util/schedule.ts'
import { type Host, openHost } from './account.ts'

const BOUND = [{ type: 'cdn', domains: ['a.example.com'], certId: 'first:a.example.com' }] as const

const DAY = 86_400

async function renewed(options: Parameters<typeof openHost>[0] = {}): Promise<Host> {
  const host = await openHost({ names: ['a.example.com'], resources: [...BOUND], ...options })
  await host.renew()
  await host.sync()
  host.pass(60 * DAY)
  await host.renew()
  return host
}

const replacementOf = async (host: Host): Promise<Replacement> => {
  const { replacement } = await host.sync()
  return replacement?.replacement ?? expect.unreachable()
}

const minutesUntilNext = (host: Host, { nextCheckAt = '' }: Replacement) =>
  Math.round((Date.parse(nextCheckAt) - host.now()) / 60_000)

/** The intervals of so many looks in a row, each when it is due. */
async function intervals(host: Host, state: string, looks: number): Promise<readonly number[]> {
  const found: number[] = []
  for (let look = 0; look < looks; look++) {
    const replacement = await replacementOf(host)
    expect(replacement.state).toBe(state)
    found.push(minutesUntilNext(host, replacement))
    host.pass((found.at(-1) ?? 0) * 60 + 1)
  }
  return found
}

const GROWING = [15, 60, 360, 360]

test('the intervals are those of the schedule', () => {
  expect(GROWING.slice(0, 3).map(minutes => minutes * 60_000)).toEqual(REPLACEMENT_RETRY_MS)
})

test('an edge that stays old is an error at each check, and the checks become rare', async () => {
  const host = await renewed()
  host.edge.setLag('never')
  expect(await intervals(host, 'stale', 4)).toEqual(GROWING)
  const told = host.log.filter(({ event }) => event === 'edge_stale')
  expect(told.map(({ level }) => level)).toEqual(Array(4).fill('error'))
  host.edge.setLag(0)
  expect((await replacementOf(host)).state).toBe('verified')
})

test('an edge that cannot be asked is checked ever less often', async () => {
  const host = await renewed()
  await host.edge.setFault('reset')
  expect(await intervals(host, 'unverified', 4)).toEqual(GROWING)
})

test('a certificate that must not go live is checked ever less often', async () => {
  const host = await renewed({ deploy: { allow_untrusted: false } })
  expect(await intervals(host, 'untrusted', 4)).toEqual(GROWING)
})

test('a resource that fails each time is asked for ever less often; a renewal begins anew', async () => {
  const fail = { times: 'always', message: 'no' } as const
  const host = await renewed({ resources: [{ ...BOUND[0], fail }] })
  expect(await intervals(host, 'partly', 4)).toEqual(GROWING)
  await host.renew()
  expect(await intervals(host, 'partly', 1)).toEqual([15])
})

test('after an outage, however long, it is checked again soon', async () => {
  let isDown = true
  const host = await renewed({
    faults: ({ action }) => (isDown && action.includes('BindResource') ? 'reset-before' : undefined),
  })
  expect(await intervals(host, 'surveying', 4)).toEqual([15, 15, 15, 15])
  isDown = false
  expect((await replacementOf(host)).state).toBe('verified')
})
