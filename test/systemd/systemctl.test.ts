import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { env, execPath, getuid, kill, pid } from 'node:process'
import { describe, expect, onTestFinished, test } from 'vitest'
import { processes, systemctlOf } from '../../src/systemd/systemctl.ts'
import { isRoot } from '../fixtures/asNobody.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

/** Runs this script as systemctl. */
async function systemctlScript(script = 'echo "$@"; env') {
  const folder = await temporaryDirectory()
  await writeFile(join(folder, 'systemctl'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return systemctlOf(folder, `${folder}:/usr/bin:/bin`)
}

test('systemctl gets its arguments and nothing of the environment, which may hold a key of the account', async () => {
  env.TENCENTCLOUD_SECRET_KEY = 'hush'
  onTestFinished(() => void delete env.TENCENTCLOUD_SECRET_KEY)
  const reply = await (await systemctlScript())('show', 'certferry')
  expect(reply).toMatchObject({ code: 0, stdout: expect.stringMatching(/^show certferry\n/) })
  expect(reply?.stdout).not.toMatch(/TENCENTCLOUD|hush|^HOME=/m)
})

test('systemctl: exit code and standard error are returned', async () => {
  const systemctl = await systemctlScript('echo no such unit >&2; exit 4')
  expect(await systemctl('start', 'certferry')).toEqual({ code: 4, stdout: '', stderr: 'no such unit\n' })
})

test('systemctl: undefined if systemd did not start the machine or there is no systemctl', async () => {
  const folder = await temporaryDirectory()
  expect(await systemctlOf(join(folder, 'none'), '/usr/bin')('show', 'certferry')).toBeUndefined()
  expect(await systemctlOf(folder, folder)('show', 'certferry')).toBeUndefined()
})

describe('processes of this machine', () => {
  test('this process is found with its arguments and its user', async () => {
    const me = (await processes()).find(process => process.pid === pid)
    expect(me?.uid).toBe(getuid?.())
    expect(me?.words.length).toBeGreaterThan(0)
  })

  test.skipIf(!isRoot)('a process belongs to the user that started it, until it is stopped', async () => {
    const child = spawn(
      execPath,
      ['-e', "console.log('up'); setInterval(() => {}, 1e6)", 'certferry', 'watch'],
      {
        uid: 65_534,
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    const find = async () => (await processes()).find(process => process.pid === child.pid)
    expect(await find()).toMatchObject({ uid: 65_534 })
    kill(child.pid ?? 0, 'SIGSTOP')
    await expect.poll(find).toBeUndefined()
  })
})
