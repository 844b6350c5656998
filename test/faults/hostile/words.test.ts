/** Names and messages meant to act on a terminal, a log, a disk, a shell or a page of metrics. */
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { HOOK_FILES } from '../../../src/acme/hookScripts.ts'
import { cli } from '../../../src/cli/run.ts'
import { DEFAULT_ALIAS } from '../../../src/config/values.ts'
import { DEMO_CREDENTIALS, startEmulator } from '../../../src/emulator/server.ts'
import { journalLine, terminalLine } from '../../../src/log/logger.ts'
import { createMetrics } from '../../../src/metrics/registry.ts'
import { emptyReceipt } from '../../../src/receipts/receipt.ts'
import { aliasOf } from '../../../src/tencent/uploadRequest.ts'
import { quoteShell } from '../../../src/terminal/text.ts'
import { issue } from '../../fixtures/certificates.ts'
import { recordedContext } from '../../fixtures/context.ts'
import { receiptsIn, writtenAndRead } from '../../fixtures/state.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { reportRow, SEED, times } from '../run.ts'
import { EVIL } from './names.ts'

const RAW = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
const isRaw = (text: string) => RAW.test(text.replaceAll('\n', ''))

const evil = fc.oneof(
  fc.constantFrom(...EVIL),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.tuple(fc.constantFrom(...EVIL), fc.string({ unit: 'binary', maxLength: 20 })).map(pair => pair.join('')),
)

/** Counts the values; fast-check itself fails the test at the first that breaks the promise. */
function checkAll<T>(values: fc.Arbitrary<T>, numRuns: number, check: (value: T) => void): number {
  let runs = 0
  fc.assert(
    fc.property(values, value => {
      runs += 1
      check(value)
    }),
    { numRuns, seed: SEED },
  )
  return runs
}

const CLEAN = { lost: 0, duplicated: 0, leaked: 0 }

test('folders of every name: uploaded, and nothing outside the state directory, nothing raw in any output', async () => {
  const folder = await temporaryDirectory()
  const emulator = await startEmulator({ rate: Number.POSITIVE_INFINITY })
  onTestFinished(() => emulator.close())
  const onDisk = (name: string) =>
    name.replace(/[/\0]/g, '_').replace(/^\.+/, '_').slice(0, 60).toWellFormed()
  const names = [
    ...new Set([...EVIL, ...fc.sample(evil, { numRuns: times(10, 200), seed: SEED })].map(onDisk)),
  ].filter(name => name.trim() !== '' && Buffer.byteLength(name) < 250 && !name.includes('\ufffd'))
  for (const name of names) {
    const { chain, key } = await issue({ names: ['a.example'], commonName: name.slice(0, 30).toWellFormed() })
    const live = join(folder, 'le', 'live', name)
    await mkdir(live, { recursive: true })
    await Promise.all([
      writeFile(join(live, 'fullchain.pem'), chain),
      writeFile(join(live, 'privkey.pem'), key),
    ])
  }
  const env = {
    CERTFERRY_LOG_FORMAT: 'json',
    TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
    TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
  }
  const places = [
    '--source',
    `certbot=${join(folder, 'le')}`,
    '--state-dir',
    join(folder, 'state'),
    '--endpoint',
    emulator.url,
  ]
  // a clock that stands still draws no line of progress, which is full of carriage returns
  const started = Date.now()
  const runCommand = async (terminal: boolean, ...words: readonly string[]) => {
    const { context, out, err } = recordedContext({ cwd: folder, env, terminal, now: () => started })
    const exit = await cli([words[0] ?? '', ...places, ...words.slice(1)], context)
    expect(isRaw(out() + err()), words.join(' ')).toBe(false)
    return { exit, out: out(), err: err() }
  }
  expect((await runCommand(true, 'sync', '--metrics-file', join(folder, 'metrics.prom'))).exit).toBe(0)
  expect(JSON.parse((await runCommand(false, 'sync', '--json')).out).summary.unchanged).toBe(names.length)
  for (const line of (await runCommand(false, 'sync', '--log-level', 'debug')).out.trim().split('\n'))
    JSON.parse(line)
  expect((await runCommand(true, 'status')).exit).toBe(0)
  expect(JSON.parse((await runCommand(false, 'status', '--json')).out).lineages).toHaveLength(names.length)
  await runCommand(true, 'check')

  expect((await readdir(folder)).sort()).toEqual(['le', 'metrics.prom', 'state'])
  const receipts = await receiptsIn(join(folder, 'state'))
  const uploaded = receipts.filter(receipt => receipt.uploaded).map(({ lineage }) => lineage)
  expect(uploaded.sort()).toEqual(names.map(name => `certbot:${name}`).sort())
  reportRow({ fault: 'folders of every name', how: 'six commands over them', runs: names.length, ...CLEAN })
})

