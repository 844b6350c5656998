import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { journalAt } from '../../src/systemd/journal.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

async function machineWith(script: string | undefined) {
  const folder = await temporaryDirectory()
  const at = (name: string) => join(folder, name)
  await writeFile(at('socket'), '')
  if (script !== undefined) {
    await writeFile(at('systemd-cat'), `#!/bin/sh\n${script}\n`)
    await chmod(at('systemd-cat'), 0o755)
  }
  return { at, write: journalAt(at('socket'), `${folder}:/usr/bin:/bin`) }
}

test('lines are given to systemd-cat with the identifier of the service, and no other environment', async () => {
  const { at, write } = await machineWith(`{ echo "$@"; cat; env; } > "$(dirname "$0")/told"`)
  await write('<6>one\n<3>two\n')
  const told = await readFile(at('told'), 'utf8')
  expect(told).toMatch(/^-t certferry --level-prefix=true\n<6>one\n<3>two\n/)
  expect(told).not.toMatch(/HOME|TENCENT/)
})

test.each([
  ['that ends before it has read', 'exit 1'],
  ['that is not executable text', 'exec /nonexistent'],
])('a systemd-cat %s is no error', async (_, script) => {
  const { write } = await machineWith(script)
  await expect(write('<6>one\n'.repeat(20_000))).resolves.toBeUndefined()
})

test('without a journal, or with nothing to say, nothing is started', async () => {
  const { at, write } = await machineWith('touch "$(dirname "$0")/told"')
  await journalAt(at('none'), at('.'))('<6>one\n')
  await write('')
  await expect(readFile(at('told'))).rejects.toThrow('ENOENT')
})
