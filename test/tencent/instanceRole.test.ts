import { describe, expect, test, vi } from 'vitest'
import type { Credentials } from '../../src/tencent/credentials.ts'
import { roleCredentials } from '../../src/tencent/instanceRole.ts'
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
  const ask = (wanted = true) => roleCredentials(wanted, { url: `${url}meta/` })
  return { ask, asked }
}

const withCredentials = (fields: object) =>
  metadata({ body: 'ferry' }, { body: JSON.stringify({ ...CREDENTIALS, ...fields }) })

describe('the role of a cloud machine', () => {
  test('has temporary credentials and the time they expire', async () => {
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

  test('is missing if the metadata service answers 404 or an error, or nothing listens', async () => {
    const none = 'this machine has no role'
    expect(await (await metadata({ status: 404, body: 'not found' })).ask()).toBe(none)
    expect(await (await metadata({ status: 500, body: 'ferry' })).ask()).toBe(none)
    expect(await (await metadata({ body: '' })).ask()).toBe(none)
    expect(await roleCredentials(true, { url: await refused() })).toBe(none)
  })

  test.each([301, 302, 303, 307, 308])(
    'is missing if the metadata service redirects (%i), which is not followed',
    async status => {
      const elsewhere = await answering(() => ({ body: 'ferry' }))
      const { ask } = await metadata({ status, headers: { location: elsewhere.url } })
      expect(await ask()).toBe('this machine has no role')
      expect(elsewhere.asked).toEqual([])
    },
  )

  test('is missing if a search page answers', async () => {
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
  ])('without credentials is a fault that quotes nothing: %s', async (_, answer) => {
    const { ask } = await metadata({ body: 'ferry\n' }, answer)
    await expect(ask()).rejects.toMatchObject({
      code: 'CREDENTIALS_UNREADABLE',
      exit: 77,
      message: `the machine's role "ferry" gave no credentials`,
    })
  })

  test('instance role: without instance_role = true no metadata service is asked', async () => {
    const { ask, asked } = await withCredentials({})
    expect(await ask(false)).toMatch(/^the instance role is not used/)
    expect(asked).toEqual([])
  })

  test('instance role: the metadata service is asked without a proxy, whatever the environment says', async () => {
    const proxy = await answering(() => ({ body: 'ferry' }))
    for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY']) vi.stubEnv(name, proxy.url)
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    const { ask } = await withCredentials({})
    expect(await ask()).toMatchObject({ secretId: 'tmp-id' })
    vi.unstubAllEnvs()
    expect(proxy.asked).toEqual([])
  })
})