test('every lineage has a record of its own, whatever it is called', () => {
  const runs = checkAll(evil, times(500, 10_000), name => {
    const receipt = { ...emptyReceipt(`pem:${name}`), path: name }
    // a name with half a character is none that a disk or a configuration can give
    if (name.isWellFormed()) expect(writtenAndRead(receipt)).toEqual(receipt)
  })
  reportRow({ fault: 'lineage names', how: 'as keys of the database', runs, ...CLEAN })
})

test('names are never read as a template', () => {
  const templates = fc.constantFrom(
    DEFAULT_ALIAS,
    '{domain}',
    '{name}{domain}{notAfter}',
    'x {name} $& {name}',
  )
  const runs = checkAll(fc.tuple(templates, evil, evil), times(500, 10_000), ([template, name, domain]) => {
    const values: Readonly<Record<string, string>> = { name, domain, notAfter: '2026-05-02' }
    const parts = template.split(/\{(\w+)\}/)
    const expected = parts.map((part, i) => (i % 2 ? values[part] : part)).join('')
    expect(aliasOf(template, { name, domain, notAfter: '2026-05-02' })).toBe(
      [...expected].slice(0, 200).join(''),
    )
  })
  reportRow({ fault: 'names in templates', how: 'put in once', runs, ...CLEAN })
})

test('a log line is one line without escapes, on a terminal and in the journal', () => {
  const runs = checkAll(fc.tuple(evil, evil), times(500, 10_000), ([msg, advice]) => {
    const line = { level: 'warn', time: '2026-05-02T00:00:00Z', msg, advice } as const
    expect(isRaw(terminalLine(line, { colours: false, columns: 80 }))).toBe(false)
    expect(journalLine(line)).toMatch(/^<4>[^\n]*\n$/)
    expect(isRaw(journalLine(line))).toBe(false)
  })
  reportRow({ fault: 'messages', how: 'as log lines', runs, ...CLEAN })
})

test('a page of metrics has one line a sample, whatever its lineages are called', async () => {
  const names = fc.sample(evil, { numRuns: times(200, 2_000), seed: SEED })
  const metrics = createMetrics({ version: '1', now: () => new Date(), isDaemon: true })
  for (const name of names)
    metrics.outcome({
      outcome: 'unchanged',
      because: 'unchanged',
      certificateId: 'id',
      elapsedMs: 1,
      lineage: name,
    })
  const lines = (await metrics.text()).split('\n').filter(line => line.includes('certificate_synced{'))
  expect(
    lines.filter(
      line => isRaw(line) || !/^certferry_certificate_synced\{lineage="(?:[^"\\]|\\.)*"\} 1$/.test(line),
    ),
  ).toEqual([])
  reportRow({ fault: 'lineage names', how: 'as labels of metrics', runs: names.length, ...CLEAN })
})

test('a word for the shell is that word and nothing else', () => {
  const words = fc
    .sample(evil, { numRuns: times(300, 5_000), seed: SEED })
    .map(word => word.toWellFormed().replaceAll('\0', ''))
  for (let i = 0; i < words.length; i += 200) {
    const some = words.slice(i, i + 200)
    const printed = execFileSync('sh', ['-c', `printf '%s\\0' ${some.map(quoteShell).join(' ')}`], {
      encoding: 'utf8',
    })
    expect(printed.split('\0').slice(0, -1)).toEqual(some)
  }
  reportRow({ fault: 'words in hooks', how: 'read back by sh', runs: words.length, ...CLEAN })
})

test('a hook runs certferry with the words it was given, whatever its path, and nothing that they contain', async () => {
  const folder = await temporaryDirectory()
  const words = EVIL.map(word => word.toWellFormed().replaceAll('\0', ''))
  for (const [i, name] of words.entries()) {
    const house = join(folder, `${i} ${name.replaceAll('/', '_')}`)
    await mkdir(house, { recursive: true })
    const [node, main] = [join(house, 'node'), join(house, 'main.js')]
    await writeFile(node, `#!/bin/sh\nprintf '%s\\0' "$@" > ${quoteShell(join(folder, 'seen'))}\n`)
    await writeFile(main, '')
    await chmod(node, 0o755)
    const options = ['--state-dir', name, '--endpoint', `$(touch ${join(folder, 'canary')})`]
    const certbot = HOOK_FILES.certbot.text({ node, main, options })
    const acme = `${HOOK_FILES['acme.sh'].text({ node, main, options })}\ncertferry_deploy d k c a f p`
    for (const script of [certbot, acme]) {
      await writeFile(join(folder, 'hook'), script)
      execFileSync('sh', [join(folder, 'hook')], { cwd: folder })
      const seen = (await readFile(join(folder, 'seen'), 'utf8')).split('\0').slice(0, -1)
      expect(seen.slice(0, 6)).toEqual([main, 'hook', ...options])
    }
  }
  expect((await readdir(folder)).includes('canary')).toBe(false)
  reportRow({ fault: 'hooks', how: 'run by sh, with a canary', runs: words.length * 2, ...CLEAN })
})
