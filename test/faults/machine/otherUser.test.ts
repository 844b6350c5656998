/** The state directory, the database or a process that calls itself the daemon belongs to another user. */
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { describe, expect, test } from 'vitest'
import { isRoot } from '../../fixtures/asNobody.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { openMachine, openResults } from './fixture.ts'
import { PROGRAM, run, start } from './process.ts'

const NOBODY = 65_534

/** A service that reads root's keys, as systemd starts it: without root's other rights. */
const AS_SERVICE = [
  'setpriv',
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  '--clear-groups',
  '--inh-caps=+dac_read_search',
  '--ambient-caps=+dac_read_search',
]

// only root can be another user
describe.skipIf(!isRoot)('another user', () => {
  test('nothing is lost where the state belongs to another user, and exit 0 means done', async () => {
    const { root, open } = await openMachine()
    await chmod(root, 0o755)
    const results = openResults('State directory or database of another user', 'chown, setpriv')

    const ofRoot = await open()
    const refused = await ofRoot.run('sync', AS_SERVICE)
    expect(refused.code).toBe(74)
    await results.repair("root's directory, a service", ofRoot, 'sync', refused)

    const ofService = await open({ owner: NOBODY })
    const uploaded = await ofService.run('sync')
    expect(uploaded.code).toBe(0)
    await results.repair("a service's directory, root", ofService, 'sync', uploaded)

    const mixed = await open({ owner: NOBODY })
    await chown(join(mixed.stateDir, 'state.db'), 0, 0)
    const ended = await mixed.run('sync', AS_SERVICE)
    await results.repair("a service's directory, the database root's", mixed, 'sync', ended)
    results.report()
  })

  test('check takes a process of root for the daemon, and not one of another user', async () => {
    const env = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', TZ: 'UTC' }
    const folder = await temporaryDirectory()
    await mkdir(join(folder, 'le', 'live'), { recursive: true })
    const check = async () => {
      const words = ['--source', `certbot=${join(folder, 'le')}`, '--state-dir', join(folder, 'state')]
      const { stdout } = await run(
        [...PROGRAM, 'check', '--json', '--endpoint', 'http://127.0.0.1:1', ...words],
        env,
      )
      const { findings } = JSON.parse(stdout) as {
        findings: ReadonlyArray<{ about: string; says: string }>
      }
      return findings
        .filter(({ about }) => about === 'daemon')
        .map(({ says }) => says)
        .join()
    }
    const script = join(folder, 'certferry')
    await writeFile(script, "console.log('up'); setInterval(() => {}, 1e6)")
    await chmod(folder, 0o755)
    const startAs = async (prefix: readonly string[]) => {
      const { child, output } = start([...prefix, execPath, script, 'watch'], env)
      await expect.poll(output, { timeout: 40_000 }).toContain('up')
      return child
    }
    const running = ({ pid }: { readonly pid?: number | undefined }) =>
      new RegExp(`^running as process .*\\b${pid}\\b`)
    // setpriv becomes the program itself, so that the process id stays; other daemons may run on this machine
    const other = await startAs(['setpriv', `--reuid=${NOBODY}`])
    expect(await check()).not.toMatch(running(other))
    const own = await startAs([])
    const message = await check()
    expect(message).toMatch(running(own))
    expect(message).not.toMatch(running(other))
    for (const child of [other, own]) child.kill('SIGKILL')
  })
})
