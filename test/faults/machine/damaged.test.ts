/** A database damaged in every way: it is set aside and learned again. */
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { seededRandom } from '../../fixtures/random.ts'
import { range, SEED, times } from '../run.ts'
import { openMachine, openResults } from './fixture.ts'

type Damage = (file: string, whole: Buffer) => Promise<unknown>

const PAGE = 4_096

const random = seededRandom(SEED)

const cutTo =
  (size: number): Damage =>
  (file, whole) =>
    writeFile(file, whole.subarray(0, size))

const garbage: Damage = file =>
  writeFile(file, Buffer.from(range(0, Math.floor(random() * 9_000)).map(() => Math.floor(random() * 256))))

const DAMAGES: readonly Damage[] = [
  file => writeFile(file, '[]'),
  (file, whole) => writeFile(file, Buffer.alloc(whole.length)),
  (file, whole) => writeFile(file, whole.toString().toUpperCase()),
  async file => {
    const db = new DatabaseSync(file)
    db.exec('CREATE TABLE theirs (a)')
    db.close()
  },
  file => mkdir(join(file, 'with', 'folders'), { recursive: true }),
  async file => execFileSync('mkfifo', [file]),
  file => symlink('/etc/hostname', file),
  file => symlink('/nowhere', file),
  file => symlink(file, file),
]

/** May hit what no record needs, and then goes unnoticed. */
const hole: Damage = (file, whole) => {
  const at = Math.floor(random() * (whole.length - 64))
  return writeFile(file, Buffer.concat([whole.subarray(0, at), Buffer.alloc(64), whole.subarray(at + 64)]))
}

test('a database damaged in any way is set aside and learned again', async () => {
  const fixture = await (await openMachine()).open({ earlier: 'none' })
  expect(await fixture.sync()).toMatchObject({ code: 0 })
  const file = join(fixture.stateDir, 'state.db')
  const whole = await readFile(file)
  const results = openResults(
    'Damaged database',
    'cut off at every page and between, garbage, holes, another program, directory, FIFO, links',
  )
  const sizes = range(1, Math.floor(whole.length / PAGE) - 1).map(i => i * PAGE)
  const between = sizes.map(size => size - 1 - Math.floor(random() * (PAGE - 2)))
  const cuts = [...sizes, ...between].filter(() => random() < times(1, 4) / 4).map(cutTo)
  const others = range(1, times(2, 100)).map(i => (i % 2 ? hole : garbage))
  for (const [i, damage] of [...cuts, ...others, ...DAMAGES].entries()) {
    await rm(file)
    await damage(file, whole)
    // an unchanged run reads five columns of each lineage, and the second everything
    const runs = [await fixture.sync(), await fixture.sync({}, '--json')]
    const isSetAside = runs.some(({ stdout, stderr }) => (stdout + stderr).includes('was set aside as'))
    const codes = runs.map(({ code }) => code)
    if (codes.some(code => code !== 0) || (!isSetAside && damage !== hole))
      results.fail(`damage ${i}: exit ${codes.join()}, ${isSetAside ? '' : 'not '}set aside`)
    results.add(`damage ${i}`, await fixture.damage(runs))
    await rm(fixture.stateDir, { recursive: true })
    await mkdir(fixture.stateDir, { mode: 0o700 })
    await writeFile(file, whole, { mode: 0o600 })
  }
  results.report()
  await fixture.close()
})
