/** Other users of the machine who can write where the receipts are, and what root does for them: nothing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dismiss, draftFor } from '../../src/receipts/exclusion.ts'
import { fileName, openReceiptStore } from '../../src/receipts/store.ts'
import { isRoot } from '../fixtures/asNobody.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { LINEAGE, NOW, readyStage, stage, uploadedAs } from './stateDirectory.ts'

const NOBODY = 65_534
const PRIZE = 'passwd'

/** A folder of root's that must stay as it is. */
async function victim() {
  const folder = join(await temporaryDirectory(), 'etc')
  await mkdir(folder)
  await writeFile(join(folder, PRIZE), 'of root')
  const untouched = async () => {
    expect(await readdir(folder)).toEqual([PRIZE])
    expect(await readFile(join(folder, PRIZE), 'utf8')).toBe('of root')
  }
  return { folder, untouched }
}

describe('a state directory', () => {
  test.each(['777', '1777', '702'])(
    'that every user may write (%s) is refused before anything is read or written there',
    async mode => {
      const { dir, receipts } = await readyStage()
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
    expect(await readdir(dir)).toEqual([fileName(LINEAGE)])
  })
})

describe('a link in the place of', () => {
  test('an abandoned draft is removed itself, and nothing through it', async () => {
    const { dir } = await readyStage()
    const { folder, untouched } = await victim()
    for (const name of ['.a.json.0123456789ab.tmp', '.b.json.lock.tmp'])
      await symlink(folder, join(dir, name))
    // links have times of their own, and these are new: by a clock that is ahead they are old
    await openReceiptStore(dir, expect.unreachable, () => new Date(Date.now() + 7_200_000)).prepare()
    expect(await readdir(dir)).toEqual([])
    await untouched()
  })

  test("another's turn is not followed, whatever name is to be dismissed there", async () => {
    const { dir } = await readyStage()
    const { folder, untouched } = await victim()
    const draft = draftFor({ dir, name: fileName(LINEAGE) })
    await symlink(folder, draft.turn)
    dismiss(draft, PRIZE)
    await untouched()
  })

  test('the whole state directory, put there while something is recorded, gets nothing', async () => {
    const { dir } = await readyStage()
    const { folder, untouched } = await victim()
    const { turn, token } = draftFor({ dir, name: fileName(LINEAGE) })
    await mkdir(turn)
    await writeFile(join(turn, token), 'another’s turn')
    let waits = 0
    const wait = async () => {
      if (waits++) return
      await rename(dir, `${dir}-moved`)
      await symlink(folder, dir)
    }
    const receipts = openReceiptStore(dir, expect.unreachable, () => NOW, wait)
    await receipts.record(LINEAGE, uploadedAs('id'))
    await untouched()
    expect(await readdir(`${dir}-moved`)).toEqual([fileName(LINEAGE)])
  })
})

test.skipIf(!isRoot)(
  'a hostile owner who swaps every folder for a link makes root write, delete and give away nothing elsewhere',
  async () => {
    const { dir } = await readyStage()
    const { folder, untouched } = await victim()
    await chown(dir, NOBODY, NOBODY)
    for (const path of [join(dir, '..'), join(dir, '..', '..'), join(folder, '..')]) await chmod(path, 0o755)
    const { turn } = draftFor({ dir, name: fileName(LINEAGE) })
    const child = spawn(execPath, [fileURLToPath(new URL('olderLock.ts', import.meta.url))], {
      env: { DIR: dir, VICTIM: folder, PRIZE, NOBODY: `${NOBODY}`, TURN: basename(turn) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    // two hours ahead, so that what the neighbour has just made counts as abandoned
    const ahead = () => new Date(Date.now() + 7_200_000)
    const receipts = openReceiptStore(
      dir,
      () => {},
      ahead,
      async () => {},
    )
    const swaps = async () => (await readdir(dir)).filter(name => name.startsWith('moved')).length
    for (let i = 0; i < 30 || (await swaps()) < 10; i++) {
      await receipts.record(LINEAGE, uploadedAs(`id${i}`)).catch(() => {})
      await receipts.prepare().catch(() => {})
      await untouched()
    }
    expect((await stat(join(folder, PRIZE))).uid).toBe(0)
  },
  60_000,
)
