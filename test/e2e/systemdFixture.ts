/** A machine with a real systemd, on which certferry is installed and an emulator answers; and what tests ask of it. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { stderr } from 'node:process'
import { issue } from '../fixtures/certificates.ts'
import { all, certbotIssue } from '../fixtures/producers.ts'
import { bootContainer, type Container, eventually, whyNoContainer } from './container.ts'
import { furnish, REPOSITORY } from './systemdFiles.ts'

export interface Stage extends Container {
  /** What is /etc/letsencrypt in there, with one certificate, `first`. */
  readonly letsencrypt: string
  readonly issue: (name: string) => Promise<void>
  readonly write: (path: string, text: string) => Promise<void>
  /** @throws with the journal where systemctl fails. */
  readonly systemctl: (...words: readonly string[]) => Promise<void>
  /** Properties of a unit, as `systemctl show` has them. */
  readonly show: (unit: string) => Promise<Readonly<Record<string, string>>>
  readonly journal: (unit: string) => Promise<string>
  /** Resolves when so many certificates have been uploaded, in all. @throws when there are more. */
  readonly uploaded: (count: number) => Promise<void>
}

/** Why the units cannot be tried here. Said aloud, for a skipped test is easily taken for a passed one. */
export const why = await whyNoContainer()
if (why) stderr.write(`systemd: the units are not tried on a real systemd, ${why}\n`)

/** Printed, for the figures in the documentation are read off here. */
export const report = (what: string, since: number) =>
  stderr.write(`  systemd: ${what} after ${((Date.now() - since) / 1000).toFixed(2)} s\n`)

export async function openStage(directory: string): Promise<Stage> {
  const since = Date.now()
  const overlay = join(directory, 'overlay')
  const letsencrypt = join(directory, 'letsencrypt')
  await furnish(overlay)
  await mkdir(letsencrypt, { mode: 0o700 })
  const program = ['dist', 'node_modules', 'package.json'].map(
    name => `--bind-ro=${REPOSITORY}${name}:/opt/certferry/${name}`,
  )
  const binds = [`--bind=${letsencrypt}:/etc/letsencrypt`, ...program]
  const stage = { ...drive(await bootContainer({ directory, overlay, binds }), letsencrypt), letsencrypt }
  report('the machine was up', since)
  // this machine's own, seen through the overlay: systemd could not move it aside there
  await stage.run('rm', '-rf', '/var/lib/certferry')
  await stage.issue('first')
  await stage.run('systemd-run', '--unit=emulator', 'certferry', 'emulator', '--port', '8181')
  await eventually('the emulator', async () => /^http/m.test(await stage.journal('emulator')))
  return stage
}

function drive(container: Container, letsencrypt: string): Omit<Stage, 'letsencrypt'> {
  const { run } = container
  const journal = async (unit: string) =>
    (await run('journalctl', '--unit', unit, '--output', 'cat', '--no-pager')).stdout
  const uploads = async () => (await journal('emulator')).split('UploadCertificate  OK').length - 1
  return {
    ...container,
    journal,
    issue: async name =>
      all(certbotIssue(letsencrypt, name, await issue({ names: [`${name}.example.com`] }))),
    write: async (path, text) => {
      await run('sh', '-c', 'printf %s "$2" > "$1"', 'write', path, text)
    },
    systemctl: async (...words) => {
      const { code, stderr } = await run('systemctl', ...words)
      if (code === 0) return
      const all = await run('journalctl', '--lines', '50', '--output', 'cat', '--no-pager')
      throw new Error(`systemctl ${words.join(' ')}: exit ${code}\n${stderr}${all.stdout}`)
    },
    show: async unit => {
      const lines = (await run('systemctl', 'show', unit)).stdout.split('\n')
      return Object.fromEntries(lines.map(line => /^(\w+)=(.*)$/.exec(line)?.slice(1) ?? []))
    },
    uploaded: async count => {
      await eventually(`${count} uploads`, async () => (await uploads()) >= count)
      if ((await uploads()) > count)
        throw new Error(`more than ${count} uploads:\n${await journal('emulator')}`)
    },
  }
}
