/** The style sheet of the status page, and the policy that allows it and nothing else. Pure. */
import { createHash } from 'node:crypto'

/**
 * Both schemes have a contrast of 4.5:1 or more for every text. Shape and word say what a colour says. Below 44rem each
 * certificate is a block of lines, because a table of five columns does not fit a phone.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fff; --text: #1c1f23; --quiet: #5b636c; --line: #dfe3e8; --tint: #f6f7f9;
  --good: #1a7439; --mild: #8a5a00; --bad: #b3261e; --link: #0b57a4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --text: #e7e9ec; --quiet: #9aa5b1; --line: #2d343b; --tint: #1b2025;
    --good: #63c98a; --mild: #e3b455; --bad: #ff8f82; --link: #7cb7ff;
  }
}
* { box-sizing: border-box; margin: 0; }
html { -webkit-text-size-adjust: 100%; }
body {
  max-width: 72rem; margin: 0 auto; padding: 2.5rem 1.5rem 3rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
h1 { font-size: 1.6rem; line-height: 1.25; font-weight: 650; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { margin: 2.75rem 0 .75rem; font-size: 1.05rem; font-weight: 650; }
.eyebrow, .quiet, small, dt, thead { color: var(--quiet); }
.eyebrow { margin-bottom: .15rem; font-size: .9rem; }
small, .quiet { font-size: .875rem; }
code, .id { font: .9em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
header .quiet { margin-top: .35rem; }

.notes { padding: 0; list-style: none; }
.notes li { padding: .1rem 0 .1rem 1rem; border-left: 3px solid var(--bad); overflow-wrap: anywhere; max-width: 50rem; }
.notes li + li { margin-top: 1rem; }
.notes p + p { margin-top: .2rem; color: var(--quiet); }

table { width: 100%; border-collapse: collapse; }
caption { text-align: left; }
th, td { padding: .6rem 1.25rem .6rem 0; text-align: left; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
thead th { padding-top: 0; font-size: .875rem; font-weight: 400; white-space: nowrap; }
tbody tr { border-top: 1px solid var(--line); }
tbody th { font-weight: 550; overflow-wrap: anywhere; }
tbody th small { display: block; font-weight: 400; }
.kind { color: var(--quiet); font-weight: 400; }
.state, .days, .when, summary { white-space: nowrap; }
td small { display: block; }
.events th { font-weight: 400; }
table + p { margin-top: .75rem; }
.good { color: var(--good); } .mild { color: var(--mild); } .bad { color: var(--bad); }
.mark { width: .6rem; height: .6rem; margin-right: .45rem; fill: currentColor; stroke: currentColor; }
.left { display: block; }
.bar { display: block; width: 9rem; height: .875rem; margin: .1rem 0 0; }
.bar .track { fill: currentColor; opacity: .22; }
.bar .rest { fill: currentColor; }
.bar .due { stroke: var(--text); stroke-width: 1; vector-effect: non-scaling-stroke; }

details { max-width: 26rem; }
summary { cursor: pointer; color: var(--quiet); font-size: .875rem; }
details ul { padding: .35rem 0 0; list-style: none; font-size: .875rem; overflow-wrap: anywhere; }
details li + li { margin-top: .2rem; }

dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.5rem; }
dd { overflow-wrap: anywhere; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .875rem; color: var(--quiet); }
footer a { margin-right: 1.25rem; }

@media (max-width: 44rem) {
  body { padding: 1.5rem 1rem 2rem; }
  h2 { margin-top: 2.25rem; }
  table, tbody { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { display: grid; grid-template-columns: 1fr auto; gap: .15rem 1rem; padding: .8rem 0; }
  tbody th, tbody td { padding: 0; }
  tbody th, .wide { grid-column: 1 / -1; }
  td.days { text-align: right; }
  .bar { width: 7rem; margin-left: auto; }
  td.empty { display: none; }
  td[data-label] small { display: inline; }
  td[data-label]::before { content: attr(data-label) " "; color: var(--quiet); font: .875rem/1.5 system-ui, sans-serif; }
  .events tbody tr { grid-template-columns: 1fr; gap: 0; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
}
@media print { footer { display: none; } }
`

const digest = createHash('sha256').update(STYLE).digest('base64')

/** The icon is part of the page. Nothing else is loaded, sent or run, and no other page may frame this one. */
export const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${digest}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
