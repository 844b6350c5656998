/** What starts the program: its launcher and the hooks. What a machine wants of other programs' Node is left behind. */
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { HOOK_FILE_CLIENTS } from '../src/acme/clients.ts'
import { HOOK_FILES } from '../src/acme/hookScripts.ts'
import { temporaryDirectory } from './fixtures/temporary.ts'

const run = promisify(execFile)

const CARELESS = {
  NODE_OPTIONS: '--require=/nowhere/agent.cjs --report-on-fatalerror',
  NODE_TLS_REJECT_UNAUTHORIZED: '0',
  NODE_DEBUG: 'http',
  NODE_PATH: '/nowhere',
  NODE_COMPILE_CACHE: '/dev/null/cache', // a folder that Node cannot make
  NODE_V8_COVERAGE: '/dev/null/coverage',
  NODE_REDIRECT_WARNINGS: '/dev/null',
}
const WANTED = {
  NODE_EXTRA_CA_CERTS: '/etc/ssl/own.pem',
  NODE_USE_SYSTEM_CA: '1',
  HTTPS_PROXY: 'http://proxy',
}

/** In place of Node: says what it was given, a line each. */
const TELLER = '#!/bin/sh\nenv\necho "core=$(ulimit -c)"\necho "words=$*"\n'

/** The ways to start it, each as a line of shell. */
async function ways(): Promise<Readonly<Record<string, string>>> {
  const folder = await temporaryDirectory()
  const bin = join(folder, 'node_modules/.bin')
  const [node, main] = [join(bin, 'node'), join(folder, 'dist/main.js')]
  await mkdir(bin, { recursive: true })
  await mkdir(join(folder, 'dist'))
  await writeFile(node, TELLER, { mode: 0o755 })
  await writeFile(main, '')
  await copyFile('src/certferry.sh', join(folder, 'dist/certferry'))
  await chmod(join(folder, 'dist/certferry'), 0o755)
  for (const client of HOOK_FILE_CLIENTS)
    await writeFile(join(folder, client), HOOK_FILES[client].text({ node, main, options: [] }))
  return {
    launcher: `exec ${folder}/dist/certferry sync`,
    certbot: `. ${folder}/certbot`,
    'acme.sh': `. ${folder}/acme.sh; certferry_deploy d k c a f p; env`,
  }
}

test.each(['launcher', 'certbot'])(
  '%s: no debugger, no preloaded script, no check switched off, no core dump; own authorities and proxies stay',
  async way => {
    const line = (await ways())[way] ?? ''
    const { stdout } = await run('/bin/sh', ['-c', line], {
      env: { PATH: '/usr/bin:/bin', ...CARELESS, ...WANTED },
    })
    const lines = stdout.split('\n')
    for (const name of Object.keys(CARELESS)) expect(stdout).not.toContain(`${name}=`)
    expect(lines).toEqual(
      expect.arrayContaining([...Object.entries(WANTED).map(pair => pair.join('=')), 'core=0']),
    )
  },
)

test('the launcher bounds what a run over thousands keeps', async () => {
  const { launcher = '' } = await ways()
  const { stdout } = await run('/bin/sh', ['-c', launcher], { env: { PATH: '/usr/bin:/bin' } })
  expect(stdout).toMatch(/^words=--max-semi-space-size=16 \S+\/dist\/main\.js sync$/m)
})

test("acme.sh: the same for the hook, while acme.sh's own environment stays as it was", async () => {
  const line = (await ways())['acme.sh'] ?? ''
  const { stdout } = await run('/bin/sh', ['-c', line], { env: { PATH: '/usr/bin:/bin', ...CARELESS } })
  const [hook = '', acme = ''] = stdout.split(/^core=.*\n/m)
  expect(stdout).toMatch(/^core=0$/m)
  for (const name of Object.keys(CARELESS)) {
    expect(hook).not.toContain(`${name}=`)
    expect(acme).toContain(`${name}=`)
  }
})

test('the program itself starts where Node alone would not', async () => {
  const env = { PATH: '/usr/bin:/bin', ...CARELESS }
  await expect(run(execPath, ['dist/main.js', '--version'], { env })).rejects.toThrow('agent.cjs')
  expect(await run('dist/certferry', ['--version'], { env })).toMatchObject({
    stdout: expect.stringMatching(/^certferry \d/),
    stderr: '',
  })
})
