/** How the service's asynchronous part behaves: every trap that was seen or documented, each with its default. Pure. */
import * as v from 'valibot'

const seconds = (usual: number) => v.optional(v.pipe(v.number(), v.minValue(0)), usual)

const whole = (usual: number) => v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), usual)

const yes = (usual: boolean) => v.optional(v.boolean(), usual)

const oneOf = <const T extends readonly [string, ...string[]]>(...words: T) =>
  v.optional(v.picklist(words), words[0] as T[number])

/** All times are seconds of the service's time, which `timeScale` makes pass faster. */
export const trapsSchema = v.strictObject({
  site: oneOf('mainland', 'international'),
  /** Whether the service's role exists; without it replacement, the survey's details and checked deletion are refused. */
  role: yes(true),

  /** A request to replace is answered with record 0 so many times at least, and for so long. */
  scanCalls: whole(2),
  scanSeconds: seconds(8),
  /** A scan that no request asked for in this time begins again. */
  scanForgottenSeconds: seconds(600),
  /** DeployStatus says nothing (always 0), or is 1 for a new record as documented. */
  deployStatus: oneOf('always-0', 'documented'),
  /** The same pair again while its job runs: the job's record, or HasPendingRecord. */
  duringJob: oneOf('adopt', 'pending'),
  /** A type with regions for which none is named: nothing is found, or InvalidParameter. */
  missingRegions: oneOf('nothing', 'error'),
  /** A resource with a name that the new certificate does not cover: is left out, refuses all, or fails in the job. */
  uncovered: oneOf('leave-out', 'refuse', 'fail'),
  /** Types of which one request may search a single region only. */
  hugeLimit: v.optional(v.array(v.string()), []),

  /** A new record has no details and counts of null, then 0, for so long. */
  recordHiddenSeconds: seconds(15),
  /** PendingTotalCount is there. */
  pendingCount: yes(false),
  /** The first and the last resource of a job change after so many seconds. */
  switchFromSeconds: seconds(15),
  switchToSeconds: seconds(120),
  /** How long a resource is shown as working before it changes. */
  workingSeconds: seconds(10),
  /** What Limit counts in a record's details: each type's, or all. */
  limitCounts: oneOf('type', 'all'),

  /** Certificates in extCertIds are found by nothing: replacement, survey, deletion check. */
  extensionsHidden: yes(true),
  surveyColdSeconds: seconds(40),
  surveyCachedSeconds: seconds(3),
  /** How old a result may be that IsCache 1 gets again. It may be out of date. */
  surveyCacheSeconds: seconds(1800),
  surveyKeptSeconds: seconds(3600),
  /** When a survey says that it is done, with an empty list: once at the end, on the first query, never. */
  surveyEmpty: oneOf('end', 'first', 'never'),
  /** So many surveys fail (Status 2). */
  surveyFailures: whole(0),
  /** Regions whose search fails: they count 0 and have an Error. */
  surveyErrors: v.optional(
    v.array(v.strictObject({ type: v.string(), region: v.optional(v.string(), ''), message: v.string() })),
    [],
  ),

  deletionSeconds: seconds(15),
  /** How a checked deletion of an unbound certificate ends: as it should, failed (2), or timed out (5). */
  deletion: oneOf('deleted', 'failed', 'timed-out'),
  /** A deletion without the check deletes what is in use, as was measured, or is refused. */
  uncheckedDeletion: oneOf('deletes', 'refused'),

  /** The edge serves another certificate so long after its resource has changed. */
  edgeLagSeconds: seconds(2),
})

export type Traps = v.InferOutput<typeof trapsSchema>
