import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  createPermissionWarnings,
  type InsecurePermissions,
  isReachable,
  permissionAdvice,
  permissionText,
} from '../../src/files/permissions.ts'
import { findCredentials } from '../../src/tencent/credentials.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { AT_ONCE } from '../tencent/credentialPlaces.ts'

/** A file in a folder that every user may pass, in a folder of this mode. */
async function fileIn(mode = 0o755) {
  const folder = await temporaryDirectory()
  const file = join(folder, 'archive', 'privkey.pem')
  await mkdir(dirname(file))
  await chmod(dirname(file), 0o755)
  await writeFile(file, '')
  await chmod(folder, mode)
  const modes: number[] = []
  const warnings = createPermissionWarnings()
  warnings.onWarning(({ mode }) => void modes.push(mode & 0o777))
  const record = (mode: number) => warnings.record({ file, mode: 0o100000 | mode, what: 'private key' })
  return { folder, file, warnings, record, modes }
}

describe('a secret', () => {
  test.each(['600', '400', '640', '440', '660'])(
    'of its owner or of a group is in order (%s)',
    async mode => {
      const { record, modes, warnings } = await fileIn()
      await record(Number.parseInt(mode, 8))
      expect([modes, warnings.all()]).toEqual([[], []])
    },
  )

  test.each(['644', '604', '666', '602'])(
    'that other users may read or write (%s) causes a warning',
    async mode => {
      const { record, modes } = await fileIn()
      await record(Number.parseInt(mode, 8))
      expect(modes).toEqual([Number.parseInt(mode, 8)])
    },
  )

  test('causes one warning, another when its mode changes, and another when it comes back', async () => {
    const { record, modes, warnings } = await fileIn()
    for (const mode of [0o644, 0o644, 0o666, 0o600, 0o600, 0o644]) await record(mode)
    expect(modes).toEqual([0o644, 0o666, 0o644])
    await record(0o600)
    expect(warnings.all()).toEqual([])
  })

  test('behind a folder that others cannot enter is safe, as certbot’s old keys are', async () => {
    const { record, modes, file, folder } = await fileIn(0o700)
    await record(0o644)
    expect([modes, await isReachable(file)]).toEqual([[], false])
    // nor does a link in the open lead through
    const open = await fileIn()
    await symlink(file, join(open.folder, 'link'))
    expect(await isReachable(join(open.folder, 'link'))).toBe(false)
    await chmod(folder, 0o711)
    expect(await isReachable(join(open.folder, 'link'))).toBe(true)
  })

  test('that is gone meanwhile is not reachable', async () => {
    expect(await isReachable('/nowhere/at/all')).toBe(false)
  })
})

test('a warning names the file, its mode and the command that fixes it', () => {
  const permissions = (file: string, mode: number) => ({ file, mode, what: 'private key' })
  expect(permissionText(permissions('/k.pem', 0o100644))).toBe(
    '/k.pem: every user of this machine may read this private key (mode 0644)',
  )
  expect(permissionText(permissions('/k.pem', 0o100602))).toContain('may change this private key (mode 0602)')
  expect(permissionAdvice(permissions('/k.pem', 0o644))).toBe('chmod o= /k.pem')
  expect(permissionAdvice(permissions('/a b/k.pem', 0o644))).toBe("chmod o= '/a b/k.pem'")
})

test('files with an API key are recorded, however they are named', async () => {
  const folder = await temporaryDirectory()
  const at = (name: string) => join(folder, name)
  const recorded: InsecurePermissions[] = []
  const onSecret = async (permissions: InsecurePermissions) => void recorded.push(permissions)
  const places = { home: folder, profile: undefined, role: async () => '', onSecret, ...AT_ONCE }
  await writeFile(at('ini'), '[default]\nsecret_id = a\nsecret_key = b\n', { mode: 0o644 })
  await writeFile(at('key'), 'b', { mode: 0o604 })
  await findCredentials({ ...places, env: { TENCENTCLOUD_CREDENTIALS_FILE: at('ini') } })
  await findCredentials({
    ...places,
    env: { TENCENTCLOUD_SECRET_ID: 'a', TENCENTCLOUD_SECRET_KEY_FILE: at('key') },
  })
  expect(recorded.map(({ file, mode, what }) => [file, mode & 0o777, what])).toEqual([
    [at('ini'), 0o644, 'API key'],
    [at('key'), 0o604, 'API key'],
  ])
})
