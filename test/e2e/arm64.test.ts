/** The executable and the Debian package for arm64, run on another processor by qemu: without compiled code, and to an upload. */
import { join } from 'node:path'
import { arch, env, stderr } from 'node:process'
import { beforeAll, describe, expect, test } from 'vitest'
import { issue } from '../fixtures/certificates.ts'
import { all, certbotIssue } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { run, SYSTEM_PATH } from './child.ts'
import { debianFiles, whyNoDebianFiles } from './debianFiles.ts'
import { release, version } from './debianFixture.ts'
import { openAccount } from './emulatorAccount.ts'
import { reportOf } from './program.ts'

const QEMU = 'qemu-aarch64-static'
const ENVIRONMENT = { PATH: SYSTEM_PATH }

async function whyNot(): Promise<string | undefined> {
  if (arch !== 'x64') return 'this machine is not x64'
  const found = await run(QEMU, ['--version'], ENVIRONMENT).catch(() => undefined)
  if (found?.code !== 0) return `there is no ${QEMU} (Debian: qemu-user-static)`
  return whyNoDebianFiles()
}

const why = await whyNot()
if (why) stderr.write(`arm64: the program is not started, ${why}\n`)

describe.skipIf(why)('on arm64', () => {
  let folder = ''
  let root = ''
  const certferry = (words: readonly string[], own = {}) =>
    run(QEMU, ['-L', root, join(folder, 'usr/bin/certferry'), ...words], {
      ...ENVIRONMENT,
      HOME: folder,
      ...own,
    })

  beforeAll(async () => {
    folder = await temporaryDirectory()
    const made = await release()
    root = env.CERTFERRY_E2E_ARM64 ?? (await debianFiles(join(folder, 'root'), 'arm64', ['libstdc++6']))
    const file = join(made, `certferry_${await version()}_arm64.deb`)
    const unpacked = await run('dpkg-deb', ['-x', file, folder], ENVIRONMENT)
    expect(unpacked).toMatchObject({ code: 0, stderr: '' })
    const same = await run(
      'cmp',
      [join(made, 'certferry-arm64'), join(folder, 'usr/bin/certferry')],
      ENVIRONMENT,
    )
    expect(same).toMatchObject({ code: 0, stdout: '' })
  }, 900_000)

  test('the packaged program starts and says its version', async () => {
    expect(await certferry(['--version'])).toEqual({
      code: 0,
      stdout: `certferry ${await version()}\n`,
      stderr: '',
    })
  })

  test('a sync uploads a certificate, and the next has nothing to do', async () => {
    const { emulator, credentials, options } = await openAccount(join(folder, 'state'))
    const letsencrypt = join(folder, 'letsencrypt')
    await all(certbotIssue(letsencrypt, 'shop', await issue({ names: ['shop.example.com'] })))
    const sync = ['sync', '--json', '--source', `certbot=${letsencrypt}`, ...options]
    try {
      for (const outcome of ['uploaded', 'unchanged'] as const)
        expect(reportOf(await certferry(sync, credentials)).results).toMatchObject([{ outcome }])
      expect(emulator.certificates()).toHaveLength(1)
    } finally {
      await emulator.close()
    }
  })
})
