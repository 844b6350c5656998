/** When the work is over the process ends, whatever a name server, a webhook or the reader of its output does. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { DEMO_CREDENTIALS, startEmulator } from '../../../src/emulator/server.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { listening } from '../../http/httpServers.ts'
import { type CertbotLineages, issueLineages } from '../service/fixture.ts'
import { canMount, startNameServer } from '../service/nameServer.ts'
import { PROGRAM } from './process.ts'

/** A process that does not end by itself is killed, and shows it. In milliseconds. */
const TIMEOUT_MS = 25_000

let lineages: CertbotLineages
beforeAll(async () => {
  lineages = await issueLineages(3)
})

interface Options {
  readonly prefix?: readonly string[]
  readonly endpoint?: string
  readonly config?: string
  readonly stateDir?: string
  /** In place of a pipe that is read. */
  readonly outputFd?: number
  readonly more?: readonly string[]
}

/** Starts the built program. */
async function start(command: 'sync' | 'hook' | 'watch', options: Options = {}) {
  const { prefix = [], endpoint, config = '', stateDir, outputFd = 'pipe', more = [] } = options
  const folder = await temporaryDirectory()
  writeFileSync(join(folder, 'config.toml'), config)
  const emulator = await startEmulator({ rate: Number.POSITIVE_INFINITY })
  onTestFinished(emulator.close)
  const [file = '', ...words] = [
    ...prefix,
    ...PROGRAM,
    command,
    ...['--config', join(folder, 'config.toml')],
    ...['--state-dir', stateDir ?? join(folder, 'state')],
    ...['--endpoint', endpoint ?? emulator.url],
    ...(command === 'hook' ? [] : ['--source', lineages.source]),
    ...more,
  ]
  const child = spawn(file, words, {
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      CERTFERRY_LOG_FORMAT: 'json',
      TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
      TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
      RENEWED_LINEAGE: join(lineages.root, 'live', lineages.names[0] ?? ''),
    },
    stdio: ['ignore', outputFd, outputFd],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', part => (text += part))
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS)
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(([code, signal]) => {
    clearTimeout(timer)
    return code ?? signal
  })
  return { child, emulator, ended, output: () => text }
}

const allStored = ({ emulator }: Awaited<ReturnType<typeof start>>) =>
  expect.poll(() => emulator.certificates().length, { timeout: TIMEOUT_MS }).toBe(lineages.names.length)

async function webhookConfig(server = createServer(() => {})) {
  const url = `http://127.0.0.1:${await listening(server)}/`
  const file = join(await temporaryDirectory(), 'webhook')
  writeFileSync(file, url, { mode: 0o600 })
  return { server, config: `[notify]\nwebhook_file = "${file}"\n` }
}

describe('with a webhook that never answers', () => {
  test('hook ends at its deadline, and the next run sends the notification', async () => {
    const { config } = await webhookConfig()
    const stateDir = join(await temporaryDirectory(), 'state')
    const { ended, output } = await start('hook', { config, stateDir, more: ['--deadline', '3'] })
    expect(await ended).toBe(0)
    expect(output()).toContain('notification failed: no time was left; the next run sends it')

    const received: string[] = []
    const answering = await webhookConfig(
      createServer((request, response) => {
        request.on('data', part => received.push(String(part)))
        request.on('end', () => response.end())
      }),
    )
    const next = await start('hook', { config: answering.config, stateDir })
    expect(await next.ended).toBe(0)
    expect(received.map(notification => JSON.parse(notification))).toEqual([
      expect.objectContaining({ event: 'uploaded', text: expect.stringContaining(`${lineages.names[0]}`) }),
    ])
  })

  test.each(['hook', 'sync'] as const)('SIGTERM ends %s', async command => {
    const { server, config } = await webhookConfig()
    const requested = once(server, 'request')
    const { ended, child } = await start(command, { config })
    await requested
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })
})

