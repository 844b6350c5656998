/** What `check` finds about replacing older certificates: it reads, and says what it could not try. */

import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { check } from '../../src/commands/check.ts'
import { boundFindings, siteFindings } from '../../src/doctor/replacementFindings.ts'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { BARE, type FindingJson } from '../commands/checkFixture.ts'
import { KEYS } from '../commands/commandFixture.ts'
import { NAME, openAccount, type RESOURCES } from '../commands/replacementFixture.ts'
import { issue } from '../fixtures/certificates.ts'
import { recordedContext } from '../fixtures/context.ts'

type Account = Awaited<ReturnType<typeof openAccount>>

/** The findings about replacement, and the actions that were sent. */
async function examine(account: Account) {
  const sent = account.emulator.journal.length
  const run = recordedContext({ cwd: account.folder, ...account.surroundings, env: KEYS })
  const line = {
    operands: [],
    json: true,
    config: account.config,
    stateDir: `${account.folder}/state`,
    endpoint: account.emulator.url,
    source: [{ kind: 'certbot', path: `${account.folder}/letsencrypt`, keys: {} }],
  } as const
  const exit = await check(run.context, line, BARE)
  const all = run.json<{ findings: readonly FindingJson[] }>().findings
  const actions = account.emulator.journal.slice(sent).map(({ action }) => action)
  return { exit, actions, found: all.filter(({ about }) => about === 'replacement') }
}

const texts = (found: readonly FindingJson[]) => found.map(({ level, says }) => `${level} ${says}`)

const SURVEY = [
  'CreateCertificateBindResourceSyncTask',
  'DescribeCertificateBindResourceTaskResult',
  'DescribeCertificateBindResourceTaskDetail',
]
const READING = [...SURVEY, 'DescribeCertificates', 'DescribeHostUpdateRecord']

test('where all is in place it proves rights, role and edge, and reads only', async () => {
  const account = await openAccount()
  await account.issue()
  await account.renew()
  await account.type(['sync'])
  const { exit, actions, found } = await examine(account)
  expect(texts(found)).toEqual([
    'ok the key may search where certificates are bound, and read the records of jobs',
    expect.stringMatching(/^ok ssl:UpdateCertificateInstance was allowed on 20/),
    'ok the service role exists',
    expect.stringMatching(
      new RegExp(`^ok certbot:${NAME}: ${NAME} at 127.0.0.1:\\d+ serves the current certificate$`),
    ),
  ])
  expect(exit).toBe(0)
  expect(actions.filter(action => !READING.includes(action))).toEqual([])
})

test('it reminds of what is bound to older IDs although replace is off', async () => {
  const account = await openAccount({}, '')
  await account.issue()
  await account.renew()
  await account.type(['sync'])
  const [old, now] = account.emulator.certificates().map(({ id }) => id)
  const { exit, actions, found } = await examine(account)
  expect(found).toHaveLength(1)
  expect(found[0]?.level).toBe('warning')
  expect(found[0]?.says).toContain(`certbot:${NAME}: older IDs are still bound:`)
  expect(found[0]?.says).toContain(`cdn ${NAME} (${old})`)
  expect(found[0]?.advice).toContain(`Bind ${now} there in the console, or set replace = true`)
  expect(exit).toBe(0)
  expect(actions.filter(action => ![...SURVEY, 'DescribeCertificates'].includes(action))).toEqual([])
})

test('where replace is off and no older ID is known it asks nothing more, and says so', async () => {
  const account = await openAccount({}, '')
  await account.issue()
  const { actions, found } = await examine(account)
  expect(texts(found)).toEqual(['ok off ([deploy] replace); no older ID is known'])
  expect(actions).toEqual(['DescribeCertificates'])
})

test('before the first upload there is nothing to search for', async () => {
  const account = await openAccount()
  await account.certbot(NAME)
  const { actions, found } = await examine(account)
  expect(texts(found)).toEqual(['unreached not tested: nothing is uploaded yet'])
  expect(actions).toEqual(['DescribeCertificates'])
})

test('a missing role is a failure, with the command that creates it', async () => {
  const account = await openAccount({ traps: { role: false } })
  await account.issue()
  const { exit, found } = await examine(account)
  expect(exit).toBe(77)
  const role = found.find(({ fault }) => fault?.code === 'API_ROLE_MISSING')
  expect(role?.command).toBe(
    `tccli cam CreateServiceLinkedRole --QCSServiceName '["replaceloadcertificate.ssl.cloud.tencent.com"]'`,
  )
  expect(role?.advice).toContain('SSL_QCSLinkedRoleInReplaceLoadCertificate')
})

test.each(READING.filter(action => action !== 'DescribeCertificates'))(
  'a key that may not do %s is reported, with the policy',
  async action => {
    const { secretId, secretKey } = DEMO_CREDENTIALS
    const account = await openAccount({ accounts: { [secretId]: { secretKey, denied: [action] } } })
    await account.issue()
    const { exit, found } = await examine(account)
    expect(exit).toBe(77)
    const denied = found.filter(({ level }) => level === 'failure')
    expect(denied.map(({ says }) => says)).toEqual([`ssl:${action} is not allowed`])
    expect(JSON.stringify(denied[0]?.policy)).toContain(`ssl:${action}`)
  },
)

test('where replace is off a key that may not search is no failure', async () => {
  const { secretId, secretKey } = DEMO_CREDENTIALS
  const accounts = { [secretId]: { secretKey, denied: SURVEY } }
  const account = await openAccount({ accounts }, '')
  await account.issue()
  await account.renew()
  await account.type(['sync'])
  const { exit, found } = await examine(account)
  expect(found.map(({ level }) => level)).toEqual(['unreached'])
  expect(exit).toBe(0)
})

