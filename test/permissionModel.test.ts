/** Why Node's permission model is not switched on: what it would have to allow, and what that then allows. docs/architecture.md */
import { execFile } from 'node:child_process'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { issue } from './fixtures/certificates.ts'
import { all, certbotIssue } from './fixtures/producers.ts'
import { temporaryDirectory } from './fixtures/temporary.ts'

const run = promisify(execFile)

/** Writes outside of what is allowed, in three ways, and says how each ended. */
const PROBE = `
const fs = require('node:fs')
const [, , state, outside] = process.argv
const attempt = work => { try { work(); return 'done' } catch ({ code }) { return code } }
const folder = fs.openSync(outside, 'r')
process.stdout.write(JSON.stringify({
  plain: attempt(() => fs.writeFileSync(outside + '/plain', '')),
  link: attempt(() => fs.writeFileSync(state + '/link/link', '')),
  held: attempt(() => fs.writeFileSync('/proc/self/fd/' + folder + '/held', '')),
}))
`

async function stage() {
  const root = await temporaryDirectory()
  const [state, outside, probe] = ['state', 'outside', 'probe.cjs'].map(name => join(root, name)) as [
    string,
    string,
    string,
  ]
  await mkdir(state)
  await mkdir(outside)
  await symlink(outside, join(state, 'link'))
  await writeFile(probe, PROBE)
  const attempts = async (...allowed: readonly string[]) => {
    const flags = ['--permission', '--allow-fs-read=*', ...allowed.map(path => `--allow-fs-write=${path}`)]
    const { stdout } = await run(execPath, [...flags, probe, state, outside])
    return JSON.parse(stdout)
  }
  return { root, state, outside, attempts }
}

test('with the state directory alone allowed, a planted link leads out, and a folder that is held open is closed to us', async () => {
  const { state, outside, attempts } = await stage()
  expect(await attempts(state)).toEqual({
    plain: 'ERR_ACCESS_DENIED',
    link: 'done',
    held: 'ERR_ACCESS_DENIED',
  })
  expect(await readdir(outside)).toEqual(['link'])
})

test('with held folders allowed, whoever opens a folder can write to it, wherever it is', async () => {
  const { state, attempts } = await stage()
  expect(await attempts(state, '/proc/self/fd')).toMatchObject({ plain: 'ERR_ACCESS_DENIED', held: 'done' })
})

test('certferry cannot keep its receipts under it without them', async () => {
  const { root, state } = await stage()
  const words = [
    'dist/main.js',
    'sync',
    '--state-dir',
    state,
    '--source',
    `certbot=${root}`,
    '--endpoint',
    'http://127.0.0.1:9',
  ]
  const flags = ['--permission', '--allow-fs-read=*', `--allow-fs-write=${state}`]
  await all(certbotIssue(root, 'shop', await issue()))
  await expect(run(execPath, [...flags, ...words])).rejects.toMatchObject({
    code: 74,
    stdout: expect.stringContaining('ERR_ACCESS_DENIED'),
  })
})
