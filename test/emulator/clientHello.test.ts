import { expect, test } from 'vitest'
import { isComplete, serverNameIn } from '../../src/emulator/edge.ts'
import { clientHello } from './clientHello.ts'

test('the name is read from what a client sends', async () => {
  for (const name of ['a.example.com', 'a-very-long-label-indeed.of.a.long.name.example.org'])
    expect(serverNameIn(await clientHello(name))).toBe(name)
  expect(serverNameIn(await clientHello(''))).toBe(undefined)
})

test('a greeting is complete at its last byte, and half of one has no name or the right one', async () => {
  const hello = await clientHello('a.example.com')
  for (let length = 0; length < hello.length; length += 1) {
    const half = hello.subarray(0, length)
    expect(isComplete(half), `${length} bytes`).toBe(false)
    expect([undefined, 'a.example.com']).toContain(serverNameIn(half))
  }
  expect(isComplete(hello)).toBe(true)
})

test('what is no TLS is complete as soon as that can be known', () => {
  expect(isComplete(Buffer.from('GET '))).toBe(false)
  expect(isComplete(Buffer.from('GET /'))).toBe(true)
  expect(serverNameIn(Buffer.from('GET / HTTP/1.1'))).toBe(undefined)
})
