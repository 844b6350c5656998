/** The state directory fails: full, read-only, on another device, removed. On file systems that only the test sees. */
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isRoot } from '../../fixtures/asNobody.ts'
import { seededRandom } from '../../fixtures/random.ts'
import { inParallel, LONG, range, SEED, sample, times } from '../run.ts'
import { type Earlier, type Fixture, openMachine, openResults } from './fixture.ts'
import { type Ended, run } from './process.ts'

/** Another user than root is root in a user namespace, where the machine allows one. */
const UNSHARE = ['unshare', ...(isRoot ? ['-m'] : ['-U', '-r', '-m'])] as const

const hasMounts =
  spawnSync(UNSHARE[0], [...UNSHARE.slice(1), 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0

/** Lines of shell; `$STATE` is the state directory, `$EARLIER` what it held. */
interface Scenario {
  readonly before: string
  /** While the first request waits for its answer. */
  readonly during?: string
  readonly after?: string
}

interface Fault {
  readonly fault: string
  readonly how: string
  readonly earlier?: Earlier
  /** The sync under the fault has to do its work all the same. */
  readonly harmless?: true
  readonly scenarios: readonly Scenario[]
}

const mounted = (options: string) =>
  `mount -t tmpfs -o ${options},mode=700 tmpfs "$STATE"; cp -a "$EARLIER/." "$STATE"`

/** Leaves so many pages of 4 KiB. */
const filled = (pages: number) =>
  `dd if=/dev/zero of="$STATE/ballast" bs=1k count=128 2>/dev/null; truncate -s -${pages * 4}k "$STATE/ballast"`

const [READ_ONLY, WRITABLE] = ['mount -o remount,ro "$STATE"', 'mount -o remount,rw "$STATE"']

const FAULTS: readonly Fault[] = [
  {
    fault: 'State directory full',
    how: 'tmpfs of 128 KiB with 0 to 5 pages left, from the start or while a request is under way',
    scenarios: range(0, 5).flatMap(pages => [
      { before: `${mounted('size=128k')}; ${filled(pages)}`, after: 'rm "$STATE/ballast"' },
      { before: mounted('size=128k'), during: filled(pages), after: 'rm "$STATE/ballast"' },
    ]),
  },
  {
    fault: 'State directory out of inodes',
    how: 'tmpfs with 2 to 6 inodes',
    scenarios: range(2, 6).map(inodes => ({
      before: mounted(`nr_inodes=${inodes}`),
      after: 'mount -o remount,nr_inodes=100 "$STATE"',
    })),
  },
  {
    fault: 'State directory read-only',
    how: 'remounted ro, from the start or while a request is under way',
    scenarios: [
      { before: `${mounted('size=1m')}; ${READ_ONLY}`, after: WRITABLE },
      { before: mounted('size=1m'), during: READ_ONLY, after: WRITABLE },
    ],
  },
  {
    fault: 'State directory on another device, at the end of a link, a mount point',
    how: 'tmpfs and symbolic link',
    harmless: true,
    scenarios: [
      { before: mounted('size=1m') },
      {
        before: `mkdir "$OUT/device"; mount -t tmpfs tmpfs "$OUT/device"; mv "$STATE" "$OUT/device/state"; ln -s "$OUT/device/state" "$STATE"`,
      },
      { before: 'mount --bind "$STATE" "$STATE"' },
    ],
  },
  {
    fault: 'State directory removed while running',
    how: 'device unmounted, directory removed, renamed or replaced by a file, with a request under way',
    earlier: 'none',
    scenarios: [
      { before: mounted('size=1m'), during: 'umount -l "$STATE"' },
      { before: '', during: 'rm -r "$STATE"' },
      { before: '', during: 'mv "$STATE" "$OUT/moved"', after: 'rm -rf "$STATE"; mv "$OUT/moved" "$STATE"' },
      { before: '', during: 'mv "$STATE" "$OUT/moved"; : >"$STATE"', after: 'rm "$STATE"' },
    ],
  },
]

/** Exists once the first request has come. */
const markerIn = (folder: string) => join(folder, 'requested')

/** Two runs of the built program: one under the fault, one after it. What each left is copied out of the mounts. */
async function runScenario({ folder, stateDir, env, words }: Fixture, { before, during, after }: Scenario) {
  const at = (name: string) => join(folder, name)
  const paths = { STATE: stateDir, EARLIER: at('earlier'), MARKER: markerIn(folder), OUT: folder }
  for (const name of ['before', 'after']) await mkdir(at(name))
  const script = `
cp -a "$STATE" "$EARLIER"
${before}
"$@" >"$OUT/faulty" 2>&1 & pid=$!
${during ? `until [ -e "$MARKER" ] || ! kill -0 $pid; do sleep 0.02; done\n${during}` : ''}
wait $pid; echo $?
cp -a "$STATE/." "$OUT/before"
${after ?? ''}
"$@" >"$OUT/repaired" 2>&1; echo $?
cp -a "$STATE/." "$OUT/after"`
  const { stdout, stderr } = await run([...UNSHARE, '/bin/sh', '-c', script, 'sh', ...words('sync')], {
    ...env,
    ...paths,
  })
  const [first, second] = stdout.trim().split('\n').map(Number)
  const endedAs = async (name: string, code = Number.NaN): Promise<Ended> => ({
    code,
    signal: null,
    stdout: existsSync(at(name)) ? await readFile(at(name), 'utf8') : '',
    stderr,
  })
  return {
    faulty: await endedAs('faulty', first),
    repaired: await endedAs('repaired', second),
    before: at('before'),
    after: at('after'),
  }
}

const random = seededRandom(SEED)

/** A request is answered late, so that the fault is there before its answer. */
const STALL = 300

// mounts need root, or user namespaces
test.skipIf(!hasMounts).each(sample(FAULTS, times(2, FAULTS.length), random))(
  '$fault: nothing is lost, and exit 0 means done',
  async ({ fault, how, earlier = 'each', harmless, scenarios }) => {
    const { root, open } = await openMachine()
    const results = openResults(fault, how)
    let noticed = false
    const some = sample(scenarios, times(1, scenarios.length), random)
    await inParallel([...some.entries()], async ([i, scenario]) => {
      const folder = join(root, `scenario ${i}`)
      const faults = () => {
        writeFileSync(markerIn(folder), '')
        return scenario.during ? { stall: STALL } : undefined
      }
      const fixture = await open({ folder, earlier, emulator: { faults } })
      const { faulty, repaired, before, after } = await runScenario(fixture, scenario)
      const what = `${scenario.before}; ${scenario.during ?? ''} (${faulty.code})`
      const missing = await fixture.missing('sync', before)
      noticed ||= faulty.code !== 0
      if (faulty.code === 0 && missing.length) results.fail(`${what}: exit 0 without ${missing.join(', ')}`)
      if (harmless && faulty.code !== 0) results.fail(`${what}: failed: ${faulty.stdout}`)
      if (repaired.code !== 0)
        results.fail(`${what}: the repair ended with ${repaired.code}: ${repaired.stdout}${repaired.stderr}`)
      results.add(what, await fixture.damage([faulty, repaired], after))
      await fixture.close()
    })
    // a fault that no run notices is none
    if (LONG) expect(noticed).toBe(!harmless)
    results.report()
  },
)
