/** A newcomer's day on a fresh Debian: from the signed apt repository to a renewal that is live, seen by openssl and in a browser; upgrade and removal. */
import { spawnSync } from 'node:child_process'
import { appendFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath, stderr } from 'node:process'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { launchBrowser, whyNoBrowser } from './browser.ts'
import { run, SYSTEM_PATH } from './child.ts'
import { eventually } from './container.ts'
import { type Debian, DOMAIN, ENDPOINT, startDebian, version, whyNoDebian } from './debianFixture.ts'

const signing = ['apt-ftparchive', 'gpg'].map(tool => spawnSync(tool, ['--version']).status === 0)
const whyNoSigning = signing.includes(false) && 'there is no apt-ftparchive or gpg (Debian: apt-utils, gpg)'
const why = (await whyNoDebian()) || whyNoSigning
if (why) stderr.write(`newcomer: the day is not tried on a fresh Debian, ${why}\n`)

const whyNoPage = await whyNoBrowser()
if (!why && whyNoPage) stderr.write(`newcomer: the status page is not looked at, ${whyNoPage}\n`)

const MINUTE = 60_000
const SLOW = 15 * MINUTE

const PAGE = 'http://127.0.0.1:9809/'

/** What an administrator of a public authority and of addresses that DNS knows need not write: the last table. */
const config = (edge: string) => `[http]
listen = "127.0.0.1:9809"

[deploy]
allow_untrusted = true
verify = ["${DOMAIN}@${edge}"]
`

describe.skipIf(why)("a newcomer's day on a fresh Debian 12", () => {
  let debian: Debian
  let gnupg: string
  let folder: string
  let id = ''

  const host = (file: string, ...words: readonly string[]) =>
    run(file, words, { PATH: SYSTEM_PATH, GNUPGHOME: gnupg, LC_ALL: 'C.UTF-8' })

  /** `npm run apt-repository` with this version. */
  const publish = async (one: string, key = 'archive@localhost') => {
    const { served, packages } = debian
    const file = join(packages, `certferry_${one}_amd64.deb`)
    const words = ['--key', key, '--url', served.url, '--folder', folder, file]
    expect(await host(execPath, 'packaging/aptRepository.ts', ...words)).toMatchObject({
      code: 0,
      stderr: '',
    })
  }

  const journal = () => debian.must('journalctl -u certferry -o cat --no-pager')
  const said = (words: RegExp) =>
    eventually(`${words} in the journal`, async () => words.exec(await journal())?.[1])
  const onDisk = () =>
    debian.must(`openssl x509 -noout -fingerprint -sha256 -in /etc/letsencrypt/live/${DOMAIN}/cert.pem`)
  const served = () =>
    debian.must(
      `openssl s_client -connect ${debian.edge} -servername ${DOMAIN} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256`,
    )

  beforeAll(async () => {
    debian = await startDebian(await temporaryDirectory())
    gnupg = await temporaryDirectory()
    folder = debian.served.folder
    for (const name of ['archive@localhost', 'other@localhost']) {
      const words = ['--quick-generate-key', name, 'ed25519', 'sign', 'never']
      const made = await host('gpg', '--batch', '--passphrase', '', ...words)
      expect(made.code, made.stderr).toBe(0)
    }
    // there is no other network
    await debian.must('rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*')
  }, SLOW)

  afterAll(async () => {
    await host('gpgconf', '--kill', 'all')
    await debian?.close()
  })

  test(
    'installed from the apt repository and set up, the service uploads a renewal and puts it live',
    async () => {
      const since = Date.now()
      await publish(await version())
      const to = '/etc/apt/sources.list.d/certferry.sources'
      await debian.must(`/usr/lib/apt/apt-helper download-file ${debian.served.url}/certferry.sources ${to}`)
      await debian.must('apt-get update --error-on=any && apt install certferry')
      await debian.must(
        `mkdir -p /etc/certferry && echo '${config(debian.edge)}' > /etc/certferry/config.toml`,
      )
      await debian.must(`certferry setup --yes --replace --endpoint ${ENDPOINT} --credentials-file key.ini`)
      const first = await said(/uploaded as (\w+) \(first-seen/)
      expect(await served()).toBe(await onDisk())

      await debian.must('certbot renew')
      expect(await served()).not.toBe(await onDisk())
      id = await said(/uploaded as (\w+) \(changed/)
      await said(new RegExp(`(putting ${id} in place of ${first})`))
      await said(new RegExp(`(${id} is in place of ${first} on 1 resource)`))
      await said(new RegExp(`(${id} is served at 1 address)`))
      expect(await served()).toBe(await onDisk())
      expect(await debian.must('certferry status')).toMatch(
        new RegExp(`^certbot:${DOMAIN} +ok +9 +${id} +ok `, 'm'),
      )
      stderr.write(`  debian: from the repository to live: ${((Date.now() - since) / 1000).toFixed(1)} s\n`)
    },
    5 * MINUTE,
  )

  test.skipIf(whyNoPage)(
    'the status page in a browser shows the certificate, its ID, and that it is in place',
    async () => {
      const browser = await launchBrowser(debian.network)
      onTestFinished(() => browser.close())
      const page = await browser.newPage()
      await page.goto(PAGE)
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('1 certificate, all is well')
      const row = page.getByRole('row').filter({ hasText: DOMAIN }).first()
      const cells = await row.getByRole('cell').allTextContents()
      expect(cells).toEqual([
        'ok',
        expect.stringMatching(/^9 days/),
        expect.stringMatching(/^ok/),
        expect.stringContaining(id),
      ])
      expect(await page.getByText(`${DOMAIN} at ${debian.edge}: serves it`).count()).toBe(1)
    },
  )

  test(
    'an upgrade asks nothing, and the service is well after it; a removal leaves no service and no hook',
    async () => {
      await debian.must('certferry install-hook certbot')
      await publish('999')
      expect(await debian.must('apt-get update --error-on=any && apt upgrade --yes')).toContain(
        'certferry (999)',
      )
      await debian.must('certferry check')
      await debian.must('apt remove --yes certferry')
      expect((await debian.shell('systemctl is-active certferry')).stdout).toBe('inactive\n')
      const left = 'find /etc /usr /lib -xdev -iname "*certferry*"'
      expect((await debian.must(left)).split('\n').filter(Boolean).sort()).toEqual([
        '/etc/apt/sources.list.d/certferry.sources',
        '/etc/certferry',
      ])
      await debian.must('apt install certferry && apt purge --yes certferry')
    },
    3 * MINUTE,
  )

  test(
    'what was changed on the way is refused: a list, a signature of another key, a package',
    async () => {
      const list = join(folder, 'dists/stable/main/binary-amd64/Packages')
      const refused = async (line: string, words: RegExp) => {
        const { code, stdout, stderr } = await debian.shell(line)
        expect([code, stdout + stderr]).toEqual([100, expect.stringMatching(words)])
      }
      const anew = 'rm -rf /var/lib/apt/lists/* && apt-get update --error-on=any'
      await rm(`${list}.gz`)
      await appendFile(list, '\n')
      await refused(anew, /unexpected size|Hash Sum mismatch/)
      await publish('999', 'other@localhost')
      await refused(anew, /NO_PUBKEY/)
      await publish('999')
      await debian.must(`${anew} && apt-get clean`)
      await appendFile(join(folder, 'pool/main/c/certferry/certferry_999_amd64.deb'), 'x')
      await refused('apt install certferry', /unexpected size|Hash Sum mismatch/)
    },
    2 * MINUTE,
  )
})
