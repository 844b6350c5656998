/** The session on the README's first screen is one that happened. */
import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { sessionIn, sessionOf, steady, withSession } from '../../packaging/session.ts'
import { cli } from '../../src/cli/run.ts'
import { recordedContext } from '../fixtures/context.ts'

const widest = (text: string) => Math.max(...text.split('\n').map(line => [...line].length))

describe('demo', () => {
  let out = ''
  beforeAll(async () => {
    const run = recordedContext({ cwd: '/', wait: ms => setTimeout(ms) })
    expect(await cli(['demo'], run.context)).toBe(0)
    out = run.out()
  })

  test('the README shows what it does, but for times and IDs (npm run session writes it)', async () => {
    expect(steady(sessionIn(await readFile('README.md', 'utf8')))).toBe(steady(sessionOf(out)))
  })

  test('it uploads, renews, replaces and reports, in 80 columns', async () => {
    expect(out.match(/uploaded as/g)).toHaveLength(4)
    expect(out.match(/, replaces|,\s+replaces/g)).toHaveLength(2)
    expect(out).toContain('the service already had it')
    expect(out).toContain('stores 4 certificates')
    const shown = [...out.matchAll(/A TLS handshake with shop\.example\.com shows: (\w{8})$/gm)].map(
      ([, id]) => id,
    )
    const uploaded = [...out.matchAll(/certbot:shop\.example\.com uploaded as (\w{8})/g)].map(([, id]) => id)
    expect(shown).toEqual(uploaded)
    expect(out).toMatch(/1 of 2 resources failed[\s\S]*the service is\s+asked\s+to\s+retry/)
    expect(out).toContain('1 replaced')
    expect(out).not.toContain('\r')
    expect(widest(out)).toBeLessThanOrEqual(80)
  })
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
