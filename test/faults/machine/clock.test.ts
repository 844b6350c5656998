/** The clock is set back a year: of a pass in this process, and by libfaketime of the built program and its daemon. */
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { LONG } from '../run.ts'
import { ended } from './child.ts'
import { allCarried, startDaemon } from './daemon.ts'
import type { Past } from './earlierState.ts'
import { openLedger } from './results.ts'
import { openGround } from './stateDirFixture.ts'
import { plantTrees } from './trees.ts'

const YEAR = 365 * 86_400_000
const PASTS: readonly Past[] = LONG ? ['none', 'renewed', 'damaged', 'each'] : ['each']
const ago = (years: number) => new Date(Date.now() - years * YEAR)

/** libfaketime, as its own program preloads it; that program itself is a parent no signal gets through. */
const library = spawnSync('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'], {
  encoding: 'utf8',
}).stdout?.trim()

/** Issued yesterday, the certificates are not valid yet; issued two years ago, they are. */
const LIVES = [
  { name: 'young', lifetime: {}, exit: 75 },
  { name: 'old', lifetime: { notBefore: ago(2) }, exit: 0 },
] as const

test.each(LIVES)(
  '$name certificates: a pass a year behind loses nothing, and the next one has it right',
  async life => {
    const root = await temporaryDirectory()
    const trees = await plantTrees(join(root, 'trees'), life.lifetime)
    const ledger = openLedger(
      `Clock a year behind, ${life.name} certificates`,
      'a virtual clock; `faketime -f -1y`',
    )
    for (const [i, past] of PASTS.entries()) {
      const ground = await openGround({ folder: join(root, `virtual ${i}`), trees, past })
      const made = await ground.pass({ now: () => Date.now() - YEAR })
      if (made.code !== life.exit) ledger.complain(`${past}: exit ${made.code}: ${made.stdout}`)
      await ledger.enter({ what: `${past}, virtual`, ground, command: 'sync', made })

      // known by then: whatever the clock says, they are not sent again
      const known = await openGround({ folder: join(root, `known ${i}`), trees, past })
      await known.pass()
      const sent = known.emulator.entries.length
      const again = await known.pass({ now: () => Date.now() - YEAR })
      expect([again.code, known.emulator.entries.length]).toEqual([0, sent])
      await ledger.enter({ what: `${past}, known`, ground: known, command: 'sync', made: again })

      // libfaketime is not on every machine; in the long run it is
      if (!LONG || !library) continue
      const faked = await openGround({ folder: join(root, `faked ${i}`), trees, past })
      const run = await ended(['faketime', '-f', '-1y', ...faked.words('sync')], faked.env)
      if (run.code !== life.exit) ledger.complain(`${past}, faketime: exit ${run.code}: ${run.stdout}`)
      await ledger.enter({ what: `${past}, faketime`, ground: faked, command: 'sync', made: run })
    }
    ledger.close()
  },
)

test.skipIf(!LONG || !library)(
  'a daemon whose clock is set back a year goes on carrying renewals',
  async () => {
    const root = await temporaryDirectory()
    const trees = await plantTrees(join(root, 'trees'), { notBefore: ago(2) })
    const ground = await openGround({ folder: join(root, 'ground'), trees, past: 'none', renewing: true })
    const ledger = openLedger('Clock set back a year under `watch`', 'libfaketime, `FAKETIME_TIMESTAMP_FILE`')
    const stamp = join(root, 'stamp')
    await writeFile(stamp, '+0')
    const daemon = await startDaemon(ground, {
      LD_PRELOAD: library ?? '',
      FAKETIME_TIMESTAMP_FILE: stamp,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    })
    await allCarried(ground)
    await writeFile(stamp, '-1y')
    for (const lineage of [0, 1, 2]) {
      await trees.renew(lineage)
      await allCarried(ground)
    }
    expect(daemon.said()).toContain(`"time":"${ago(1).getFullYear()}`)
    await writeFile(stamp, '+0')
    await trees.renew(0)
    await allCarried(ground)
    const made = await daemon.end()
    expect(made.code).toBe(0)
    await ledger.enter({ what: 'watch', ground, command: 'watch', made })
    ledger.close()
  },
)
