/** The npm package as an administrator installs it, with the oldest Node that it supports. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { arch } from 'node:process'
import { beforeAll, expect, test } from 'vitest'
import { bundle, readVersion } from '../../packaging/bundle.ts'
import { writeNpmPackage } from '../../packaging/npmPackage.ts'
import { DEMO_CREDENTIALS, startEmulator } from '../../src/emulator/server.ts'
import { issue } from '../fixtures/certificates.ts'
import { all, certbotIssue } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { type Environment, run, SYSTEM_PATH } from './child.ts'
import { reportOf } from './program.ts'

/** What `engines` in package.json asks for. */
const OLDEST = '24.0.0'

let folder: string
let prefix: string
let path: string

/** With this machine's registry. */
async function npm(...words: readonly string[]): Promise<void> {
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier']
  const { code, stderr } = await run('npm', [...words, ...quiet], process.env as Environment)
  if (code !== 0) throw new Error(`npm ${words.join(' ')}: exit ${code}\n${stderr}`)
}

const certferry = (words: readonly string[], env = {}) =>
  run(join(prefix, 'bin/certferry'), words, { PATH: path, HOME: folder, ...env })

beforeAll(async () => {
  folder = await temporaryDirectory()
  prefix = join(folder, 'global')
  const { parts } = await bundle(await readVersion())
  await writeNpmPackage({ parts, terms: '', folder })
  await npm('install', '--prefix', join(folder, 'node'), `node-linux-${arch}@${OLDEST}`)
  path = `${join(folder, `node/node_modules/node-linux-${arch}/bin`)}:${SYSTEM_PATH}`
  await npm('install', '--global', '--prefix', prefix, join(folder, `certferry-${await readVersion()}.tgz`))
})

test('the npm package runs on the oldest Node that it supports', async () => {
  expect(await run('node', ['--version'], { PATH: path })).toMatchObject({ stdout: `v${OLDEST}\n` })
  expect(await certferry(['--version'])).toMatchObject({
    code: 0,
    stdout: `certferry ${await readVersion()}\n`,
  })
  const demo = await certferry(['demo'])
  expect([demo.code, demo.stdout]).toEqual([0, expect.stringContaining('stores 4 certificates')])
})

test('the npm package brings no other package, and so no other Node', async () => {
  const installed = join(prefix, 'lib/node_modules')
  expect(await readdir(installed)).toEqual(['certferry'])
  const files = await readdir(join(installed, 'certferry'), { recursive: true })
  expect(files.filter(file => /node_modules|(^|\/)node$/.test(file))).toEqual([])
  const manifest = JSON.parse(await readFile(join(installed, 'certferry/package.json'), 'utf8'))
  expect(Object.keys(manifest)).not.toContain('dependencies')
  expect(Object.keys(manifest)).not.toContain('optionalDependencies')
})

test('the npm package uploads once, and its hook starts the same Node', async () => {
  const emulator = await startEmulator()
  const letsencrypt = join(folder, 'letsencrypt')
  await all(certbotIssue(letsencrypt, 'example.com', await issue({ names: ['example.com'] })))
  const env = {
    TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
    TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
  }
  const places = [
    '--source',
    `certbot=${letsencrypt}`,
    '--endpoint',
    emulator.url,
    '--state-dir',
    join(folder, 'state'),
  ]
  try {
    const first = reportOf(await certferry(['sync', '--json', ...places], env))
    expect([first.exit, first.summary.uploaded]).toEqual([0, 1])
    await certferry(['install-hook', 'certbot', ...places])
    const hook = join(letsencrypt, 'renewal-hooks/deploy/zz-certferry')
    // as certbot calls it: no Node of the installation's in PATH
    const hooked = await run(hook, [], {
      ...env,
      PATH: '/usr/bin:/bin',
      RENEWED_LINEAGE: join(letsencrypt, 'live/example.com'),
    })
    expect([hooked.code, emulator.entries.length]).toEqual([0, 1])
  } finally {
    await emulator.close()
  }
})
