/** Lists of steps can be cut where a test wants to look. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { after, all, cutsOf, finely, step, upTo, written } from './steps.ts'
import { temporaryDirectory } from './temporary.ts'

test('upTo and after split a list at a name, and all runs what it is given in order', async () => {
  const ran: string[] = []
  const steps = ['one', 'two', 'three'].map(name => step(name, async () => void ran.push(name)))
  await all(upTo(steps, 'two'))
  expect(ran).toEqual(['one', 'two'])
  await all(after(steps, 'two'))
  expect(ran).toEqual(['one', 'two', 'three'])
})

test('a name that no step has is an error that lists those there are', () => {
  expect(() => upTo([step('one', async () => {})], 'two')).toThrow('no step "two" among: one')
})

test('a file is emptied in place before it is written, and keeps its mode', async () => {
  const path = join(await temporaryDirectory(), 'file')
  writeFileSync(path, 'a longer text than the next', { mode: 0o640 })
  const before = statSync(path)
  const [open, write] = written({ file: 'file', path: () => path, text: () => 'text', mode: 0o600 })
  await open?.run()
  expect(readFileSync(path, 'utf8')).toBe('')
  await write?.run()
  expect(readFileSync(path, 'utf8')).toBe('text')
  expect([statSync(path).ino, statSync(path).mode]).toEqual([before.ino, before.mode])
})

describe('a write that is cut', () => {
  const block = (label: string) => `-----BEGIN ${label}-----\nTUlJ\n-----END ${label}-----\n`

  test('is cut within the first line, within each block, and around the end of each', () => {
    const text = block('CERTIFICATE') + block('CERTIFICATE')
    const length = block('CERTIFICATE').length
    expect(cutsOf(text)).toEqual(
      [7, length / 2, length - 1, length, length * 1.5, 2 * length - 1].map(Math.floor),
    )
  })

  test('is cut in half where it has no blocks, and nowhere where it has nothing', () => {
    expect([cutsOf('abcd'), cutsOf('')]).toEqual([[2], []])
  })

  test('grows from one cut to the next and is whole in the end', async () => {
    const path = join(await temporaryDirectory(), 'file')
    const text = block('PRIVATE KEY')
    const [open, ...writes] = finely(written({ file: 'file', path: () => path, text: () => text }))
    await open?.run()
    const seen: number[] = []
    for (const { run } of writes) {
      await run()
      seen.push(readFileSync(path, 'utf8').length)
    }
    expect(seen).toEqual([...cutsOf(text), text.length])
  })
})
