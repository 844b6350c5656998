/** The build fails on what could not be loaded when the program runs. */

import { AssertionError } from 'node:assert'
import { writeFile } from 'node:fs/promises'
import { createSecureServer } from 'node:http2'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { beforeAll, expect, test } from 'vitest'
import { withoutSlowModules, withoutUnusedUndici } from '../../packaging/bundle.ts'
import { unresolvedIn } from '../../packaging/unresolved.ts'
import { selfSigned } from '../fixtures/certificates.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { listening } from '../http/httpServers.ts'
import { proxyTo } from '../http/tlsServers.ts'

const PARTS = { 'main.js': 'require("./parts/a.js")', 'parts/a.js': 'require("node:fs"); require("crypto")' }

test('parts that ask for one another and for modules of Node are whole', () => {
  expect(unresolvedIn(new Map(Object.entries(PARTS)))).toEqual([])
})

test.each([
  ['an import() that is left', 'import("node:child_process").then(f)', 'import("node:child_process")'],
  ['an import() of another part', 'import("./b.js")', 'import("./b.js")'],
  ['import.meta', 'f(import.meta.dirname)', 'Unexpected import.meta expression'],
  ['a package that is not in the bundle', 'require("undici")', 'require("undici")'],
  ['a part that is not there', 'require("./c.js")', 'require("./c.js")'],
  ['a name that is computed', 'require(name)', 'require(name)'],
])('%s is named', (_, code, said) => {
  const parts = new Map(Object.entries({ ...PARTS, 'parts/b.js': code }))
  expect(unresolvedIn(parts)).toEqual([expect.stringContaining(`parts/b.js: ${said}`)])
})

let undici: typeof import('undici')
let code = ''

beforeAll(async () => {
  const build = await rolldown({
    input: resolve('packaging/undici.cjs'),
    platform: 'node',
    plugins: [withoutUnusedUndici, withoutSlowModules],
  })
  const { output } = await build.generate({ format: 'cjs' })
  code = output[0].code
  const file = join(await temporaryDirectory(), 'undici.cjs')
  await writeFile(file, code)
  const loaded = createRequire(import.meta.url)(file)
  undici = loaded.default ?? loaded
})

/** Offers HTTP/2 and HTTP/1.1, and answers with the version and the body of the request. */
async function openServer() {
  const { leaf, key } = await selfSigned({ names: ['localhost'] })
  const server = createSecureServer({ cert: leaf, key, allowHTTP1: true }, async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    response.end(`${request.httpVersion} ${Buffer.concat(parts)}`)
  })
  const port = await listening(server)
  return { port, origin: `https://localhost:${port}`, ca: leaf }
}

const post = async (dispatcher: InstanceType<typeof undici.Agent>, origin: string) => {
  const { body } = await dispatcher.request({ origin, path: '/', method: 'POST', body: 'text' })
  const answer = await body.text()
  await dispatcher.close()
  return answer
}

test('undici in the bundle: an upload to a server that offers HTTP/2 uses HTTP/1.1', async () => {
  const { origin, ca } = await openServer()
  expect(await post(new undici.Agent({ allowH2: false, connect: { ca } }), origin)).toBe('1.1 text')
})

test('undici in the bundle: an upload goes through a proxy', async () => {
  const { origin, port, ca } = await openServer()
  const proxy = await proxyTo(port)
  const options = { allowH2: false, requestTls: { ca }, httpProxy: '', noProxy: '' }
  const agent = new undici.EnvHttpProxyAgent({ ...options, httpsProxy: `http://${proxy.address}` })
  expect(await post(agent as never, origin)).toBe('1.1 text')
  expect(proxy.asked).toEqual([{ to: `localhost:${port}`, authorization: undefined }])
})

test('undici in the bundle: HTTP/2, SOCKS, fetch and the second parser are left out, and their use is an error', async () => {
  for (const file of ['client-h2', 'socks5-proxy-agent', 'milo/simd', 'web/fetch/body', 'web/webidl/index'])
    expect(code).toContain(`${file}.js is not in this program`)
  const { origin, ca } = await openServer()
  const agent = new undici.Agent({ connect: { ca } })
  await expect(agent.request({ origin, path: '/', method: 'GET' })).rejects.toThrow(
    'client-h2.js is not in this program',
  )
})

test('undici in the bundle: an assertion that fails is an error of Node, which is loaded for it', () => {
  const assert = createRequire(import.meta.url)('../../packaging/assert.cjs')
  expect(assert(true)).toBeUndefined()
  expect(() => assert(0, 'why')).toThrow(
    new AssertionError({ message: 'why', actual: 0, expected: true, operator: '==' }),
  )
  expect(code).not.toMatch(/\bassert\.\w+\(/)
})
