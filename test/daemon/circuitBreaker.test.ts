import { describe, expect, test } from 'vitest'
import { createCircuitBreaker } from '../../src/daemon/circuitBreaker.ts'
import { Fault } from '../../src/errors.ts'
import { bundleOf } from '../fixtures/samples.ts'
import { lineageOf } from '../upload/inMemoryDeps.ts'

const MINUTE = 60_000
const bundle = await bundleOf()
const lineage = lineageOf('a')
const UPLOADED = { certificateId: 'ID1', requestId: 'r', reused: false, attempts: 1 }
const forbidden = new Fault('API_FORBIDDEN', 'not allowed')

/** A gate before a service whose answers the test gives one by one. */
function stage() {
  const clock = { now: 0 }
  const asked: PromiseWithResolvers<typeof UPLOADED>[] = []
  const pauses: { code: string; minutes: number }[] = []
  const renewals: number[] = []
  const weather: string[] = []
  const gate = createCircuitBreaker({
    now: () => clock.now,
    renew: async () => void renewals.push(asked.length),
    onOutage: ({ code }) => void weather.push(code),
    onRecovery: () => void weather.push('through'),
    onPause: ({ code }, until) => void pauses.push({ code, minutes: (until.getTime() - clock.now) / MINUTE }),
    upload: () => {
      const answer = Promise.withResolvers<typeof UPLOADED>()
      asked.push(answer)
      return answer.promise
    },
  })
  const send = () => gate.upload(bundle, lineage).catch((error: Fault) => error.code)
  /** Sends one, which is answered at once. */
  const sendFor = async (answer: Fault | typeof UPLOADED) => {
    const sent = send()
    if (answer instanceof Fault) asked.at(-1)?.reject(answer)
    else asked.at(-1)?.resolve(answer)
    return sent
  }
  return { clock, asked, pauses, renewals, weather, gate, send, sendFor }
}

describe('a fault of the account', () => {
  test('that ten uploads meet together is said once, and the uploader renewed once, when the last has ended', async () => {
    const { asked, pauses, renewals, send } = stage()
    const sent = Array.from({ length: 10 }, send)
    for (const answer of asked.slice(0, 9)) answer.reject(forbidden)
    await Promise.all(sent.slice(0, 9))
    expect(renewals).toEqual([])
    asked[9]?.reject(forbidden)
    expect(await Promise.all(sent)).toEqual(Array(10).fill('API_FORBIDDEN'))
    expect(pauses).toEqual([{ code: 'API_FORBIDDEN', minutes: 15 }])
    expect(renewals).toEqual([10])
  })

  test('lets no request out while uploads rest; each says why', async () => {
    const { asked, clock, gate, sendFor } = stage()
    await sendFor(forbidden)
    clock.now = 15 * MINUTE - 1
    expect(gate.openUntil()).toBe(15 * MINUTE)
    await expect(gate.upload(bundle, lineage)).rejects.toMatchObject({
      code: 'UPLOADS_PAUSED',
      scope: 'account',
      message: expect.stringContaining('not allowed'),
    })
    expect(asked).toHaveLength(1)
    clock.now = 15 * MINUTE
    expect(gate.openUntil()).toBeUndefined()
    expect(await sendFor(UPLOADED)).toEqual(UPLOADED)
  })

  test('that stays makes the rest twice as long, up to six hours, and is said each time', async () => {
    const { clock, gate, pauses, sendFor } = stage()
    for (let i = 0; i < 7; i++) {
      await sendFor(forbidden)
      clock.now = gate.openUntil() ?? 0
    }
    expect(pauses.map(({ minutes }) => minutes)).toEqual([15, 30, 60, 120, 240, 360, 360])
  })

  test('that is over is forgotten', async () => {
    const { clock, pauses, sendFor } = stage()
    await sendFor(forbidden)
    clock.now = 15 * MINUTE
    await sendFor(UPLOADED)
    await sendFor(forbidden)
    expect(pauses.map(({ minutes }) => minutes)).toEqual([15, 15])
  })

  test('is not undone by an upload that left before it', async () => {
    const { asked, gate, send } = stage()
    const sent = [send(), send()]
    asked[0]?.reject(forbidden)
    await sent[0]
    asked[1]?.resolve(UPLOADED)
    expect(await sent[1]).toEqual(UPLOADED)
    expect(gate.openUntil()).toBe(15 * MINUTE)
  })

  test('ends when it is lifted, and begins anew with a short rest', async () => {
    const { clock, gate, pauses, sendFor } = stage()
    await sendFor(forbidden)
    clock.now = 15 * MINUTE
    await sendFor(forbidden)
    gate.reset()
    expect(await sendFor(UPLOADED)).toEqual(UPLOADED)
    await sendFor(forbidden)
    expect(pauses.map(({ minutes }) => minutes)).toEqual([15, 30, 15])
  })
})

