/** The program with secrets of every kind, in situations where they might leak, and under strace. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import type { InjectedFaultName } from '../../../src/emulator/faults.ts'
import { type EmulatorOptions, startEmulator } from '../../../src/emulator/server.ts'
import { encrypted, issue } from '../../fixtures/certificates.ts'
import { all, certbotIssue } from '../../fixtures/producers.ts'
import { listening } from '../../http/httpServers.ts'
import { type Ended, type Started, start } from '../machine/process.ts'

const SECRET_KEY = 'sk-3f9a17-secret-of-an-account'
const TOKEN = 'tk-c05e42-token-of-an-account'
const PASSWORD = 'pw-81bd60-password-of-a-key'
const PROXY_LOGIN = 'pl-2a7d95-login-of-a-proxy'
export const WEBHOOK_PATH = 'wh-6e1c38-address-of-a-webhook'

const ACCOUNTS = { tester: { secretKey: SECRET_KEY, token: TOKEN } }
const CREDENTIALS = {
  TENCENTCLOUD_SECRET_ID: 'tester',
  TENCENTCLOUD_SECRET_KEY: SECRET_KEY,
  TENCENTCLOUD_TOKEN: TOKEN,
}
export const SECRETS = [SECRET_KEY, TOKEN, PASSWORD, PROXY_LOGIN] as const

export interface Fixture {
  readonly folder: string
  /** PEM of every key on its disk. */
  readonly keys: readonly string[]
  readonly live: string
  readonly config: string
  readonly socket: string
  readonly env: Readonly<Record<string, string>>
  readonly ports: { readonly service: string; readonly webhook: string }
  /** Requests to the service so far. */
  readonly requests: () => number
}

export interface FixtureOptions {
  /** Keys that do not match, are damaged, cut off, or in the wrong file. */
  readonly spoiled?: boolean
  /** No notification is received. */
  readonly unnotified?: boolean
  readonly emulator?: EmulatorOptions
  /** Starts another service, which reports its requests; resolves to its port. */
  readonly service?: (onRequest: () => void) => Promise<number>
  readonly env?: Readonly<Record<string, string>>
  /** Lines of the configuration. */
  readonly config?: string
}

/** A notification command that prints its arguments and its environment. */
const notifyCommand = (exit: number) => `#!/bin/sh\nenv\necho "$@"\nenv >&2\nexit ${exit}\n`

export async function openFixture(folder: string, options: FixtureOptions): Promise<Fixture> {
  const root = join(folder, 'letsencrypt')
  const keys = options.spoiled ? await writeSpoiled(root) : await writeValid(root, folder)
  let requests = 0
  const onRequest = () => {
    requests += 1
  }
  const emulator = await startEmulator({
    rate: Number.POSITIVE_INFINITY,
    accounts: ACCOUNTS,
    onRequest,
    ...options.emulator,
  })
  onTestFinished(emulator.close)
  const service = String((await options.service?.(onRequest)) ?? new URL(emulator.url).port)
  const webhook = await listening(
    createServer((_, response) => response.writeHead(options.unnotified ? 500 : 200).end()),
  )
  const [socket, config] = [join(folder, 'http.sock'), join(folder, 'config.toml')]
  await writeFile(join(folder, 'webhook'), `http://127.0.0.1:${webhook}/${WEBHOOK_PATH}`, { mode: 0o600 })
  await writeFile(join(folder, 'notify-command'), notifyCommand(options.unnotified ? 3 : 0), { mode: 0o755 })
  await writeFile(config, configOf(folder, socket, options.config))
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/nonexistent',
    NOTIFY_SOCKET: join(folder, 'notify'),
    RENEWED_LINEAGE: join(root, 'live/shop.example.com'),
    CERTFERRY_ENDPOINT: `http://127.0.0.1:${service}`,
    CERTFERRY_STATE_DIR: join(folder, 'state'),
    ...CREDENTIALS,
    ...options.env,
  }
  const ports = { service, webhook: String(webhook) }
  return {
    folder,
    keys,
    live: join(root, 'live/shop.example.com'),
    config,
    socket,
    env,
    ports,
    requests: () => requests,
  }
}

const configOf = (folder: string, socket: string, more = '') => `${more}
[[source]]
kind = "certbot"
path = "${folder}/letsencrypt"
[[source]]
kind = "pem"
name = "locked"
chain = "${folder}/locked/chain.pem"
key = "${folder}/locked/key.pem"
key_password_file = "${folder}/locked/password"
[http]
listen = "unix:${socket}"
[notify]
command = "${folder}/notify-command"
webhook_file = "${folder}/webhook"
`

async function writeValid(root: string, folder: string): Promise<readonly string[]> {
  const pair = await issue({ names: ['shop.example.com'] })
  await all(certbotIssue(root, 'shop.example.com', pair))
  const locked = await issue({ names: ['locked.example.com'] })
  const key = encrypted(locked.key, PASSWORD)
  const at = (name: string) => join(folder, 'locked', name)
  await mkdir(at(''))
  await writeFile(at('chain.pem'), locked.chain)
  await writeFile(at('key.pem'), key, { mode: 0o600 })
  await writeFile(at('password'), PASSWORD, { mode: 0o600 })
  return [pair.key, locked.key, key]
}

