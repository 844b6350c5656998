/** The types of cloud resources that can serve a certificate: which have regions, and who sees them. Pure. */

export type Site = 'mainland' | 'international'

interface ResourceType {
  /** Is searched only in the regions that a request names. */
  readonly regional: boolean
  /** The international site knows it too. */
  readonly international: boolean
  /** UpdateCertificateInstance takes it. */
  readonly replaceable: boolean
  /** Where a search for a certificate's resources shows it: in the counts and the details, the details, or nowhere. */
  readonly survey: 'counts' | 'details' | 'nowhere'
}

const type = (
  survey: ResourceType['survey'],
  regional: boolean,
  international = true,
  replaceable = true,
): ResourceType => ({ survey, regional, international, replaceable })

export const RESOURCE_TYPES = {
  clb: type('counts', true),
  cdn: type('counts', false),
  waf: type('counts', true),
  live: type('counts', false),
  vod: type('counts', false),
  ddos: type('counts', false),
  teo: type('counts', false),
  apigateway: type('counts', true),
  tke: type('counts', true),
  tcb: type('counts', true),
  tse: type('details', true),
  cos: type('counts', true),
  mqtt: type('details', true, false),
  scf: type('details', true, false),
  tdmq: type('details', true, false),
  gaap: type('details', false, false),
  lighthouse: type('nowhere', false, false, false),
} as const satisfies Record<string, ResourceType>

export type ResourceTypeName = keyof typeof RESOURCE_TYPES

export const TYPE_NAMES = Object.keys(RESOURCE_TYPES) as readonly ResourceTypeName[]

export const isReplaceable = (name: string, site: Site): name is ResourceTypeName =>
  Object.hasOwn(RESOURCE_TYPES, name) &&
  RESOURCE_TYPES[name as ResourceTypeName].replaceable &&
  (site === 'mainland' || RESOURCE_TYPES[name as ResourceTypeName].international)

/** What the counts of a survey list for the site. */
export const countedTypes = (site: Site): readonly ResourceTypeName[] =>
  TYPE_NAMES.filter(name => RESOURCE_TYPES[name].survey === 'counts' && isReplaceable(name, site))
