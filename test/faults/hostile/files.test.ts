/** What may lie where a file should: the built program has to say what it is, in time and in little memory. */
import { execFile, execFileSync } from 'node:child_process'
import { appendFile, mkdir, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { beforeAll, expect, test } from 'vitest'
import { MAIN } from '../../e2e/program.ts'
import { issue } from '../../fixtures/certificates.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { LONG } from '../run.ts'
import { openChecker } from './checker.ts'
import { heavy } from './corpus.ts'

/** The whole process, in KiB: what a small machine has to spare. */
const MOST_MEMORY = 320 * 1024
/** Of the clock, where everything else on the machine counts too. In milliseconds. */
const TIMEOUT_MS = 30_000

const MEASURE = `data:text/javascript,${encodeURIComponent(
  'const w=process;w.on("exit",()=>w._rawDebug("peak "+w.resourceUsage().maxRSS+" cpu "+Math.round((w.cpuUsage().user+w.cpuUsage().system)/1000)))',
)}`

interface Ended {
  readonly code: number | null
  readonly output: string
  readonly peak: number
  readonly cpu: number
}

/** @throws where it was killed for taking too long. */
function certferry(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: 1 << 28, env: { HOME: '/nonexistent', ...env } }
    execFile(execPath, ['--import', MEASURE, MAIN, ...words], options, (error, stdout, stderr) => {
      const [, peak = '0', cpu = '0'] = /peak (\d+) cpu (\d+)/.exec(stderr) ?? []
      if (error?.killed) return reject(new Error(`${words.join(' ')}: still running after ${TIMEOUT_MS} ms`))
      const code = error ? Number(error.code) : 0
      resolve({
        code,
        output: stdout + stderr.replace(/peak .*\n/, ''),
        peak: Number(peak),
        cpu: Number(cpu),
      })
    })
  })
}

let folder: string
const at = (name: string) => join(folder, name)

beforeAll(async () => {
  folder = await temporaryDirectory()
  const { chain, key } = await issue()
  await Promise.all([writeFile(at('chain.pem'), chain), writeFile(at('key.pem'), key)])
  execFileSync('mkfifo', [at('fifo')])
  await mkdir(at('directory'))
  for (const [name, target] of [
    ['loop', 'other'],
    ['other', 'loop'],
    ['nowhere', 'gone'],
    ['endless', '/dev/zero'],
  ] as const)
    await symlink(target, at(name))
  await writeFile(at('large'), `${chain}\n`.repeat(Math.ceil((50 << 20) / chain.length)))
  for (const name of ['pit', 'empty', 'growing']) await writeFile(at(name), '')
  await truncate(at('pit'), 2 ** 42)
  await writeFile(at('latin'), Buffer.from(Array.from({ length: 256 }, (_, i) => i)))
})

const ODD = [
  'fifo',
  'directory',
  'loop',
  'nowhere',
  'endless',
  'large',
  'pit',
  'empty',
  'growing',
  'latin',
] as const
const SYSTEM = LONG
  ? [
      '/dev/zero',
      '/dev/urandom',
      '/dev/tty',
      '/dev/null',
      '/proc/self/mem',
      '/proc/self/status',
      '/proc/self/pagemap',
      '/proc/kmsg',
      '/proc/self/environ',
      '/proc/self/fd/0',
      '/dev/fd/1',
      '/sys/kernel/profiling',
    ]
  : ['/dev/zero', '/proc/self/mem']

test('pipes, devices, folders, circles and files without end are named for what they are', async () => {
  const checker = openChecker()
  const writing = setInterval(
    () => void appendFile(at('growing'), 'x'.repeat(50_000)).catch(() => undefined),
    2,
  )
  const measured = async (file: string, how: string, words: readonly string[], env = {}) =>
    checker.check({ name: `${how} ${file}`, files: [file] }, async () => {
      const { code, output, peak, cpu } = await certferry(words, env)
      expect(code, output).toBeGreaterThanOrEqual(how === 'metrics' ? 0 : 64)
      expect(code, output).not.toBe(70)
      expect(peak).toBeLessThan(MOST_MEMORY)
      if (how !== 'metrics') expect(output.replace(/\s+/g, '')).toContain(file)
      return { output, ms: cpu }
    })
  const state = ['--state-dir', at('state')]
  const good = `pem=good:${at('chain.pem')}:${at('key.pem')}`
  try {
    for (const file of [...ODD.map(at), ...SYSTEM]) {
      await measured(file, 'inspect', ['inspect', file])
      await measured(file, 'account', ['emulator', '--resources', file])
      if (!LONG) continue
      const named = ['--chain', file, '--key', at('key.pem'), '--name', 'odd', '--deadline', '1']
      await measured(file, 'chain', ['hook', ...named, ...state])
      const asKey = `pem=odd:${at('chain.pem')}:${file}`
      await measured(file, 'key', ['sync', '--source', asKey, '--dry-run', ...state])
      const sync = ['sync', '--source', good, '--dry-run', ...state]
      await measured(file, 'metrics', [...sync, '--metrics-file', file])
      // an empty configuration is one
      if (file !== at('empty')) await measured(file, 'configuration', ['status', '--config', file, ...state])
      const check = ['check', '--source', good, ...state, '--endpoint', 'http://127.0.0.1:9']
      await measured(file, 'credentials', check, { TENCENTCLOUD_CREDENTIALS_FILE: file })
    }
    await measured(at('chain.pem'), 'both', [
      'sync',
      '--source',
      `pem=same:${at('chain.pem')}:${at('chain.pem')}`,
      '--dry-run',
      ...state,
    ])
  } finally {
    clearInterval(writing)
  }
  checker.report('what lies where a file should', 'the built program, weighed')
})

test('the built program reads the heaviest of the strange pairs within its bounds', async () => {
  const checker = openChecker()
  const all = await heavy()
  const heaviest = all.toSorted((a, b) => b.chain.length + b.key.length - a.chain.length - a.key.length)
  for (const { name, chain, key } of heaviest.slice(0, LONG ? 40 : 1)) {
    await Promise.all([writeFile(at('c.pem'), chain), writeFile(at('k.pem'), key)])
    await checker.check({ name, files: [], keys: [key] }, async () => {
      const { code, output, peak, cpu } = await certferry(['inspect', at('c.pem'), at('k.pem')])
      expect([0, 65, 66, 75], output.slice(0, 500)).toContain(code)
      expect(peak, 'KiB').toBeLessThan(MOST_MEMORY)
      return { output, ms: cpu }
    })
  }
  checker.report('heavy pairs', 'the built program, weighed')
})
