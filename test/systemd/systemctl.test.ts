import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { env, execPath, getuid, kill, pid } from 'node:process'
import { describe, expect, onTestFinished, test } from 'vitest'
import { processes, systemctlOf } from '../../src/systemd/systemctl.ts'
import { isRoot } from '../fixtures/asNobody.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

/** A machine whose systemctl says what it was given, and ends as it is told. */
async function machine(script = 'echo "$@"; env') {
  const folder = await temporaryDirectory()
  await writeFile(join(folder, 'systemctl'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return systemctlOf(folder, `${folder}:/usr/bin:/bin`)
}

test('systemctl gets its words, and nothing of our environment, where a key of the account may stand', async () => {
  env.TENCENTCLOUD_SECRET_KEY = 'hush'
  onTestFinished(() => void delete env.TENCENTCLOUD_SECRET_KEY)
  const said = await (await machine())('show', 'certferry')
  expect(said).toMatchObject({ code: 0, stdout: expect.stringMatching(/^show certferry\n/) })
  expect(said?.stdout).not.toMatch(/TENCENTCLOUD|hush|^HOME=/m)
})

test('how it ended and what it complained of is what is told', async () => {
  const ask = await machine('echo no such unit >&2; exit 4')
  expect(await ask('start', 'certferry')).toEqual({ code: 4, stdout: '', stderr: 'no such unit\n' })
})

test('where systemd did not start the machine, or there is no systemctl, nobody is asked', async () => {
  const folder = await temporaryDirectory()
  expect(await systemctlOf(join(folder, 'none'), '/usr/bin')('show', 'certferry')).toBeUndefined()
  expect(await systemctlOf(folder, folder)('show', 'certferry')).toBeUndefined()
})

describe('the processes of this machine', () => {
  test('are told with their words and their user', async () => {
    const me = (await processes()).find(process => process.pid === pid)
    expect(me?.uid).toBe(getuid?.())
    expect(me?.words.length).toBeGreaterThan(0)
  })

  test.skipIf(!isRoot)(
    "are another user's where that user started them, whatever they are called",
    async () => {
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
      // what is stopped carries nothing
      kill(child.pid ?? 0, 'SIGSTOP')
      await expect.poll(find).toBeUndefined()
    },
  )
})
