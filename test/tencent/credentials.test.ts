import { unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { Places } from '../../src/tencent/credentials.ts'
import { ENV, ini, role, stage } from './credentialPlaces.ts'

describe('the first place that has them wins', () => {
  const FILES = {
    'systemd/tencentcloud': ini('systemd-id', 'systemd-key'),
    named: ini('named-id', 'named-key'),
    '.tencentcloud/credentials': ini('home-id', 'home-key'),
  }

  test('environment, then systemd, then the named file, then the home, then the role', async () => {
    const { at, said, home } = await stage(FILES)
    const systemd = { CREDENTIALS_DIRECTORY: at('systemd') }
    const named = { TENCENTCLOUD_CREDENTIALS_FILE: at('named') }
    const id = async (places: Partial<Places>) => (await said({ role, ...places })).secretId
    expect(await id({ env: { ...ENV, ...systemd, ...named } })).toBe('env-id')
    expect(await id({ env: { ...systemd, ...named } })).toBe('systemd-id')
    expect(await id({ env: named })).toBe('named-id')
    expect(await id({})).toBe('home-id')
    expect(await id({ home: join(home, 'elsewhere') })).toBe('role-id')
  })

  test('and says in words where that was, never what it held', async () => {
    const { at, said } = await stage(FILES)
    expect((await said({ env: ENV })).origin).toBe('environment')
    expect((await said({ env: { CREDENTIALS_DIRECTORY: at('systemd') } })).origin).toBe(
      `${at('systemd/tencentcloud')} [default]`,
    )
  })

  test('a file that is just being replaced is waited for: the next place may hold the key of another account', async () => {
    const { at, said } = await stage(FILES)
    const file = at('.tencentcloud/credentials')
    await unlink(file)
    const steps = ['', '[default]\nsecret_id = new-id\n', ini('new-id', 'new-key')].values()
    const wait = async () => {
      const { value } = steps.next()
      if (value !== undefined) await writeFile(file, value)
    }
    expect(await said({ role, wait })).toMatchObject({ secretId: 'new-id', secretKey: 'new-key' })
  })

  test('a systemd unit without this credential goes on to the next place', async () => {
    const { at, said } = await stage(FILES)
    expect((await said({ env: { CREDENTIALS_DIRECTORY: at('nowhere') } })).secretId).toBe('home-id')
  })

  test('larger than any, it is refused by its size: the INI reader would take seconds', async () => {
    const { at, find } = await stage({ named: `${ini('id', 'key')}${'#'.repeat(70_000)}` })
    await expect(find({ env: { TENCENTCLOUD_CREDENTIALS_FILE: at('named') } })).rejects.toMatchObject({
      code: 'CREDENTIALS_UNREADABLE',
      message: `${at('named')}: has more than the 64 KiB that are read`,
    })
  })

  test('one that the disk does not give now is tried again, and is not called wrong', async () => {
    const { find } = await stage({})
    // of the memory at address 0 the kernel says EIO
    const env = { TENCENTCLOUD_CREDENTIALS_FILE: '/proc/self/mem' }
    await expect(find({ env })).rejects.toMatchObject({
      code: 'FILE_UNAVAILABLE',
      retry: 'backoff',
      exit: 75,
    })
  })

  test('with none, every place that was looked at is named', async () => {
    const { at, find } = await stage()
    await expect(find()).rejects.toMatchObject({
      code: 'CREDENTIALS_MISSING',
      exit: 77,
      scope: 'account',
      message: `no credentials: not in the environment, not in ${at('.tencentcloud/credentials')} or /etc/tencentcloud/credentials, and there is no role`,
    })
  })
})

describe('the environment', () => {
  test.each([['TENCENTCLOUD_TOKEN'], ['TENCENTCLOUD_SESSION_TOKEN'], ['TENCENTCLOUD_SECURITY_TOKEN']])(
    'takes a temporary token as %s, or from the file %s_FILE names',
    async name => {
      const { at, said } = await stage({ token: 'from-file\n' })
      expect((await said({ env: { ...ENV, [name]: 'a-token' } })).token).toBe('a-token')
      expect((await said({ env: { ...ENV, [`${name}_FILE`]: at('token') } })).token).toBe('from-file')
    },
  )

  test('prefers TOKEN to SESSION_TOKEN to SECURITY_TOKEN, and passes over empty ones', async () => {
    const { said } = await stage()
    const all = {
      TENCENTCLOUD_TOKEN: 'one',
      TENCENTCLOUD_SESSION_TOKEN: 'two',
      TENCENTCLOUD_SECURITY_TOKEN: 'three',
    }
    expect((await said({ env: { ...ENV, ...all } })).token).toBe('one')
    expect((await said({ env: { ...ENV, ...all, TENCENTCLOUD_TOKEN: '' } })).token).toBe('two')
    expect((await said({ env: { ...ENV, TENCENTCLOUD_SECURITY_TOKEN: 'three' } })).token).toBe('three')
  })

  test('takes ID and key from files, as containers mount them, line end and all', async () => {
    const { at, said } = await stage({ id: ' file-id\r\n', key: 'file-key\n' })
    const env = { TENCENTCLOUD_SECRET_ID_FILE: at('id'), TENCENTCLOUD_SECRET_KEY_FILE: at('key') }
    expect(await said({ env })).toEqual({
      origin: 'environment',
      secretId: 'file-id',
      secretKey: 'file-key',
      token: undefined,
    })
  })

  test.each([
    [{ TENCENTCLOUD_SECRET_ID: 'a' }, 'TENCENTCLOUD_SECRET_KEY is missing beside the other half'],
    [{ TENCENTCLOUD_SECRET_KEY: 'a' }, 'TENCENTCLOUD_SECRET_ID is missing beside the other half'],
    [
      { ...ENV, TENCENTCLOUD_SECRET_KEY: '', TENCENTCLOUD_SECRET_KEY_FILE: '/nowhere' },
      '/nowhere: is not there',
    ],
  ])('half filled, %o, is said instead of passed over', async (env, message) => {
    const { find } = await stage({ '.tencentcloud/credentials': ini('home-id', 'home-key') })
    await expect(find({ env })).rejects.toMatchObject({ code: 'CREDENTIALS_UNREADABLE', exit: 77, message })
  })

  test('a token alone is nothing: the other places are looked at', async () => {
    const { said } = await stage({ '.tencentcloud/credentials': ini('home-id', 'home-key') })
    expect(await said({ env: { TENCENTCLOUD_TOKEN: 'a' } })).toMatchObject({
      secretId: 'home-id',
      token: undefined,
    })
  })
})

describe('what was pasted along', () => {
  test('blanks and line ends around a value are taken off', async () => {
    const { said } = await stage()
    const env = {
      TENCENTCLOUD_SECRET_ID: ' id\n',
      TENCENTCLOUD_SECRET_KEY: '\tkey \r\n',
      TENCENTCLOUD_TOKEN: 't\n',
    }
    expect(await said({ env })).toMatchObject({ secretId: 'id', secretKey: 'key', token: 't' })
  })

  test.each(['"hush"', "'hush'", '`hush`', '\u201chush\u201d', ' "hush"\r\n', '"hush', 'hush"', 'hush\\n'])(
    'quotes that nothing has taken off, %j, are said here and not by the service',
    async value => {
      const { at, find } = await stage({
        key: value,
        named: `[default]\nsecret_id = id\nsecret_key = "${value.trim().replace(/["\\]/g, '\\$&')}"\n`,
      })
      const inFile = { TENCENTCLOUD_SECRET_KEY: '', TENCENTCLOUD_SECRET_KEY_FILE: at('key') }
      const places = [
        [{ ...ENV, TENCENTCLOUD_SECRET_ID: value }, 'TENCENTCLOUD_SECRET_ID'],
        [{ ...ENV, TENCENTCLOUD_SECRET_KEY: value }, 'TENCENTCLOUD_SECRET_KEY'],
        [{ ...ENV, TENCENTCLOUD_TOKEN: value }, 'TENCENTCLOUD_TOKEN'],
        [{ ...ENV, ...inFile }, at('key')],
        [{ TENCENTCLOUD_CREDENTIALS_FILE: at('named') }, `${at('named')}: [default] secret_key`],
      ] as const
      for (const [env, where] of places) {
        const error = await find({ env }).catch(reason => reason)
        expect(error).toMatchObject({ code: 'CREDENTIALS_UNREADABLE', exit: 77 })
        expect(error.message).toMatch(
          /: (stands in quotes, |has blanks or other characters no credential has)/,
        )
        expect(error.message.startsWith(`${where}: `)).toBe(true)
        expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/hush/)
      }
    },
  )

  test.each(['"hush"', "'hush'", '`hush`'])('%j is called quotes', async value => {
    const { find } = await stage()
    await expect(find({ env: { ...ENV, TENCENTCLOUD_SECRET_ID: value } })).rejects.toMatchObject({
      message: 'TENCENTCLOUD_SECRET_ID: stands in quotes, which would be part of it; take them off',
    })
  })

  test('a token may end as Base64 does', async () => {
    const { said } = await stage()
    expect((await said({ env: { ...ENV, TENCENTCLOUD_TOKEN: 'a+/b==' } })).token).toBe('a+/b==')
  })

  test.each(['hush hush', 'hush\nhush', 'hush\u200bhush', 'hüsh', '   '])(
    'within a value, %j, is refused, and the value is not quoted',
    async value => {
      const { at, find } = await stage({ key: value })
      const places = [
        { ...ENV, TENCENTCLOUD_SECRET_KEY: value },
        { ...ENV, TENCENTCLOUD_SECRET_KEY: '', TENCENTCLOUD_SECRET_KEY_FILE: at('key') },
        { ...ENV, TENCENTCLOUD_TOKEN: value },
      ]
      for (const env of places) {
        const error: unknown = await find({ env }).catch(reason => reason)
        expect(error).toMatchObject({ code: 'CREDENTIALS_UNREADABLE', exit: 77 })
        expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/hush|hüsh/)
      }
    },
  )
})
