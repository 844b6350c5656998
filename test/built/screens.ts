/** What the built program prints where nobody looks: through pipes, for cron and for ACME clients. */
import { utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import { expect } from 'vitest'
import { run } from '../e2e/child.ts'
import { type BuiltProgram, KEYS } from './builtProgram.ts'

const LINE = /^\d{4}-\d\d-\d\dT[\d:]{8}Z (info |warn |error) \S.*$/

/** Names in their natural order, one line each; filters; what is wrong first, and alone with --quiet; a pause of the daemon. */
export async function showsStatus({ certbot, typed, type, begin, at, put, configure }: BuiltProgram) {
  for (const name of ['site10.example', 'site2.example', 'site1.example', 'other.example'])
    await certbot(name)
  const source = `[[source]]\nkind = "certbot"\npath = "letsencrypt"\n`
  const tables = `[[certificate]]\nmatch = "other.*"\nexclude = true\n[[certificate]]\nmatch = "shop.*"\nalias = "x"\n`
  const config = await configure(source + tables)
  const status = (...words: readonly string[]) => typed(['status', '--config', config, ...words])
  const names = (text: string) =>
    Array.from(text.matchAll(/^certbot:(\S+) +(ok|new|failed) /gm), ([, name]) => name)
  await typed(['sync', '--config', config])
  const all = await status()
  expect(names(all)).toEqual(['site1.example', 'site2.example', 'site10.example'])
  expect(all).toMatch(/^\[\[certificate\]\] match = "shop\.\*" matches no certificate\n/)
  expect(all).toMatch(/\n3 certificates: 3 ok; 1 left out by exclude = true\n$/)

  await put('letsencrypt/archive/site2.example/privkey1.pem', 'nothing\n')
  const old = new Date(0)
  await utimes(at('letsencrypt/archive/site2.example/privkey1.pem'), old, old)
  expect(names(await status('--failing'))).toEqual(['site2.example'])
  expect(names(await status('--only', 'site1*', '--only', 'certbot:site2.example'))).toHaveLength(3)
  expect(names(await status('site1*', '--verbose'))).toEqual(['site1.example', 'site10.example'])
  expect(await status('site1.example')).toMatch(/^certbot:site1\.example\n {2}state +ok/)
  expect(await status('--quiet')).toMatch(/certbot:site2\.example:\s[\s\S]*→/)
  expect((await type(['status', '--config', config, 'nothing*'])).code).toBe(66)

  await certbot('late.example')
  const daemon = begin(['watch', '--config', config], { ...KEYS, TENCENTCLOUD_SECRET_KEY: 'mistyped' })
  await expect.poll(daemon.said).toContain('uploads paused until')
  const paused = await status()
  expect(paused).toMatch(/^Uploads of the daemon are paused until 20.* UTC,[\s\S]*→/)
  const { stdout } = await type(['check', '--config', config])
  expect(stdout).toMatch(/^FAIL {2}daemon .*running as process/m)
  expect(stdout).toMatch(/^WARN {2}renewals /m)
  daemon.signal('SIGTERM')
  await expect.poll(daemon.ended).toBe(true)
  expect(await status()).not.toContain('paused')
}

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

/** A hook's upload stands in the journal, beside what its client logs. Needs root: it has a /run of its own. */
export async function writesToJournal(
  { certbot, put, at, read, emulator, did }: BuiltProgram,
  program: string,
) {
  await certbot('a.example.com')
  const fake = await put('bin/systemd-cat', `#!/bin/sh\n{ echo "$@"; cat; } >> '${at('told')}'\n`, 0o755)
  const script =
    'mount -t tmpfs none /run && mkdir -p /run/systemd/journal && touch /run/systemd/journal/socket && mount --bind "$0" /usr/local/bin && exec "$@"'
  const words = ['--mount', 'sh', '-c', script, dirname(fake), program, 'hook']
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    ...KEYS,
    CERTFERRY_ENDPOINT: emulator.url,
    CERTFERRY_STATE_DIR: at('state'),
    RENEWED_LINEAGE: at('letsencrypt/live/a.example.com'),
  }
  for (const code of [0, 0]) expect(await run('unshare', words, env)).toMatchObject({ code, stderr: '' })
  const id = emulator.certificates()[0]?.id
  expect(await read('told')).toMatch(
    new RegExp(`^-t certferry --level-prefix=true\n<6>certbot:a.example.com uploaded as ${id} .*\n$`),
  )
  did('hook')
}
