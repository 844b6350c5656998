import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { pause } from '../../src/edge/time.ts'
import { issue } from '../support/certificates.ts'
import { leaksIn } from '../support/leaks.ts'
import { all, certbotRenew } from '../support/producers.ts'
import { KEYS, openStage, type Stage } from './stage.ts'
import { openWatchStage } from './watchStage.ts'

/** A command that writes down what it is told, a line a letter, and the whole of its environment. */
async function listener({ folder }: Pick<Stage, 'folder'>) {
  const command = join(folder, 'tell')
  const [letters, everything] = [join(folder, 'letters'), join(folder, 'everything')]
  const script = `#!/bin/sh\necho "$CERTFERRY_EVENT $CERTFERRY_LINEAGES $CERTFERRY_CERTIFICATE_IDS" >> '${letters}'\nenv >> '${everything}'\n`
  await writeFile(command, script, { mode: 0o755 })
  const config = join(folder, 'config.toml')
  await writeFile(config, `[notify]\ncommand = "${command}"\n`)
  const read = (file: string) => readFile(file, 'utf8').catch(() => '')
  return {
    command,
    config,
    letters: async () => (await read(letters)).split('\n').slice(0, -1),
    everything: () => read(everything),
  }
}

test('a person is told of each new ID once, and of nothing that is unchanged', async () => {
  const stage = await openStage()
  const { config, letters, everything } = await listener(stage)
  const { key } = await stage.certbot('shop.example.com')
  const sync = () => stage.type(['sync', '--config', config])
  await sync()
  await sync()
  const renewed = await issue({ names: ['shop.example.com'] })
  await all(certbotRenew(join(stage.folder, 'letsencrypt'), 'shop.example.com', renewed))
  await sync()
  const ids = stage.emulator.certificates().map(({ id }) => id)
  expect(await letters()).toEqual(ids.map(id => `uploaded certbot:shop.example.com ${id}`))
  const kept = { keys: [key, renewed.key], secrets: [KEYS.TENCENTCLOUD_SECRET_KEY] }
  expect(leaksIn(await everything(), kept)).toEqual([])
})

test('a night of many uploads is one letter', async () => {
  const stage = await openStage()
  const { config, letters } = await listener(stage)
  for (const name of ['a', 'b', 'c']) await stage.certbot(`${name}.example.com`)
  await stage.type(['sync', '--config', config])
  expect(await letters()).toHaveLength(1)
})

test('a certificate that has expired is told of once a day, though every pass meets it', async () => {
  const stage = await openStage()
  const { config, letters } = await listener(stage)
  const past = new Date(Date.now() - 90 * 86_400_000)
  await stage.certbot(
    'old.example.com',
    await issue({ names: ['old.example.com'], notBefore: past, notAfter: new Date(Date.now() - 1000) }),
  )
  await stage.type(['sync', '--config', config])
  await stage.type(['sync', '--config', config])
  expect(await letters()).toEqual(['expiring certbot:old.example.com'].map(line => `${line} `))
})

describe('that nothing can be recorded is told', () => {
  const unusable = async () => {
    const stage = await openStage()
    const told = await listener(stage)
    await stage.certbot('shop.example.com')
    await writeFile(join(stage.folder, 'state'), '')
    return { stage, ...told }
  }

  test.each(['sync', 'watch'])('%s', async command => {
    const { stage, config, letters } = await unusable()
    const run = stage.type([command, '--config', config], { wait: pause })
    await expect(run).resolves.toMatchObject({ exit: 74 })
    expect(await letters()).toEqual(['stopped  '])
    expect(stage.emulator.entries).toEqual([])
  })

  test('hook', async () => {
    const { stage, config, letters } = await unusable()
    const env = { RENEWED_LINEAGE: join(stage.folder, 'letsencrypt/live/shop.example.com') }
    expect((await stage.type(['hook', '--config', config], { env })).exit).toBe(74)
    expect(await letters()).toEqual(['stopped  '])
  })

  test('a daemon that has begun, once', async () => {
    const stage = await openWatchStage()
    const { letters, command } = await listener(stage)
    await stage.configure(`[notify]\ncommand = "${command}"\non = ["stopped"]\n`)
    const { signal, saying, end } = stage.start()
    await saying('watching')
    await rm(join(stage.folder, 'state'), { recursive: true })
    await writeFile(join(stage.folder, 'state'), '')
    signal('SIGUSR1')
    await saying('state')
    signal('SIGUSR1')
    await saying('state', 2)
    await end()
    expect(await letters()).toEqual(['stopped  '])
  })
})

test('a command that fails is warned of, and the certificate is where it should be', async () => {
  const stage = await openStage()
  const config = join(stage.folder, 'config.toml')
  await writeFile(config, '[notify]\ncommand = "/nowhere/tell"\n')
  await stage.certbot('shop.example.com')
  const run = await stage.type(['sync', '--config', config])
  expect([run.exit, stage.emulator.certificates().length]).toEqual([0, 1])
  expect(run.out()).toContain('nobody was told: /nowhere/tell ended with ENOENT')
})
