/** The account behind the API: certificates, resources and what each was given when. Pure. */
import { secret } from '../secret.ts'
import type { AccountSeed, CertificateSeed } from './resources.ts'
import type { AccountResource, CloudAccount } from './state.ts'
import { createStore, readServerPair, type StoredCertificate } from './store.ts'
import type { Traps } from './traps.ts'

const FIRST_NUMBER = 5_000_000_001

export interface AccountOptions {
  readonly seed: AccountSeed
  readonly now: () => number
  readonly dice: () => number
  readonly timeScale: number
}

export function createAccount({ seed, now, dice, timeScale }: AccountOptions): CloudAccount {
  let number = FIRST_NUMBER
  const account: CloudAccount = {
    store: createStore(dice),
    resources: seed.resources.map(resource => ({
      resource,
      bindings: [],
      extCertIds: [],
      awaited: resource.certId,
      awaitedExtensions: resource.extCertIds,
      attempts: 0,
      state: resource.state,
    })),
    traps: seed.traps,
    jobs: [],
    scans: new Map(),
    surveys: [],
    deletions: [],
    silenced: new Set(),
    now,
    dice,
    seconds: count => (count * 1000) / timeScale,
    newNumber: () => number++,
  }
  for (const certificate of seed.certificates) addCertificate(account, certificate, Number.NEGATIVE_INFINITY)
  return account
}

/** Stores a pair without a request. @throws ApiError as for an upload. */
export function addCertificate(
  account: CloudAccount,
  seed: CertificateSeed,
  boundAt = account.now(),
): StoredCertificate {
  const { id, alias = '', chain: chainPem, key } = seed
  const chain = readServerPair({ certificate: chainPem, key, password: undefined })
  const stored = account.store.add(
    {
      type: 'SVR',
      alias,
      projectId: 0,
      use: '',
      tags: [],
      insertedAt: new Date(account.now()),
      chainPem,
      keyPem: secret(key),
    },
    chain,
    id,
  )
  bindAwaiting(account, stored, boundAt)
  return stored
}

const isMeant = (reference: string, { id, alias, names }: StoredCertificate): boolean => {
  if (reference.startsWith('first:')) return covers(names, reference.slice('first:'.length))
  if (reference.startsWith('alias:')) return alias === reference.slice('alias:'.length)
  return reference === id || reference === alias
}

/** Gives a new certificate to the resources that wait for it. */
export function bindAwaiting({ resources }: CloudAccount, stored: StoredCertificate, at: number): void {
  for (const each of resources) {
    if (each.awaited !== undefined && isMeant(each.awaited, stored)) {
      each.awaited = undefined
      each.bindings.push({ at, certId: stored.id })
    }
    const meant = each.awaitedExtensions.filter(reference => isMeant(reference, stored))
    each.extCertIds.push(...meant.map(() => stored.id))
    each.awaitedExtensions = each.awaitedExtensions.filter(reference => !meant.includes(reference))
  }
}

/** The ID on which the resource was, or is going to be, at a time. */
export function certificateAt({ bindings }: AccountResource, at: number): string | undefined {
  let found: AccountResource['bindings'][number] | undefined
  for (const binding of bindings)
    if (binding.at <= at && (found === undefined || binding.at >= found.at)) found = binding
  return found?.certId
}

/** As the service's search sees it. */
export const isFoundWith = (
  each: AccountResource,
  certId: string,
  at: number,
  { extensionsHidden }: Traps,
): boolean => certificateAt(each, at) === certId || (!extensionsHidden && each.extCertIds.includes(certId))

export const coversAll = (names: readonly string[], { resource }: AccountResource): boolean =>
  !resource.regex && resource.domains.every(domain => covers(names, domain))

/** The resource with exactly this domain, in lower case, else one with a wildcard for it. */
export function resourceFor({ resources }: CloudAccount, host: string): AccountResource | undefined {
  const open = resources.filter(({ resource }) => !resource.private && !resource.regex)
  const exact = open.find(({ resource }) => resource.domains.includes(host))
  return exact ?? open.find(({ resource }) => covers(resource.domains, host))
}

/** How long ago the node's view is, in milliseconds, or the time since when it has not changed. */
export type View = { readonly lag: number } | { readonly frozenAt: number }

/**
 * IDs, the resource's own first. A resource that had nothing before is served at once, for there is nothing else to
 * show.
 */
export function servedFor(account: CloudAccount, host: string, view: View): readonly string[] {
  const each = resourceFor(account, host)
  if (each === undefined) return []
  const now = account.now()
  const seenAt = 'lag' in view ? now - view.lag : view.frozenAt
  const begun = Math.min(...each.bindings.map(({ at }) => at))
  const own = certificateAt(each, Math.min(now, Math.max(seenAt, begun)))
  return own === undefined ? [] : [own, ...each.extCertIds]
}

/** A wildcard stands for exactly one label. */
function coversOne(name: string, domain: string): boolean {
  if (name === domain) return true
  if (!name.startsWith('*.') || domain.startsWith('*.')) return false
  const [first = '', ...rest] = domain.split('.')
  return first !== '' && rest.join('.') === name.slice(2)
}

export const covers = (names: readonly string[], domain: string): boolean =>
  names.some(name => coversOne(name.toLowerCase(), domain.toLowerCase()))
