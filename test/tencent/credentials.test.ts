import { chmod, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { Places } from '../../src/tencent/credentials.ts'
import { asNobody } from '../fixtures/asNobody.ts'
import { ENV, ini, role, stage } from './credentialPlaces.ts'

describe('credentials', () => {
  const FILES = {
    'systemd/tencentcloud': ini('systemd-id', 'systemd-key'),
    named: ini('named-id', 'named-key'),
    '.tencentcloud/credentials': ini('home-id', 'home-key'),
  }

  test('come from the environment, else systemd, else the named file, else the home, else the role', async () => {
    const { at, foundAs, home } = await stage(FILES)
    const systemd = { CREDENTIALS_DIRECTORY: at('systemd') }
    const named = { TENCENTCLOUD_CREDENTIALS_FILE: at('named') }
    const id = async (places: Partial<Places>) => (await foundAs({ role, ...places })).secretId
    expect(await id({ env: { ...ENV, ...systemd, ...named } })).toBe('env-id')
    expect(await id({ env: { ...systemd, ...named } })).toBe('systemd-id')
    expect(await id({ env: named })).toBe('named-id')
    expect(await id({})).toBe('home-id')
    expect(await id({ home: join(home, 'elsewhere') })).toBe('role-id')
  })

  test('name their origin', async () => {
    const { at, foundAs } = await stage(FILES)
    expect((await foundAs({ env: ENV })).origin).toBe('environment')
    expect((await foundAs({ env: { CREDENTIALS_DIRECTORY: at('systemd') } })).origin).toBe(
      `${at('systemd/tencentcloud')} [default]`,
    )
  })

  test('wait for a file that is being replaced: the next place may have the key of another account', async () => {
    const { at, foundAs } = await stage(FILES)
    const file = at('.tencentcloud/credentials')
    await unlink(file)
    const steps = ['', '[default]\nsecret_id = new-id\n', ini('new-id', 'new-key')].values()
    const wait = async () => {
      const { value } = steps.next()
      if (value !== undefined) await writeFile(file, value)
    }
    expect(await foundAs({ role, wait })).toMatchObject({ secretId: 'new-id', secretKey: 'new-key' })
  })

  test('come from the next place if a systemd unit has no such credential', async () => {
    const { at, foundAs } = await stage(FILES)
    expect((await foundAs({ env: { CREDENTIALS_DIRECTORY: at('nowhere') } })).secretId).toBe('home-id')
  })

  test('in a file of more than 64 KiB are refused', async () => {
    const { at, find } = await stage({ named: `${ini('id', 'key')}${'#'.repeat(70_000)}` })
    await expect(find({ env: { TENCENTCLOUD_CREDENTIALS_FILE: at('named') } })).rejects.toMatchObject({
      code: 'CREDENTIALS_UNREADABLE',
      message: `${at('named')}: has more than the 64 KiB that are read`,
    })
  })

  test('that cannot be read now are a temporary fault', async () => {
    const { find } = await stage({})
    // of the memory at address 0 the kernel says EIO
    const env = { TENCENTCLOUD_CREDENTIALS_FILE: '/proc/self/mem' }
    await expect(find({ env })).rejects.toMatchObject({
      code: 'FILE_UNAVAILABLE',
      retry: 'backoff',
      exit: 75,
    })
  })

  test('that are missing name every place that was searched', async () => {
    const { at, find } = await stage()
    await expect(find()).rejects.toMatchObject({
      code: 'CREDENTIALS_MISSING',
      exit: 77,
      scope: 'account',
      message: `no credentials: not in the environment, not in ${at('.tencentcloud/credentials')} or /etc/tencentcloud/credentials, and there is no role`,
    })
  })
})

describe('credentials in the environment', () => {
  test.each([['TENCENTCLOUD_TOKEN'], ['TENCENTCLOUD_SESSION_TOKEN'], ['TENCENTCLOUD_SECURITY_TOKEN']])(
    'include a temporary token as %s or from the file in %s_FILE',
    async name => {
      const { at, foundAs } = await stage({ token: 'from-file\n' })
      expect((await foundAs({ env: { ...ENV, [name]: 'a-token' } })).token).toBe('a-token')
      expect((await foundAs({ env: { ...ENV, [`${name}_FILE`]: at('token') } })).token).toBe('from-file')
    },
  )

  test('prefer TOKEN to SESSION_TOKEN to SECURITY_TOKEN and ignore empty ones', async () => {
    const { foundAs } = await stage()
    const all = {
      TENCENTCLOUD_TOKEN: 'one',
      TENCENTCLOUD_SESSION_TOKEN: 'two',
      TENCENTCLOUD_SECURITY_TOKEN: 'three',
    }
    expect((await foundAs({ env: { ...ENV, ...all } })).token).toBe('one')
    expect((await foundAs({ env: { ...ENV, ...all, TENCENTCLOUD_TOKEN: '' } })).token).toBe('two')
    expect((await foundAs({ env: { ...ENV, TENCENTCLOUD_SECURITY_TOKEN: 'three' } })).token).toBe('three')
  })

  test('come from files as containers mount them, with a line end', async () => {
    const { at, foundAs } = await stage({ id: ' file-id\r\n', key: 'file-key\n' })
    const env = { TENCENTCLOUD_SECRET_ID_FILE: at('id'), TENCENTCLOUD_SECRET_KEY_FILE: at('key') }
    expect(await foundAs({ env })).toEqual({
      origin: 'environment',
      secretId: 'file-id',
      secretKey: 'file-key',
      token: undefined,
    })
  })

  test.each([
    [{ TENCENTCLOUD_SECRET_ID: 'a' }, 'TENCENTCLOUD_SECRET_KEY is missing, but the other half is set'],
    [{ TENCENTCLOUD_SECRET_KEY: 'a' }, 'TENCENTCLOUD_SECRET_ID is missing, but the other half is set'],
    [
      { ...ENV, TENCENTCLOUD_SECRET_KEY: '', TENCENTCLOUD_SECRET_KEY_FILE: '/nowhere' },
      '/nowhere: is not there',
    ],
  ])('that are incomplete are a fault: %o', async (env, message) => {
    const { find } = await stage({ '.tencentcloud/credentials': ini('home-id', 'home-key') })
    await expect(find({ env })).rejects.toMatchObject({ code: 'CREDENTIALS_UNREADABLE', exit: 77, message })
  })

  test('with a token alone are ignored', async () => {
    const { foundAs } = await stage({ '.tencentcloud/credentials': ini('home-id', 'home-key') })
    expect(await foundAs({ env: { TENCENTCLOUD_TOKEN: 'a' } })).toMatchObject({
      secretId: 'home-id',
      token: undefined,
    })
  })
})

describe('pasted characters', () => {
  test('blanks and line ends around a value are removed', async () => {
    const { foundAs } = await stage()
    const env = {
      TENCENTCLOUD_SECRET_ID: ' id\n',
      TENCENTCLOUD_SECRET_KEY: '\tkey \r\n',
      TENCENTCLOUD_TOKEN: 't\n',
    }
    expect(await foundAs({ env })).toMatchObject({ secretId: 'id', secretKey: 'key', token: 't' })
  })

  test.each([
    '"hush"',
    "'hush'",
    '`hush`',
    '\u201chush\u201d',
    ' "hush"\r\n',
    '"hush',
    'hush"',
    'hush\\n',
    'hush hush',
    'hush\nhush',
    'hush\u200bhush',
    'hüsh',
  ])('quotes, blanks and other invalid characters are refused without quoting the value: %j', async value => {
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
      expect(error.message).toMatch(/: (is in quotes, |has blanks or other characters no credential has)/)
      expect(error.message.startsWith(`${where}: `)).toBe(true)
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/hush|hüsh/)
    }
  })

  test.each(['"hush"', "'hush'", '`hush`'])('%j is reported as quotes', async value => {
    const { find } = await stage()
    await expect(find({ env: { ...ENV, TENCENTCLOUD_SECRET_ID: value } })).rejects.toMatchObject({
      message: 'TENCENTCLOUD_SECRET_ID: is in quotes, which would be part of it; remove them',
    })
  })

  test('of Base64 are valid in a token', async () => {
    const { foundAs } = await stage()
    expect((await foundAs({ env: { ...ENV, TENCENTCLOUD_TOKEN: 'a+/b==' } })).token).toBe('a+/b==')
  })
})

