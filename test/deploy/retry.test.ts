/** A resource that failed is asked for once more, whatever happens to the request. */
import { expect, test } from 'vitest'
import { openHost } from './account.ts'

test('a retry that did not get through is sent by the next run, which follows the same record', async () => {
  let isBlocked = true
  const host = await openHost({
    names: ['a.example.com'],
    resources: [
      {
        ...{ type: 'cdn', domains: ['a.example.com'], certId: 'first:a.example.com' },
        fail: { times: 1, message: 'busy' },
      },
    ],
    faults: ({ action }) =>
      isBlocked && action === 'UpdateCertificateRecordRetry' ? 'reset-before' : undefined,
  })
  await host.renew()
  await host.sync()
  host.pass(86_400 * 60)
  await host.renew()
  const { replacement } = await host.sync({ deadline: 600 })
  expect(replacement?.fault?.exit).toBe(75)
  isBlocked = false
  expect((await host.sync()).replacement?.replacement?.state).toBe('verified')
  expect(host.emulator.jobs()).toHaveLength(1)
})
