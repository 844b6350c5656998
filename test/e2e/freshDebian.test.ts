/** The README's five minutes on a fresh Debian without Node, word for word; then upgrade, removal and purge of the package. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stderr } from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { eventually } from './container.ts'
import { type Debian, ENDPOINT, startDebian, whyNoDebian } from './debianFixture.ts'
import { REPOSITORY } from './systemdFixture.ts'

const why = await whyNoDebian()
if (why) stderr.write(`debian: the package is not tried on a fresh Debian, ${why}\n`)

const MINUTE = 60_000
const SLOW = 15 * MINUTE

/** The one block of commands below this heading of the README. */
async function steps(): Promise<readonly string[]> {
  const readme = await readFile(join(REPOSITORY, 'README.md'), 'utf8')
  const block = /^## Five minutes$.*?^```sh\n(.*?)^```$/ms.exec(readme)?.[1]
  return block?.trim().split('\n') ?? []
}

/** The service has another address here. */
const here = (line: string) => line.replace('certferry setup', `certferry setup --endpoint ${ENDPOINT}`)

const idsIn = (text: string) => [...text.matchAll(/uploaded as (\w+)/g)].map(([, id]) => id)

describe.skipIf(why)('on a fresh Debian 12 with certbot and no Node', () => {
  let debian: Debian
  let id = ''

  const uploads = async () =>
    (await debian.requests()).filter(line => line.includes('UploadCertificate  OK')).length
  const output = async (line: string) => (await debian.shell(line)).stdout
  const journal = () => output('journalctl -u certferry -o cat --no-pager')
  /** @throws with the output where the command fails. */
  const must = async (line: string) => {
    const { code, stdout, stderr } = await debian.shell(line)
    if (code !== 0) throw new Error(`${line}: exit ${code}\n${stdout}${stderr}`)
    return stdout
  }

  beforeAll(async () => {
    debian = await startDebian(await temporaryDirectory())
    expect((await debian.shell('command -v node || command -v nodejs')).stdout).toBe('')
  }, SLOW)

  afterAll(() => debian?.close())

  test(
    'the steps of the README lead to the ID of the renewed certificate in less than a minute',
    async () => {
      const since = Date.now()
      const lines = await steps()
      expect(lines.join('\n')).toMatch(/apt install .*setup --yes.*certbot renew/s)
      for (const line of lines) await must(here(line))
      await eventually('two uploads', async () => idsIn(await journal()).length === 2)
      const took = Date.now() - since
      stderr.write(`  debian: from apt install to the ID of the renewal: ${(took / 1000).toFixed(1)} s\n`)
      expect(took).toBeLessThan(MINUTE)
      id = idsIn(await journal()).at(-1) ?? ''
      expect(await output('certferry status')).toContain(id)
      expect(await uploads()).toBe(2)
      expect((await debian.shell('certferry check')).code).toBe(0)
    },
    2 * MINUTE,
  )

  test(
    'an upgrade keeps receipts and configuration, restarts the daemon, and uploads nothing',
    async () => {
      await must("sed -i '1i # ours' /etc/certferry/config.toml")
      const before = await output('systemctl show -P MainPID certferry')
      await must('apt install ./certferry_999_amd64.deb')
      await eventually('a new daemon', async () => {
        const now = await output('systemctl show -P MainPID certferry')
        return now !== before && now.trim() !== '0'
      })
      expect(await output('head -n 1 /etc/certferry/config.toml')).toBe('# ours\n')
      expect(await output('certferry status')).toContain(id)
      await must('certferry sync')
      expect(await uploads()).toBe(2)
    },
    2 * MINUTE,
  )

  test(
    'a removal stops the daemon and removes its hook; receipts and configuration stay for the next installation',
    async () => {
      await must('certferry install-hook certbot')
      await must('apt remove --yes certferry')
      expect(await output('systemctl is-active certferry')).toBe('inactive\n')
      expect(await output('ls /etc/letsencrypt/renewal-hooks/deploy')).toBe('')
      await must('certbot renew')
      expect(await output('head -n 1 /etc/certferry/config.toml')).toBe('# ours\n')
      await must('apt install ./certferry_999_amd64.deb')
      expect(await output('certferry status')).toContain(id)
      await must('systemctl start certferry')
      await eventually('a third upload', async () => (await uploads()) === 3)
    },
    2 * MINUTE,
  )

  test(
    'a purge leaves the API key and nothing else',
    async () => {
      await must('apt purge --yes certferry')
      const left = await output(
        'find /etc /var /usr /lib /run /root -xdev -iname "*certferry*" -not -path "/var/lib/dpkg/*" -not -path "/var/log/*" -not -path "/var/cache/*"',
      )
      expect(left).toBe('')
      expect(await output('ls -A /etc/tencentcloud')).toBe('credentials\n')
      expect((await debian.shell('systemctl cat certferry')).code).not.toBe(0)
    },
    MINUTE,
  )
})