// a resolver of one's own is a file bound over the system's, which needs root
describe.skipIf(!canMount)('with a name server that never answers', () => {
  const startUnanswered = async (command: 'hook' | 'sync' | 'watch', ...more: readonly string[]) => {
    const { prefix, queries, close } = await startNameServer(
      undefined,
      Number.POSITIVE_INFINITY,
      'timeout:30 attempts:3',
    )
    onTestFinished(close)
    return { queries, ...(await start(command, { prefix, endpoint: 'https://ssl.certferry.test', more })) }
  }

  test('hook ends at its deadline', async () => {
    const { queries, ended } = await startUnanswered('hook', '--deadline', '3')
    expect(await ended).toBe(75)
    expect(queries()).toBeGreaterThan(0)
  })

  test.each([
    ['hook', 75],
    ['sync', 75],
    ['watch', 0],
  ] as const)('SIGTERM ends %s', async (command, code) => {
    const { queries, ended, child } = await startUnanswered(command)
    await expect.poll(queries, { timeout: TIMEOUT_MS }).toBeGreaterThan(0)
    child.kill('SIGTERM')
    expect(await ended).toBe(code)
  })
})

/** The write end of a full pipe, which is read only by the test. */
async function fullPipe() {
  const path = join(await temporaryDirectory(), 'pipe')
  expect(spawnSync('mkfifo', [path]).status).toBe(0)
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const filler = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  const outputFd = openSync(path, constants.O_WRONLY)
  onTestFinished(() => {
    for (const fd of [reader, filler, outputFd]) closeSync(fd)
  })
  try {
    for (;;) writeSync(filler, 'x'.repeat(4096))
  } catch (error) {
    expect(error).toMatchObject({ code: 'EAGAIN' })
  }
  const bytes = Buffer.alloc(1 << 16)
  return { outputFd, read: () => bytes.toString('utf8', 0, readSync(reader, bytes)) }
}

describe('with a reader that stops reading', () => {
  test('hook uploads its certificate and ends at its deadline', async () => {
    const { outputFd } = await fullPipe()
    const { ended, emulator } = await start('hook', { outputFd, more: ['--deadline', '3'] })
    expect(await ended).toBe(0)
    expect(emulator.certificates()).toHaveLength(1)
  })

  test.each(['sync', 'watch'] as const)('%s uploads all certificates, and SIGTERM ends it', async command => {
    const { outputFd } = await fullPipe()
    const started = await start(command, { outputFd })
    await allStored(started)
    started.child.kill('SIGTERM')
    expect(await started.ended).toBe(0)
  })

  test('and begins again, sync loses no line', async () => {
    const { outputFd, read } = await fullPipe()
    const started = await start('sync', { outputFd })
    await allStored(started)
    let text = ''
    const readAvailable = () => {
      try {
        for (let part = read(); part; part = read()) text += part
      } catch (error) {
        expect(error).toMatchObject({ code: 'EAGAIN' })
      }
    }
    const reading = setInterval(readAvailable, 5)
    expect(await started.ended).toBe(0)
    clearInterval(reading)
    readAvailable()
    const lines = text
      .replace(/^x*/, '')
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(lines.filter(({ event }) => event === 'uploaded')).toHaveLength(lineages.names.length)
    expect(lines.at(-1)).toMatchObject({ event: 'run_finished' })
  })

  test('of a socket, which cannot be reopened, the daemon goes on', async () => {
    // another process fills the socket: it blocks as the program would
    const script = `
      const { spawn } = require('node:child_process')
      const words = ['-c', 'head -c 1000000 /dev/zero 2>&- & exec "$@"', 'sh', ...process.argv.slice(1)]
      const child = spawn('/bin/sh', words, { stdio: ['ignore', 'pipe', 'inherit'] })
      child.stdout.pause()
      process.on('SIGTERM', () => child.kill('SIGTERM'))
      child.on('exit', code => process.exit(code ?? 99))`
    const started = await start('watch', { prefix: [PROGRAM[0], '-e', script] })
    await allStored(started)
    started.child.kill('SIGTERM')
    expect(await started.ended).toBe(0)
  })
})
