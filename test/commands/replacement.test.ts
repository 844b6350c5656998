/** What a person sees of a replacement at the terminal: `sync`, `sync --dry-run` and `status`, on a clock of its own. */
import { expect, test } from 'vitest'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import type { RunJson } from '../fixtures/context.ts'
import { NAME, openAccount, RESOURCES } from './replacementFixture.ts'

const TERMINAL = { terminal: true }
const ID = `certbot:${NAME}`

/** Without the breaks of lines. */
const flat = (text: string) => text.replace(/\s+/g, ' ')

const lastLine = (text: string) => flat(text.trimEnd().split('\n').at(-1) ?? '')

test('sync --dry-run says what is bound where and what would happen, and changes nothing', async () => {
  const account = await openAccount()
  await account.issue()
  await account.renew()
  const before = account.emulator.resources()
  const out = flat((await account.type(['sync', '--dry-run'], TERMINAL)).out())
  const old = account.emulator.certificates()[0]?.id
  expect(out).toContain(`${ID}: cdn ${NAME} uses ${old}, and would get the renewed certificate`)
  expect(out).toContain(
    `${ID}: clb ap-guangzhou lb-1 lbl-1 ${NAME} uses ${old}, and would get the renewed certificate`,
  )
  expect(account.emulator.resources()).toEqual(before)
  expect(account.emulator.certificates()).toHaveLength(1)
  expect(account.emulator.journal.map(({ action }) => action)).not.toContain('UpdateCertificateInstance')
})

test('sync --dry-run says what stands in the way, and that everything would stay', async () => {
  const account = await openAccount()
  await account.issue()
  await account.renew(['other.example.com'])
  const run = await account.type(['sync', '--dry-run'], TERMINAL)
  expect(run.exit).toBe(65)
  expect(flat(run.out())).toContain(
    `${ID}: would not be put in place: it does not cover ${NAME} (clb lb-1 lbl-1), ${NAME} (cdn)`,
  )
  expect(flat(run.out())).toContain('and would keep it')
  expect(flat(run.out())).not.toContain('would get the renewed certificate')
})

test('sync counts what was replaced in its last line, shows how far it is meanwhile, and removes that', async () => {
  const account = await openAccount()
  await account.issue()
  await account.renew()
  const { out, exit } = await account.type(['sync'], TERMINAL)
  expect(exit).toBe(0)
  expect(lastLine(out().split('\r').at(-1) ?? '')).toMatch(/ info 1 uploaded, 1 replaced, in [\d.]+ s$/)
  for (const step of ['searching for what uses', 'replacing 1/2', 'in place; asking its addresses'])
    expect(out()).toContain(`${ID}: ${step}`)
  expect(out()).not.toContain('0/0')
  const status = (await account.type(['status'], TERMINAL)).out()
  expect(status).toMatch(/EDGE .*\n.* ok +60 +\w{8} +ok /)
})

test('one that failed is in the last line, in the exit code, and in the table with its message', async () => {
  const failing = { ...RESOURCES?.[1], fail: { times: 'always', message: 'listener is operating' } } as const
  const account = await openAccount({ resources: [RESOURCES?.[0], failing] as typeof RESOURCES & object })
  await account.issue()
  await account.renew()
  const first = await account.type(['sync'], TERMINAL)
  expect([first.exit, lastLine(first.out())]).toEqual([69, expect.stringContaining('1 not replaced')])
  const status = flat((await account.type(['status'], TERMINAL)).out())
  expect(status).toMatch(/ partly 1\/2 /)
  expect(status).toContain('(listener is operating) (next check in ')
  const detail = (await account.type(['status', NAME], TERMINAL)).out()
  const [old, now] = account.emulator.certificates().map(({ id }) => id)
  expect(detail).toMatch(
    new RegExp(`resources .* on ${now}\n +clb .* on ${old}|clb .* on ${old}\n +cdn .* on ${now}`),
  )
  expect(flat(detail)).toContain(`failed clb ap-guangzhou lb-1 lbl-1 ${NAME}: listener is operating`)
})

test('replace NAME fits a terminal, shows how far it is, and ends with what came of it', async () => {
  const account = await openAccount()
  await account.issue()
  await account.renew()
  await account.type(['sync', '--no-replace'])
  const planned = (await account.type(['replace', NAME, '--dry-run'], TERMINAL)).out()
  const old = account.emulator.certificates()[0]?.id
  expect(planned).toContain(`\n  cdn ${NAME} (now ${old})\n`)
  expect(planned).toContain(`\n  clb ap-guangzhou lb-1 lbl-1 ${NAME} (now ${old})\n`)
  const { out, exit } = await account.type(['replace', NAME], TERMINAL)
  expect(exit).toBe(0)
  expect(out()).toContain(`${ID}: replacing 1/2`)
  expect(out().split('\r').at(-1)).toBe(`${ID}: verified\n`)
})

test('replace NAME that is held back says so in lines of 80 columns, the advice indented', async () => {
  const account = await openAccount()
  await account.issue()
  await account.renew(['other.example.com'])
  await account.type(['sync', '--no-replace'])
  const { out, exit } = await account.type(['replace', NAME], TERMINAL)
  expect(exit).toBe(65)
  const end = out().slice(out().lastIndexOf(`${ID}: uncovered:`))
  expect(end).toMatch(/\n {2}→ Issue a certificate with these names/)
  for (const line of end.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
})

test('a missing right is not taken for a job under way by the run after', async () => {
  const { secretId, secretKey } = DEMO_CREDENTIALS
  const denied = ['UpdateCertificateInstance']
  const account = await openAccount({ accounts: { [secretId]: { secretKey, denied } } })
  await account.issue()
  await account.renew()
  expect((await account.type(['sync', '--json'])).exit).toBe(77)
  const again = await account.type(['sync', '--json'])
  expect(again.exit).toBe(77)
  const [result] = again.json<RunJson>().results
  expect(result?.replacement).toMatchObject({ fault: { code: 'API_FORBIDDEN' } })
  expect((await account.type(['status'], TERMINAL)).out()).toMatch(/ failed /)
})

test('status NAME --json has that lineage alone; a name that is none is refused', async () => {
  const account = await openAccount()
  await account.issue()
  await account.renew()
  await account.type(['sync'])
  const { lineages } = (await account.type(['status', NAME, '--json'])).json<{
    lineages: ReadonlyArray<Record<string, unknown>>
  }>()
  const now = account.emulator.certificates().at(-1)?.id
  expect(lineages).toHaveLength(1)
  expect(lineages[0]?.replacement).toMatchObject({
    state: 'verified',
    resources: { total: 2, done: 2, failed: 0 },
    bound: [{ certificateId: now }, { certificateId: now }],
    verified: [{ name: NAME, leaf: 'new' }],
  })
  const unknown = await account.type(['status', 'nothing.example'], TERMINAL)
  expect(unknown.exit).toBe(66)
  expect(unknown.err()).toContain('there is no "nothing.example"')
})
