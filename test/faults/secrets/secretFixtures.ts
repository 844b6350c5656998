/** A server with certificates in every state, somebody who wants to be told of everything, and a service that may be wrong. */
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type EmulatorOptions, startEmulator } from '../../../src/emulator/server.ts'
import { encrypted, issue } from '../../fixtures/certificates.ts'
import { all, certbotIssue } from '../../fixtures/producers.ts'
import { listening } from '../../http/httpServers.ts'
import { ACCOUNTS, CREDENTIALS, PASSWORD, WEBHOOK_PATH } from './secrets.ts'

export interface House {
  readonly folder: string
  /** PEM of every key on its disk. */
  readonly keys: readonly string[]
  readonly live: string
  readonly config: string
  readonly socket: string
  readonly env: Readonly<Record<string, string>>
  readonly ports: { readonly service: string; readonly webhook: string }
  /** Requests that the service has had. */
  readonly asked: () => number
}

export interface Wishes {
  /** Keys that do not fit, are damaged, cut off, in the wrong file; or all as it should be. */
  readonly spoiled?: boolean
  /** Whoever is to be told of something fails to hear it. */
  readonly deaf?: boolean
  readonly emulator?: EmulatorOptions
  /** In the service's place; says when it is asked. */
  readonly service?: (onRequest: () => void) => Promise<number>
  readonly env?: Readonly<Record<string, string>>
  /** Lines of the configuration. */
  readonly config?: string
}

/** Says all that it is told and given, on both its streams. */
const teller = (exit: number) => `#!/bin/sh\nenv\necho "$@"\nenv >&2\nexit ${exit}\n`

export async function openHouse(folder: string, wishes: Wishes): Promise<House> {
  const root = join(folder, 'letsencrypt')
  const keys = wishes.spoiled ? await plantSpoiled(root) : await plantSound(root, folder)
  let asked = 0
  const onRequest = () => {
    asked += 1
  }
  const emulator = await startEmulator({
    rate: Number.POSITIVE_INFINITY,
    accounts: ACCOUNTS,
    onRequest,
    ...wishes.emulator,
  })
  onTestFinished(emulator.close)
  const service = String((await wishes.service?.(onRequest)) ?? new URL(emulator.url).port)
  const webhook = await listening(
    createServer((_, response) => response.writeHead(wishes.deaf ? 500 : 200).end()),
  )
  const [socket, config] = [join(folder, 'http.sock'), join(folder, 'config.toml')]
  await writeFile(join(folder, 'webhook'), `http://127.0.0.1:${webhook}/${WEBHOOK_PATH}`, { mode: 0o600 })
  await writeFile(join(folder, 'tell'), teller(wishes.deaf ? 3 : 0), { mode: 0o755 })
  await writeFile(config, configOf(folder, socket, wishes.config))
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/nonexistent',
    NOTIFY_SOCKET: join(folder, 'notify'),
    RENEWED_LINEAGE: join(root, 'live/shop.example.com'),
    CERTFERRY_ENDPOINT: `http://127.0.0.1:${service}`,
    CERTFERRY_STATE_DIR: join(folder, 'state'),
    ...CREDENTIALS,
    ...wishes.env,
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
    asked: () => asked,
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
command = "${folder}/tell"
webhook_file = "${folder}/webhook"
`

async function plantSound(root: string, folder: string): Promise<readonly string[]> {
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

async function plantSpoiled(root: string): Promise<readonly string[]> {
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
