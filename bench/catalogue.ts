/** The rows of the table: what is measured, against what, and what is to be reached. */

export const GROUPS = [
  'hook',
  'package',
  'sync',
  'limit',
  'replace',
  'watch',
  'latency',
  'signature',
  'growth',
] as const
export type Group = (typeof GROUPS)[number]

export interface Row {
  readonly id: string
  readonly group: Group
  readonly what: string
  readonly against: string
  /** A bound and its unit, or the unit alone of what is shown and not judged. */
  readonly target: string
}

type Line = readonly [id: string, what: string, against: string, target: string]

const HOOK: readonly Line[] = [
  ['hook-unchanged-time', '`hook`, nothing changed: time', 'bare Node', '≤ 1.5 ×'],
  ['hook-unchanged-memory', '`hook`, nothing changed: peak memory', 'bare Node', '≤ 1.25 ×'],
  ['hook-upload-time', '`hook`, one upload on loopback: time', 'bare Node', '≤ 3.5 ×'],
  [
    'hook-upload-sdk',
    '`hook`, one upload on loopback: time',
    'leanest script over the official SDK',
    '< 1 ×',
  ],
  ['hook-upload-curl', '`hook`, one upload on loopback: time', 'bash, curl and openssl', '×'],
  [
    'executable-unchanged',
    'self-contained executable, nothing changed: time',
    'the program by Node',
    'not slower',
  ],
  ['executable-upload', 'self-contained executable, one upload: time', 'the program by Node', 'not slower'],
]

const PACKAGE: readonly Line[] = [['package-size', 'the Debian package', 'none', '≤ 31 MB']]

const SYNC: readonly Line[] = [
  ['sync-few', '`sync`, 100 lineages unchanged: time', 'bare Node', '≤ 1.6 ×'],
  ['sync-few-memory', '`sync`, 100 lineages unchanged: peak memory', 'bare Node', '≤ 1.25 ×'],
  ['sync-unchanged', '`sync`, 10,000 lineages unchanged', 'stats of the files, receipts read', '< 1 ×'],
  ['sync-first', '`sync --dry-run`, 10,000 lineages, no receipts', 'files read, hashed, pairs verified', '×'],
  ['proof-time', 'of these, the proof of one certificate with its key', 'none', '≤ 1 ms'],
  ['proof-memory', 'the same run: peak memory', 'none', '≤ 150 MiB'],
]

const FIRST = 'first upload of 1,000 certificates'
const LIMIT: readonly Line[] = [
  ['limit-10', `${FIRST}, 10 a second, worst of 3 round trips`, 'the limit, by arithmetic', '≥ 98.5 %'],
  ['limit-200-0', `${FIRST}, 200 a second, round trip 0 ms`, 'the limit', '≥ 98.5 %'],
  ['limit-200-50', `${FIRST}, 200 a second, round trip 50 ms`, 'the limit', '≥ 98.5 %'],
  ['limit-200-300', `${FIRST}, 200 a second, round trip 300 ms`, 'the limit', '≥ 98.5 %'],
  ['limit-throttled', 'of these, throttled', 'none', '≤ 0 requests'],
  [
    'limit-alone',
    `${FIRST}, 10 and 20 a second, round trips of 20 to 120 ms, by arithmetic: throttled`,
    'none',
    '≤ 0 requests',
  ],
  ['limit-shared', `${FIRST}, 200 a second shared by 8 processes`, "the limit's own time", '≤ 1.1 ×'],
  ['limit-shared-throttled', 'of these, throttled for each that succeeded', 'none', '≤ 0.5 requests'],
]

const NIGHT = '1,000 renewals in a night'
const REPLACE: readonly Line[] = [
  [
    'replace-edge',
    'one renewal until its edge is verified, beyond two rounds',
    "the service's own time",
    '≤ 15 s',
  ],
  ['replace-night', `${NIGHT}: time`, 'four jobs side by side', '≤ 1.1 ×'],
  ['replace-requests', `${NIGHT}: requests for each, median`, 'none', '≤ 12 requests'],
]

const watching = (count: string, seconds: string, memory: string): readonly Line[] => {
  const id = `watch-${count.replace(',', '')}`
  return [
    [`${id}-ready`, `\`watch\`, ${count} lineages: ready`, 'its start', `≤ ${seconds} s`],
    [`${id}-idle`, `\`watch\`, ${count} lineages: processor time when idle`, 'one core', '< 0.005 %'],
    [
      `${id}-memory`,
      `\`watch\`, ${count} lineages: resident memory`,
      'Node with its packages',
      `≤ ${memory} ×`,
    ],
  ]
}

const WATCH: readonly Line[] = [
  ...watching('1,000', '0.6', '1.35'),
  ...watching('10,000', '3', '2'),
  ['watch-growth', '`watch`: growth of memory with lineages', 'linear is 1', '≤ 1.1 (exponent)'],
]

const LATENCY: readonly Line[] = [
  [
    'latency-median',
    'last write of a renewal to request, 1,000 lineages watched: median',
    'none',
    '≤ 120 ms',
  ],
  ['latency-late', 'the same: 99th percentile', 'none', '≤ 150 ms'],
  ['latency-large', '10,000 lineages watched: 99th percentile', 'none', '≤ 250 ms'],
]

const SIGNATURE: readonly Line[] = [
  ['signature-rate', 'signatures a second', "the official SDK's signer", '≥ 1 ×'],
  ['signature-key', 'derivations of the signing key for 1,000 requests of a day', 'once', '≤ 1 derivations'],
]

const GROWTH: readonly Line[] = [
  ['growth-lineages', 'an unchanged run: for each lineage more', 'a straight line', '≤ 25 µs'],
  ['growth-renewals', 'a run over 1,000 lineages: for each renewal more', 'a straight line', 'ms'],
]

const rows = (group: Group, lines: readonly Line[]): readonly Row[] =>
  lines.map(([id, what, against, target]) => ({ id, group, what, against, target }))

export const ROWS: readonly Row[] = [
  ...rows('hook', HOOK),
  ...rows('package', PACKAGE),
  ...rows('sync', SYNC),
  ...rows('limit', LIMIT),
  ...rows('replace', REPLACE),
  ...rows('watch', WATCH),
  ...rows('latency', LATENCY),
  ...rows('signature', SIGNATURE),
  ...rows('growth', GROWTH),
]

/** The rows that any of these words names: an id, the beginning of ids, or nothing at all for every row. */
export function chosen(words: readonly string[]): readonly Row[] {
  if (!words.length) return ROWS
  const unknown = words.find(word => !ROWS.some(({ id }) => id.startsWith(word)))
  if (unknown)
    throw new RangeError(`no row "${unknown}"; there are:\n${ROWS.map(({ id }) => `  ${id}`).join('\n')}`)
  return ROWS.filter(({ id }) => words.some(word => id.startsWith(word)))
}
