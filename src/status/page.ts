/** The status page as HTML: made on the server, without a script. Pure. */
import { minuteText, printableText } from '../terminal/text.ts'
import { STYLE } from './pageStyle.ts'
import type { ReplacementStatus } from './replacement.ts'
import { replacementWord } from './replacement.ts'
import type { State, StatusRow } from './status.ts'
import type { StatusView } from './view.ts'

/** HTML that is complete; any other text is escaped where it is put in. */
class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Part = Html | string | number | null | undefined | false | readonly Part[]

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const textOf = (part: Part): string => {
  if (part instanceof Html) return part.text
  if (part === null || part === undefined || part === false) return ''
  if (typeof part === 'number') return String(part)
  if (typeof part !== 'string') return part.map(textOf).join('')
  // printableText takes blanks at the ends away, and some texts here go on after one
  const [, before = '', after = ''] = /^(\s?).*?(\s?)$/s.exec(part) ?? []
  const text = `${before && ' '}${printableText(part, 1_000)}${after && ' '}`
  return text.replace(/[&<>"']/g, character => ENTITIES[character] ?? '')
}

/** What stands between backticks in an advice is typed. */
const prose = (text: string): Part =>
  text.split('`').map((part, i) => (i % 2 ? html`<code>${part}</code>` : part))

const html = (texts: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  new Html(texts.map((text, i) => text + textOf(parts[i])).join(''))

/** More would make a page of megabytes. */
const MOST = { rows: 500, notes: 50, places: 40, names: 3 } as const

type Tone = 'good' | 'mild' | 'bad' | 'quiet'

const TONES: Readonly<Record<State, Tone>> = {
  ok: 'good',
  new: 'quiet',
  changed: 'quiet',
  pending: 'mild',
  expiring: 'mild',
  expired: 'bad',
  retrying: 'bad',
  rejected: 'bad',
  refused: 'mild',
  failed: 'bad',
  removed: 'quiet',
}

/** Of the words of a replacement; those that are not here are under way. */
const EDGE_TONES: Readonly<Record<string, Tone>> = {
  ok: 'good',
  replaced: 'good',
  ...{ unverified: 'mild', uncovered: 'mild', untrusted: 'mild', held: 'mild' },
  ...{ partly: 'bad', failed: 'bad', stale: 'bad' },
}

/** A shape for each tone: colour alone says nothing to some. */
const SHAPES: Readonly<Record<Tone, Html>> = {
  good: html`<circle cx="5" cy="5" r="4.5" stroke="none"/>`,
  mild: html`<path d="M5 .5 9.8 9.5H.2z" stroke="none"/>`,
  bad: html`<path d="M.5.5h9v9h-9z" stroke="none"/>`,
  quiet: html`<circle cx="5" cy="5" r="3.75" fill="none" stroke-width="1.5"/>`,
}

const marked = (tone: Tone, word: string) =>
  html`<span class="${tone}"><svg class="mark" viewBox="0 0 10 10" aria-hidden="true">${SHAPES[tone]}</svg>${word}</span>`

const number = (count: number) => count.toLocaleString('en')

const counted = (count: number, what: string) => `${number(count)} ${what}${count === 1 ? '' : 's'}`

export function statusPage(view: StatusView): string {
  const { host, rows, notes, isRefreshed } = view
  const title = rows.length ? headingOf(view) : 'No certificates'
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${host}: ${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="${iconOf(notes.length > 0)}">
<style>${new Html(STYLE)}</style>
</head>
<body>
<header>
<p class="eyebrow">certferry on ${host}</p>
<h1>${title}</h1>
<p class="quiet">${summaryOf(view)}</p>
</header>
<main>
${notes.length > 0 && notesSection(view)}
${certificatesSection(view)}
${eventsSection(view)}
${daemonSection(view)}
</main>
<footer><nav aria-label="Pages">
<a href="metrics">Metrics</a> <a href="ready">Ready</a> <a href="live">Live</a>
${isRefreshed ? html`<a href="./">Stop loading it again</a>` : html`<a href="?refresh">Load again every minute</a>`}
</nav></footer>
</body>
</html>
`
  return page.text
}

function headingOf({ rows, notes, failing }: StatusView): string {
  const all = counted(rows.length, 'certificate')
  if (failing) return `${all}, ${number(failing)} ${failing === 1 ? 'needs' : 'need'} attention`
  return notes.length ? `${all}, and something needs attention` : `${all}, all is well`
}

const summaryOf = ({ now, pending, nextRescan }: StatusView) => [
  minuteText(now.toISOString()),
  pending > 0 && html` · ${counted(pending, 'check')} pending`,
  nextRescan && html` · next rescan ${minuteText(nextRescan.toISOString())}`,
]

const iconOf = (isAlarmed: boolean) => {
  const shape = isAlarmed
    ? "<rect x='2' y='2' width='12' height='12' fill='%23c9342a'/>"
    : "<circle cx='8' cy='8' r='6' fill='%2323904a'/>"
  return `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>${shape}</svg>`
}

const notesSection = ({ notes }: StatusView) => html`<section aria-labelledby="attention">
<h2 id="attention">Needs attention</h2>
<ul class="notes">
${notes.slice(0, MOST.notes).map(({ text, advice }) => html`<li><p>${prose(text)}</p>${advice !== null && html`<p>${prose(advice)}</p>`}</li>\n`)}</ul>
${notes.length > MOST.notes && html`<p class="quiet">and ${notes.length - MOST.notes} more; <code>certferry status</code> shows all</p>`}
</section>`

function certificatesSection({ rows }: StatusView): Html {
  if (!rows.length)
    return html`<section aria-labelledby="certificates"><h2 id="certificates">Certificates</h2>
<p>Nothing on disk, nothing uploaded. <code>certferry check</code> shows which folders are watched, and what is in them.</p></section>`
  const hasEdge = rows.some(({ replacement }) => replacement)
  return html`<section aria-labelledby="certificates">
<h2 id="certificates">Certificates</h2>
<table aria-labelledby="certificates">
<thead><tr><th scope="col">Name</th><th scope="col">State</th><th scope="col">Time left</th>${hasEdge && html`<th scope="col">In place</th>`}<th scope="col">Certificate ID</th></tr></thead>
<tbody>
${rows.slice(0, MOST.rows).map(row => rowOf(row, hasEdge))}</tbody>
</table>
<p class="quiet">The line across each bar is where a third of the life is left and a renewal is due.</p>
${
  rows.length > MOST.rows &&
  html`<p class="quiet">The first ${MOST.rows} of ${number(rows.length)} by name; what needs attention stands above. <code>certferry status</code> shows all.</p>`
}
</section>`
}

function rowOf(row: StatusRow, hasEdge: boolean): Html {
  const { lineage, state, names, certificateId, uploadedAt } = row
  const colon = lineage.indexOf(':') + 1
  const name = lineage.slice(colon)
  const others = names.filter(one => one !== name.replace(/_ecc$/, ''))
  const more = others.length > MOST.names ? ` and ${others.length - MOST.names} more` : ''
  return html`<tr><th scope="row"><span class="kind">${lineage.slice(0, colon)}</span>${name}${
    others.length > 0 && html`<small>${others.slice(0, MOST.names).join(', ')}${more}</small>`
  }</th><td class="state">${marked(TONES[state], state)}</td>${timeCell(row)}${hasEdge && edgeCell(row)}${
    certificateId === null
      ? html`<td class="empty"></td>`
      : html`<td class="wide" data-label="ID"><span class="id">${certificateId}</span> <small>${uploadedAt?.slice(0, 10)}</small></td>`
  }</tr>
`
}

/** The share of the certificate's life that is left; the mark is where a renewal is due. */
function timeCell({ daysLeft, lifetimeRemaining: rest, notAfter, state }: StatusRow): Html {
  if (daysLeft === null || rest === null || notAfter === null) return html`<td class="empty"></td>`
  const tone = state === 'removed' || rest >= 1 / 3 ? 'quiet' : rest === 0 ? 'bad' : 'mild'
  const words = daysLeft < 0 ? 'expired' : daysLeft === 1 ? '1 day' : `${number(daysLeft)} days`
  return html`<td class="days"><span class="left">${words}</span><svg class="bar ${tone}" viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true"><rect class="track" y="3" width="100" height="8" rx="1"/><rect class="rest" y="3" width="${Math.round(rest * 100)}" height="8" rx="1"/><path class="due" d="M33.3 0v14"/></svg><small>until ${notAfter.slice(0, 10)}</small></td>`
}

function edgeCell({ replacement }: StatusRow): Html {
  if (!replacement) return html`<td class="empty"></td>`
  const word = replacementWord(replacement)
  const tone = EDGE_TONES[word.replace(/ \d.*/, '')] ?? 'quiet'
  return html`<td class="wide" data-label="In place:">${marked(tone, word)}${placesOf(replacement)}</td>`
}

/** Where it is bound, and what each address serves. */
function placesOf({ bound, handshakes, to }: ReplacementStatus): Part {
  if (!bound.length && !handshakes.length) return null
  const resources = bound.map(
    ({ type, region, instance, domains, certificateId }) =>
      html`<li>${[type, region, ...(domains.includes(instance) ? [] : [instance]), ...domains].filter(Boolean).join(' ')} uses <span class="id">${certificateId}</span>${certificateId !== to && ', an older one'}</li>`,
  )
  const served = handshakes.map(
    ({ name, address, leaf, detail }) =>
      html`<li>${name} at ${address}: ${SERVED[leaf]}${detail !== undefined && ` (${detail})`}</li>`,
  )
  const all = [...resources, ...served]
  const summary = [
    ...(bound.length ? [counted(bound.length, 'resource')] : []),
    ...(handshakes.length ? [counted(handshakes.length, 'handshake')] : []),
  ].join(', ')
  return html`<details><summary>${summary}</summary><ul>${all.slice(0, MOST.places)}${
    all.length > MOST.places && html`<li>and ${all.length - MOST.places} more</li>`
  }</ul></details>`
}

const SERVED = {
  new: 'serves it',
  old: 'serves an older one',
  other: 'serves another certificate',
  none: 'no handshake',
} as const

const eventsSection = ({ events }: StatusView) =>
  events.length > 0 &&
  html`<section aria-labelledby="events">
<h2 id="events">Last events</h2>
<table class="events" aria-labelledby="events">
<thead><tr><th scope="col">When</th><th scope="col">Certificate</th><th scope="col">What happened</th></tr></thead>
<tbody>
${events.map(({ at, lineage, text }) => html`<tr><td class="when quiet"><time datetime="${at}">${minuteText(at)}</time></td><th scope="row">${lineage}</th><td>${text}</td></tr>\n`)}</tbody>
</table>
</section>`

const daemonSection = ({ version, endpoint, sources }: StatusView) => html`<section aria-labelledby="daemon">
<h2 id="daemon">Daemon</h2>
<dl>
<dt>Version</dt><dd>${version}</dd>
<dt>Uploads to</dt><dd>${endpoint}</dd>
<dt>Watches</dt><dd>${sources.length ? sources.map(({ name, isWatched }, i) => [i > 0 && ', ', name, !isWatched && ' (cannot be read)']) : 'nothing'}</dd>
</dl>
</section>`
