import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { openStage } from './serverFixture.ts'

describe('the pages', () => {
  test('tell that it lives, that it is ready, and the metrics in the type Prometheus wants', async () => {
    const { ask } = await openStage()
    expect(await ask('/live')).toMatchObject({ status: 200, text: 'live\n' })
    expect(await ask('/ready?verbose')).toMatchObject({ status: 200, text: 'ready\n' })
    const page = await ask('/metrics')
    expect(page).toMatchObject({ status: 200, text: 'a 1\n' })
    expect(page.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  test('say 503 while it is not so', async () => {
    const state = { live: true, ready: false }
    const { ask } = await openStage({ live: () => state.live, ready: () => state.ready })
    expect(await ask('/live')).toMatchObject({ status: 200 })
    expect(await ask('/ready')).toMatchObject({ status: 503, text: 'not ready\n' })
    state.live = false
    expect(await ask('/live')).toMatchObject({ status: 503, text: 'not live\n' })
  })

  test.each([
    '/',
    '//',
    '/metrics/',
    '//metrics',
    '/constructor',
    '/__proto__',
    '*',
    '/%00',
    '/../etc/passwd',
  ])('are three: %s is not there', async path => {
    const { ask } = await openStage()
    expect((await ask(path)).status).toBe(404)
  })

  test('answer HEAD with the header alone', async () => {
    const { ask } = await openStage()
    const page = await ask('/metrics', 'HEAD')
    expect(page).toMatchObject({ status: 200, text: '' })
    expect(page.headers['content-length']).toBe('4')
  })

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'])('refuse %s', async method => {
    const { ask } = await openStage()
    const page = await ask('/metrics', method)
    expect(page.status).toBe(405)
    expect(page.headers.allow).toBe('GET, HEAD')
  })

  test('are answered before a body has come, and none is waited for', async () => {
    const { say } = await openStage()
    const head = 'Host: localhost\r\nContent-Length: 1000000\r\n\r\n'
    expect(await say(`POST /metrics HTTP/1.1\r\n${head}`)).toMatch(/^HTTP\/1\.1 405 /)
    expect(await say(`GET /metrics HTTP/1.1\r\n${head}`)).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('refuse nonsense and endless headers, and go on answering', async () => {
    const { ask, say } = await openStage()
    expect(await say('\x16\x03\x01nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    const endless = `GET /live HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(10_000)}\r\n\r\n`
    expect(await say(endless)).toMatch(/^HTTP\/1\.1 431 /)
    expect((await ask('/live')).status).toBe(200)
  })

  test('that cannot be made are told to the daemon and not to the caller', async () => {
    const trouble = new Error('sesame')
    const { ask, errors } = await openStage({ metrics: () => Promise.reject(trouble) })
    const page = await ask('/metrics')
    expect(page).toMatchObject({ status: 500, text: 'internal error\n' })
    expect(errors).toEqual([trouble])
    expect((await ask('/live')).status).toBe(200)
  })

  test('take one request a connection, so that no idle one is left', async () => {
    const { say } = await openStage()
    const one = 'GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n'
    const told = await say(one + one)
    expect(told.match(/HTTP\/1\.1 200/g)).toHaveLength(1)
    expect(told.toLowerCase()).toContain('connection: close')
  })
})

test('idle callers, however many, keep nobody from being answered', async () => {
  const { ask, hold } = await openStage()
  for (let i = 0; i < 80; i++) {
    await hold(i % 2 ? 'GET /live HTTP/1.1\r\nHo' : '')
    if (i > 30) expect((await ask('/live')).status).toBe(200)
  }
})

describe('the end', () => {
  test('waits for an answer that is being made', async () => {
    const asked = Promise.withResolvers<void>()
    const page = Promise.withResolvers<string>()
    const metrics = () => {
      asked.resolve()
      return page.promise
    }
    const { http, ask } = await openStage({ metrics })
    const asking = ask('/metrics')
    await asked.promise
    const closing = http.close()
    page.resolve('late 1\n')
    expect(await asking).toMatchObject({ status: 200, text: 'late 1\n' })
    await closing
  })

  test('does not wait for callers who say nothing, or stop half-way', async () => {
    const { http, hold } = await openStage()
    const callers = [await hold(), await hold('GET /live HTTP/1.1\r\nHo')]
    const gone = callers.map(caller => once(caller.resume(), 'close'))
    await http.close()
    await Promise.all(gone)
  })

  test('comes even when an answer never does, and a second time at once', async () => {
    const asked = Promise.withResolvers<void>()
    const metrics = () => {
      asked.resolve()
      return new Promise<string>(() => {})
    }
    const { http, ask } = await openStage({ metrics })
    const asking = ask('/metrics').catch(({ code }) => code)
    await asked.promise
    await Promise.all([http.close(), http.close()])
    expect(await asking).toBe('ECONNRESET')
  })

  test('frees the port', async () => {
    const { http } = await openStage()
    await http.close()
    const { http: next } = await openStage({ listen: http.address })
    expect(next.address).toBe(http.address)
  })
})
