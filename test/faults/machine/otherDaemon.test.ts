/** `check` beside a process of another user that calls itself the daemon. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { expect, test } from 'vitest'
import { isRoot } from '../../fixtures/asNobody.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { ended, PROGRAM, start } from './child.ts'

const ENV = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', TZ: 'UTC' }

const UP = "console.log('up'); setInterval(() => {}, 1e6)"

test.skipIf(!isRoot)('check believes the process of root, and not that of another user', async () => {
  const folder = await temporaryDirectory()
  await mkdir(join(folder, 'le', 'live'), { recursive: true })
  const places = ['--source', `certbot=${join(folder, 'le')}`, '--state-dir', join(folder, 'state')]
  const check = async () => {
    const words = [...PROGRAM, 'check', '--json', '--endpoint', 'http://127.0.0.1:1', ...places]
    const { stdout } = await ended(words, ENV)
    const { findings } = JSON.parse(stdout) as { findings: ReadonlyArray<{ about: string; says: string }> }
    return findings.filter(({ about }) => about === 'daemon').map(({ says }) => says)
  }
  const daemon = async (words: readonly string[]) => {
    const started = start(words, ENV)
    await expect.poll(started.said, { timeout: 40_000 }).toContain('up')
    return started.child
  }
  // setpriv becomes the program itself, so that the process id stays
  const other = await daemon(['setpriv', '--reuid=65534', execPath, '-e', UP, 'certferry', 'watch'])
  const running = ({ pid }: { readonly pid?: number | undefined }) =>
    new RegExp(`^running as process .*\\b${pid}\\b`)
  // other daemons may run on this machine
  expect((await check()).join()).not.toMatch(running(other))
  const own = await daemon([execPath, '-e', UP, 'certferry', 'watch'])
  const says = (await check()).join()
  expect(says).toMatch(running(own))
  expect(says).not.toMatch(running(other))
  for (const child of [other, own]) child.kill('SIGKILL')
})
