import { access, chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { messageJson, sampleMessage } from '../../src/notify/message.ts'
import { sleep } from '../../src/util/async.ts'
import { issue } from '../fixtures/certificates.ts'
import { leaksIn } from '../fixtures/leaks.ts'
import { all, certbotRenew } from '../fixtures/producers.ts'
import { KEYS, openStage, type Stage } from './commandFixture.ts'
import { openWatchStage } from './watchFixture.ts'

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

test('a person is notified of each new ID once, and of nothing that is unchanged', async () => {
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

test('a night of many uploads is one message', async () => {
  const stage = await openStage()
  const { config, letters } = await listener(stage)
  for (const name of ['a', 'b', 'c']) await stage.certbot(`${name}.example.com`)
  await stage.type(['sync', '--config', config])
  expect(await letters()).toHaveLength(1)
})

test('a certificate that has expired is notified once a day, though every run meets it', async () => {
  const stage = await openStage()
  const { config, letters } = await listener(stage)
  const past = new Date(Date.now() - 90 * 86_400_000)
  await stage.certbot(
    'old.example.com',
    await issue({ names: ['old.example.com'], notBefore: past, notAfter: new Date(Date.now() - 1000) }),
  )
  await stage.type(['sync', '--config', config])
  await stage.type(['sync', '--config', config])
  expect(await letters()).toEqual(['renewal_overdue certbot:old.example.com'].map(line => `${line} `))
})

describe('that nothing can be recorded is notified', () => {
  const unusable = async () => {
    const stage = await openStage()
    const told = await listener(stage)
    await stage.certbot('shop.example.com')
    await writeFile(join(stage.folder, 'state'), '')
    return { stage, ...told }
  }

  test.each(['sync', 'watch'])('%s', async command => {
    const { stage, config, letters } = await unusable()
    const run = stage.type([command, '--config', config], { wait: sleep })
    await expect(run).resolves.toMatchObject({ exit: 74 })
    expect(await letters()).toEqual(['uploads_paused  '])
    expect(stage.emulator.entries).toEqual([])
  })

  test('hook', async () => {
    const { stage, config, letters } = await unusable()
    const env = { RENEWED_LINEAGE: join(stage.folder, 'letsencrypt/live/shop.example.com') }
    expect((await stage.type(['hook', '--config', config], { env })).exit).toBe(74)
    expect(await letters()).toEqual(['uploads_paused  '])
  })

  test('a daemon that has begun, once', async () => {
    const stage = await openWatchStage()
    const { letters, command } = await listener(stage)
    await stage.configure(`[notify]\ncommand = "${command}"\nevents = ["uploads_paused"]\n`)
    const { signal, saying, end } = stage.start()
    await saying('watching')
    await rm(join(stage.folder, 'state'), { recursive: true })
    await writeFile(join(stage.folder, 'state'), '')
    signal('SIGUSR1')
    await saying('state_dir_error')
    signal('SIGUSR1')
    await end()
    expect(await letters()).toEqual(['uploads_paused  '])
  })
})

test('a command that fails is warned of, and the certificate is where it should be', async () => {
  const stage = await openStage()
  const config = join(stage.folder, 'config.toml')
  await writeFile(config, '[notify]\ncommand = "/nowhere/tell"\n')
  await stage.certbot('shop.example.com')
  const run = await stage.type(['sync', '--config', config])
  expect([run.exit, stage.emulator.certificates().length]).toEqual([0, 1])
  expect(run.out()).toContain('notification failed: /nowhere/tell: is not there, so it is not started')
})

describe('certferry notify --test', () => {
  const withConfig = async (text: string) => {
    const stage = await openStage()
    const config = join(stage.folder, 'config.toml')
    await writeFile(config, text)
    return {
      ...stage,
      run: (...words: readonly string[]) => stage.type(['notify', '--config', config, ...words]),
    }
  }

  test('sends a sample by each channel and says what came of it', async () => {
    const { run, folder } = await withConfig(
      '[notify]\ncommand = "tell"\nwebhook_file = "hook"\nevents = ["uploads_paused"]\n',
    )
    const script = `#!/bin/sh\necho "$CERTFERRY_EVENT $CERTFERRY_COUNT" >> '${folder}/told'\n`
    await writeFile(join(folder, 'tell'), script, { mode: 0o755 })
    await writeFile(join(folder, 'hook'), 'http://127.0.0.1:9/secret-word\n')
    const { exit, out } = await run('--test')
    expect(exit).toBe(75)
    expect(out()).toMatch(
      `command ${folder}/tell: sent\nwebhook ${folder}/hook: failed: 127.0.0.1:9 was not reached`,
    )
    expect(out()).not.toContain('secret-word')
    const { json } = await run('--test', '--json')
    expect(json()).toMatchObject({
      channels: [
        { channel: 'command', outcome: 'sent' },
        { channel: 'webhook', outcome: 'failed', fault: { code: 'NOTIFICATION_FAILED' } },
      ],
      exit: 75,
    })
    expect(await readFile(join(folder, 'told'), 'utf8')).toBe('test 0\ntest 0\n')
  })

  test.each([
    ['without a channel', '', ['--test'], 78, 'no notification channel is configured'],
    ['without --test', '[notify]\ncommand = "/bin/true"\n', [], 64, 'notify needs --test'],
  ])('%s it says so', async (_, text, words, exit, said) => {
    const { run } = await withConfig(text)
    const ended = await run(...words)
    expect(ended.exit).toBe(exit)
    expect(ended.err()).toContain(said)
  })

  test('the sample of a webhook is JSON that names no certificate', () => {
    expect(JSON.parse(messageJson(sampleMessage('web1')))).toEqual({
      event: 'test',
      host: 'web1',
      text: 'certferry on web1: a test of [notify], nothing has happened',
      count: 0,
      certificates: [],
    })
  })
})

describe('certferry check examines the channels and sends nothing', () => {
  const GOOD = '#!/bin/sh\n: > started\n'

  test.each<[string, string, number, RegExp | undefined]>([
    ['a command that can be started', GOOD, 0o755, undefined],
    ['one that may not be executed', GOOD, 0o644, /tell: may not be executed by this user \(EACCES\)/],
    ['one that every user may write', GOOD, 0o757, /tell: may be written by every user/],
    ['one of another interpreter', '#!/nowhere/sh\n', 0o755, /its first line names "\/nowhere\/sh"/],
    ['one saved with CR LF', '#!/bin/sh\r\n', 0o755, /its first line names "\/bin\/sh\\r"/],
  ])('%s', async (_, text, mode, said) => {
    const stage = await openStage()
    const [config, command] = [join(stage.folder, 'config.toml'), join(stage.folder, 'tell')]
    await writeFile(config, `[notify]\ncommand = "${command}"\n`)
    await writeFile(command, text)
    await chmod(command, mode)
    await chmod(stage.folder, 0o755)
    const { json } = await stage.type(['check', '--json', '--config', config])
    const { findings } = json<{ readonly findings: ReadonlyArray<Readonly<Record<string, string>>> }>()
    expect(findings.filter(({ about }) => about === 'notify')).toEqual([
      expect.objectContaining(
        said
          ? { level: 'failure', says: expect.stringMatching(said) }
          : { level: 'ok', says: `command ${command}` },
      ),
    ])
    await expect(access(join(stage.folder, 'started'))).rejects.toThrow('ENOENT')
  })

  test.each<[string, string | undefined, RegExp | undefined]>([
    ['a file with a URL', 'https://hook.example/secret-word', undefined],
    ['one that is not there', undefined, /hook: is not there/],
    ['one without a URL', 'secret-word', /hook: expected one URL/],
    ['one in the clear', 'http://hook.example/secret-word', /hook: expected an https:\/\/ URL/],
  ])('%s', async (_, text, said) => {
    const stage = await openStage()
    const [config, file] = [join(stage.folder, 'config.toml'), join(stage.folder, 'hook')]
    await writeFile(config, `[notify]\nwebhook_file = "${file}"\n`)
    if (text !== undefined) await writeFile(file, text)
    const { out } = await stage.type(['check', '--json', '--config', config])
    const { findings } = JSON.parse(out())
    const [found] = findings.filter(({ about }: { readonly about: string }) => about === 'notify')
    expect(found.says).toMatch(said ?? `webhook ${file}`)
    expect(found.level).toBe(said ? 'failure' : 'ok')
    expect(out()).not.toContain('secret-word')
  })
})
