import { fork } from 'node:child_process'
import { once } from 'node:events'
import { lstat, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { openStage } from './serverFixture.ts'

const socketIn = async () => join(await temporaryDirectory(), 'http.sock')

/** A process that listened at this path and was killed: its socket is still there. */
async function killedAt(path: string): Promise<void> {
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
}

describe('on loopback', () => {
  test.each([
    ['127.0.0.1:0', /^127\.0\.0\.1:\d+$/],
    ['localhost:0', /^127\.0\.0\.1:\d+$/],
    ['[::1]:0', /^\[::1\]:\d+$/],
  ])('%s is listened at, and named with its port', async (listen, named) => {
    const { http, ask } = await openStage({ listen })
    expect(http.address).toMatch(named)
    expect((await ask('/live')).status).toBe(200)
  })

  test('a port in use may be free the next time: the fault names it', async () => {
    const { http } = await openStage()
    await expect(openStage({ listen: http.address })).rejects.toMatchObject({
      code: 'ADDRESS_UNAVAILABLE',
      message: `[http] listen: ${http.address}: in use`,
    })
  })

  test.each(['0.0.0.0:0', ':0', '[::]:0', 'example.com:80', '9090'])('%s is refused', async listen => {
    await expect(openStage({ listen })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

describe('on a Unix socket', () => {
  test('owner and group may ask, nobody else, and the file is gone at the end', async () => {
    const path = await socketIn()
    const { http, ask } = await openStage({ listen: `unix:${path}` })
    expect(http.address).toBe(`unix:${path}`)
    expect((await lstat(path)).mode & 0o777).toBe(0o660)
    expect(await ask('/metrics')).toMatchObject({ status: 200, text: 'a 1\n' })
    await http.close()
    await expect(lstat(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('the socket of a process that was killed is taken over', async () => {
    const path = await socketIn()
    await killedAt(path)
    const { ask } = await openStage({ listen: `unix:${path}` })
    expect((await ask('/live')).status).toBe(200)
  })

  test('a socket that is removed is bound again, and so is one whose folder was away for a while', async () => {
    const folder = join(await temporaryDirectory(), 'run')
    await mkdir(folder)
    const path = join(folder, 'http.sock')
    let returns = 0
    const { ask, errors, http } = await openStage({
      listen: `unix:${path}`,
      recheck: 5,
      onReturn: () => void returns++,
    })
    await rm(path)
    await expect.poll(() => returns, { timeout: 15_000 }).toBe(1)
    expect((await lstat(path)).mode & 0o777).toBe(0o660)
    expect((await ask('/live')).status).toBe(200)
    expect(errors).toEqual([])
    await rm(folder, { recursive: true })
    await expect.poll(() => errors.length, { timeout: 15_000 }).toBe(1)
    await mkdir(folder)
    await expect.poll(() => returns, { timeout: 15_000 }).toBe(2)
    expect((await ask('/live')).status).toBe(200)
    await http.close()
    await expect(lstat(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('a socket that somebody listens on is left to them', async () => {
    const path = await socketIn()
    const { ask } = await openStage({ listen: `unix:${path}` })
    await expect(openStage({ listen: `unix:${path}` })).rejects.toMatchObject({
      code: 'ADDRESS_UNAVAILABLE',
      message: `[http] listen: unix:${path}: in use`,
    })
    expect((await ask('/live')).status).toBe(200)
  })

  test('a file that is no socket is never removed', async () => {
    const path = await socketIn()
    await writeFile(path, 'precious')
    await expect(openStage({ listen: `unix:${path}` })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `[http] listen: unix:${path}: a file that is no socket is there`,
    })
    expect(await readFile(path, 'utf8')).toBe('precious')
  })

  test('a directory that is not there is said', async () => {
    const path = join(await temporaryDirectory(), 'absent', 'http.sock')
    await expect(openStage({ listen: `unix:${path}` })).rejects.toMatchObject({
      code: 'ADDRESS_UNAVAILABLE',
      message: expect.stringContaining('its directory is not there'),
    })
  })
})
