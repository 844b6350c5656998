import { describe, expect, test } from 'vitest'
import { roleCredentials } from '../../src/edge/role.ts'
import { type Answer, answering, refused } from './stations.ts'

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
  return { ask: () => roleCredentials(`${url}meta/`), asked }
}

const withCredentials = (fields: object) =>
  metadata({ body: 'ferry' }, { body: JSON.stringify({ ...CREDENTIALS, ...fields }) })

describe('the role of a cloud machine', () => {
  test('gives its temporary credentials and the time they end', async () => {
    const { ask, asked } = await withCredentials({})
    const found = await ask()
    expect(found).toMatchObject({
      origin: 'role "ferry" of this machine',
      secretId: 'tmp-id',
      expiresAt: Date.parse('2026-06-15T12:00:00Z'),
    })
    expect([found?.secretKey.reveal(), found?.token?.reveal()]).toEqual(['tmp-key', 'tmp-token'])
    expect(asked.map(({ path }) => path)).toEqual(['/meta/', '/meta/ferry'])
  })

  test('is none where the service answers 404, or an error, or nothing listens', async () => {
    expect(await (await metadata({ status: 404, body: 'not found' })).ask()).toBeUndefined()
    expect(await (await metadata({ status: 500, body: 'ferry' })).ask()).toBeUndefined()
    expect(
      await (await metadata({ status: 302, headers: { location: 'http://example.com' } })).ask(),
    ).toBeUndefined()
    expect(await (await metadata({ body: '' })).ask()).toBeUndefined()
    expect(await roleCredentials(await refused())).toBeUndefined()
  })

  test('is none where a search page answers for a name that does not exist', async () => {
    const { ask, asked } = await metadata({ body: '<html>\u001b[31mDid you mean metadata.example?</html>' })
    expect(await ask()).toBeUndefined()
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
