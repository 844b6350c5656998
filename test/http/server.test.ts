import { fork } from 'node:child_process'
import { once } from 'node:events'
import { lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect, type NetConnectOpts } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test } from 'vitest'
import { listenAddress } from '../../src/config/values.ts'
import { type HttpOptions, startHttpServer } from '../../src/http/server.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

async function startServer(options: Partial<HttpOptions> = {}) {
  const errors: unknown[] = []
  const http = await startHttpServer({
    listen: '127.0.0.1:0',
    ready: () => true,
    metrics: async () => 'a 1\n',
    status: async isRefreshed => ({ html: `<p>${isRefreshed}`, policy: "default-src 'none'" }),
    onError: error => errors.push(error),
    ...options,
  })
  onTestFinished(() => http.close())
  const address = listenAddress(http.address)
  const target = 'path' in address ? { socketPath: address.path } : address

  const get = async (path: string, { method = 'GET', headers = {} } = {}) => {
    const sent = request({ ...target, path, method, headers, agent: false }).end()
    const [answer] = await once(sent, 'response')
    return { status: answer.statusCode, headers: answer.headers, text: await text(answer) }
  }
  /** A connection on which only these bytes are sent. */
  const open = async (bytes = '') => {
    const socket = connect(address as NetConnectOpts).on('error', () => {})
    await once(socket, 'connect')
    if (bytes) await new Promise(resolve => socket.write(bytes, resolve))
    return socket
  }
  const send = async (bytes: string) => text(await open(bytes))
  return { http, get, open, send, errors }
}

/** A page of metrics that is asked for and answered when the test says so. */
function pendingMetrics() {
  const asked = Promise.withResolvers<void>()
  const page = Promise.withResolvers<string>()
  const metrics = () => {
    asked.resolve()
    return page.promise
  }
  return { metrics, asked: asked.promise, answer: page.resolve }
}

