/** A missing right is named with its action, stops with 77, and is gone once it is granted. */
import { expect, test } from 'vitest'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { openHost } from './account.ts'

test.each([
  'CreateCertificateBindResourceSyncTask',
  'DescribeCertificateBindResourceTaskResult',
  'DescribeCertificateBindResourceTaskDetail',
  'DescribeHostUpdateRecord',
  'UpdateCertificateInstance',
  'DescribeHostUpdateRecordDetail',
])('without the right to %s the advice names that action, and nothing is lost', async action => {
  const denied = [action]
  const host = await openHost({
    names: ['a.example.com'],
    resources: [{ type: 'cdn', domains: ['a.example.com'], certId: 'first:a.example.com' }],
    accounts: { [DEMO_CREDENTIALS.secretId]: { secretKey: DEMO_CREDENTIALS.secretKey, denied } },
  })
  await host.renew()
  await host.sync()
  host.pass(60 * 86_400)
  await host.renew()
  const { replacement } = await host.sync()
  expect(replacement?.fault).toMatchObject({ code: 'API_FORBIDDEN', exit: 77 })
  expect(replacement?.fault?.advice).toBe(
    `Allow this key the action ssl:${action}: docs/deploy.md has the policy to paste.`,
  )
  denied.pop()
  expect((await host.sync()).replacement?.replacement?.state).toBe('verified')
})
