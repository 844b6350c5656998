/** Changes bytes, lines and trees of DER at random: the same numbers, the same change. */
import { Buffer } from 'node:buffer'
import { type Element, element, elementsIn, inOtherForm, pem } from '../../fixtures/der.ts'

export type Random = () => number

export const below = (random: Random, n: number) => Math.floor(random() * n)
export const oneOf = <T>(random: Random, choices: readonly T[]): T =>
  choices[below(random, choices.length)] as T

/** Numbers at which readers go wrong. */
const EDGES = [0x00, 0x01, 0x1f, 0x30, 0x7f, 0x80, 0x81, 0x84, 0x88, 0xa0, 0xff] as const

type Change = (bytes: Buffer, random: Random, other: Buffer) => Buffer

const splice = (bytes: Buffer, from: number, to: number, ...between: readonly Buffer[]) =>
  Buffer.concat([bytes.subarray(0, from), ...between, bytes.subarray(to)])

const withByte = (bytes: Buffer, at: number, value: number) => {
  const changed = Buffer.from(bytes)
  if (changed.length) changed[at] = value
  return changed
}

const BYTES: readonly Change[] = [
  (bytes, random) => {
    const at = below(random, bytes.length)
    return withByte(bytes, at, (bytes[at] ?? 0) ^ (1 << below(random, 8)))
  },
  (bytes, random) => withByte(bytes, below(random, bytes.length), oneOf(random, EDGES)),
  (bytes, random) => withByte(bytes, below(random, bytes.length), below(random, 256)),
  (bytes, random) => bytes.subarray(0, below(random, bytes.length)),
  (bytes, random) => bytes.subarray(below(random, bytes.length)),
  (bytes, random) => {
    const from = below(random, bytes.length)
    return splice(bytes, from, from + below(random, 40))
  },
  (bytes, random) => {
    const from = below(random, bytes.length)
    const piece = bytes.subarray(from, from + below(random, 200))
    return splice(bytes, from, from, ...Array<Buffer>(1 + below(random, 4)).fill(piece))
  },
  (bytes, random) => {
    const at = below(random, bytes.length)
    return splice(bytes, at, at, Buffer.alloc(below(random, 64), oneOf(random, EDGES)))
  },
  (bytes, random, other) => {
    const [at, from] = [below(random, bytes.length), below(random, other.length)]
    return splice(bytes, at, at + below(random, 200), other.subarray(from, from + below(random, 200)))
  },
]

/** One to three changes of single bytes and pieces. */
export function withBytesChanged(bytes: Buffer, random: Random, other: Buffer): Buffer {
  let changed = bytes
  for (let left = 1 + below(random, 3); left > 0; left--)
    changed = oneOf(random, BYTES)(changed, random, other)
  return changed
}

type NodeChange = (node: Element, random: Random, other: Element) => readonly Buffer[]

const written = ({ tag, content }: Element) => element(tag, content)

const NODES: readonly NodeChange[] = [
  () => [],
  node => [written(node), written(node)],
  (node, random) => [element(oneOf(random, EDGES) & 0xfe, node.content)],
  (node, random) => [element(node.tag ^ (1 << below(random, 8)), node.content)],
  node => [element(node.tag)],
  (node, random, other) => [element(node.tag, withBytesChanged(node.content, random, other.content))],
  (_, __, other) => [written(other)],
  (node, _, other) => [element(node.tag, other.content)],
  (node, random) => [inOtherForm(written(node), oneOf(random, ['long', 'indefinite'] as const))],
  (node, random) => [element(node.tag, Buffer.alloc(below(random, 3_000), oneOf(random, EDGES)))],
  node => [element(0x30, written(node))],
]

const branches = ({ tag, content }: Element) => (tag & 0x20 ? elementsIn(content) : undefined)

/** Changes one element somewhere in a tree of DER; the lengths of all that hold it stay true. */
function withNodeChanged(bytes: Buffer, random: Random, other: Buffer): Buffer {
  const roots = elementsIn(bytes)
  const foreign = oneOf(random, nodesIn(elementsIn(other) ?? []))
  const chosen = below(random, nodesIn(roots ?? []).length)
  const change = oneOf(random, NODES)
  let seen = 0
  const rewritten = (node: Element): readonly Buffer[] => {
    if (seen++ === chosen) return change(node, random, foreign ?? node)
    const inner = branches(node)
    return [inner ? element(node.tag, ...inner.flatMap(rewritten)) : written(node)]
  }
  return roots?.length ? Buffer.concat(roots.flatMap(rewritten)) : withBytesChanged(bytes, random, other)
}

/** Every element at every depth, each before what it holds. */
const nodesIn = (elements: readonly Element[]): readonly Element[] =>
  elements.flatMap(node => [node, ...nodesIn(branches(node) ?? [])])

const LINES: ReadonlyArray<(lines: readonly string[], random: Random) => readonly string[]> = [
  (lines, random) => lines.toSpliced(below(random, lines.length), 1),
  (lines, random) => lines.toSpliced(below(random, lines.length), 0, oneOf(random, lines)),
  (lines, random) => lines.with(below(random, lines.length), oneOf(random, lines)),
  (lines, random) => lines.with(below(random, lines.length), ''),
  lines => lines.toReversed(),
  (lines, random) => lines.slice(0, below(random, lines.length)),
  (lines, random) => lines.map(line => (random() < 0.1 ? `${line} ` : line)),
  (lines, random) => lines.toSpliced(below(random, lines.length), 0, oneOf(random, ODD_LINES)),
]

const ODD_LINES = [
  '-----BEGIN CERTIFICATE-----',
  '-----END CERTIFICATE-----',
  '-----BEGIN PRIVATE KEY-----',
  '-----BEGIN ',
  '-----',
  'Proc-Type: 4,ENCRYPTED',
  'DEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF',
  '\0',
  '\ufeff',
  '\u001b[2J',
] as const

export const withLinesChanged = (text: string, random: Random): string =>
  oneOf(random, LINES)(text.split('\n'), random).join('\n')

interface Block {
  readonly label: string
  readonly der: Buffer
}

export const blocksOf = (text: string): readonly Block[] =>
  Array.from(
    text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----\n([^-]*)\n-----END/g),
    ([, label = '', body = '']) => ({
      label,
      der: Buffer.from(body, 'base64'),
    }),
  )

/** Changes PEM: mostly within one of its blocks, so that what is changed gets past the base64. */
export function withPemChanged(text: string, random: Random, other: Buffer): string {
  const blocks = blocksOf(text)
  const kind = random()
  if (kind < 0.1 || !blocks.length) return withBytesChanged(Buffer.from(text), random, other).toString()
  if (kind < 0.2) return withLinesChanged(text, random)
  const chosen = below(random, blocks.length)
  const change = kind < 0.5 ? withBytesChanged : withNodeChanged
  return blocks
    .map(({ label, der }, i) => pem(label, i === chosen ? change(der, random, other) : der))
    .join('')
}
