import { spawnSync } from 'node:child_process'
import { execPath } from 'node:process'
import { describe, expect, test } from 'vitest'
import { silentFileSystem } from '../../src/edge/filesystem.ts'
import { temporaryDirectory } from '../support/temporary.ts'

test('of a place that is not there nothing bad is thought', async () => {
  expect(await silentFileSystem('/nowhere/at/all')).toBeUndefined()
  expect(await silentFileSystem('/proc')).toBeUndefined()
})

/** Mounts in a namespace of its own; nothing of it is seen outside. */
const unshared = (script: string, cwd: string) =>
  spawnSync('unshare', ['-U', '-r', '-m', 'sh', '-ec', script], { cwd, encoding: 'utf8' })

const OVERLAY = [
  'mount -t tmpfs none .',
  'mkdir lower upper work merged',
  'mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged',
].join('\n')

const allowed = unshared(OVERLAY, await temporaryDirectory()).status === 0

describe.skipIf(!allowed)('in a mount namespace (skipped where unshare may not mount)', () => {
  test('an overlay is known for what it is, and a tmpfs is not taken for one', async () => {
    const asked = `
      const { silentFileSystem } = await import('${import.meta.dirname}/../../src/edge/filesystem.ts')
      console.log(await silentFileSystem('.'), await silentFileSystem('merged'))`
    const script = `${OVERLAY}\n"${execPath}" --input-type=module -e "$ASKED"`
    const { stdout, stderr } = unshared(
      `cd "$PWD"\nASKED=$(cat <<'JS'\n${asked}\nJS\n)\n${script}`,
      await temporaryDirectory(),
    )
    expect([stdout, stderr]).toEqual(['undefined overlay\n', ''])
  })
})
