/** The RPM package: in a bare root, where the program is started, and on a real systemd, where its scripts have something to do. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { stderr } from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeRpmPackage } from '../../packaging/rpmPackage.ts'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { issue } from '../fixtures/certificates.ts'
import { all, certbotIssue } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { run, SYSTEM_PATH } from './child.ts'
import { bootContainer, type Container, eventually, whyNoContainer } from './container.ts'
import { debianFiles, whyNoDebianFiles } from './debianFiles.ts'
import { release, version } from './debianFixture.ts'
import { openAccount } from './emulatorAccount.ts'
import { reportOf } from './program.ts'

const ENVIRONMENT = { PATH: SYSTEM_PATH, LC_ALL: 'C.UTF-8' }

const noRpm = await run('rpmbuild', ['--version'], ENVIRONMENT).then(
  () => undefined,
  () => 'there is no rpmbuild (Debian: rpm)',
)
const whyNoRoot = noRpm ?? (await whyNoDebianFiles())
const whyNoSystem = noRpm ?? (await whyNoContainer())
for (const why of new Set([whyNoRoot, whyNoSystem]))
  if (why) stderr.write(`rpm: the package is not tried, ${why}\n`)

const made = async () => join(await release(), `certferry-${await version()}-1.x86_64.rpm`)

/** @throws with the output where it fails. */
async function must(file: string, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(file, words, ENVIRONMENT)
  if (code !== 0) throw new Error(`${file} ${words.join(' ')}: exit ${code}\n${stdout}${stderr}`)
  return stdout
}

describe.skipIf(whyNoRoot)('in a root of its own', () => {
  test('it is installed, uploads a certificate, and leaves nothing when it is erased', async () => {
    const folder = await temporaryDirectory()
    const root = await debianFiles(join(folder, 'root'), 'amd64', ['dash', 'coreutils', 'grep', 'libstdc++6'])
    // what the libraries' packages are called is another matter here
    const said = await must('rpm', '--root', root, '-i', '--nodeps', await made())
    expect(said).toContain('does nothing yet')
    expect(await must('chroot', root, 'certferry', '--version')).toBe(`certferry ${await version()}\n`)
    const { emulator, credentials, options } = await openAccount('/srv/state')
    try {
      await all(certbotIssue(join(root, 'srv/le'), 'shop', await issue({ names: ['shop.example.com'] })))
      const words = [root, 'certferry', 'sync', '--json', '--source', 'certbot=/srv/le', ...options]
      const report = reportOf(await run('chroot', words, { ...ENVIRONMENT, ...credentials }))
      expect(report.results).toMatchObject([{ outcome: 'uploaded' }])
      expect(emulator.certificates()).toHaveLength(1)
    } finally {
      await emulator.close()
    }
    expect(await must('rpm', '--root', root, '-V', '--nodeps', 'certferry')).toBe('')
    await must('rpm', '--root', root, '-e', 'certferry')
    expect(await must('find', root, '-name', '*certferry*')).toBe('')
  }, 300_000)
})

const CREDENTIALS = `[default]\nsecret_id = ${DEMO_CREDENTIALS.secretId}\nsecret_key = ${DEMO_CREDENTIALS.secretKey}\n`
const CONFIG = '# ours\n[tencent]\nendpoint = "http://localhost:8181"\n'
const SECOND = `${CONFIG}[[source]]\nkind = "certbot"\npath = "/etc/letsencrypt"\n`
const HOOK = '/etc/letsencrypt/renewal-hooks/deploy/zz-certferry'
const SERVICES = ['certferry.service', 'certferry@second.service']

describe.skipIf(whyNoSystem)('on a real systemd', () => {
  let container: Container
  const shell = async (line: string) => {
    const { code, stdout, stderr } = await container.run('sh', '-c', `exec </dev/null; ${line}`)
    if (code !== 0) throw new Error(`${line}: exit ${code}\n${stdout}${stderr}`)
    return stdout
  }
  const states = async () =>
    (await container.run('systemctl', 'is-active', ...SERVICES)).stdout.trim().split('\n')
  const processes = () => Promise.all(SERVICES.map(name => shell(`systemctl show -P MainPID ${name}`)))

  beforeAll(async () => {
    const directory = await temporaryDirectory()
    const letsencrypt = join(directory, 'letsencrypt')
    const write = async (path: string, text: string, mode = 0o644) => {
      const file = join(directory, 'overlay', path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text, { mode })
    }
    await all(certbotIssue(letsencrypt, 'shop', await issue({ names: ['shop.example.com'] })))
    await write('/etc/hosts', '127.0.0.1 localhost\n')
    await write('/etc/certferry/config.toml', CONFIG)
    await write('/etc/certferry/second.toml', SECOND)
    await write('/etc/certferry/second.credentials', CREDENTIALS, 0o600)
    await write('/etc/tencentcloud/credentials', CREDENTIALS, 0o600)
    // packed in a moment, it starts the program of this version
    const starter = join(directory, 'starter')
    await writeFile(starter, '#!/bin/sh\nexec /srv/release/certferry "$@"\n', { mode: 0o755 })
    const file = join(directory, 'overlay/srv/next.rpm')
    await mkdir(dirname(file))
    await writeRpmPackage({ version: '999', executable: starter, terms: '', file, architecture: 'x86_64' })
    const binds = [`--bind=${letsencrypt}:/etc/letsencrypt`, `--bind-ro=${await release()}:/srv/release`]
    container = await bootContainer({ directory, overlay: join(directory, 'overlay'), binds })
    await shell('systemd-run --unit=emulator /srv/release/certferry emulator --port 8181')
    await eventually('the emulator', async () => /^http/m.test(await shell('journalctl -u emulator -o cat')))
  }, 900_000)

  afterAll(() => container?.close())

  test('installed, it starts nothing, and each service runs once it is started', async () => {
    const file = (await made()).split('/').at(-1)
    expect(await shell(`rpm -i --nodeps /srv/release/${file}`)).toContain('Next')
    expect(await states()).toEqual(['inactive', 'inactive'])
    await shell(`systemctl enable --now ${SERVICES.join(' ')}`)
    await eventually('both services', async () => (await states()).every(state => state === 'active'))
    await shell('certferry install-hook certbot')
    await shell(`test -x ${HOOK}`)
  })

  test('an upgrade restarts what runs and asks nothing about what the administrator wrote', async () => {
    const before = await processes()
    await shell('rpm -U --nodeps /srv/next.rpm')
    expect(await shell('certferry --version && rpm -q certferry')).toContain('certferry-999-1')
    const now = await processes()
    for (const [i, process] of now.entries()) expect(process, SERVICES[i]).not.toBe(before[i])
    await eventually('both services', async () => (await states()).every(state => state === 'active'))
    expect(await shell('cat /etc/certferry/config.toml; ls /etc/certferry')).toBe(
      `${CONFIG}config.toml\nsecond.credentials\nsecond.toml\n`,
    )
  })

  test('erased, it stops every service and takes its hook and links away; the rest is the administrator’s', async () => {
    await shell('rpm -e certferry')
    expect(await states()).toEqual(['inactive', 'inactive'])
    const found = await shell(
      `ls ${dirname(HOOK)}; find /etc/systemd/system -name 'certferry*'; ls /etc/certferry`,
    )
    expect(found).toBe('config.toml\nsecond.credentials\nsecond.toml\n')
  })
})
