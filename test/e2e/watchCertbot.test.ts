/** The daemon beside a real certbot: ten renewals with rotated keys, heard of by nothing but their writes. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { certbotIn } from './certbot.ts'
import { startWatch } from './daemon.ts'
import { openAccount } from './emulatorAccount.ts'
import { startPebble } from './pebble.ts'

const RENEWALS = 10

test('ten renewals by certbot are ten uploads, chained by what they supersede, and nothing to complain of', async () => {
  const directory = await temporaryDirectory()
  const pebble = await startPebble()
  const certbot = certbotIn(directory, pebble)
  const state = join(directory, 'state')
  const { emulator } = await openAccount(state)
  // started before there is anything to watch
  const daemon = await startWatch(directory, emulator.url, ['--source', `certbot=${certbot.config}`])
  const ids = () => emulator.certificates().map(({ id }) => id)
  try {
    expect(await certbot.issue('app', ['app.test.example'])).toMatchObject({ code: 0 })
    await expect.poll(() => ids().length, { timeout: 20_000 }).toBe(1)
    for (let i = 1; i <= RENEWALS; i++) {
      expect(await certbot.renew('app')).toMatchObject({ code: 0 })
      await expect.poll(() => ids().length, { timeout: 10_000 }).toBe(i + 1)
    }
    // the receipt is written after the reply
    const newest = ids().at(-1)
    const receipt = async () => {
      const [name = ''] = (await readdir(state)).filter(one => one.endsWith('.json'))
      return JSON.parse(await readFile(join(state, name), 'utf8'))
    }
    await expect.poll(async () => (await receipt()).certificateId).toBe(newest)
    const { superseded } = await receipt()
    expect(superseded.map(({ certificateId }: { certificateId: string }) => certificateId)).toEqual(
      ids().slice(0, -1).reverse(),
    )
    // that folders were not there at first was rightly said
    const loud = daemon.said().filter(({ level, event }) => level !== 'info' && event !== 'source')
    expect(loud).toEqual([])
    expect(await daemon.end()).toBe(0)
  } finally {
    await daemon.end()
    await emulator.close()
    await pebble.close()
  }
})
