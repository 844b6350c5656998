import { chmod, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { kill } from 'node:process'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import { commandChannel } from '../../src/notify/program.ts'
import { webhookChannel } from '../../src/notify/webhook.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { listening } from '../http/httpServers.ts'
import { messageFor, notification } from './sampleNotification.ts'

const signal = new AbortController().signal
const MESSAGE = messageFor(notification())
const withNames = (count: number) =>
  messageFor(notification({ names: Array.from({ length: count }, (_, i) => `${i}.example`) }))

/** A script in a directory of its own, in which it runs. */
async function commandFile(script: string, mode = 0o755) {
  const dir = await temporaryDirectory()
  const file = join(dir, 'notify it')
  await writeFile(file, `#!/bin/sh\ncd '${dir}'\n${script}\n`, { mode })
  return { dir, file, read: (name: string) => readFile(join(dir, name), 'utf8') }
}

describe('notification command', () => {
  test('it is started without a shell, with the facts in its environment and nothing of this process', async () => {
    const { file, read } = await commandFile('env > env')
    await commandChannel(file)(MESSAGE, signal)
    const env = (await read('env')).split('\n')
    expect(env).toContain('CERTFERRY_EVENT=uploaded')
    expect(env).toContain('CERTFERRY_LINEAGES=certbot:shop')
    expect(
      env.filter(line => /^[A-Z_]+=/.test(line) && !/^(CERTFERRY_|PATH=|PWD=|SHLVL=|_=|OLDPWD=)/.test(line)),
    ).toEqual([])
  })

  test('it reads the whole message on standard input, also if its JSON is too long for a variable', async () => {
    const { file, read } = await commandFile(`cat > message\nprintf %s "\${CERTFERRY_JSON-none}" > variable`)
    const variableFor = async (names: number) => {
      await commandChannel(file)(withNames(names), signal)
      expect(JSON.parse(await read('message')).certificates[0].names).toHaveLength(names)
      return read('variable')
    }
    expect(JSON.parse(await variableFor(100)).count).toBe(1)
    expect(await variableFor(20_000)).toBe('none')
  })

  test('it may leave standard input unread', async () => {
    const { file } = await commandFile('exit 0')
    await commandChannel(file)(withNames(200_000), signal)
  })

  test.each([
    ['a file that every user may write', 0o757, 0o755],
    ['a file in a folder that every user may write', 0o755, 0o777],
  ])('%s is not started', async (_, fileMode, folderMode) => {
    const { dir, file, read } = await commandFile('echo > started')
    await chmod(file, fileMode)
    await chmod(dir, folderMode)
    await expect(commandChannel(file)(MESSAGE, signal)).rejects.toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: `${folderMode === 0o777 ? dir : file}: may be written by every user of this machine, so it is not started`,
    })
    await expect(read('started')).rejects.toThrow('ENOENT')
  })

  test('it is killed when the delivery is aborted', async () => {
    const { file, read } = await commandFile('echo $$ > pid\nexec sleep 60')
    const end = new AbortController()
    const sent = commandChannel(file)(MESSAGE, end.signal)
    const pid = () => read('pid').then(Number, () => 0)
    await expect.poll(pid).toBeGreaterThan(0)
    end.abort(new Fault('NOTIFICATION_FAILED', 'given up'))
    await expect(sent).rejects.toMatchObject({ message: 'given up' })
    const isAlive = async (id = pid()) => kill(await id, 0)
    await expect.poll(() => isAlive().catch(({ code }) => code)).toBe('ESRCH')
  })

  test.each([
    ['exit 3', 0o755, 'ended with 3'],
    ['exit 0', 0o644, 'ended with EACCES'],
  ])('%j with mode %s is a fault: %s', async (script, mode, reason) => {
    const { file } = await commandFile(script, mode)
    await expect(commandChannel(file)(MESSAGE, signal)).rejects.toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: `${file} ${reason}`,
    })
  })
})

async function webhook(address: string, template?: string) {
  const file = join(await temporaryDirectory(), 'webhook')
  await writeFile(file, `${address}\n`, { mode: 0o600 })
  return webhookChannel({ file, template, agent: { proxy: undefined, env: {} }, now: Date.now })
}

describe('notification webhook', () => {
  const serverAnswering = async (status: number) => {
    const bodies: string[] = []
    const port = await listening(
      createServer(async (request, response) => {
        bodies.push(await new Response(request as unknown as ReadableStream).text())
        response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end('x')
      }),
    )
    const address = `http://127.0.0.1:${port}/robot?key=token-in-the-address`
    return { bodies, send: async (template?: string) => (await webhook(address, template))(MESSAGE, signal) }
  }

  test('it gets the message as JSON, or as its template says', async () => {
    const { bodies, send } = await serverAnswering(200)
    await send()
    await send('{"msgtype":"text","text":{"content":"{text}"}}')
    expect(bodies.map(body => JSON.parse(body))).toEqual([
      expect.objectContaining({ event: 'uploaded', count: 1 }),
      { msgtype: 'text', text: { content: MESSAGE.text } },
    ])
  })

  test.each([302, 404, 500])(
    'an answer %s is a fault that names the host alone, and no redirect is followed',
    async status => {
      const { send, bodies } = await serverAnswering(status)
      await expect(send()).rejects.toMatchObject({
        code: 'NOTIFICATION_FAILED',
        message: expect.stringMatching(new RegExp(`^127\\.0\\.0\\.1:\\d+ answered ${status}$`)),
      })
      expect(bodies).toHaveLength(1)
    },
  )

  test.each([
    ['http://127.0.0.1:9/secret-word', /^127\.0\.0\.1:9 was not reached \(ECONNREFUSED\)$/],
    ['http://hook.example.com/secret-word', /expected an https:\/\/ URL/],
    ['secret-word', /expected one URL/],
  ])('the address %s causes a fault without the address: %s', async (address, text) => {
    const fault: Fault = await (await webhook(address))(MESSAGE, signal).catch(error => error)
    expect(fault.message).toMatch(text)
    expect(fault.message).not.toContain('secret-word')
  })
})
