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

/** A file in a folder that everybody may pass, in one whose mode the test sets. */
async function stage(mode = 0o755) {
  const folder = await temporaryDirectory()
  const file = join(folder, 'archive', 'privkey.pem')
  await mkdir(dirname(file))
  await chmod(dirname(file), 0o755)
  await writeFile(file, '')
  await chmod(folder, mode)
  const told: number[] = []
  const exposures = createPermissionWarnings()
  exposures.onWarning(({ mode }) => void told.push(mode))
  const saw = (mode: number) => exposures.record({ file, mode: 0o100000 | mode, what: 'private key' })
  return { folder, file, exposures, saw, told: () => told.map(mode => mode & 0o777) }
}

describe('a secret', () => {
  test.each(['600', '400', '640', '440', '660'])(
    'of its owner or of a group is in order (%s)',
    async mode => {
      const { saw, told, exposures } = await stage()
      await saw(Number.parseInt(mode, 8))
      expect([told(), exposures.all()]).toEqual([[], []])
    },
  )

  test.each(['644', '604', '666', '602'])('that others may get at (%s) is told of', async mode => {
    const { saw, told } = await stage()
    await saw(Number.parseInt(mode, 8))
    expect(told()).toEqual([Number.parseInt(mode, 8)])
  })

  test('is told of once, again when it changes, and again when it comes back', async () => {
    const { saw, told, exposures } = await stage()
    for (const mode of [0o644, 0o644, 0o666, 0o600, 0o600, 0o644]) await saw(mode)
    expect(told()).toEqual([0o644, 0o666, 0o644])
    await saw(0o600)
    expect(exposures.all()).toEqual([])
  })

  test('behind a folder that others cannot pass is safe, as certbot’s old keys are', async () => {
    const { saw, told, file, folder } = await stage(0o700)
    await saw(0o644)
    expect([told(), await isReachable(file)]).toEqual([[], false])
    // nor does a link in the open lead through
    const open = await stage()
    await symlink(file, join(open.folder, 'link'))
    expect(await isReachable(join(open.folder, 'link'))).toBe(false)
    await chmod(folder, 0o711)
    expect(await isReachable(join(open.folder, 'link'))).toBe(true)
  })

  test('that is gone meanwhile is nobody’s', async () => {
    expect(await isReachable('/nowhere/at/all')).toBe(false)
  })
})

test('what is said names the file, its mode and the command that mends it', () => {
  const exposure = (file: string, mode: number) => ({ file, mode, what: 'private key' })
  expect(permissionText(exposure('/k.pem', 0o100644))).toBe(
    '/k.pem: every user of this machine may read this private key (mode 0644)',
  )
  expect(permissionText(exposure('/k.pem', 0o100602))).toContain('may change this private key (mode 0602)')
  expect(permissionAdvice(exposure('/k.pem', 0o644))).toBe('chmod o= /k.pem')
  expect(permissionAdvice(exposure('/a b/k.pem', 0o644))).toBe("chmod o= '/a b/k.pem'")
})

test('files with an API key are seen, whichever way they are named', async () => {
  const folder = await temporaryDirectory()
  const at = (name: string) => join(folder, name)
  const seen: InsecurePermissions[] = []
  const onSecret = async (exposure: InsecurePermissions) => void seen.push(exposure)
  const places = { home: folder, profile: undefined, role: async () => '', onSecret, ...AT_ONCE }
  await writeFile(at('ini'), '[default]\nsecret_id = a\nsecret_key = b\n', { mode: 0o644 })
  await writeFile(at('key'), 'b', { mode: 0o604 })
  await findCredentials({ ...places, env: { TENCENTCLOUD_CREDENTIALS_FILE: at('ini') } })
  await findCredentials({
    ...places,
    env: { TENCENTCLOUD_SECRET_ID: 'a', TENCENTCLOUD_SECRET_KEY_FILE: at('key') },
  })
  expect(seen.map(({ file, mode, what }) => [file, mode & 0o777, what])).toEqual([
    [at('ini'), 0o644, 'API key'],
    [at('key'), 0o604, 'API key'],
  ])
})
