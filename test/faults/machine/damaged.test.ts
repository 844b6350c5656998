/** Receipts that are no longer what was written, in every way: each is set aside and learned again. */
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fileName } from '../../../src/receipts/store.ts'
import { seededDice } from '../../fixtures/dice.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { SEED, times } from '../run.ts'
import { openLedger } from './results.ts'
import { openGround } from './stateDirFixture.ts'
import { plantTrees } from './trees.ts'

type Damage = (file: string, text: string) => Promise<unknown>

const dice = seededDice(SEED)

/** Every length that is no whole receipt: without its last newline it still is one. */
const truncations = (length: number): readonly Damage[] =>
  Array.from({ length: length - 2 }, (_, bytes) => (file, text) => writeFile(file, text.slice(0, bytes)))

const garbage: Damage = file =>
  writeFile(
    file,
    Buffer.from(Array.from({ length: Math.floor(dice() * 2_000) }, () => Math.floor(dice() * 256))),
  )

/** Bytes in the middle are lost, as where a block of the disk is. */
const hole: Damage = (file, text) => {
  const at = Math.floor(dice() * (text.length - 16))
  return writeFile(file, `${text.slice(0, at)}${'\0'.repeat(16)}${text.slice(at + 16)}`)
}

const OTHERS: readonly Damage[] = [
  (file, text) => writeFile(file, text.replace('"version": 1', '"version": 2')),
  (file, text) => writeFile(file, text.replace(/"lineage": "[^"]*"/, '"lineage": "certbot:other.example"')),
  (file, text) => writeFile(file, text + text),
  (file, text) => writeFile(file, text.toUpperCase()),
  file => writeFile(file, '[]'),
  file => mkdir(join(file, 'with', 'folders'), { recursive: true }),
  async file => execFileSync('mkfifo', [file]),
  file => symlink('/etc/hostname', file),
  file => symlink('/nowhere', file),
  file => symlink(file, file),
]

test('a receipt damaged in any way is set aside and learned again', async () => {
  const root = await temporaryDirectory()
  const trees = await plantTrees(join(root, 'trees'))
  const ground = await openGround({ folder: join(root, 'ground'), trees, past: 'none' })
  expect(await ground.pass()).toMatchObject({ code: 0 })
  const files = trees.planted().map(({ id }) => join(ground.stateDir, fileName(id)))
  const texts = await Promise.all(files.map(file => readFile(file, 'utf8')))

  const ledger = openLedger(
    'Damaged receipt',
    'cut off at every byte, garbage, holes, other version, other lineage, directory, FIFO, links',
  )
  const cuts = truncations(Math.min(...texts.map(({ length }) => length)))
  const random = Array.from({ length: times(3, 150) }, (_, i) => (i % 2 ? garbage : hole))
  const some = cuts.filter(() => dice() < times(1, 40) / 40)
  const damages = [...some, ...random, ...OTHERS]
  // three at once, one a lineage
  for (let i = 0; i < damages.length; i += files.length) {
    for (const [lineage, file] of files.entries()) {
      await rm(file)
      await damages[i + lineage]?.(file, texts[lineage] ?? '')
    }
    const healed = await ground.pass()
    const asides = healed.stdout.split('\n').filter(line => line.includes('"event":"receipt_corrupt"')).length
    const made = Math.min(files.length, damages.length - i)
    if (healed.code !== 0 || asides !== made)
      ledger.complain(`damage ${i}: exit ${healed.code}, ${asides} of ${made} set aside`)
    const account = await ground.account([healed])
    // what was set aside stays for a person to look at
    const left = account.left.filter(path => !path.includes('.damaged-'))
    for (let one = 0; one < made; one++) ledger.book(`damage ${i + one}`, { ...account, left })
    for (const path of account.left) await rm(join(ground.stateDir, path), { recursive: true, force: true })
  }
  ledger.close()
  await ground.close()
})
