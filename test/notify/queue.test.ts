import { access, chmod, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { kill } from 'node:process'
import { describe, expect, test } from 'vitest'
import { NOTIFY_EVENTS } from '../../src/config/values.ts'
import { Fault } from '../../src/errors.ts'
import { commandChannel, type Send, webhookChannel } from '../../src/notify/channels.ts'
import { messagesFor } from '../../src/notify/message.ts'
import type { Notification } from '../../src/notify/notification.ts'
import { createNotificationQueue } from '../../src/notify/queue.ts'
import { openState } from '../../src/receipts/database.ts'
import { receiptStoreIn } from '../fixtures/state.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { listening } from '../http/httpServers.ts'

const PATIENT = new AbortController().signal
const NOW = Date.UTC(2026, 10, 24)
const notice = (key: string): Notification => ({
  event: 'uploaded',
  lineage: key,
  names: [],
  certificateId: 'a92b1Z1i',
  supersedes: null,
  notAfter: null,
  reason: null,
  advice: null,
  key,
  again: Number.POSITIVE_INFINITY,
})
const letter = () => messagesFor([notice('certbot:shop')], 'web1')[0] ?? expect.unreachable()

async function office(messenger: Send, dir?: string, giveUp = PATIENT, spare?: string) {
  const place = dir ?? (await temporaryDirectory())
  const unsent: Fault[] = []
  const forgotten: Fault[] = []
  const waits: number[] = []
  const postman = createNotificationQueue({
    messengers: [messenger],
    events: NOTIFY_EVENTS,
    host: 'web1',
    places: [place, ...(spare === undefined ? [] : [spare])].map(path =>
      openState(
        path,
        () => {},
        () => new Date(NOW),
      ),
    ),
    now: () => NOW,
    wait: async (ms, signal) => {
      signal.throwIfAborted()
      waits.push(ms)
    },
    giveUp,
    onUnsent: fault => unsent.push(fault),
    onForgotten: fault => forgotten.push(fault),
  })
  return { postman, unsent, forgotten, waits, dir: place }
}

describe('the postman', () => {
  test('sends what has come together in one letter, and never again, after a restart too', async () => {
    const sent: string[] = []
    const messenger: Send = async ({ text }) => void sent.push(text)
    const { postman, dir } = await office(messenger)
    postman.add([notice('a'), notice('b')])
    await postman.deliver()
    const next = await office(messenger, dir)
    next.postman.add([notice('a'), notice('c')])
    await next.postman.deliver()
    expect(
      sent.map(text =>
        text
          .split('\n')
          .slice(1)
          .map(line => line[0]),
      ),
    ).toEqual([['a', 'b'], ['c']])
  })

  test('tries a letter three times, says that it did not arrive, and tells it with the next', async () => {
    let tries = 0
    const { postman, unsent, waits } = await office(async () => {
      tries += 1
      if (tries <= 3) throw new Fault('NOTIFICATION_FAILED', 'hook.example was not reached')
    })
    postman.add([notice('a')])
    await postman.deliver()
    expect([tries, waits, unsent.map(({ message }) => message)]).toEqual([
      3,
      [1_000, 5_000],
      ['hook.example was not reached'],
    ])
    postman.add([notice('a')])
    await postman.deliver()
    expect([tries, unsent.length]).toEqual([4, 1])
  })

  test('what did not arrive is told by the next process, once', async () => {
    const first = await office(() =>
      Promise.reject(new Fault('NOTIFICATION_FAILED', 'hook.example was not reached')),
    )
    first.postman.add([notice('a')])
    await first.postman.deliver()
    const sent: string[] = []
    const messenger: Send = async ({ notifications }) =>
      void sent.push(...notifications.map(({ key }) => key))
    for (const key of ['b', 'c']) {
      const next = await office(messenger, first.dir)
      next.postman.add([notice(key)])
      await next.postman.deliver()
    }
    expect(sent).toEqual(['b', 'a', 'c'])
  })

  test('gives up at once what takes too long, and what comes after it', async () => {
    const end = new AbortController()
    const asked = Promise.withResolvers<void>()
    const hanging: Send = (_, signal) => {
      asked.resolve()
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    }
    const { postman, unsent, waits } = await office(hanging, undefined, end.signal)
    postman.add([notice('a')])
    const delivered = postman.deliver()
    await asked.promise
    end.abort(new Fault('NOTIFICATION_FAILED', 'given up'))
    await delivered
    expect([waits, unsent.map(({ message }) => message)]).toEqual([[], ['given up']])
  })

  test('a record that is damaged spoils nothing', async () => {
    const dir = await temporaryDirectory()
    await writeFile(join(dir, 'state.db'), '{"a":')
    const { postman, unsent } = await office(async () => {}, dir)
    postman.add([notice('a')])
    await postman.deliver()
    expect(unsent).toEqual([])
    expect((await receiptStoreIn(dir).notifications()).sent).toEqual({ a: '2026-11-24T00:00:00.000Z' })
  })

  test('what cannot be recorded beside the receipts is told once all the same', async () => {
    const sent: string[] = []
    const messenger: Send = async ({ text }) => void sent.push(text)
    const dir = join(await temporaryDirectory(), 'not-there')
    const { postman, unsent, forgotten } = await office(messenger, dir)
    for (const key of ['a', 'a']) {
      postman.add([notice(key)])
      await postman.deliver()
    }
    expect([sent.length, unsent]).toEqual([1, []])
    expect(forgotten.map(({ message }) => message)).toEqual([
      `the state directory ${dir} cannot be used (ENOENT)`,
    ])
    const spare = await temporaryDirectory()
    for (const key of ['a', 'a']) {
      const next = await office(messenger, dir, PATIENT, spare)
      next.postman.add([notice(key)])
      await next.postman.deliver()
      expect(next.forgotten).toEqual([])
    }
    expect(sent).toHaveLength(2)
  })
})

describe('a command', () => {
  test('is started without a shell, with the facts in its environment and nothing of ours', async () => {
    const dir = await temporaryDirectory()
    const file = join(dir, 'tell it')
    await writeFile(file, `#!/bin/sh\nenv > '${dir}/env'\n`, { mode: 0o755 })
    await commandChannel(file)(letter(), PATIENT)
    const env = await readFile(join(dir, 'env'), 'utf8')
    expect(env).toContain('CERTFERRY_EVENT=uploaded\n')
    expect(env).toContain('CERTFERRY_LINEAGES=certbot:shop\n')
    expect(
      env
        .split('\n')
        .filter(line => /^[A-Z_]+=/.test(line) && !/^(CERTFERRY_|PATH=|PWD=|SHLVL=|_=|OLDPWD=)/.test(line)),
    ).toEqual([])
  })

  test('reads the letter on its standard input, and is told where its JSON is too long for a variable', async () => {
    const dir = await temporaryDirectory()
    const file = join(dir, 'tell')
    await writeFile(
      file,
      `#!/bin/sh\ncat > '${dir}/letter'\nprintf %s "\${CERTFERRY_JSON-none}" > '${dir}/variable'\n`,
      { mode: 0o755 },
    )
    const tell = async (names: number) => {
      const many = {
        ...notice('certbot:shop'),
        names: Array.from({ length: names }, (_, i) => `${i}.example`),
      }
      const [one = expect.unreachable()] = messagesFor([many], 'web1')
      await commandChannel(file)(one, PATIENT)
      const read = (name: string) => readFile(join(dir, name), 'utf8')
      expect(JSON.parse(await read('letter')).certificates[0].names).toHaveLength(names)
      return read('variable')
    }
    expect(JSON.parse(await tell(100)).count).toBe(1)
    expect(await tell(20_000)).toBe('none')
  })

  test('may leave its standard input unread', async () => {
    const file = join(await temporaryDirectory(), 'tell')
    await writeFile(file, '#!/bin/sh\nexit 0\n', { mode: 0o755 })
    const many = { ...notice('a'), names: Array.from({ length: 200_000 }, (_, i) => `${i}.example`) }
    for (const one of messagesFor([many], 'web1')) await commandChannel(file)(one, PATIENT)
  })

  test.each([
    ['that every user may write is not started, for it would run as we do', 0o757, 0o755],
    ['in a folder that every user may write neither', 0o755, 0o777],
  ])('%s', async (_, mode, folderMode) => {
    const dir = await temporaryDirectory()
    const file = join(dir, 'tell')
    await writeFile(file, `#!/bin/sh\ntouch '${dir}/started'\n`)
    await chmod(file, mode)
    await chmod(dir, folderMode)
    const open = folderMode === 0o777 ? dir : file
    await expect(commandChannel(file)(letter(), PATIENT)).rejects.toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: `${open}: may be written by every user of this machine, so it is not started`,
    })
    await expect(access(join(dir, 'started'))).rejects.toThrow('ENOENT')
  })

  test('that is given up is killed', async () => {
    const dir = await temporaryDirectory()
    const file = join(dir, 'tell')
    await writeFile(file, `#!/bin/sh\necho $$ > '${dir}/pid'\nexec sleep 60\n`, { mode: 0o755 })
    const end = new AbortController()
    const told = commandChannel(file)(letter(), end.signal)
    const pid = () => readFile(join(dir, 'pid'), 'utf8').then(Number, () => 0)
    await expect.poll(pid).toBeGreaterThan(0)
    end.abort(new Fault('NOTIFICATION_FAILED', 'given up'))
    await expect(told).rejects.toMatchObject({ message: 'given up' })
    const isAlive = async (id = pid()) => kill(await id, 0)
    await expect.poll(() => isAlive().catch(({ code }) => code)).toBe('ESRCH')
  })

  test.each([
    ['fails', '#!/bin/sh\nexit 3\n', 'ended with 3'],
    ['cannot be started', '', 'ended with EACCES'],
  ])('that %s is said', async (_, text, said) => {
    const file = join(await temporaryDirectory(), 'tell')
    await writeFile(file, text, { mode: text ? 0o755 : 0o644 })
    await expect(commandChannel(file)(letter(), PATIENT)).rejects.toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: `${file} ${said}`,
    })
  })
})

