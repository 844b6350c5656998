import { spawnSync } from 'node:child_process'
import { execPath } from 'node:process'
import { describe, expect, test } from 'vitest'
import { fileSystemWithoutEvents, silentName } from '../../src/files/fileSystem.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

test('a missing path and /proc have no file system that must be polled', async () => {
  expect(await fileSystemWithoutEvents('/nowhere/at/all')).toBeUndefined()
  expect(await fileSystemWithoutEvents('/proc')).toBeUndefined()
})

// as linux/magic.h and coreutils' stat.c have them
test.each([
  ['NFS', 0x6969],
  ['CIFS', 0xff534d42],
  ['FUSE', 0x65735546],
  ['overlay', 0x794c7630],
  ['AFS', 0x5346414f],
  ['AFS', 0x6b414653],
  ['vboxsf', 0x786f4256],
  [undefined, 0xef53], // ext4
  [undefined, 0x58465342], // XFS
  [undefined, 0x9123683e], // btrfs
  [undefined, 0x2fc12fc1], // ZFS
  [undefined, 0x01021994], // tmpfs
])('of file systems without events the name is known: %s', (name, type) => {
  expect(silentName(type)).toBe(name)
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
  test('an overlay is polled, and a tmpfs is not', async () => {
    const asked = `
      const { fileSystemWithoutEvents } = await import('${import.meta.dirname}/../../src/files/fileSystem.ts')
      console.log(await fileSystemWithoutEvents('.'), await fileSystemWithoutEvents('merged'))`
    const script = `${OVERLAY}\n"${execPath}" --input-type=module -e "$ASKED"`
    const { stdout, stderr } = unshared(
      `cd "$PWD"\nASKED=$(cat <<'JS'\n${asked}\nJS\n)\n${script}`,
      await temporaryDirectory(),
    )
    expect([stdout, stderr]).toEqual(['undefined overlay\n', ''])
  })

  test('a mount in a watched folder changes its identity, and is polled where it has no events', async () => {
    const asked = `
      const { execFileSync } = await import('node:child_process')
      const src = '${import.meta.dirname}/../../src'
      const { directoryIdentity } = await import(src + '/sources/watchScope.ts')
      const { silentAmong } = await import(src + '/files/fileSystem.ts')
      const folders = [process.cwd() + '/live']
      const identities = []
      const record = async () => identities.push(await directoryIdentity({ folders }))
      await record()
      execFileSync('mount', ['-t', 'tmpfs', 'none', 'live/a b.example'])
      await record()
      execFileSync('mount', ['-t', 'tmpfs', 'none', 'live/a b.example'])
      await record()
      execFileSync('mount', ['-t', 'tmpfs', 'none', 'elsewhere'])
      await record()
      execFileSync('umount', ['live/a b.example'])
      await record()
      console.log(identities.map(one => identities.indexOf(one)).join(), await silentAmong(folders))
      execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', 'lowerdir=lower,upperdir=upper,workdir=work', 'live/a b.example'])
      console.log(await silentAmong(folders))`
    const script = `mount -t tmpfs none .\ncd "$PWD"\nmkdir -p 'live/a b.example' elsewhere lower upper work\n"${execPath}" --input-type=module -e "$ASKED"`
    const { stdout, stderr } = unshared(
      `ASKED=$(cat <<'JS'\n${asked}\nJS\n)\n${script}`,
      await temporaryDirectory(),
    )
    expect([stdout, stderr]).toEqual(['0,1,2,2,1 undefined\noverlay\n', ''])
  })
})
