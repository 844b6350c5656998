/** Node's own debugger shows every key to any client: no signal and no environment variable opens it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { expect, onTestFinished, test } from 'vitest'
import { DEMO_CREDENTIALS } from '../src/emulator/server.ts'
import { issue } from './fixtures/certificates.ts'
import { all, certbotIssue } from './fixtures/producers.ts'
import { temporaryDirectory } from './fixtures/temporary.ts'
import { listening } from './http/httpServers.ts'
import { OK } from './tencent/answers.ts'

const BOUND = { timeout: 60_000, interval: 10 }

async function started(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(execPath, ['dist/main.js', ...words], {
    env: {
      PATH: '/usr/bin:/bin',
      HOME: '/nonexistent',
      CERTFERRY_LOG_FORMAT: 'json',
      TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
      TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let [out, err] = ['', '']
  child.stdout.on('data', text => (out += text))
  child.stderr.on('data', text => (err += text))
  const saying = (what: RegExp) => expect.poll(() => out, BOUND).toMatch(what)
  return { child, ended, saying, out: () => out, err: () => err }
}

const end = async ({ child, ended }: { child: ChildProcess; ended: Promise<unknown> }) => {
  child.kill('SIGTERM')
  await ended
}

/** A certbot tree with one certificate, and a service whose answer the test sends. */
async function stage() {
  const folder = await temporaryDirectory()
  const root = join(folder, 'le')
  await all(certbotIssue(root, 'example.com', await issue({ names: ['example.com'] })))
  const waiting = Promise.withResolvers<ServerResponse>()
  const port = await listening(createServer((_, response) => waiting.resolve(response)))
  const places = ['--state-dir', join(folder, 'state'), '--endpoint', `http://127.0.0.1:${port}`]
  return { root, places, asked: waiting.promise }
}

test.each(['sync', 'hook'])('SIGUSR1: %s goes on when it comes during an upload', async command => {
  const { root, places, asked } = await stage()
  const words = command === 'sync' ? ['--source', `certbot=${root}`] : []
  const env = { RENEWED_LINEAGE: join(root, 'live/example.com') }
  const run = await started([command, ...words, ...places], env)
  const response = await asked
  run.child.kill('SIGUSR1')
  response.end(OK)
  await run.ended
  expect([run.child.exitCode, run.err()]).toEqual([0, ''])
})

test('SIGUSR1: watch rescans', async () => {
  const folder = await temporaryDirectory()
  await mkdir(join(folder, 'le/live'), { recursive: true })
  const places = ['--source', `certbot=${join(folder, 'le')}`, '--state-dir', join(folder, 'state')]
  const run = await started(['watch', ...places, '--log-level', 'debug'])
  await run.saying(/"watching"/)
  run.child.kill('SIGUSR1')
  await run.saying(/\(SIGUSR1\)/)
  await end(run)
  expect([run.child.exitCode, run.err()]).toEqual([0, ''])
})

test('SIGUSR1: the emulator goes on answering', async () => {
  const run = await started(['emulator'])
  await run.saying(/^http:.*\n/)
  run.child.kill('SIGUSR1')
  expect((await fetch(/^http:\S+/.exec(run.out())?.[0] ?? '')).status).toBe(200)
  await end(run)
  expect([run.child.exitCode, run.err()]).toEqual([0, ''])
})

test('a debugger that NODE_OPTIONS or an early signal opened is closed before anything is read', async () => {
  const run = await started(['emulator'], { NODE_OPTIONS: '--inspect=127.0.0.1:0' })
  await run.saying(/^http:.*\n/)
  const [, address = ''] = /Debugger listening on ws:\/\/([\d.:]+)/.exec(run.err()) ?? []
  expect(address).toMatch(/^127\.0\.0\.1:\d+$/)
  await expect(fetch(`http://${address}/json`)).rejects.toThrow('fetch failed')
  await end(run)
})
