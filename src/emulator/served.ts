/** Which certificates the edge serves for a name, now or some time ago. Pure. */
import { certificateAt } from './account.ts'
import { covers } from './names.ts'
import type { AccountResource, CloudAccount } from './state.ts'

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
