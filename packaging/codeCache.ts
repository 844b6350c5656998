/**
 * Compiles the parts of the bundle for this Node, so that V8 need not parse them at every start: first the code that is called
 * when a part is loaded, then, by running the program, the functions that a hook and a sync call.
 */
import { execFileSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execPath } from 'node:process'
import type { Bundle } from './bundle.ts'
import { ROOT } from './paths.ts'
import { runProgram } from './runs.ts'

/** Makes compiled code the same in every build. Unlike other flags of V8, it does not make the code invalid without it. */
export const SEED = '--random-seed=1'

/** Files by path: main.js, which loads the others, and these. They start without compiled code too, only later. */
export async function withLoader({ parts }: Pick<Bundle, 'parts'>): Promise<ReadonlyMap<string, string>> {
  const loader = await readFile(resolve(ROOT, 'packaging/loader.cjs'), 'utf8')
  const main = `${loader}\n;${wrapped(parts.get('main.js') ?? '')}(exports, part, module, __filename)\n`
  const names = [...parts.keys()].filter(name => name !== 'main.js').sort()
  return new Map([
    ['main.js', `#!/usr/bin/env node\n${main}`],
    ...names.map(name => [name, wrapped(parts.get(name) ?? '')] as const),
  ])
}

/** Files by path: main.js, and for each other part its code and its compiled code (`.cache`). */
export async function withCodeCache({
  parts,
}: Pick<Bundle, 'parts'>): Promise<ReadonlyMap<string, string | Buffer>> {
  const files = new Map<string, string | Buffer>(await withLoader({ parts }))
  const names = [...files.keys()].filter(name => name !== 'main.js')
  const folder = await mkdtemp(join(tmpdir(), 'certferry-code-cache-'))
  try {
    await mkdir(join(folder, 'parts'))
    // the folder of temporary files may lie below a package of modules
    await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}')
    for (const [name, content] of files) await writeFile(join(folder, name), content)
    await copyFile(resolve(ROOT, 'packaging/recordCode.cjs'), join(folder, 'recordCode.cjs'))
    execFileSync(execPath, [SEED, '--eval', COMPILE, ...names], { cwd: folder, stdio: 'pipe' })
    await runProgram([SEED, '--require', './recordCode.cjs', 'main.js'], folder)
    for (const name of names) files.set(`${name}.cache`, await readFile(join(folder, `${name}.cache`)))
    return files
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** As Node itself wraps CommonJS. */
const wrapped = (code: string) =>
  `(function (exports, require, module, __filename) {${code.replace(/^#!.*/, '')}\n})`

/** Runs in a process of its own, for the seed's sake. */
const COMPILE = `
const { readFileSync, writeFileSync } = require('node:fs')
const { Script } = require('node:vm')
for (const path of process.argv.slice(1))
  writeFileSync(path + '.cache', new Script(readFileSync(path, 'utf8'), { filename: path }).createCachedData())
`