const hookTo = async (address: string, template?: string) => {
  const file = join(await temporaryDirectory(), 'webhook')
  await writeFile(file, `${address}\n`, { mode: 0o600 })
  return webhookChannel({ file, template, agent: { proxy: undefined, env: {} } })
}

describe('a webhook', () => {
  const hook = async (status: number) => {
    const bodies: string[] = []
    const port = await listening(
      createServer(async (request, response) => {
        bodies.push(await new Response(request as unknown as ReadableStream).text())
        response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end('x')
      }),
    )
    const address = `http://127.0.0.1:${port}/robot?key=token-in-the-address`
    return { bodies, send: async (template?: string) => (await hookTo(address, template))(letter(), PATIENT) }
  }

  test('gets the letter as JSON, or as its template says', async () => {
    const { bodies, send } = await hook(200)
    await send()
    await send('{"msgtype":"text","text":{"content":"{text}"}}')
    expect(bodies.map(body => JSON.parse(body))).toEqual([
      expect.objectContaining({ event: 'uploaded', count: 1 }),
      { msgtype: 'text', text: { content: letter().text } },
    ])
  })

  test.each([302, 404, 500])(
    'that answers %s is said by its host alone: the address is a secret',
    async status => {
      const { send, bodies } = await hook(status)
      const fault = await send().catch((error: Fault) => error)
      expect(fault).toMatchObject({
        code: 'NOTIFICATION_FAILED',
        message: expect.stringMatching(new RegExp(`^127\\.0\\.0\\.1:\\d+ answered ${status}$`)),
      })
      expect(bodies).toHaveLength(1)
    },
  )

  test.each([
    ['is not there', 'http://127.0.0.1:9/secret-word', /^127\.0\.0\.1:9 was not reached \(ECONNREFUSED\)$/],
    [
      'goes over the network in the clear',
      'http://hook.example.com/secret-word',
      /expected an https:\/\/ URL/,
    ],
    ['is none', 'secret-word', /expected one URL/],
  ])('that %s is said, and never the address', async (_, address, said) => {
    const fault: Fault = await (await hookTo(address))(letter(), PATIENT).catch(error => error)
    expect(fault.message).toMatch(said)
    expect(fault.message).not.toContain('secret-word')
  })
})
