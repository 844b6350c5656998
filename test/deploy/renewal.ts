/** A renewal that waits to be put in place: two resources still use the certificate before. */
import { expect } from 'vitest'
import type { ResourceInput, TrapChoices } from '../../src/emulator/resources.ts'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import type { Outcome } from '../../src/upload/outcome.ts'
import { type Host, type HostOptions, openHost } from './account.ts'

export const DAY = 86_400

export const CDN: ResourceInput = {
  ...{ type: 'cdn', domains: ['a.example.com'], certId: 'first:a.example.com' },
}

export const CLB: ResourceInput = {
  type: 'clb',
  ...{ region: 'ap-guangzhou', instance: 'lb-1', listener: 'lbl-1' },
  ...{ domains: ['x.b.example.com'], certId: 'first:a.example.com' },
}

export const places = (host: Host) => host.emulator.resources().map(({ certId }) => certId)

export const current = async (host: Host): Promise<string> =>
  (await host.receipt()).uploaded?.certificateId ?? expect.unreachable()

/** The first certificate is uploaded and bound, and the next is on disk since a moment. */
export async function renewing(options: HostOptions = {}): Promise<Host & { readonly old: string }> {
  const host = await openHost({ resources: [CDN, CLB], ...options })
  await host.renew()
  await host.sync({ deploy: { replace: false } })
  const old = await current(host)
  host.pass(60 * DAY)
  await host.renew()
  return { ...host, old }
}

export const stateOf = ({ replacement }: Outcome) => replacement?.replacement?.state

export const exitOf = ({ replacement }: Outcome) => replacement?.fault?.exit ?? 0

/** Runs until nothing is left to do; the states that the runs ended in. */
export async function syncToEnd(host: Host, most = 6): Promise<readonly (string | undefined)[]> {
  const states: (string | undefined)[] = []
  while (states.length < most && states.at(-1) !== 'verified') {
    if (states.length) host.pass(3600)
    states.push(stateOf(await host.sync()))
  }
  return states
}

/** Everything stands on the newest certificate, the log says so, and the edge proves it. */
export async function expectInPlace(host: Host): Promise<void> {
  const id = await current(host)
  expect(new Set(places(host))).toEqual(new Set([id]))
  expect((await host.receipt()).replacement).toMatchObject({ state: 'verified', to: id })
  for (const { domains } of host.emulator.resources())
    for (const domain of domains) expect(host.edge.served(domain)).toEqual([id])
}

/** From now on. */
export function setTraps(host: Host, traps: TrapChoices): void {
  Object.assign(host.emulator.account.traps, traps)
}

/** A key without the right to these actions; `grant` takes the denial back. */
export function deny(...actions: readonly string[]) {
  const denied = [...actions]
  const accounts = { [DEMO_CREDENTIALS.secretId]: { secretKey: DEMO_CREDENTIALS.secretKey, denied } }
  return { accounts, grant: () => void denied.splice(0) }
}

/** What was sent for an action, in order. */
export const sent = (host: Host, action: string) =>
  host.emulator.journal.filter(one => one.action === action).map(({ body }) => body)

/** Pairs of which the service was asked to put one in place of the other, each once. */
export const pairsAsked = (host: Host) => [
  ...new Set(
    sent(host, 'UpdateCertificateInstance').map(body => `${body.OldCertificateId} ${body.CertificateId}`),
  ),
]
