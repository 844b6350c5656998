import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../src/upload/outcome.ts'
import { createProgressLine } from '../../src/upload/progress.ts'
import type { SyncAllDeps } from '../../src/upload/syncAll.ts'
import { openStage } from '../commands/commandFixture.ts'
import { recordedContext } from '../fixtures/context.ts'

const uploaded = { outcome: 'uploaded' } as Outcome
const LINE = /\d+\/\d+ {2}uploaded \d+/

/** What a terminal shows of what was written to it, row by row, without the blanks at their ends. */
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

/** A run over so many lineages whose outcomes the test decides, on a clock of its own. */
function openRun({ terminal = true, wanted = true } = {}) {
  let now = 1_000_000
  const recorded = recordedContext({ cwd: '/', terminal, now: () => now })
  const { context, during } = createProgressLine(recorded.context, wanted)
  const tell = ({ lineage }: Outcome) => context.stdout.write(`${lineage ?? 'one'} uploaded\n`)
  return {
    context,
    screen: () => screenOf(recorded.out()),
    written: recorded.out,
    later: (ms: number) => {
      now += ms
    },
    over: (total: number, work: (tell: SyncAllDeps['report']) => void) =>
      during(total, { report: tell } as SyncAllDeps, async effects => work(effects.report)),
  }
}

describe('a long run', () => {
  test('shows how far it is on the last row, below whole log lines, and nothing of it in the end', async () => {
    const { over, later, screen } = openRun()
    await over(100, tell => {
      for (let i = 1; i <= 60; i++) {
        later(100)
        tell(uploaded)
        const rows = screen()
        expect(rows.slice(0, -1)).toEqual(Array(i).fill('one uploaded'))
        expect(rows.at(-1) ?? '').toMatch(i < 10 ? /^$/ : new RegExp(`^${i}/100 {2}uploaded ${i} `))
      }
      expect(screen().at(-1)).toBe('60/100  uploaded 60  failed 0')
    })
    expect(screen()).toEqual([...Array(60).fill('one uploaded'), ''])
  })

  test('steps aside for what others write, a long line or a short one', async () => {
    const { over, later, screen, context } = openRun()
    await over(100, tell => {
      later(5_000)
      tell(uploaded)
      context.stdout.write(`${'long '.repeat(15)}\n`)
      context.stdout.write('short\n')
      expect(screen().slice(0, -1)).toEqual(['one uploaded', 'long '.repeat(15).trimEnd(), 'short'])
      expect(screen().at(-1)).toMatch(LINE)
    })
  })

  test('takes its line away when it fails', async () => {
    const { over, later, screen } = openRun()
    const failing = over(100, tell => {
      later(2_000)
      tell(uploaded)
      throw new Error('on purpose')
    })
    await expect(failing).rejects.toThrow('on purpose')
    expect(screen()).toEqual(['one uploaded', ''])
  })
})

describe('no line is shown', () => {
  const outcomes =
    (count: number, ms: number, later: (ms: number) => void) => (tell: SyncAllDeps['report']) => {
      for (let i = 0; i < count; i++) {
        later(ms)
        tell(uploaded)
      }
    }

  test('where it is over within a second', async () => {
    const { over, later, written } = openRun()
    await over(900, outcomes(900, 1, later))
    expect(written()).toBe('one uploaded\n'.repeat(900))
  })

  test('where after a second fewer than twenty are to be done', async () => {
    const { over, later, written } = openRun()
    await over(28, outcomes(28, 100, later))
    expect(written()).toBe('one uploaded\n'.repeat(28))
  })

  test.each([
    ['where there is no terminal', { terminal: false }],
    ['where nobody wants it', { wanted: false }],
  ])('%s', async (_title, how) => {
    const { over, later, written } = openRun(how)
    await over(100, outcomes(100, 100, later))
    expect(written()).toBe('one uploaded\n'.repeat(100))
  })
})

describe('sync', () => {
  /** A clock that each look moves on by 50 ms. */
  const hurried = () => {
    let now = Date.now()
    return () => (now += 50)
  }
  const manyLineages = async () => {
    const stage = await openStage()
    const pair = await stage.certbot('0.example')
    for (let i = 1; i < 40; i++) await stage.certbot(`${i}.example`, pair)
    return stage
  }

  test('on a terminal draws its progress and leaves only log lines behind', async () => {
    const { type } = await manyLineages()
    const run = await type(['sync'], { terminal: true, now: hurried() })
    expect(run.out()).toMatch(LINE)
    const rows = screenOf(run.out())
    expect(rows.filter(row => / (uploaded as|40 uploaded)/.test(row))).toHaveLength(41)
    expect(rows.join('\n')).not.toMatch(LINE)
  })

  test('with --json or into a pipe it draws nothing', async () => {
    const { type } = await manyLineages()
    const json = await type(['sync', '--json'], { terminal: true, now: hurried() })
    expect(json.json().summary).toMatchObject({ uploaded: 40 })
    const pipe = await type(['sync', '--force'], { now: hurried() })
    for (const text of [json.out(), json.err(), pipe.out(), pipe.err()]) expect(text).not.toMatch(/\r/)
  })
})
