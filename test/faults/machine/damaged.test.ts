/** A database that is no longer what was written, in every way: it is set aside and learned again. */
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { seededDice } from '../../fixtures/dice.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { SEED, times } from '../run.ts'
import { openLedger } from './results.ts'
import { openGround } from './stateDirFixture.ts'
import { plantTrees } from './trees.ts'

type Damage = (file: string, whole: Buffer) => Promise<unknown>

const PAGE = 4_096

const dice = seededDice(SEED)

const cutTo =
  (size: number): Damage =>
  (file, whole) =>
    writeFile(file, whole.subarray(0, size))

const garbage: Damage = file =>
  writeFile(
    file,
    Buffer.from(Array.from({ length: 1 + Math.floor(dice() * 9_000) }, () => Math.floor(dice() * 256))),
  )

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

/** May hit what no record needs: then nothing is noticed, and nothing has to be. */
const hole: Damage = (file, whole) => {
  const at = Math.floor(dice() * (whole.length - 64))
  return writeFile(file, Buffer.concat([whole.subarray(0, at), Buffer.alloc(64), whole.subarray(at + 64)]))
}

test('a database damaged in any way is set aside and learned again', async () => {
  const root = await temporaryDirectory()
  const trees = await plantTrees(join(root, 'trees'))
  const ground = await openGround({ folder: join(root, 'ground'), trees, past: 'none' })
  expect(await ground.pass()).toMatchObject({ code: 0 })
  const file = join(ground.stateDir, 'state.db')
  const whole = await readFile(file)
  const ledger = openLedger(
    'Damaged database',
    'cut off at every page and between, garbage, holes, another program, directory, FIFO, links',
  )
  const sizes = Array.from({ length: Math.floor(whole.length / PAGE) - 1 }, (_, i) => (i + 1) * PAGE)
  const between = sizes.map(size => size - 1 - Math.floor(dice() * (PAGE - 2)))
  const cuts = [...sizes, ...between].filter(() => dice() < times(1, 4) / 4).map(cutTo)
  const random = Array.from({ length: times(2, 100) }, (_, i) => (i % 2 ? garbage : hole))
  for (const [i, damage] of [...cuts, ...random, ...DAMAGES].entries()) {
    await rm(file)
    await damage(file, whole)
    const healed = await ground.pass()
    const isSetAside = healed.stdout.includes('"event":"state_damaged"')
    if (healed.code !== 0 || (!isSetAside && damage !== hole))
      ledger.complain(`damage ${i}: exit ${healed.code}, ${isSetAside ? '' : 'not '}set aside`)
    ledger.book(`damage ${i}`, await ground.account([healed]))
    await rm(ground.stateDir, { recursive: true })
    await mkdir(ground.stateDir, { mode: 0o700 })
    await writeFile(file, whole, { mode: 0o600 })
  }
  ledger.close()
  await ground.close()
})
