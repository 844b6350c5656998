/** A start on a machine that is unwell ends with a code after which the units start it again: only a wrong configuration is 78. */
import { spawnSync } from 'node:child_process'
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { ended, PROGRAM } from './child.ts'
import { hasStrace } from './strace.ts'

const hasNetworks = spawnSync('unshare', ['-n', 'true']).status === 0

const ENV = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', TZ: 'UTC' }

/** A configuration that was written long ago, and the words that start something under it. */
async function stage(config: string) {
  const folder = await temporaryDirectory()
  const file = join(folder, 'config.toml')
  await mkdir(join(folder, 'le', 'live'), { recursive: true })
  await writeFile(file, config)
  await utimes(file, 1, 1)
  const places = ['--config', file, '--source', `certbot=${join(folder, 'le')}`]
  const words = (command: string) => [...PROGRAM, command, ...places, '--state-dir', join(folder, 'state')]
  return { folder, file, words }
}

/** The codes after which a unit is left ended. */
async function finalCodes(unit: string): Promise<readonly number[]> {
  const text = await readFile(`systemd/${unit}`, 'utf8')
  return (/^RestartPreventExitStatus=(.*)$/m.exec(text)?.[1] ?? '').split(' ').map(Number)
}

const UNITS = ['certferry.service', 'certferry@.service', 'certferry-sync.service']

test('all units start the program again after 75, and none after 78', async () => {
  for (const unit of UNITS) {
    const codes = await finalCodes(unit)
    expect([unit, codes.includes(75), codes.includes(78)]).toEqual([unit, false, true])
  }
})

describe.skipIf(!hasStrace)('a configuration that cannot be read now is not called wrong: exit 75', () => {
  const failing = (call: string, error: string, file: string) =>
    ['strace', '-f', '-qq', '-o', '/dev/null', '-P', file, '-e', `trace=${call}`].concat([
      '-e',
      `inject=${call}:error=${error}`,
    ])

  test.each([
    ['openat', 'EIO'],
    ['openat', 'ENFILE'],
    ['openat', 'EMFILE'],
    ['openat', 'ESTALE'],
    ['openat', 'ENOMEM'],
    ['openat', 'ETIMEDOUT'],
    ['pread64,read', 'EIO'],
    ['pread64,read', 'ESTALE'],
  ])('%s: %s', async (call, error) => {
    const { file, words } = await stage('[log]\nlevel = "info"\n')
    for (const command of ['watch', 'sync']) {
      const made = await ended([...failing(call, error, file), ...words(command)], ENV)
      expect([command, made.code]).toEqual([command, 75])
      expect(made.stdout + made.stderr).toContain(`${file}: cannot be read (${error})`)
    }
  })
})

test('a configuration that is named and is not there is wrong: exit 78', async () => {
  const { file, words } = await stage('')
  const other = words('watch').map(word => (word === file ? `${file}.other` : word))
  const made = await ended(other, ENV)
  expect(made.code).toBe(78)
  expect(made.stdout + made.stderr).toContain('is not there')
})

describe('an address of [http] that cannot be listened at', () => {
  test('because the port is in use: exit 75', async () => {
    const other = createServer()
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const { port } = other.address() as { port: number }
    const { words } = await stage(`[http]\nlisten = "127.0.0.1:${port}"\n`)
    const made = await ended(words('watch'), ENV)
    expect(made.code).toBe(75)
    expect(made.stdout + made.stderr).toContain(`[http] listen: 127.0.0.1:${port}: in use`)
  })

  test.skipIf(!hasNetworks)('because [::1] is not there yet: exit 75', async () => {
    const { words } = await stage('[http]\nlisten = "[::1]:9809"\n')
    const made = await ended(['unshare', '-n', ...words('watch')], ENV)
    expect(made.code).toBe(75)
    expect(made.stdout + made.stderr).toContain('[http] listen: [::1]:9809: not an address of this machine')
  })

  test('because the folder of its socket is not there yet: exit 75; a file in its place: 78', async () => {
    const { folder } = await stage('')
    const late = await stage(`[http]\nlisten = "unix:${join(folder, 'run', 'http.sock')}"\n`)
    expect((await ended(late.words('watch'), ENV)).code).toBe(75)
    await writeFile(join(folder, 'file'), 'precious')
    const wrong = await stage(`[http]\nlisten = "unix:${join(folder, 'file')}"\n`)
    expect((await ended(wrong.words('watch'), ENV)).code).toBe(78)
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('precious')
  })
})
