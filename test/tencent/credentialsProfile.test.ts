import { chmod } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { asNobody } from '../fixtures/asNobody.ts'
import { ini, role, stage } from './credentialPlaces.ts'

describe('a profile file', () => {
  const PROFILES = `\ufeff[default]\r\n; ours\r\nsecret_id=d\r\nsecret_key=dk\r\n\r\n[ops]\nsecret_id = o\nsecret_key = ok\ntoken = ot\n[ops.east]\nsecret_id = e\nsecret_key = "ek"\n`

  test.each([
    [undefined, { secretId: 'd', secretKey: 'dk', token: undefined }],
    ['ops', { secretId: 'o', secretKey: 'ok', token: 'ot' }],
    ['ops.east', { secretId: 'e', secretKey: 'ek', token: undefined }],
  ])('gives profile %s', async (profile, expected) => {
    const { at, said } = await stage({ '.tencentcloud/credentials': PROFILES })
    const origin = `${at('.tencentcloud/credentials')} [${profile ?? 'default'}]`
    expect(await said({ profile })).toEqual({ origin, ...expected })
  })

  test.each(['west', 'ops.west', 'ops.east.north', 'toString', '__proto__', ''])(
    'has no profile [%s]: that is said',
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
  ])('half filled, %j, is said instead of passed over', async text => {
    const { find } = await stage({ '.tencentcloud/credentials': text })
    await expect(find({ role })).rejects.toMatchObject({
      code: 'CREDENTIALS_UNREADABLE',
      message: expect.stringMatching(/: \[default\] needs secret_id and secret_key$/),
    })
  })

  test('named and not there is an error; the usual one need not be there', async () => {
    const { find } = await stage()
    const named = { env: { TENCENTCLOUD_CREDENTIALS_FILE: '/nowhere/credentials' }, role }
    await expect(find(named)).rejects.toMatchObject({
      code: 'CREDENTIALS_UNREADABLE',
      message: '/nowhere/credentials: is not there',
    })
    expect(await find({ role })).toMatchObject({ secretId: 'role-id' })
  })

  test('that may not be read is named instead of passed over', async () => {
    const { home, at, find } = await stage({ '.tencentcloud/credentials': ini('home-id', 'home-key') })
    await chmod(home, 0o755)
    await chmod(at('.tencentcloud/credentials'), 0o000)
    const message = `${at('.tencentcloud/credentials')}: cannot be read (EACCES)`
    await asNobody(() =>
      expect(find({ role })).rejects.toMatchObject({ code: 'CREDENTIALS_UNREADABLE', message }),
    )
  })
})
