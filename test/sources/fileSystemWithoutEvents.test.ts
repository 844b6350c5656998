import { spawnSync } from 'node:child_process'
import { execPath } from 'node:process'
import { describe, expect, test } from 'vitest'
import { fileSystemWithoutEvents, silentName } from '../../src/files/fileSystem.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

test('of a place that is not there nothing bad is thought', async () => {
  expect(await fileSystemWithoutEvents('/nowhere/at/all')).toBeUndefined()
  expect(await fileSystemWithoutEvents('/proc')).toBeUndefined()
})

// as linux/magic.h and coreutils' stat.c have them
test.each([
  ['NFS', 0x6969],
  ['CIFS', 0xff534d42],
  ['FUSE', 0x65735546],
  ['overlay', 0x794c7630],
  ['CephFS', 0x00c36400],
  ['Lustre', 0x0bd00bd0],
  ['AFS', 0x5346414f],
  ['AFS', 0x6b414653],
  ['OCFS2', 0x7461636f],
  ['GFS2', 0x01161970],
  ['GPFS', 0x47504653],
  ['vboxsf', 0x786f4256],
  ['vmhgfs', 0xbacbacbc],
])('%s is polled', (name, type) => {
  expect(silentName(type)).toBe(name)
})

test.each([
  ['ext4', 0xef53],
  ['XFS', 0x58465342],
  ['btrfs', 0x9123683e],
  ['ZFS', 0x2fc12fc1],
  ['tmpfs', 0x01021994],
  ['F2FS', 0xf2f52010],
])('%s tells of its changes', (_, type) => {
  expect(silentName(type)).toBeUndefined()
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
      const { fileSystemWithoutEvents } = await import('${import.meta.dirname}/../../src/files/fileSystem.ts')
      console.log(await fileSystemWithoutEvents('.'), await fileSystemWithoutEvents('merged'))`
    const script = `${OVERLAY}\n"${execPath}" --input-type=module -e "$ASKED"`
    const { stdout, stderr } = unshared(
      `cd "$PWD"\nASKED=$(cat <<'JS'\n${asked}\nJS\n)\n${script}`,
      await temporaryDirectory(),
    )
    expect([stdout, stderr]).toEqual(['undefined overlay\n', ''])
  })

  test('what is mounted in a folder makes it another one, and is polled where it is silent', async () => {
    const asked = `
      const { execFileSync } = await import('node:child_process')
      const src = '${import.meta.dirname}/../../src'
      const { directoryIdentity } = await import(src + '/sources/watchScope.ts')
      const { silentAmong } = await import(src + '/files/fileSystem.ts')
      const folders = [process.cwd() + '/live']
      const told = []
      const tell = async () => told.push(await directoryIdentity({ folders }))
      await tell()
      execFileSync('mount', ['-t', 'tmpfs', 'none', 'live/a b.example'])
      await tell()
      execFileSync('mount', ['-t', 'tmpfs', 'none', 'live/a b.example'])
      await tell()
      execFileSync('mount', ['-t', 'tmpfs', 'none', 'elsewhere'])
      await tell()
      execFileSync('umount', ['live/a b.example'])
      await tell()
      console.log(told.map(one => told.indexOf(one)).join(), await silentAmong(folders))
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
