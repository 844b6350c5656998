/** The compiled code in the build: the functions that a hook calls, the same in every build, and accepted by this Node. */
import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { beforeAll, expect, test } from 'vitest'
import { bundle } from '../../packaging/bundle.ts'
import { withCodeCache } from '../../packaging/codeCache.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

type Files = Awaited<ReturnType<typeof withCodeCache>>

let one: Files
let other: Files

beforeAll(async () => {
  const program = await bundle('1.2.3')
  // side by side, so that neither has the machine to itself
  ;[one, other] = await Promise.all([withCodeCache(program), withCodeCache(program)])
}, 120_000)

/** Runs it in a fresh Node for each part: whether V8 takes the compiled code, and its length without any function called. */
const LOOK = `
const { readFileSync } = require('node:fs')
const { Script } = require('node:vm')
const look = name => {
  const code = readFileSync(name, 'utf8')
  const script = new Script(code, { filename: name, cachedData: readFileSync(name + '.cache') })
  return [name, { rejected: script.cachedDataRejected, bare: new Script(code + ' ').createCachedData().length }]
}
console.log(JSON.stringify(Object.fromEntries(process.argv.slice(1).map(look))))
`

test('two builds have the same bytes, and no path of this machine in them', () => {
  expect([...other.keys()]).toEqual([...one.keys()])
  for (const [name, content] of one) {
    expect(Buffer.from(content).equals(Buffer.from(other.get(name) ?? '')), name).toBe(true)
    expect(content.includes('/certferry-code-cache-'), name).toBe(false)
  }
})

test('Node accepts all of it, and that of an upload has the functions that were called', async () => {
  const folder = await temporaryDirectory()
  await mkdir(join(folder, 'parts'))
  for (const [name, content] of one) await writeFile(join(folder, name), content)
  const names = [...one.keys()].filter(name => name.startsWith('parts/') && name.endsWith('.js'))
  const seen = JSON.parse(
    execFileSync(execPath, ['--eval', LOOK, ...names], { cwd: folder, encoding: 'utf8' }),
  ) as Record<string, { rejected: boolean; bare: number }>
  expect(Object.entries(seen).filter(([, { rejected }]) => rejected)).toEqual([])
  for (const name of ['start', 'bundle', 'x509', 'undici', 'uploader']) {
    const path = `parts/${name}.js`
    expect(one.get(`${path}.cache`)?.length, name).toBeGreaterThan(1.2 * (seen[path]?.bare ?? Number.NaN))
  }
})
