import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { env } from 'node:process'
import { expect, onTestFinished, test } from 'vitest'
import { systemctlOf } from '../../src/edge/systemctl.ts'
import { temporaryDirectory } from '../support/temporary.ts'

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
