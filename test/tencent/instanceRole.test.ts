import type { lookup } from 'node:dns'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { Credentials } from '../../src/tencent/credentials.ts'
import { type RoleOptions, roleCredentials } from '../../src/tencent/instanceRole.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { type Answer, answering, refused } from '../http/httpServers.ts'

const CREDENTIALS = {
  TmpSecretId: 'tmp-id',
  TmpSecretKey: 'tmp-key',
  Token: 'tmp-token',
  ExpiredTime: 1_781_524_800,
  Expiration: '2026-06-15T12:00:00Z',
  Code: 'Success',
}

/** A metadata service: the role's name at its root, the role's credentials below. */
async function metadata(name: Answer, credentials: Answer = { status: 404 }) {
  const { url, asked } = await answering(({ path }) => (path === '/meta/' ? name : credentials))
  const ask = (surroundings: RoleOptions & { wanted?: boolean | undefined } = {}) => {
    const { wanted, ...rest } = { wanted: true, ...surroundings }
    return roleCredentials(wanted, { url: `${url}meta/`, ...rest })
  }
  return { url, ask, asked }
}

const withCredentials = (fields: object) =>
  metadata({ body: 'ferry' }, { body: JSON.stringify({ ...CREDENTIALS, ...fields }) })

describe('the role of a cloud machine', () => {
  test('gives its temporary credentials and the time they end', async () => {
    const { ask, asked } = await withCredentials({})
    const found = (await ask()) as Credentials
    expect(found).toMatchObject({
      origin: 'role "ferry" of this machine',
      secretId: 'tmp-id',
      expiresAt: Date.parse('2026-06-15T12:00:00Z'),
    })
    expect([found.secretKey.reveal(), found.token?.reveal()]).toEqual(['tmp-key', 'tmp-token'])
    expect(asked.map(({ path }) => path)).toEqual(['/meta/', '/meta/ferry'])
  })

  test('is none where the service answers 404, or an error, or nothing listens', async () => {
    const none = 'this machine has no role'
    expect(await (await metadata({ status: 404, body: 'not found' })).ask()).toBe(none)
    expect(await (await metadata({ status: 500, body: 'ferry' })).ask()).toBe(none)
    expect(await (await metadata({ body: '' })).ask()).toBe(none)
    expect(await roleCredentials(true, { url: await refused() })).toBe(none)
  })

  test.each([301, 302, 303, 307, 308])(
    'is none where the service redirects (%i): nobody else is asked',
    async status => {
      const elsewhere = await answering(() => ({ body: 'ferry' }))
      const { ask } = await metadata({ status, headers: { location: elsewhere.url } })
      expect(await ask()).toBe('this machine has no role')
      expect(elsewhere.asked).toEqual([])
    },
  )

  test('is none where a search page answers for a name that does not exist', async () => {
    const { ask, asked } = await metadata({ body: '<html>\u001b[31mDid you mean metadata.example?</html>' })
    expect(await ask()).toBe('this machine has no role')
    expect(asked).toHaveLength(1)
  })

  test.each([
    ['no JSON', { body: 'soon' }],
    ['JSON that is no object', { body: '"soon"' }],
    ['an error of its own', { status: 500, body: '' }],
    ['a failure', { body: JSON.stringify({ ...CREDENTIALS, Code: 'Failed' }) }],
    ['no token', { body: JSON.stringify({ ...CREDENTIALS, Token: undefined }) }],
    ['a date of another type', { body: JSON.stringify({ ...CREDENTIALS, ExpiredTime: 'noon' }) }],
  ])('that gives %s is said to give no credentials, and nothing of it is quoted', async (_, answer) => {
    const { ask } = await metadata({ body: 'ferry\n' }, answer)
    await expect(ask()).rejects.toMatchObject({
      code: 'CREDENTIALS_UNREADABLE',
      exit: 77,
      message: `the machine's role "ferry" gave no credentials`,
    })
  })
})

describe('whoever gives credentials decides whose account receives the private keys, so', () => {
  const hostile = () => metadata({ body: 'ferry' }, { body: JSON.stringify(CREDENTIALS) })
  const made = async (by: string) => {
    const file = join(await temporaryDirectory(), 'sys_vendor')
    await writeFile(file, by)
    return file
  }

  test.each(['QEMU\n', 'Alibaba Cloud\n', 'not Tencent Cloud\n', ''])(
    'a machine made by %j asks nobody, whoever would answer',
    async maker => {
      const { ask, asked } = await hostile()
      expect(await ask({ wanted: undefined, maker: await made(maker) })).toMatch(
        /^this machine is not Tencent Cloud's/,
      )
      expect(await ask({ wanted: undefined, maker: '/nowhere/sys_vendor' })).toMatch(/^this machine is not/)
      expect(asked).toEqual([])
    },
  )

  test.each(['Tencent Cloud\n', 'Smdbmds\n'])('one made by %j asks its own host', async maker => {
    const { ask } = await hostile()
    expect(await ask({ wanted: undefined, maker: await made(maker) })).toMatchObject({ secretId: 'tmp-id' })
  })

  test('a resolver that leads away from the own link is believed only where the operator says so', async () => {
    const { url, asked } = await hostile()
    const lying = ((_name: string, _options: object, done: (...answer: unknown[]) => void) =>
      done(null, [{ address: '127.0.0.1', family: 4 }])) as unknown as typeof lookup
    const named = { url: `${url.replace('127.0.0.1', 'localhost')}meta/`, maker: await made('Tencent Cloud') }
    await expect(roleCredentials(undefined, { ...named, lookUp: lying })).rejects.toMatchObject({
      code: 'CREDENTIALS_UNREADABLE',
      message: "localhost leads to 127.0.0.1, and not to this machine's own host",
    })
    expect(asked).toEqual([])
    expect(await roleCredentials(true, named)).toMatchObject({ secretId: 'tmp-id' })
  })

  test('where the operator says no, nobody is asked even there', async () => {
    const { ask, asked } = await hostile()
    expect(await ask({ wanted: false, maker: await made('Tencent Cloud') })).toContain('no role is asked for')
    expect(asked).toEqual([])
  })

  test('no proxy is asked, whatever the environment says', async () => {
    const proxy = await answering(() => ({ body: 'ferry' }))
    for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY']) vi.stubEnv(name, proxy.url)
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    const { ask } = await hostile()
    expect(await ask()).toMatchObject({ secretId: 'tmp-id' })
    vi.unstubAllEnvs()
    expect(proxy.asked).toEqual([])
  })
})