async function writeSpoiled(root: string): Promise<readonly string[]> {
  const [one, other] = [
    await issue({ names: ['shop.example.com'] }),
    await issue({ names: ['shop.example.com'] }),
  ]
  const spoiled = {
    'shop.example.com': { ...one, key: other.key },
    'damaged.example.com': { ...one, key: one.key.replace(/\n./, '\n!') },
    'cut.example.com': { ...one, key: one.key.slice(0, 120) },
    'together.example.com': { ...one, chain: one.key + one.chain },
    'swapped.example.com': { ...one, chain: one.key, key: one.chain },
  }
  for (const [name, pair] of Object.entries(spoiled)) await all(certbotIssue(root, name, pair))
  return [one.key, other.key]
}

export interface Scenario extends FixtureOptions {
  readonly name: string
  /** Whether the key reaches the service in the end: then the trace has to show it. */
  readonly arrives: boolean
  /** sync would retry for a minute and a half; a hook has a deadline. */
  readonly slow?: boolean
}

const once = (name: InjectedFaultName): Scenario => {
  const spoiled: InjectedFaultName[] = [name]
  return {
    name: `the service answers once with ${name}`,
    arrives: true,
    emulator: { faults: () => spoiled.pop() },
  }
}

/** Quotes the whole request in its message. */
const echoService = (onRequest: () => void) =>
  listening(
    createServer(async (request, response) => {
      const Message = `not this: ${JSON.stringify(request.headers)} ${await text(request)}`
      const Response = { Error: { Code: 'FailedOperation.CertificateInvalid', Message }, RequestId: Message }
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ Response }), onRequest)
    }),
  )

export const SCENARIOS: ReadonlyArray<() => Scenario> = [
  () => ({ name: 'all is well', arrives: true }),
  () => ({ name: 'no notification is received', arrives: true, unnotified: true }),
  () => ({ name: 'keys do not fit, are damaged, cut off, in the wrong file', arrives: false, spoiled: true }),
  () => ({
    name: 'the API key is wrong',
    arrives: true,
    emulator: { accounts: { tester: { secretKey: 'another', token: TOKEN } } },
  }),
  () => once('gateway-throttle'),
  () => once('internal-error'),
  () => once('bad-gateway'),
  () => once('reset-before'),
  () => once('reset-after'),
  () => once('truncated'),
  () => ({ name: 'the service quotes back all it is sent', arrives: true, service: echoService }),
  () => ({ name: 'nothing listens', arrives: false, slow: true, service: async () => 9 }),
  () => ({
    name: 'the state directory is not a directory',
    arrives: false,
    env: { CERTFERRY_STATE_DIR: '/dev/null/state' },
  }),
  () => ({
    name: 'a proxy that is not there has a login',
    arrives: false,
    slow: true,
    env: {
      CERTFERRY_ENDPOINT: 'https://ssl.tencentcloudapi.com',
      HTTPS_PROXY: `http://me:${PROXY_LOGIN}@127.0.0.1:9`,
    },
  }),
  () => ({
    name: 'the API key stands in the configuration, where it should not',
    arrives: false,
    config: `[tencent]\nsecret_key = "${SECRET_KEY}"\nrate_per_second = "${TOKEN}"\n`,
  }),
  () => ({
    name: 'the API key has a blank in it',
    arrives: false,
    env: { TENCENTCLOUD_SECRET_KEY: `${SECRET_KEY} x` },
  }),
]

/** Calls that take bytes or names out of a process. `-v` shows the whole environment of a program that is started. */
const OUTGOING = 'write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,%file'
const WHOLE = ['-f', '-v', '-yy', '-s', '1048576', '-e', 'signal=none', '-e', `trace=${OUTGOING}`]

export interface Trace extends Ended {
  /** Calls that send to the service. */
  readonly toService: readonly string[]
  /** All other calls: files, pipes, sockets, names, programs with their words and environment. */
  readonly elsewhere: readonly string[]
}

export interface TracedRun extends Started {
  readonly trace: Promise<Trace>
}

interface TracedCommand {
  readonly words: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** The file that strace writes. */
  readonly output: string
  /** The port of the service. */
  readonly port: string
}

/** The tracer is no parent (`-D`), so that a signal to the started process reaches the program. */
export function runTraced({ words, env, output, port }: TracedCommand): TracedRun {
  const started = start(['strace', '-D', ...WHOLE, '-o', output, ...words], env)
  const trace = started.ended.then(async ended => {
    const calls = await callsIn(output)
    const socket = new RegExp(`^\\d+ +(?:write|send)\\w*\\(\\d+<TCP:\\[[\\d.:]+->127\\.0\\.0\\.1:${port}\\]>`)
    const isService = (call: string) => socket.test(call)
    // the test itself starts the program with secrets in its environment
    const isStart = (call: string) => call.includes(' execve(') && call.includes(`"${words[1]}"`)
    return {
      ...ended,
      toService: calls.filter(isService),
      elsewhere: calls.filter(call => !isService(call) && !isStart(call)),
    }
  })
  return { ...started, trace }
}

/** The tracer may outlive the program: its file is complete with the line about the end of the first process. */
async function callsIn(output: string): Promise<readonly string[]> {
  for (;;) {
    const text = await readFile(output, 'utf8')
    const [first = ''] = /^\d+/.exec(text) ?? []
    if (new RegExp(`^${first} +\\+\\+\\+ `, 'm').test(text)) return text.split('\n').map(unescapeC)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Undoes how strace writes a C string. */
const unescapeC = (call: string) => call.replaceAll('\\n', '\n').replaceAll('\\"', '"').replaceAll('\\/', '/')
