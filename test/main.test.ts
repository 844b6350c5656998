/** The built program as the operating system starts it. `npm test` builds before it tests. */
import { execFile } from 'node:child_process'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { execPath } from 'node:process'
import { describe, expect, test } from 'vitest'
import { loaded } from '../bench/counted.ts'
import { temporaryDirectory } from './fixtures/temporary.ts'

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const run = (file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  new Promise<Ended>(resolve => {
    const child = execFile(
      file,
      [...args],
      { env: { PATH: '/usr/bin:/bin', ...env } },
      (_error, stdout, stderr) => {
        resolve({ code: child.exitCode, stdout, stderr })
      },
    )
  })

/** Makes this Node claim to be another before the program's first line runs. */
const claiming = (version: string) => [
  '--import',
  `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'${version}'})`,
]

describe('the program started by hand', () => {
  test.each(['20.20.2', '18.20.4', '22.21.9'])(
    'on Node %s it says what it needs and what it found, exit 78',
    async version => {
      const { code, stderr, stdout } = await run(execPath, [...claiming(version), 'dist/main.js', 'sync'])
      expect(code).toBe(78)
      expect(stderr).toContain(`needs Node 24 or newer and was started with ${version}`)
      expect(stdout).toBe('')
    },
  )

  test.each(['24.0.0', '25.1.0'])('on Node %s it starts', async version => {
    expect(await run(execPath, [...claiming(version), 'dist/main.js', '--version'])).toMatchObject({
      code: 0,
      stderr: '',
    })
  })

  test('dist/certferry finds the Node that was installed with it, whatever the system has', async () => {
    const { code, stdout } = await run('dist/certferry', ['--version'])
    expect(stdout).toMatch(/^certferry \d/)
    expect(code).toBe(0)
  })

  test('what cannot be written for want of a disk is an error, exit 74', async () => {
    const { code, stderr } = await run('/bin/sh', ['-c', `${execPath} dist/main.js --help >/dev/full`])
    expect([code, stderr]).toEqual([74, ''])
  })

  test('a command that ends in nothing is a bug, never a success', async () => {
    const folder = join(await temporaryDirectory(), 'dist')
    await cp('dist', folder, { recursive: true })
    const main = await readFile(join(folder, 'main.js'), 'utf8')
    const endless = main.replace('await cli(', 'await new Promise(()=>{})||await cli(')
    expect(endless).not.toBe(main)
    await writeFile(join(folder, 'main.js'), endless)
    const { code, stderr } = await run(execPath, [join(folder, 'main.js'), 'sync'])
    expect(code).toBe(70)
    expect(stderr).toMatch(/^certferry: an error in certferry itself \(Error\)\n/)
  })

  test('a reader that goes away early is no error', async () => {
    const { code, stderr } = await run('/bin/sh', ['-c', `${execPath} dist/main.js --help | head -n 1`])
    expect([code, stderr]).toEqual([0, ''])
  })
})

/** The parts of the program that a command loads. */
const partsFor = async (...words: readonly string[]) =>
  (await loaded(await temporaryDirectory(), words, {})).files
    .filter(file => file.includes('/parts/'))
    .map(file => basename(file, '.js'))
    .sort()

describe('what a command loads', () => {
  test('--help loads nothing but the texts', async () => {
    expect(await partsFor('--help')).toEqual(['rolldown-runtime', 'start'])
  })

  test('a run that finds nothing to upload loads neither HTTP nor certificate code', async () => {
    const parts = await partsFor(
      'sync',
      '--dry-run',
      '--source',
      'pem=none:/nowhere/chain.pem:/nowhere/key.pem',
    )
    expect(parts).toEqual(expect.arrayContaining(['start', 'sync']))
    for (const name of ['undici', 'uploader', 'x509', 'chokidar', 'node-cron', 'prom-client', 'valibot'])
      expect(parts).not.toContain(name)
  })
})
