/** What the built program prints where nobody looks: through pipes, for cron and for ACME clients. */
import { expect } from 'vitest'
import { type BuiltProgram, KEYS } from './builtProgram.ts'

const LINE = /^\d{4}-\d\d-\d\dT[\d:]{8}Z (info |warn |error) \S.*$/

/** One readable line for each event, JSON where it is asked for, and nothing where nothing is wrong and --quiet is given. */
export async function printsText({ certbot, typed, type, at, configure }: BuiltProgram) {
  await certbot('a.example.com')
  const places = ['--source', `certbot=${at('letsencrypt')}`]
  const lines = (text: string) => text.trimEnd().split('\n')
  const first = lines(await typed(['sync', ...places]))
  expect(first).toHaveLength(2)
  for (const line of first) expect(line).toMatch(LINE)
  expect(first[0]).toContain('certbot:a.example.com uploaded as ')
  expect(await typed(['sync', '--quiet', ...places])).toBe('')
  const env = { RENEWED_LINEAGE: at('letsencrypt/live/a.example.com') }
  expect(lines(await typed(['hook'], env))).toEqual([
    expect.stringMatching(/Z info {2}certbot:a.* unchanged, /),
  ])
  expect(await typed(['hook', '--quiet'], env)).toBe('')

  await certbot('b.example.com')
  const wrong = { TENCENTCLOUD_SECRET_ID: 'no', TENCENTCLOUD_SECRET_KEY: 'no' }
  const failed = await type(['sync', '-q', ...places], wrong)
  expect([failed.code, failed.stderr]).toEqual([77, ''])
  expect(failed.stdout).toMatch(/Z error stopped: .* → /)

  const config = await configure('[log]\nformat = "json"\n')
  const json = lines(await typed(['sync', '--config', config, ...places])).map(line => JSON.parse(line))
  expect(json.map(({ event }) => event)).toEqual(['uploaded', 'run_finished'])
  const other = { ...KEYS, CERTFERRY_LOG_FORMAT: 'json' }
  expect(JSON.parse(await typed(['sync', ...places], other))).toMatchObject({ event: 'run_finished' })
}
