import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../src/upload/outcome.ts'
import { createProgressLine } from '../../src/upload/progress.ts'
import type { SyncAllDeps } from '../../src/upload/syncAll.ts'
import { recordedWorld } from '../fixtures/world.ts'

/** What a terminal shows of what was written to it, row by row, without blanks at their ends. */
function screenOf(text: string): readonly string[] {
  const rows = ['']
  let column = 0
  for (const character of text) {
    const row = rows.at(-1) ?? ''
    if (character === '\n') rows.push('')
    if (character === '\n' || character === '\r') column = 0
    else rows[rows.length - 1] = row.slice(0, column).padEnd(column) + character + row.slice(++column)
  }
  return rows.map(row => row.trimEnd())
}

/** A run whose outcomes are reported and logged `ms` apart. */
function startRun({ terminal = true, wanted = true } = {}) {
  let now = 1_000_000
  const recorded = recordedWorld({ cwd: '/', terminal, now: () => now })
  const { world, during } = createProgressLine(recorded.world, wanted)
  const report = () => world.stdout.write('one uploaded\n')
  return {
    log: world.stdout.write,
    screen: () => screenOf(recorded.out()),
    written: recorded.out,
    run: (total: number, work: (upload: (ms: number) => void) => void) =>
      during(total, { report } as unknown as SyncAllDeps, async deps =>
        work(ms => {
          now += ms
          deps.report({ outcome: 'uploaded' } as Outcome)
        }),
      ),
  }
}

describe('the progress line of a long run', () => {
  test('is the last row below whole log lines, and is removed at the end', async () => {
    const { run, screen, log } = startRun()
    await run(100, upload => {
      for (let i = 1; i <= 60; i++) {
        upload(100)
        expect(screen().slice(0, -1)).toEqual(Array(i).fill('one uploaded'))
        expect(screen().at(-1)).toMatch(i < 10 ? /^$/ : new RegExp(`^${i}/100 {2}uploaded ${i} {2}failed 0$`))
      }
      log(`${'long '.repeat(15)}\n`)
      log('short\n')
      expect(screen().slice(-3)).toEqual([
        'long '.repeat(15).trimEnd(),
        'short',
        '60/100  uploaded 60  failed 0',
      ])
    })
    expect(screen().at(-1)).toBe('')
  })

  test('is removed when the run fails', async () => {
    const { run, screen } = startRun()
    const failing = run(100, upload => {
      upload(2_000)
      throw new Error('on purpose')
    })
    await expect(failing).rejects.toThrow('on purpose')
    expect(screen()).toEqual(['one uploaded', ''])
  })

  test.each([
    ['a run that ends within a second', {}, 900, 1],
    ['fewer than twenty certificates after a second', {}, 28, 100],
    ['a pipe', { terminal: false }, 100, 100],
    ['--json', { wanted: false }, 100, 100],
  ])('is not shown for %s', async (_, how, count, ms) => {
    const { run, written } = startRun(how)
    await run(count, upload => {
      for (let i = 0; i < count; i++) upload(ms)
    })
    expect(written()).toBe('one uploaded\n'.repeat(count))
  })
})
