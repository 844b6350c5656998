/** Changes bytes, lines and trees of DER by dice: the same dice, the same change. */
import { Buffer } from 'node:buffer'
import { type Element, element, elementsIn, inOtherForm, pem } from '../../fixtures/der.ts'

export type Dice = () => number

export const below = (dice: Dice, n: number) => Math.floor(dice() * n)
export const oneOf = <T>(dice: Dice, choices: readonly T[]): T => choices[below(dice, choices.length)] as T

/** Numbers at which readers go wrong. */
const EDGES = [0x00, 0x01, 0x1f, 0x30, 0x7f, 0x80, 0x81, 0x84, 0x88, 0xa0, 0xff] as const

type Change = (bytes: Buffer, dice: Dice, other: Buffer) => Buffer

const splice = (bytes: Buffer, from: number, to: number, ...between: readonly Buffer[]) =>
  Buffer.concat([bytes.subarray(0, from), ...between, bytes.subarray(to)])

const withByte = (bytes: Buffer, at: number, value: number) => {
  const changed = Buffer.from(bytes)
  if (changed.length) changed[at] = value
  return changed
}

const BYTES: readonly Change[] = [
  (bytes, dice) => {
    const at = below(dice, bytes.length)
    return withByte(bytes, at, (bytes[at] ?? 0) ^ (1 << below(dice, 8)))
  },
  (bytes, dice) => withByte(bytes, below(dice, bytes.length), oneOf(dice, EDGES)),
  (bytes, dice) => withByte(bytes, below(dice, bytes.length), below(dice, 256)),
  (bytes, dice) => bytes.subarray(0, below(dice, bytes.length)),
  (bytes, dice) => bytes.subarray(below(dice, bytes.length)),
  (bytes, dice) => {
    const from = below(dice, bytes.length)
    return splice(bytes, from, from + below(dice, 40))
  },
  (bytes, dice) => {
    const from = below(dice, bytes.length)
    const piece = bytes.subarray(from, from + below(dice, 200))
    return splice(bytes, from, from, ...Array<Buffer>(1 + below(dice, 4)).fill(piece))
  },
  (bytes, dice) => {
    const at = below(dice, bytes.length)
    return splice(bytes, at, at, Buffer.alloc(below(dice, 64), oneOf(dice, EDGES)))
  },
  (bytes, dice, other) => {
    const [at, from] = [below(dice, bytes.length), below(dice, other.length)]
    return splice(bytes, at, at + below(dice, 200), other.subarray(from, from + below(dice, 200)))
  },
]

/** One to three changes of single bytes and pieces. */
export function withBytesChanged(bytes: Buffer, dice: Dice, other: Buffer): Buffer {
  let changed = bytes
  for (let left = 1 + below(dice, 3); left > 0; left--) changed = oneOf(dice, BYTES)(changed, dice, other)
  return changed
}

type NodeChange = (node: Element, dice: Dice, other: Element) => readonly Buffer[]

const written = ({ tag, content }: Element) => element(tag, content)

const NODES: readonly NodeChange[] = [
  () => [],
  node => [written(node), written(node)],
  (node, dice) => [element(oneOf(dice, EDGES) & 0xfe, node.content)],
  (node, dice) => [element(node.tag ^ (1 << below(dice, 8)), node.content)],
  node => [element(node.tag)],
  (node, dice, other) => [element(node.tag, withBytesChanged(node.content, dice, other.content))],
  (_, __, other) => [written(other)],
  (node, _, other) => [element(node.tag, other.content)],
  (node, dice) => [inOtherForm(written(node), oneOf(dice, ['long', 'indefinite'] as const))],
  (node, dice) => [element(node.tag, Buffer.alloc(below(dice, 3_000), oneOf(dice, EDGES)))],
  node => [element(0x30, written(node))],
]

const branches = ({ tag, content }: Element) => (tag & 0x20 ? elementsIn(content) : undefined)

/** Changes one element somewhere in a tree of DER; the lengths of all that hold it stay true. */
export function withNodeChanged(bytes: Buffer, dice: Dice, other: Buffer): Buffer {
  const roots = elementsIn(bytes)
  const foreign = oneOf(dice, nodesIn(elementsIn(other) ?? []))
  const chosen = below(dice, nodesIn(roots ?? []).length)
  const change = oneOf(dice, NODES)
  let seen = 0
  const rewritten = (node: Element): readonly Buffer[] => {
    if (seen++ === chosen) return change(node, dice, foreign ?? node)
    const inner = branches(node)
    return [inner ? element(node.tag, ...inner.flatMap(rewritten)) : written(node)]
  }
  return roots?.length ? Buffer.concat(roots.flatMap(rewritten)) : withBytesChanged(bytes, dice, other)
}

/** Every element at every depth, each before what it holds. */
const nodesIn = (elements: readonly Element[]): readonly Element[] =>
  elements.flatMap(node => [node, ...nodesIn(branches(node) ?? [])])

const LINES: ReadonlyArray<(lines: readonly string[], dice: Dice) => readonly string[]> = [
  (lines, dice) => lines.toSpliced(below(dice, lines.length), 1),
  (lines, dice) => lines.toSpliced(below(dice, lines.length), 0, oneOf(dice, lines)),
  (lines, dice) => lines.with(below(dice, lines.length), oneOf(dice, lines)),
  (lines, dice) => lines.with(below(dice, lines.length), ''),
  lines => lines.toReversed(),
  (lines, dice) => lines.slice(0, below(dice, lines.length)),
  (lines, dice) => lines.map(line => (dice() < 0.1 ? `${line} ` : line)),
  (lines, dice) => lines.toSpliced(below(dice, lines.length), 0, oneOf(dice, ODD_LINES)),
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

export const withLinesChanged = (text: string, dice: Dice): string =>
  oneOf(dice, LINES)(text.split('\n'), dice).join('\n')

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
export function withPemChanged(text: string, dice: Dice, other: Buffer): string {
  const blocks = blocksOf(text)
  const way = dice()
  if (way < 0.1 || !blocks.length) return withBytesChanged(Buffer.from(text), dice, other).toString()
  if (way < 0.2) return withLinesChanged(text, dice)
  const chosen = below(dice, blocks.length)
  const change = way < 0.5 ? withBytesChanged : withNodeChanged
  return blocks.map(({ label, der }, i) => pem(label, i === chosen ? change(der, dice, other) : der)).join('')
}