describe('what makes nobody rest', () => {
  test.each(['API_REJECTED', 'API_UNAVAILABLE', 'NETWORK', 'INTERRUPTED'] as const)('%s', async code => {
    const { gate, pauses, sendFor } = stage()
    const apiCode = code.startsWith('API') ? { apiCode: 'SomeError' } : {}
    expect(await sendFor(new Fault(code, 'no', apiCode))).toBe(code)
    expect([gate.openUntil(), pauses]).toEqual([undefined, []])
  })

  test('a bug is passed on as it is', async () => {
    const { gate, asked } = stage()
    const sent = gate.upload(bundle, lineage)
    asked[0]?.reject(new TypeError('a bug'))
    await expect(sent).rejects.toThrow(TypeError)
    expect(gate.openUntil()).toBeUndefined()
  })
})

// an uploader that nobody answered for 90 s has halted its lanes, and would never send again
test('after an outage the uploader is renewed, once nothing is under way through the old one', async () => {
  const { asked, renewals, send } = stage()
  const sent = [send(), send()]
  asked[0]?.reject(new Fault('NETWORK', 'no way there'))
  await sent[0]
  expect(renewals).toEqual([])
  asked[1]?.reject(new Fault('API_UNAVAILABLE', 'unwell', { apiCode: 'InternalError' }))
  await sent[1]
  expect(renewals).toEqual([2])
})

test('a service that answers keeps its uploader, with the pace it has learnt', async () => {
  const { renewals, sendFor } = stage()
  await sendFor(new Fault('API_THROTTLED', 'slower', { apiCode: 'RequestLimitExceeded' }))
  await sendFor(UPLOADED)
  expect(renewals).toEqual([])
})

describe('weather', () => {
  const network = new Fault('NETWORK', 'no way there')
  const unwell = new Fault('API_UNAVAILABLE', 'unwell', { apiCode: 'InternalError' })

  test('a silence is told once, and the first upload that gets through ends it', async () => {
    const { weather, sendFor } = stage()
    for (const answer of [UPLOADED, network, network, unwell, UPLOADED, UPLOADED, network])
      await sendFor(answer)
    expect(weather).toEqual(['NETWORK', 'through', 'NETWORK'])
  })

  test('a service that answers everybody badly is no silence, but what waited for it goes when it is well', async () => {
    const { weather, sendFor } = stage()
    for (const answer of [unwell, unwell, UPLOADED, UPLOADED]) await sendFor(answer)
    expect(weather).toEqual(['through'])
  })

  test('what fails while others come through is a matter of its own', async () => {
    const { asked, weather, send, sendFor } = stage()
    const slow = send()
    const own = asked[0]
    await sendFor(UPLOADED)
    own?.reject(network)
    await slow
    await sendFor(UPLOADED)
    expect(weather).toEqual([])
  })

  test.each([forbidden, new Fault('API_REJECTED', 'bad', { apiCode: 'X' }), new TypeError('a bug')])(
    '%o is none',
    async error => {
      const { asked, weather, send, sendFor } = stage()
      const sent = send().catch(() => {})
      asked[0]?.reject(error)
      await sent
      await sendFor(UPLOADED).catch(() => {})
      expect(weather).toEqual([])
    },
  )
})