describe('credentials in a profile file', () => {
  const PROFILES = `\ufeff[default]\r\n; ours\r\nsecret_id=d\r\nsecret_key=dk\r\n\r\n[ops]\nsecret_id = o\nsecret_key = ok\ntoken = ot\n[ops.east]\nsecret_id = e\nsecret_key = "ek"\n`

  test.each([
    [undefined, { secretId: 'd', secretKey: 'dk', token: undefined }],
    ['ops', { secretId: 'o', secretKey: 'ok', token: 'ot' }],
    ['ops.east', { secretId: 'e', secretKey: 'ek', token: undefined }],
  ])('are those of the profile %s', async (profile, expected) => {
    const { at, foundAs } = await stage({ '.tencentcloud/credentials': PROFILES })
    const origin = `${at('.tencentcloud/credentials')} [${profile ?? 'default'}]`
    expect(await foundAs({ profile })).toEqual({ origin, ...expected })
  })

  test.each(['west', 'ops.west', 'ops.east.north', 'toString', '__proto__', ''])(
    'without the profile [%s] are a fault',
    async profile => {
      const { at, find } = await stage({ '.tencentcloud/credentials': PROFILES })
      const message = `${at('.tencentcloud/credentials')}: has no profile [${profile}]`
      await expect(find({ profile })).rejects.toMatchObject({ code: 'CREDENTIALS_UNREADABLE', message })
    },
  )

  test.each([
    '[default]\nsecret_id = a\n',
    '[default]\nsecret_id =\nsecret_key = b\n',
    '[default]\nsecret_id\nsecret_key = b\n',
  ])('that are incomplete are a fault: %j', async text => {
    const { find } = await stage({ '.tencentcloud/credentials': text })
    await expect(find({ role })).rejects.toMatchObject({
      code: 'CREDENTIALS_UNREADABLE',
      message: expect.stringMatching(/: \[default\] needs secret_id and secret_key$/),
    })
  })

  test('must exist if the file is named, and need not in the default place', async () => {
    const { find } = await stage()
    const named = { env: { TENCENTCLOUD_CREDENTIALS_FILE: '/nowhere/credentials' }, role }
    await expect(find(named)).rejects.toMatchObject({
      code: 'CREDENTIALS_UNREADABLE',
      message: '/nowhere/credentials: is not there',
    })
    expect(await find({ role })).toMatchObject({ secretId: 'role-id' })
  })

  test('that may not be read are a fault', async () => {
    const { home, at, find } = await stage({ '.tencentcloud/credentials': ini('home-id', 'home-key') })
    await chmod(home, 0o755)
    await chmod(at('.tencentcloud/credentials'), 0o000)
    const message = `${at('.tencentcloud/credentials')}: cannot be read (EACCES)`
    await asNobody(() =>
      expect(find({ role })).rejects.toMatchObject({ code: 'CREDENTIALS_UNREADABLE', message }),
    )
  })
})
