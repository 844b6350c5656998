/** Plots as SVG: axes, the measured points, and their slope in words. Pure; on white, for a dark page too. */
import type { Point } from './fit.ts'

export interface Axis {
  readonly name: string
  readonly scale: 'linear' | 'log'
}

export interface Plot {
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly points: readonly Point[]
  /** In words. */
  readonly slope: string
}

const WIDTH = 640
const HEIGHT = 400
const EDGE = { left: 70, right: 40, top: 40, bottom: 50 }
const COLOUR = '#1f77b4'

interface Measure {
  readonly at: (value: number) => number
  readonly ticks: readonly number[]
}

/** Powers of ten, or about five round numbers from zero on. */
function ticksOf(scale: Axis['scale'], values: readonly number[]): readonly number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  if (scale === 'log') {
    const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))]
    return Array.from({ length: Math.max(to - from, 1) + 1 }, (_, i) => 10 ** (from + i))
  }
  const rough = high / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find(round => round * power >= rough) ?? 10) * power
  return Array.from({ length: Math.ceil(high / step) + 1 }, (_, i) => i * step)
}

function measure({ scale }: Axis, values: readonly number[], from: number, to: number): Measure {
  const ticks = ticksOf(scale, values)
  const place = (value: number) => (scale === 'log' ? Math.log10(value) : value)
  const [low, high] = [place(ticks[0] ?? 0), place(ticks.at(-1) ?? 1)]
  return { ticks, at: value => from + ((place(value) - low) / (high - low)) * (to - from) }
}

const number = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 3 })
const text = (x: number, y: number, anchor: string, content: string) =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${content}</text>`

interface Frame {
  readonly x: Measure
  readonly y: Measure
}

const [LEFT, RIGHT, TOP, BOTTOM] = [EDGE.left, WIDTH - EDGE.right, EDGE.top, HEIGHT - EDGE.bottom]

function rules({ x, y }: Frame): readonly string[] {
  return [
    ...x.ticks.map(tick => `<path d="M${x.at(tick).toFixed(1)} ${TOP}V${BOTTOM}"/>`),
    ...y.ticks.map(tick => `<path d="M${LEFT} ${y.at(tick).toFixed(1)}H${RIGHT}"/>`),
  ]
}

function labels({ x, y }: Frame, plot: Plot): readonly string[] {
  return [
    ...x.ticks.map(tick => text(x.at(tick), BOTTOM + 18, 'middle', number(tick))),
    ...y.ticks.map(tick => text(LEFT - 8, y.at(tick) + 4, 'end', number(tick))),
    text((LEFT + RIGHT) / 2, HEIGHT - 10, 'middle', plot.x.name),
    text(LEFT, TOP - 10, 'middle', plot.y.name),
    text(WIDTH / 2, 18, 'middle', plot.title),
    text(LEFT + 12, TOP + 20, 'start', plot.slope),
  ]
}

export function plotted(plot: Plot): string {
  const [xs, ys] = [plot.points.map(([x]) => x), plot.points.map(([, y]) => y)]
  const frame = { x: measure(plot.x, xs, LEFT, RIGHT), y: measure(plot.y, ys, BOTTOM, TOP) }
  const places = plot.points.map(([x, y]) => [frame.x.at(x).toFixed(1), frame.y.at(y).toFixed(1)] as const)
  const dots = places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3.5"/>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<title>${plot.title}</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<g stroke="#ddd" fill="none">${rules(frame).join('')}</g>
<g fill="#222">
${labels(frame, plot).join('\n')}
</g>
<path d="M${places.map(place => place.join(' ')).join('L')}" fill="none" stroke="${COLOUR}"/>
<g fill="${COLOUR}">${dots.join('')}</g>
</svg>
`
}