describe('HTTP pages', () => {
  test('/live, /ready and /metrics answer, the metrics in the content type that Prometheus wants', async () => {
    const state = { ready: false }
    const { get } = await startServer({ ready: () => state.ready })
    expect(await get('/live')).toMatchObject({ status: 200, text: 'live\n' })
    expect(await get('/ready')).toMatchObject({ status: 503, text: 'not ready\n' })
    state.ready = true
    expect(await get('/ready?verbose')).toMatchObject({ status: 200, text: 'ready\n' })
    const page = await get('/metrics')
    expect(page).toMatchObject({ status: 200, text: 'a 1\n' })
    expect(page.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    const head = await get('/metrics', { method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, text: '', headers: { 'content-length': '4' } })
  })

  test('/ answers the status page as HTML that may load, run and frame nothing, and is loaded again only where that is asked for', async () => {
    const { get } = await startServer()
    const page = await get('/')
    expect(page).toMatchObject({ status: 200, text: '<p>false' })
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    })
    expect(page.headers).not.toHaveProperty('refresh')
    expect(await get('/?refresh')).toMatchObject({ text: '<p>true', headers: { refresh: '60' } })
    expect(await get('/', { method: 'POST' })).toMatchObject({ status: 405 })
    expect(await get('/', { headers: { host: 'rebound.example' } })).toMatchObject({ status: 421 })
    const { get: early } = await startServer({ status: async () => undefined })
    expect(await early('/')).toMatchObject({ status: 503, text: 'not ready\n' })
  })

  test('any other path is 404, any other method 405', async () => {
    const { get } = await startServer()
    for (const path of ['//', '/metrics/', '//metrics', '/constructor', '*', '/%00', '/../etc/passwd'])
      expect((await get(path)).status, path).toBe(404)
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'])
      expect(await get('/metrics', { method }), method).toMatchObject({
        status: 405,
        headers: { allow: 'GET, HEAD' },
      })
  })

  test.each([
    ['localhost', 200],
    ['LOCALHOST:9809', 200],
    ['127.0.0.1:9809', 200],
    ['[::1]:9809', 200],
    ['evil.example', 421],
    ['localhost.evil.example', 421],
    ['127.0.0.1.evil.example:9809', 421],
  ])('a request for the host %s is answered with %i', async (host, status) => {
    const { get } = await startServer()
    expect((await get('/metrics', { headers: { host } })).status).toBe(status)
  })

  test('a request is answered without waiting for its body', async () => {
    const { send } = await startServer()
    const head = 'Host: localhost\r\nContent-Length: 1000000\r\n\r\n'
    expect(await send(`POST /metrics HTTP/1.1\r\n${head}`)).toMatch(/^HTTP\/1\.1 405 /)
    expect(await send(`GET /metrics HTTP/1.1\r\n${head}`)).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('bytes that are not HTTP and endless headers are refused, and the next request is answered', async () => {
    const { get, send } = await startServer()
    expect(await send('\x16\x03\x01nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    const endless = `GET /live HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(10_000)}\r\n\r\n`
    expect(await send(endless)).toMatch(/^HTTP\/1\.1 431 /)
    expect((await get('/live')).status).toBe(200)
  })

  test('a page that cannot be made is reported to the daemon, and the client sees only "internal error"', async () => {
    const error = new Error('sesame')
    const { get, errors } = await startServer({ metrics: () => Promise.reject(error) })
    expect(await get('/metrics')).toMatchObject({ status: 500, text: 'internal error\n' })
    expect(errors).toEqual([error])
    expect((await get('/live')).status).toBe(200)
  })

  test('a connection takes one request', async () => {
    const { send } = await startServer()
    const answer = await send('GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2))
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(1)
    expect(answer.toLowerCase()).toContain('connection: close')
  })

  test('idle connections, however many, keep no request out', async () => {
    const { get, open } = await startServer()
    for (let i = 0; i < 80; i++) {
      await open(i % 2 ? 'GET /live HTTP/1.1\r\nHo' : '')
      if (i > 30) expect((await get('/live')).status).toBe(200)
    }
  })
})

describe('closing the HTTP server', () => {
  test('waits for an answer that is being made', async () => {
    const { metrics, asked, answer } = pendingMetrics()
    const { http, get } = await startServer({ metrics })
    const page = get('/metrics')
    await asked
    const closing = http.close()
    answer('late 1\n')
    expect(await page).toMatchObject({ status: 200, text: 'late 1\n' })
    await closing
  })

  test('does not wait for connections that send nothing or half a request', async () => {
    const { http, open } = await startServer()
    const sockets = [await open(), await open('GET /live HTTP/1.1\r\nHo')]
    const closed = sockets.map(socket => once(socket.resume(), 'close'))
    await http.close()
    await Promise.all(closed)
  })

  test('ends although an answer never comes, also when it is asked for twice, and frees the port', async () => {
    const { metrics, asked } = pendingMetrics()
    const { http, get } = await startServer({ metrics })
    const code = get('/metrics').catch(error => error.code)
    await asked
    await Promise.all([http.close(), http.close()])
    expect(await code).toBe('ECONNRESET')
    const { http: next } = await startServer({ listen: http.address })
    expect(next.address).toBe(http.address)
  })
})

describe('[http] listen on loopback', () => {
  test.each([
    ['127.0.0.1:0', /^127\.0\.0\.1:\d+$/],
    ['localhost:0', /^127\.0\.0\.1:\d+$/],
    ['[::1]:0', /^\[::1\]:\d+$/],
  ])('%s is listened at, and named with its port', async (listen, named) => {
    const { http, get } = await startServer({ listen })
    expect(http.address).toMatch(named)
    expect((await get('/live')).status).toBe(200)
  })

  test('a port in use may be free the next time, and the fault names it', async () => {
    const { http } = await startServer()
    await expect(startServer({ listen: http.address })).rejects.toMatchObject({
      code: 'ADDRESS_UNAVAILABLE',
      message: `[http] listen: ${http.address}: in use`,
    })
  })

  test.each(['0.0.0.0:0', ':0', '[::]:0', 'example.com:80', '9090'])('%s is refused', async listen => {
    await expect(startServer({ listen })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

describe('[http] listen on a Unix socket', () => {
  const socketPath = async () => join(await temporaryDirectory(), 'http.sock')

  test('only owner and group may connect, any host may be named, and the file is removed at the end', async () => {
    const path = await socketPath()
    const { http, get } = await startServer({ listen: `unix:${path}` })
    expect(http.address).toBe(`unix:${path}`)
    expect((await lstat(path)).mode & 0o777).toBe(0o660)
    expect((await get('/metrics', { headers: { host: 'metrics.example.com' } })).status).toBe(200)
    await http.close()
    await expect(lstat(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('the socket of a killed process is taken over', async () => {
    const path = await socketPath()
    const script = join(await temporaryDirectory(), 'listen.mjs')
    await writeFile(
      script,
      "import { createServer } from 'node:net'; createServer().listen(process.argv[2], () => process.send('up'))",
    )
    const child = fork(script, [path], { execArgv: [] })
    await once(child, 'message')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect((await lstat(path)).isSocket()).toBe(true)
    const { get } = await startServer({ listen: `unix:${path}` })
    expect((await get('/live')).status).toBe(200)
  })

  test('a socket in use is left alone', async () => {
    const path = await socketPath()
    const { get } = await startServer({ listen: `unix:${path}` })
    await expect(startServer({ listen: `unix:${path}` })).rejects.toMatchObject({
      code: 'ADDRESS_UNAVAILABLE',
      message: `[http] listen: unix:${path}: in use`,
    })
    expect((await get('/live')).status).toBe(200)
  })

  test('a socket that is removed, alone or with its folder, is made again; what stands in its place is left alone', async () => {
    const folder = join(await temporaryDirectory(), 'run')
    const path = join(folder, 'http.sock')
    await mkdir(folder)
    const { get } = await startServer({ listen: `unix:${path}`, pulse: 10 })
    const answers = () =>
      expect
        .poll(async () => (await get('/live').catch(() => undefined))?.status, { timeout: 20_000 })
        .toBe(200)
    await rm(path)
    await answers()
    expect((await lstat(path)).mode & 0o777).toBe(0o660)
    await rm(folder, { recursive: true })
    await expect(get('/live')).rejects.toMatchObject({ code: 'ENOENT' })
    await mkdir(folder)
    await answers()
    await writeFile(join(folder, 'other'), 'precious')
    await rename(join(folder, 'other'), path)
    await expect(get('/live')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(await readFile(path, 'utf8')).toBe('precious')
    await rm(path)
    await answers()
  })

  test('a file that is no socket is never removed', async () => {
    const path = await socketPath()
    await writeFile(path, 'precious')
    await expect(startServer({ listen: `unix:${path}` })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `[http] listen: unix:${path}: a file that is no socket is there`,
    })
    expect(await readFile(path, 'utf8')).toBe('precious')
  })

  test('a missing directory is named as the reason', async () => {
    const path = join(await temporaryDirectory(), 'absent', 'http.sock')
    await expect(startServer({ listen: `unix:${path}` })).rejects.toMatchObject({
      code: 'ADDRESS_UNAVAILABLE',
      message: expect.stringContaining('its directory is not there'),
    })
  })
})
