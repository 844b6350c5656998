import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { type RequestEntry, startEmulator } from '../../src/emulator/server.ts'
import { openEmulator } from './client.ts'

test('closing ends open connections and frees the port', async () => {
  const first = await startEmulator()
  const port = Number(new URL(first.url).port)
  const idle = connect(port, '127.0.0.1')
  await new Promise(resolve => idle.once('connect', resolve))
  const ended = new Promise(resolve => idle.once('close', resolve))
  idle.on('error', () => {})
  await first.close()
  await ended
  const second = await startEmulator({ port })
  expect(second.url).toBe(first.url)
  await second.close()
})

test('a port in use is an error', async () => {
  const { url } = await openEmulator()
  await expect(startEmulator({ port: Number(new URL(url).port) })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  })
})

test('closing does not wait for a stalled reply', async () => {
  const arrived = Promise.withResolvers<void>()
  const emulator = await startEmulator({
    faults: () => {
      arrived.resolve()
      return { stall: 60_000 }
    },
  })
  const waiting = fetch(emulator.url, { method: 'POST', body: '{}' }).catch(() => 'cut off')
  await arrived.promise
  await emulator.close()
  expect(await waiting).toBe('cut off')
})

test('every request is reported once, in order, before its reply is sent', async () => {
  const reported: RequestEntry[] = []
  const { call, entries } = await openEmulator({ onRequest: entry => reported.push(entry) })
  await call('DescribeCertificates')
  expect(reported).toHaveLength(1)
  await call('NoSuchAction')
  expect(reported.map(({ n, action, code }) => [n, action, code])).toEqual([
    [1, 'DescribeCertificates', 'OK'],
    [2, 'NoSuchAction', 'InvalidAction'],
  ])
  expect(entries).toEqual(reported)
})

test('a client that disconnects half-way leaves no entry', async () => {
  const { call, url, entries } = await openEmulator()
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await new Promise(resolve => socket.once('connect', resolve))
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"Alias')
  const gone = new Promise(resolve => socket.once('close', resolve))
  socket.destroy()
  await gone
  expect((await call('DescribeCertificates')).code).toBe('OK')
  expect(entries).toHaveLength(1)
})
