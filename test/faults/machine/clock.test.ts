/** The clock is set back a year: for a sync in this process, and by libfaketime for the built program and its daemon. */
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LONG } from '../run.ts'
import { allUploaded, type Earlier, openMachine, openResults, startDaemon } from './fixture.ts'

const YEAR = 365 * 86_400_000
const EARLIER: readonly Earlier[] = LONG ? ['none', 'renewed', 'damaged', 'each'] : ['each']
const ago = (years: number) => new Date(Date.now() - years * YEAR)

/** libfaketime as its own program preloads it: that program is a parent which passes no signal on. */
const library = spawnSync('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'], {
  encoding: 'utf8',
}).stdout?.trim()

test.each([
  // issued yesterday, they are not valid yet; issued two years ago, they are
  { name: 'young', lifetime: {}, exit: 75 },
  { name: 'old', lifetime: { notBefore: ago(2) }, exit: 0 },
] as const)('$name certificates: a sync a year behind loses nothing', async ({ name, lifetime, exit }) => {
  const { open } = await openMachine(lifetime)
  const results = openResults(
    `Clock a year behind, ${name} certificates`,
    'a virtual clock; `faketime -f -1y`',
  )
  const yearBehind = { now: () => Date.now() - YEAR }
  for (const earlier of EARLIER) {
    const fixture = await open({ earlier })
    const ended = await fixture.sync(yearBehind)
    if (ended.code !== exit) results.fail(`${earlier}: exit ${ended.code}: ${ended.stdout}`)
    await results.repair(`${earlier}, virtual`, fixture, 'sync', ended)

    // what is known is not sent again, whatever the clock says
    const known = await open({ earlier })
    await known.sync()
    const sent = known.emulator.entries.length
    const again = await known.sync(yearBehind)
    expect([again.code, known.emulator.entries.length]).toEqual([0, sent])
    await results.repair(`${earlier}, known`, known, 'sync', again)

    // libfaketime is not on every machine
    if (!LONG || !library) continue
    const faked = await open({ earlier })
    const fake = await faked.run('sync', ['faketime', '-f', '-1y'])
    if (fake.code !== exit) results.fail(`${earlier}, faketime: exit ${fake.code}: ${fake.stdout}`)
    await results.repair(`${earlier}, faketime`, faked, 'sync', fake)
  }
  results.report()
})

test.skipIf(!LONG || !library)(
  'a daemon whose clock is set back a year goes on uploading renewals',
  async () => {
    const { root, lineages, open } = await openMachine({ notBefore: ago(2) })
    const fixture = await open({ earlier: 'none', renewing: true })
    const results = openResults(
      'Clock set back a year under `watch`',
      'libfaketime, `FAKETIME_TIMESTAMP_FILE`',
    )
    const stamp = join(root, 'stamp')
    await writeFile(stamp, '+0')
    const daemon = await startDaemon(fixture, {
      LD_PRELOAD: library ?? '',
      FAKETIME_TIMESTAMP_FILE: stamp,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    })
    await allUploaded(fixture)
    await writeFile(stamp, '-1y')
    for (const lineage of [0, 1, 2]) {
      await lineages.renew(lineage)
      await allUploaded(fixture)
    }
    expect(daemon.output()).toContain(`"time":"${ago(1).getFullYear()}`)
    await writeFile(stamp, '+0')
    await lineages.renew(0)
    await allUploaded(fixture)
    const ended = await daemon.stop()
    expect(ended.code).toBe(0)
    await results.repair('watch', fixture, 'watch', ended)
    results.report()
  },
)