test('the right to replace is not tried, and said to be not proven, with the policy to paste', async () => {
  const account = await openAccount()
  await account.issue()
  const { found } = await examine(account)
  const open = found.find(({ says }) => says.startsWith('ssl:UpdateCertificateInstance: not proven'))
  expect(open?.level).toBe('unreached')
  expect(JSON.stringify(open?.policy)).toContain('ssl:UpdateCertificateInstance')
})

test('a certificate that was bound before certferry came is named, with the line that takes it over', async () => {
  const before = { id: 'befoAAA1', ...(await issue({ names: [NAME] })) }
  const resources = [{ type: 'cdn', domains: [NAME], certId: before.id }] as const
  const { id, chain, key } = before
  const account = await openAccount({ certificates: [{ id, chain, key }], resources })
  await account.issue()
  const { found } = await examine(account)
  const candidate = found.find(({ command }) => command)
  expect(candidate?.level).toBe('warning')
  expect(candidate?.says).toContain(`certbot:${NAME}: befoAAA1`)
  expect(candidate?.advice).toContain(`[[certificate]] with match = "${NAME}"`)
  expect(candidate?.command).toBe('replaces = ["befoAAA1"]')
  await writeFile(
    account.config,
    `[deploy]\nreplace = true\nallow_untrusted = true\n[[certificate]]\nmatch = "${NAME}"\n${candidate?.command}\n`,
  )
  expect((await examine(account)).found.map(({ says }) => says)).toContainEqual(
    expect.stringMatching(/befoAAA1\); the next run replaces them$/),
  )
})

test('a search that does not end is no answer, after a minute', async () => {
  const account = await openAccount({ traps: { surveyColdSeconds: 100_000 } })
  await account.issue()
  const begun = account.surroundings.now?.() ?? 0
  const { found, exit } = await examine(account)
  expect((account.surroundings.now?.() ?? 0) - begun).toBeLessThanOrEqual(61_000)
  expect(found.at(-1)).toMatchObject({ level: 'unreached', says: expect.stringMatching(/still searches/) })
  expect(texts(found).join()).not.toMatch(/no older ID is bound|the service role exists/)
  expect(exit).toBe(0)
})

test('of an account with hundreds of older IDs it searches one hundred, and is never throttled', async () => {
  const ids = Array.from({ length: 120 }, (_, i) => `older${String(i).padStart(3, '0')}`)
  const pairs = await Promise.all(ids.map(() => issue({ names: ['n0.example.com'] })))
  const certificates = pairs.map(({ chain, key }, i) => ({ id: ids[i], chain, key }))
  const resources = ids.slice(0, 30).map(certId => ({
    ...{ type: 'cdn', domains: [`${certId}.example.com`], certId },
  })) as NonNullable<typeof RESOURCES>
  const account = await openAccount({ rate: 10, certificates, resources }, '')
  for (const name of ['n0.example.com', 'n1.example.com']) await account.certbot(name)
  await account.type(['sync'])
  const listed = (from: number, to: number) => JSON.stringify(ids.slice(from, to))
  await writeFile(
    account.config,
    `[[certificate]]\nmatch = "n0.example.com"\nreplaces = ${listed(0, 60)}\n[[certificate]]\nmatch = "n1.example.com"\nreplaces = ${listed(60, 120)}\n`,
  )
  const { found, actions, exit } = await examine(account)
  expect(found[0]?.says).toContain(
    'certbot:n0.example.com: older IDs are still bound: cdn older000.example.com',
  )
  expect(found[0]?.says).toContain('and 27 more')
  expect(texts(found).at(-1)).toBe('unreached 20 more IDs were not searched for: one search takes 100')
  expect(actions.filter(action => action === 'DescribeCertificateBindResourceTaskDetail')).toHaveLength(30)
  expect(account.emulator.entries.map(({ code }) => code).filter(code => code !== 'OK')).toEqual([])
  expect(exit).toBe(0)
})

test('an edge that still serves an older certificate is a warning', async () => {
  const account = await openAccount()
  await account.issue()
  account.edge.setLag('never')
  await account.renew()
  await account.type(['sync', '--deadline', '400'])
  const { found } = await examine(account)
  expect(found.at(-1)).toMatchObject({
    level: 'warning',
    says: expect.stringMatching(/serves an older certificate$/),
  })
})

test('types that the international site does not replace are named', () => {
  expect(siteFindings('ssl.intl.tencentcloudapi.com', ['cdn', 'mqtt'])[0]?.says).toContain('mqtt')
  expect(siteFindings('ssl.intl.tencentcloudapi.com', ['cdn'])).toEqual([])
  expect(siteFindings('ssl.tencentcloudapi.com', ['mqtt'])).toEqual([])
})

const RESOURCE = {
  ...{ type: 'cdn', region: '', instance: 'www.example.com', domains: ['www.example.com'] },
  certificateId: 'oldAAAA1',
}

const findingOf = (isOn: boolean, uncovered: readonly string[]) =>
  boundFindings([{ lineage: 'certbot:a', isOn, current: 'newBBBB2', uncovered, resources: [RESOURCE] }])[0]

test('a certificate that lacks a name of a resource is not announced as the next to be put there', () => {
  expect(findingOf(true, ['www.example.com (cdn)'])).toMatchObject({
    level: 'warning',
    says: expect.stringMatching(/newBBBB2 does not cover www\.example\.com \(cdn\), so nothing is replaced$/),
  })
  expect(findingOf(true, [])).toMatchObject({
    level: 'ok',
    says: expect.stringMatching(/the next run replaces them$/),
  })
})
