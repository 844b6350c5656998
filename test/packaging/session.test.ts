/** The session on the README's first screen is one that happened. */
import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { sessionIn, sessionOf, steady, withSession } from '../../packaging/session.ts'
import { cli } from '../../src/cli/run.ts'
import { recordedContext } from '../fixtures/context.ts'

test('the README shows what the demo does, but for times and IDs (npm run session writes it)', async () => {
  const run = recordedContext({ cwd: '/', wait: ms => setTimeout(ms) })
  expect(await cli(['demo'], run.context)).toBe(0)
  expect(steady(sessionIn(await readFile('README.md', 'utf8')))).toBe(steady(sessionOf(run.out())))
})

test('a session takes the place of the one before, and nothing else', () => {
  const readme = 'a\n<!-- recorded by: npm run session -->\n```\nold $& 1\n```\n<!-- recorded -->\nb\n'
  const next = withSession(readme, '$ new $1\n')
  expect(sessionIn(next)).toBe('$ new $1\n')
  expect(next).toMatch(/^a\n/)
  expect(next).toMatch(/\nb\n$/)
})

test('times and IDs do not count, what happened does', () => {
  const line = (time: string, id: string, why: string) =>
    `${time} info  x uploaded as ${id} (${why}), in 1.2 s`
  expect(steady(line('10:00:00', 'a92b1Z1i', 'changed'))).toBe(
    steady(line('23:59:59', 'HJRqI56v', 'changed')),
  )
  expect(steady(line('10:00:00', 'a92b1Z1i', 'changed'))).not.toBe(
    steady(line('10:00:00', 'a92b1Z1i', 'first-seen')),
  )
})
