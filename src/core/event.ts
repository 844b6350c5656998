/** The kinds of news a person may be told of. Pure. */

/**
 * uploaded: a lineage has a new ID · rejected: these bytes will not be carried as they are · stopped: the account itself
 * is at fault, nothing is carried · failing: an upload has not got through for a day · expiring: not renewed in time
 */
export const NOTIFY_EVENTS = ['uploaded', 'rejected', 'stopped', 'failing', 'expiring'] as const
export type NotifyEvent = (typeof NOTIFY_EVENTS)[number]
