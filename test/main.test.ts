/** The built program as the operating system starts it. `npm test` builds before it tests. */
import { execFile } from 'node:child_process'
import { execPath } from 'node:process'
import { describe, expect, test } from 'vitest'

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
      expect(stderr).toContain(`needs Node 22.22 or newer and was started with ${version}`)
      expect(stdout).toBe('')
    },
  )

  test.each(['22.22.0', '23.11.0', '24.0.0'])('on Node %s it starts', async version => {
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
    const never = 'data:text/javascript,export const cli=()=>new Promise(()=>{})'
    const hook = `import{registerHooks}from"node:module";registerHooks({resolve:(s,c,n)=>s==="./cli.js"?{url:"${never}",shortCircuit:true}:n(s,c)})`
    const { code, stderr } = await run(execPath, [
      '--import',
      `data:text/javascript,${encodeURIComponent(hook)}`,
      'dist/main.js',
      'sync',
    ])
    expect(code).toBe(70)
    expect(stderr).toMatch(/^certferry: an error in certferry itself \(Error\)\n/)
  })

  test('a reader that goes away early is no error', async () => {
    const { code, stderr } = await run('/bin/sh', ['-c', `${execPath} dist/main.js --help | head -n 1`])
    expect([code, stderr]).toEqual([0, ''])
  })
})

/** The files the program loads on its way, by their URLs. */
async function loaded(...words: readonly string[]): Promise<readonly string[]> {
  const hook =
    'import{registerHooks}from"node:module";registerHooks({load(u,c,n){process._rawDebug(u);return n(u,c)}})'
  const { stderr } = await run(execPath, [
    '--import',
    `data:text/javascript,${hook}`,
    'dist/main.js',
    ...words,
  ])
  return stderr.split('\n')
}

const of = (urls: readonly string[], name: string) =>
  urls.filter(url => url.includes(`/node_modules/${name}/`))

describe('a command loads what it needs', () => {
  test('--help neither HTTP, nor the log, nor what the demo makes certificates with', async () => {
    const urls = await loaded('--help')
    for (const name of ['@peculiar/x509', 'undici', 'pino', 'smol-toml']) expect(of(urls, name)).toEqual([])
    expect(urls.length).toBeLessThan(30)
  })

  test('a pass that finds nothing to upload neither HTTP nor what the demo makes certificates with', async () => {
    const urls = await loaded('sync', '--dry-run', '--source', 'pem=none:/nowhere/chain.pem:/nowhere/key.pem')
    expect(of(urls, 'pino').length).toBeGreaterThan(0)
    for (const name of ['undici', '@peculiar/x509']) expect(of(urls, name)).toEqual([])
  })
})
