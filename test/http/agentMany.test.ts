import { createServer, type ServerResponse } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { createAgent } from '../../src/http/agent.ts'
import { listening } from './httpServers.ts'

test('hundreds of requests at once take no more connections than half of the smallest usual limit of open files', async () => {
  const held: ServerResponse[] = []
  let connections = 0
  const server = createServer((_, response) => void held.push(response))
  server.on('connection', () => {
    connections += 1
  })
  const endpoint = new URL(`http://127.0.0.1:${await listening(server)}`)
  const dispatcher = createAgent({ endpoint, proxy: undefined, env: {} })
  onTestFinished(() => dispatcher.destroy())
  const answers = Array.from({ length: 300 }, () =>
    dispatcher.request({ origin: endpoint.origin, path: '/', method: 'GET' }).then(({ body }) => body.dump()),
  )
  await expect.poll(() => held.length, { timeout: 15_000 }).toBe(128)
  const answering = setInterval(() => held.splice(0).forEach(response => void response.end()), 5)
  await Promise.all(answers).finally(() => clearInterval(answering))
  expect(connections).toBe(128)
})
