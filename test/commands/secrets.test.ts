/** Every byte that leaves the program, in good and in bad times, at the loudest level, is searched for what must stay. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { InjectedFault } from '../../src/emulator/faults.ts'
import { issue } from '../fixtures/certificates.ts'
import { openStage, type Stage } from './commandFixture.ts'

const SECRET_KEY = 'sk-9c1f0d-secret-of-this-test'
const TOKEN = 'tk-77e0aa-token-of-this-test'
const accounts = { tester: { secretKey: SECRET_KEY, token: TOKEN } }
const env = {
  TENCENTCLOUD_SECRET_ID: 'tester',
  TENCENTCLOUD_SECRET_KEY: SECRET_KEY,
  TENCENTCLOUD_TOKEN: TOKEN,
}

async function everyByteOf(
  { folder, type }: Stage,
  keys: readonly string[],
  commands: ReadonlyArray<readonly string[]>,
) {
  const told: string[] = []
  for (const words of commands) {
    const run = await type([...words, ...(words[0] === 'inspect' ? [] : ['--log-level', 'trace'])], { env })
    told.push(run.out(), run.err())
  }
  const state = join(folder, 'state')
  for (const file of await readdir(state).catch(() => []))
    told.push(await readFile(join(state, file), 'utf8'))
  const all = told.join('\n')
  expect(all.length).toBeGreaterThan(200)
  // any line of a key's base64 would do to tell that the key got out
  const lines = keys.flatMap(key => key.split('\n').filter(line => line && !line.startsWith('-----')))
  for (const secret of [SECRET_KEY, TOKEN, 'PRIVATE KEY-----', ...lines]) expect(all).not.toContain(secret)
}

const COMMANDS = [
  ['sync'],
  ['sync', '--json', '--force'],
  ['status'],
  ['status', '--json'],
  ['check'],
  ['check', '--json'],
] as const

test('no key, secret or token is told when all is well', async () => {
  const stage = await openStage({ accounts })
  const { key } = await stage.certbot('example.com')
  const live = join(stage.folder, 'letsencrypt/live/example.com')
  await everyByteOf(
    stage,
    [key],
    [...COMMANDS, ['inspect', join(live, 'fullchain.pem'), join(live, 'privkey.pem')]],
  )
})

test('nor when the key does not fit, is damaged, or stands in the chain file', async () => {
  const stage = await openStage({ accounts })
  const [one, other] = [await issue({ names: ['mixed.example'] }), await issue({ names: ['mixed.example'] })]
  await stage.certbot('mixed.example', { ...one, key: other.key })
  await stage.certbot('damaged.example', { ...one, key: other.key.replace(/\n./, '\n!') })
  await stage.certbot('together.example', { ...one, chain: one.key + one.chain, leaf: one.leaf })
  await stage.certbot('cut.example', { ...one, key: one.key.slice(0, 90) })
  await everyByteOf(stage, [one.key, other.key], COMMANDS)
})

test.each<InjectedFault>([
  'gateway-throttle',
  'internal-error',
  'bad-gateway',
  'reset-before',
  'reset-after',
  'truncated',
])('nor when the service answers with %s', async faults => {
  const spoiled = [faults]
  const stage = await openStage({ accounts, faults: () => spoiled.pop() })
  const { key } = await stage.certbot('example.com')
  await everyByteOf(stage, [key], [['sync']])
})

test('nor when the credentials are wrong', async () => {
  const stage = await openStage({ accounts: { tester: { secretKey: 'another', token: TOKEN } } })
  const { key } = await stage.certbot('example.com')
  await everyByteOf(stage, [key], COMMANDS)
})

test('nor when nothing listens', async () => {
  const stage = await openStage({ accounts })
  const { key } = await stage.certbot('example.com')
  await everyByteOf(
    stage,
    [key],
    [
      ['sync', '--dry-run', '--endpoint', 'http://127.0.0.1:9'],
      ['check', '--endpoint', 'http://127.0.0.1:9'],
    ],
  )
})
