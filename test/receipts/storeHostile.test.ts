/** Other users of the machine who can write where the state is, and what root does for them: nothing. */
import { chmod, chown, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isRoot } from '../fixtures/asNobody.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { FILES, LINEAGE, readyStage, stage, uploadedAs } from './stateDirectory.ts'

/** Debian's nobody. */
const NOBODY = 65_534

describe('a state directory', () => {
  test.each(['777', '1777', '702'])(
    'that every user may write (%s) is refused before anything is read or written there',
    async mode => {
      const { dir, receipts } = await stage()
      await mkdir(dir, { recursive: true })
      await chmod(dir, Number.parseInt(mode, 8))
      const refused = {
        code: 'STATE_DIR_UNUSABLE',
        exit: 74,
        message: `the state directory ${dir} may be written by every user of this machine`,
        advice: expect.stringContaining(`chmod o-w ${dir}`),
      }
      await expect(receipts.prepare()).rejects.toMatchObject(refused)
      await expect(receipts.recall(LINEAGE)).rejects.toMatchObject(refused)
      await expect(receipts.record(LINEAGE, uploadedAs('id'))).rejects.toMatchObject(refused)
      expect(await readdir(dir)).toEqual([])
    },
  )

  test('that a group shares, or that a link leads to as systemd makes it, is as good as any', async () => {
    const { dir } = await readyStage()
    await chmod(dir, 0o770)
    await symlink(dir, `${dir}-link`)
    const { receipts } = await stage(`${dir}-link`)
    await receipts.prepare()
    await receipts.record(LINEAGE, uploadedAs('id'))
    expect((await readdir(dir)).sort()).toEqual(FILES)
  })

  test('that another one takes the place of gets what is recorded from then on, and the old one nothing', async () => {
    const { dir, receipts } = await readyStage()
    await receipts.record(LINEAGE, uploadedAs('id'))
    const before = await readFile(join(dir, 'state.db'))
    await rename(dir, `${dir}-moved`)
    await mkdir(dir, { mode: 0o700 })
    await receipts.record('pem:next', uploadedAs('next'))
    expect((await readFile(join(`${dir}-moved`, 'state.db'))).equals(before)).toBe(true)
    expect((await receipts.all()).map(({ lineage }) => lineage)).toEqual(['pem:next'])
  })
})

test.skipIf(!isRoot)("what root records in a service's directory belongs to the service", async () => {
  const { dir, receipts } = await stage()
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await chown(dir, NOBODY, NOBODY)
  await receipts.prepare()
  await receipts.record(LINEAGE, uploadedAs('id'))
  for (const name of FILES) {
    const { uid, gid, mode } = await stat(join(dir, name))
    expect([name, uid, gid, mode & 0o777]).toEqual([name, NOBODY, NOBODY, 0o600])
  }
})

test.skipIf(!isRoot)("a link of the service's user does not lead root to a file of its own", async () => {
  const folder = await temporaryDirectory()
  const victim = join(folder, 'victim')
  await writeFile(victim, '')
  const dir = join(folder, 'state')
  await mkdir(dir, { mode: 0o700 })
  await symlink(victim, join(dir, 'state.db'))
  await symlink(victim, join(dir, 'state.db-journal'))
  await chown(dir, NOBODY, NOBODY)
  const { receipts } = await stage(dir)
  await receipts.prepare()
  await receipts.record(LINEAGE, uploadedAs('id'))
  expect(await readFile(victim, 'utf8')).toBe('')
  expect((await stat(victim)).uid).toBe(0)
})
