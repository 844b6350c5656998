/** When the work is over, the process is: whatever a name server, a webhook or a reader of its output does. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { DEMO_CREDENTIALS, startEmulator } from '../../../src/emulator/server.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { type Forest, plant } from '../service/lineageFixtures.ts'
import { openNameServer } from '../service/nameServer.ts'
import { PROGRAM } from './child.ts'

/** What does not end by itself is killed, and shows it. In milliseconds. */
const SAFETY = 25_000

let forest: Forest
beforeAll(async () => {
  forest = await plant(3)
})

const KEYS = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
  TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
}

interface Wishes {
  readonly before?: readonly string[]
  readonly endpoint?: string
  readonly config?: string
  readonly state?: string
  /** In place of a pipe that is read. */
  readonly output?: number
  readonly more?: readonly string[]
}

/** The built program, and its end. */
async function run(command: 'sync' | 'hook' | 'watch', wishes: Wishes = {}) {
  const { before = [], endpoint, config = '', state, output = 'pipe', more = [] } = wishes
  const folder = await temporaryDirectory()
  writeFileSync(join(folder, 'config.toml'), config)
  const emulator = await startEmulator({ rate: Number.POSITIVE_INFINITY })
  onTestFinished(emulator.close)
  const places = ['--config', join(folder, 'config.toml'), '--state-dir', state ?? join(folder, 'state')]
  const sources = command === 'hook' ? [] : ['--source', forest.source]
  const words = [...PROGRAM, command, ...places, '--endpoint', endpoint ?? emulator.url, ...sources, ...more]
  const [file = '', ...rest] = [...before, ...words]
  const child = spawn(file, rest, {
    env: { ...KEYS, RENEWED_LINEAGE: join(forest.root, 'live', forest.names[0] ?? '') },
    stdio: ['ignore', output, output],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', part => (said += part))
  const safety = setTimeout(() => child.kill('SIGKILL'), SAFETY)
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(([code, signal]) => {
    clearTimeout(safety)
    return code ?? signal
  })
  return { child, emulator, ended, said: () => said }
}

/** A service that takes requests and answers none. */
async function silent(server = createServer(() => {})) {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close().closeAllConnections()
  })
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

const webhookAt = async (url: string) => {
  const file = join(await temporaryDirectory(), 'webhook')
  writeFileSync(file, url, { mode: 0o600 })
  return `[notify]\nwebhook_file = "${file}"\n`
}

describe('a webhook that takes the letter and never answers', () => {
  test('hook ends at its deadline, and the next run tells what was not told', async () => {
    const { url } = await silent()
    const state = join(await temporaryDirectory(), 'state')
    const config = await webhookAt(url)
    const { ended, said } = await run('hook', { config, state, more: ['--deadline', '3'] })
    expect(await ended).toBe(0)
    expect(said()).toContain('notification failed: no time was left; the next run sends it')

    const told: string[] = []
    const answering = await silent(
      createServer((request, response) => {
        request.on('data', part => told.push(String(part)))
        request.on('end', () => response.end())
      }),
    )
    const next = await run('hook', { config: await webhookAt(answering.url), state })
    expect(await next.ended).toBe(0)
    expect(told.map(letter => JSON.parse(letter))).toEqual([
      expect.objectContaining({ event: 'uploaded', text: expect.stringContaining(`${forest.names[0]}`) }),
    ])
  })

  test.each(['hook', 'sync'] as const)('SIGTERM ends %s', async command => {
    const { server, url } = await silent()
    const asked = once(server, 'request')
    const { ended, child } = await run(command, { config: await webhookAt(url) })
    await asked
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })
})

const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0

// a resolver of one's own is a file bound over the system's, which needs root
describe.skipIf(!mayMount)('a name server that says nothing', () => {
  const nowhere = async () => {
    const names = await openNameServer(undefined, Number.POSITIVE_INFINITY, 'timeout:30 attempts:3')
    onTestFinished(names.close)
    return { names, wishes: { before: names.ask, endpoint: 'https://ssl.certferry.test' } }
  }

  test('hook ends at its deadline', async () => {
    const { names, wishes } = await nowhere()
    const { ended } = await run('hook', { ...wishes, more: ['--deadline', '3'] })
    expect(await ended).toBe(75)
    expect(names.queries()).toBeGreaterThan(0)
  })

  test.each([
    ['hook', 75],
    ['sync', 75],
    ['watch', 0],
  ] as const)('SIGTERM ends %s', async (command, code) => {
    const { names, wishes } = await nowhere()
    const { ended, child } = await run(command, wishes)
    await expect.poll(names.queries, { timeout: SAFETY }).toBeGreaterThan(0)
    child.kill('SIGTERM')
    expect(await ended).toBe(code)
  })
})

/** The write end of a pipe that is full, and that nobody reads until the test does. */
async function fullPipe() {
  const path = join(await temporaryDirectory(), 'pipe')
  expect(spawnSync('mkfifo', [path]).status).toBe(0)
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const filler = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  const writer = openSync(path, constants.O_WRONLY)
  onTestFinished(() => {
    for (const fd of [reader, filler, writer]) closeSync(fd)
  })
  try {
    for (;;) writeSync(filler, 'x'.repeat(4096))
  } catch (error) {
    expect(error).toMatchObject({ code: 'EAGAIN' })
  }
  const bytes = Buffer.alloc(1 << 16)
  return { writer, read: () => bytes.toString('utf8', 0, readSync(reader, bytes)) }
}

describe('a reader that stops reading', () => {
  test('hook carries its certificate and ends at its deadline', async () => {
    const { writer } = await fullPipe()
    const { ended, emulator } = await run('hook', { output: writer, more: ['--deadline', '3'] })
    expect(await ended).toBe(0)
    expect(emulator.certificates()).toHaveLength(1)
  })

  test.each(['sync', 'watch'] as const)('%s carries all certificates, and SIGTERM ends it', async command => {
    const { writer } = await fullPipe()
    const { ended, emulator, child } = await run(command, { output: writer })
    await expect.poll(() => emulator.certificates().length, { timeout: SAFETY }).toBe(forest.names.length)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })

  test('and begins again gets every line', async () => {
    const { writer, read } = await fullPipe()
    const { ended, emulator } = await run('sync', { output: writer })
    await expect.poll(() => emulator.certificates().length, { timeout: SAFETY }).toBe(forest.names.length)
    let text = ''
    const reading = setInterval(() => {
      try {
        text += read()
      } catch {}
    }, 5)
    expect(await ended).toBe(0)
    clearInterval(reading)
    try {
      for (;;) text += read() || expect.fail()
    } catch {}
    const lines = text
      .replace(/^x*/, '')
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(lines.filter(({ event }) => event === 'uploaded')).toHaveLength(forest.names.length)
    expect(lines.at(-1)).toMatchObject({ event: 'run_finished' })
  })

  test('of a socket, which cannot be opened once more, neither stops the daemon', async () => {
    // whoever fills it is blocked by it, as the program would be
    const script = `
      const { spawn } = require('node:child_process')
      const words = ['-c', 'head -c 1000000 /dev/zero 2>&- & exec "$@"', 'sh', ...process.argv.slice(1)]
      const child = spawn('/bin/sh', words, { stdio: ['ignore', 'pipe', 'inherit'] })
      child.stdout.pause()
      process.on('SIGTERM', () => child.kill('SIGTERM'))
      child.on('exit', code => process.exit(code ?? 99))`
    const { ended, emulator, child } = await run('watch', { before: [PROGRAM[0], '-e', script] })
    await expect.poll(() => emulator.certificates().length, { timeout: SAFETY }).toBe(forest.names.length)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })
})
