/** A start that fails for what may pass ends with a code after which the units start it again: only a wrong configuration is 78. */
import { spawnSync } from 'node:child_process'
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { PROGRAM, run } from './process.ts'
import { hasStrace } from './strace.ts'

const hasNetworks = spawnSync('unshare', ['-n', 'true']).status === 0

const ENV = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', TZ: 'UTC' }

/** A configuration that was written long ago, and the command line to start a command with it. */
async function configured(config: string) {
  const folder = await temporaryDirectory()
  const file = join(folder, 'config.toml')
  await mkdir(join(folder, 'le', 'live'), { recursive: true })
  await writeFile(file, config)
  await utimes(file, 1, 1)
  const paths = ['--config', file, '--source', `certbot=${join(folder, 'le')}`]
  const words = (command: string) => [...PROGRAM, command, ...paths, '--state-dir', join(folder, 'state')]
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

describe.skipIf(!hasStrace)('a configuration that cannot be read now: exit 75', () => {
  const failing = (call: string, error: string, file: string) =>
    `strace -f -qq -o /dev/null -P ${file} -e trace=${call} -e inject=${call}:error=${error}`.split(' ')

  test.each([
    ['openat', 'EIO'],
    ['openat', 'ENFILE'],
    ['openat', 'EMFILE'],
    ['openat', 'ESTALE'],
    ['openat', 'ENOMEM'],
    ['openat', 'ETIMEDOUT'],
    ['pread64,read', 'EIO'],
    ['pread64,read', 'ESTALE'],
  ])('a call of %s fails with %s', async (call, error) => {
    const { file, words } = await configured('[log]\nlevel = "info"\n')
    for (const command of ['watch', 'sync']) {
      const ended = await run([...failing(call, error, file), ...words(command)], ENV)
      expect([command, ended.code]).toEqual([command, 75])
      expect(ended.stdout + ended.stderr).toContain(`${file}: cannot be read (${error})`)
    }
  })
})

test('a named configuration that is missing: exit 78', async () => {
  const { file, words } = await configured('')
  const ended = await run(
    words('watch').map(word => (word === file ? `${file}.other` : word)),
    ENV,
  )
  expect(ended.code).toBe(78)
  expect(ended.stdout + ended.stderr).toContain('is not there')
})

describe('[http] listen', () => {
  test('a port that is in use: exit 75', async () => {
    const other = createServer()
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const { port } = other.address() as { port: number }
    const { words } = await configured(`[http]\nlisten = "127.0.0.1:${port}"\n`)
    const ended = await run(words('watch'), ENV)
    expect(ended.code).toBe(75)
    expect(ended.stdout + ended.stderr).toContain(`[http] listen: 127.0.0.1:${port}: in use`)
  })

  test.skipIf(!hasNetworks)('an address that this machine does not have yet: exit 75', async () => {
    const { words } = await configured('[http]\nlisten = "[::1]:9809"\n')
    const ended = await run(['unshare', '-n', ...words('watch')], ENV)
    expect(ended.code).toBe(75)
    expect(ended.stdout + ended.stderr).toContain('[http] listen: [::1]:9809: not an address of this machine')
  })

  test('a socket whose folder is missing: exit 75; a file in its place: 78', async () => {
    const { folder } = await configured('')
    const late = await configured(`[http]\nlisten = "unix:${join(folder, 'run', 'http.sock')}"\n`)
    expect((await run(late.words('watch'), ENV)).code).toBe(75)
    await writeFile(join(folder, 'file'), 'precious')
    const wrong = await configured(`[http]\nlisten = "unix:${join(folder, 'file')}"\n`)
    expect((await run(wrong.words('watch'), ENV)).code).toBe(78)
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('precious')
  })
})
