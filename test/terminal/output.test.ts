import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openOutput } from '../../src/terminal/output.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const never = () => {
  throw new Error('a stream was opened')
}

async function written(path: string, texts: readonly string[]) {
  let lost = 0
  const fd = openSync(path, 'w')
  try {
    const output = openOutput({ fd, stream: never, env: {}, onLost: () => lost++ })
    for (const text of texts) output.write(text)
    return { lost, output }
  } finally {
    closeSync(fd)
  }
}

test('output to a file is written at once and in order, without a stream', async () => {
  const file = join(await temporaryDirectory(), 'out')
  const { lost, output } = await written(file, ['one\n', 'zwei ü\n', 'x'.repeat(200_000)])
  expect(readFileSync(file, 'utf8')).toBe(`one\nzwei ü\n${'x'.repeat(200_000)}`)
  expect([lost, output.isTerminal, output.colours, output.columns]).toEqual([0, false, false, 80])
})

test('/dev/null is no terminal, and a full disk is reported', async () => {
  expect((await written('/dev/null', ['x'])).output.isTerminal).toBe(false)
  expect((await written('/dev/full', ['x', 'y'])).lost).toBe(2)
})

test('the journal is recognised by its socket, not by an inherited variable', async () => {
  const file = join(await temporaryDirectory(), 'out')
  const fd = openSync(file, 'w')
  const { dev, ino } = (await import('node:fs')).fstatSync(fd)
  const journal = (name: string) =>
    openOutput({ fd, stream: never, env: { JOURNAL_STREAM: name }, onLost: never }).isJournal
  expect([journal(`${dev}:${ino}`), journal(`${dev}:${ino + 1}`)]).toEqual([true, false])
  closeSync(fd)
})

test('output beyond sixteen megabytes that wait for a reader is lost, and the rest arrives in order', async () => {
  const pipe = join(await temporaryDirectory(), 'pipe')
  execFileSync('mkfifo', [pipe])
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
  const fd = openSync(pipe, 'w')
  let lost = 0
  const output = openOutput({ fd, stream: never, env: {}, onLost: () => lost++ })
  const line = (n: number) => `${String(n).padStart((1 << 20) - 1, '.')}\n`
  for (let i = 0; i < 20; i++) output.write(line(i))
  expect(lost).toBe(3)
  const over = new AbortController()
  const flushed = output.flush(over.signal)
  let [text, all] = ['', false]
  void flushed.then(() => {
    all = true
  })
  const room = Buffer.alloc(1 << 16)
  while (!all) {
    try {
      text += room.toString('utf8', 0, readSync(reader, room))
    } catch {}
    await setImmediate()
  }
  try {
    for (let n = -1; n; ) {
      n = readSync(reader, room)
      text += room.toString('utf8', 0, n)
    }
  } catch {}
  expect(text).toBe(Array.from({ length: 17 }, (_, i) => line(i)).join(''))
  for (const one of [reader, fd]) closeSync(one)
})

test('flush: an aborted one does not wait for the reader', async () => {
  const pipe = join(await temporaryDirectory(), 'pipe')
  execFileSync('mkfifo', [pipe])
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
  const fd = openSync(pipe, 'w')
  const output = openOutput({ fd, stream: never, env: {}, onLost: never })
  output.write('x'.repeat(1 << 20))
  const over = new AbortController()
  const flushed = output.flush(over.signal)
  over.abort()
  await flushed
  for (const one of [reader, fd]) closeSync(one)
})

/** A program that writes much to a pipe without a reader for a while, made non-blocking by its other end. */
const MUCH = `
import { openOutput } from ${JSON.stringify(new URL('../../src/terminal/output.ts', import.meta.url).href)}
const output = openOutput({ fd: 1, stream: () => process.stdout, env: {}, onLost: () => process.exit(9) })
if (process.argv[1] === 'slow') process.stdout.on('drain', () => {})
for (let i = 0; i < 5_000; i++) output.write(String(i).padStart(99, '.') + '\\n')
`

test('a slow reader gets all output, in order', async () => {
  const child = spawn(execPath, ['--input-type=module', '--eval', MUCH, 'slow'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8')
  child.stdout.pause()
  globalThis.setImmediate(() => {
    child.stdout.on('data', part => {
      text += part
    })
    child.stdout.resume()
  })
  const [code] = await once(child, 'close')
  expect(code).toBe(0)
  expect(text.split('\n').slice(0, -1).map(Number.parseFloat).length).toBe(5_000)
  expect(text.trimEnd().endsWith('4999')).toBe(true)
})

test('a reader that has gone is no loss of output', async () => {
  const code = await new Promise(resolve =>
    execFile(
      '/bin/sh',
      ['-c', `"$1" --input-type=module --eval "$2" | head -n 1; exit 0`, 'sh', execPath, MUCH],
      error => resolve(error?.code ?? 0),
    ),
  )
  expect(code).toBe(0)
})
