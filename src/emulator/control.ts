/** What tests and other actors can do to the account, and what they see of it. Pure. */
import { addCertificate, certificateAt, coversAll } from './account.ts'
import { settleDeletions } from './certificates.ts'
import { createJob, isFinished, statusOf } from './jobs.ts'
import type { CertificateSeed, Resource } from './resources.ts'
import type { AccountResource, CloudAccount } from './state.ts'

export interface ResourceView extends Omit<Resource, 'certId' | 'extCertIds' | 'state'> {
  /** Where it stands now. */
  readonly certId: string | undefined
  readonly extCertIds: readonly string[]
  readonly state: Resource['state']
}

export interface JobView {
  readonly id: number
  readonly certId: string
  readonly oldCertId: string
  readonly rollback: boolean
  readonly createdAt: number
  readonly finished: boolean
  /** By the resource's name. */
  readonly statuses: Readonly<Record<string, number>>
}

export interface Control {
  readonly resources: () => readonly ResourceView[]
  readonly jobs: () => readonly JobView[]
  /** Stores a pair without a request, and answers with its ID. */
  readonly addCertificate: (certificate: CertificateSeed) => string
  /** As by a person in the console: at once, whatever runs. */
  readonly rebind: (resource: string, certId: string) => void
  /** Adds a second certificate to a resource. */
  readonly extend: (resource: string, certId: string) => void
  readonly setState: (resource: string, state: Resource['state']) => void
  /** Another client's job for all resources of `oldCertId`; answers with its record's ID. */
  readonly startJob: (oldCertId: string, certId: string) => number
  /** At once, without a check. */
  readonly deleteCertificate: (certId: string) => void
}

export function createControl(account: CloudAccount): Control {
  const { resources, jobs, store, now } = account
  const named = (name: string): AccountResource => {
    const found = resources.find(({ resource }) => resource.name === name)
    if (found === undefined) throw new Error(`no resource is called "${name}"`)
    return found
  }
  const known = (certId: string): string => {
    settleDeletions(account)
    if (store.get(certId) === undefined) throw new Error(`no certificate has the ID "${certId}"`)
    return certId
  }
  return {
    resources: () => resources.map(each => viewOf(each, now())),
    jobs: () =>
      jobs.map(job => ({
        id: job.id,
        certId: job.certId,
        oldCertId: job.oldCertId,
        rollback: job.rollback,
        createdAt: job.createdAt,
        finished: isFinished(job, now()),
        statuses: Object.fromEntries(
          job.details.map(detail => [detail.on.resource.name, statusOf(detail, now())]),
        ),
      })),
    addCertificate: certificate => addCertificate(account, certificate).id,
    rebind: (resource, certId) => {
      const each = named(resource)
      each.awaited = undefined
      each.bindings.push({ at: now(), certId: known(certId) })
    },
    extend: (resource, certId) => {
      named(resource).extCertIds.push(known(certId))
    },
    setState: (resource, state) => {
      named(resource).state = state
    },
    startJob: (oldCertId, certId) => {
      const { names = [] } = store.get(known(certId)) ?? {}
      const on = resources.filter(each => certificateAt(each, now()) === oldCertId && coversAll(names, each))
      if (on.length === 0) throw new Error(`no resource of "${oldCertId}" can take "${certId}"`)
      const types = [...new Set(on.map(({ resource }) => resource.type))]
      const regions = [...new Set(on.flatMap(({ resource: { region } }) => region ?? []))]
      return createJob(account, { certId, oldCertId, types, regions, on }).id
    },
    deleteCertificate: certId => {
      store.remove(known(certId))
    },
  }
}

const viewOf = (each: AccountResource, now: number): ResourceView => ({
  ...each.resource,
  certId: certificateAt(each, now),
  extCertIds: [...each.extCertIds],
  state: each.state,
})
