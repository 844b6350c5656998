/** The state directory itself fails: full, read-only, elsewhere, taken away. On file systems of the test's own. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seededDice } from '../../fixtures/dice.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { LONG, SEED, times } from '../run.ts'
import type { Past } from './earlierState.ts'
import { cueOf, hasMounts, type Staging, staged } from './namespace.ts'
import { drawn, inLanes } from './parallel.ts'
import { openLedger } from './results.ts'
import { openGround } from './stateDirFixture.ts'
import { plantTrees } from './trees.ts'

interface Row {
  readonly fault: string
  readonly how: string
  readonly past?: Past
  /** The pass under the fault has to do its work all the same. */
  readonly harmless?: true
  readonly stagings: readonly Staging[]
}

const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

const mounted = (options: string) =>
  `mount -t tmpfs -o ${options},mode=700 tmpfs "$STATE"; cp -a "$PAST/." "$STATE"`

/** Leaves so many pages of 4 KiB. */
const filled = (pages: number) =>
  `dd if=/dev/zero of="$STATE/ballast" bs=1k count=128 2>/dev/null; truncate -s -${pages * 4}k "$STATE/ballast"`

const ROWS: readonly Row[] = [
  {
    fault: 'State directory full',
    how: 'tmpfs of 128 KiB with 0 to 5 pages left, from the start or while a request is under way',
    stagings: upTo(0, 5).flatMap(pages => [
      { before: `${mounted('size=128k')}; ${filled(pages)}`, after: 'rm "$STATE/ballast"' },
      { before: mounted('size=128k'), during: filled(pages), after: 'rm "$STATE/ballast"' },
    ]),
  },
  {
    fault: 'State directory out of inodes',
    how: 'tmpfs with 2 to 6 inodes',
    stagings: upTo(2, 6).map(inodes => ({
      before: mounted(`nr_inodes=${inodes}`),
      after: 'mount -o remount,nr_inodes=100 "$STATE"',
    })),
  },
  {
    fault: 'State directory read-only',
    how: 'remounted ro, from the start or while a request is under way',
    stagings: [
      {
        before: `${mounted('size=1m')}; mount -o remount,ro "$STATE"`,
        after: 'mount -o remount,rw "$STATE"',
      },
      {
        before: mounted('size=1m'),
        during: 'mount -o remount,ro "$STATE"',
        after: 'mount -o remount,rw "$STATE"',
      },
    ],
  },
  {
    fault: 'State directory on another device, at the end of a link, a mount point',
    how: 'tmpfs and symbolic link',
    harmless: true,
    stagings: [
      { before: mounted('size=1m'), after: '' },
      {
        before: `mkdir "$OUT/device"; mount -t tmpfs tmpfs "$OUT/device"; mv "$STATE" "$OUT/device/state"; ln -s "$OUT/device/state" "$STATE"`,
        after: '',
      },
      { before: 'mount --bind "$STATE" "$STATE"', after: '' },
    ],
  },
  {
    fault: 'State directory removed while running',
    how: 'device unmounted, directory removed, renamed or replaced by a file, with a request under way',
    past: 'none',
    stagings: [
      { before: mounted('size=1m'), during: 'umount -l "$STATE"', after: '' },
      { before: '', during: 'rm -r "$STATE"', after: '' },
      { before: '', during: 'mv "$STATE" "$OUT/moved"', after: 'rm -rf "$STATE"; mv "$OUT/moved" "$STATE"' },
      { before: '', during: 'mv "$STATE" "$OUT/moved"; : >"$STATE"', after: 'rm "$STATE"' },
    ],
  },
]

const dice = seededDice(SEED)

/** A request is answered late, so that the fault is there before its answer. */
const STALL = 300

// mounts need root, or user namespaces
test.skipIf(!hasMounts).each(drawn(ROWS, times(2, ROWS.length), dice))(
  '$fault: nothing is lost, and 0 means done',
  async row => {
    const { fault, how, past = 'each', harmless, stagings } = row
    const root = await temporaryDirectory()
    const trees = await plantTrees(join(root, 'trees'))
    const ledger = openLedger(fault, how)
    let felt = false
    const some = drawn(stagings, times(1, stagings.length), dice)
    await inLanes([...some.entries()], async ([i, staging]) => {
      const folder = join(root, `${i}`)
      const faults = () => {
        writeFileSync(cueOf(folder), '')
        return staging.during ? { stall: STALL } : undefined
      }
      const ground = await openGround({ folder, trees, past, emulator: { faults } })
      const { made, healed, then, now } = await staged(ground, staging)
      const what = `${staging.before}; ${staging.during ?? ''} (${made.code})`
      const undone = await ground.undone('sync', then)
      felt ||= made.code !== 0
      if (made.code === 0 && undone.length) ledger.complain(`${what}: exit 0 without ${undone.join(', ')}`)
      if (harmless && made.code !== 0) ledger.complain(`${what}: failed: ${made.stdout}`)
      if (healed.code !== 0)
        ledger.complain(`${what}: healing: ${healed.code} ${healed.stdout} ${healed.stderr}`)
      ledger.book(what, await ground.account([made, healed], now))
      await ground.close()
    })
    // a fault that no pass ever feels is none
    if (LONG) expect(felt).toBe(!harmless)
    ledger.close()
  },
)
