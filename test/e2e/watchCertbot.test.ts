/** The daemon beside a real certbot: ten renewals with rotated keys, noticed by their writes alone. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openReceiptStore } from '../../src/receipts/store.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { certbotIn } from './certbot.ts'
import { startWatch } from './daemon.ts'
import { openAccount } from './emulatorAccount.ts'
import { startPebble } from './pebble.ts'

const RENEWALS = 10

test('ten renewals by certbot are ten uploads, chained by what they supersede, and no warning', async () => {
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
    // the receipt is recorded after the reply
    const store = openReceiptStore(state, expect.unreachable, () => new Date())
    const recorded = async () => {
      const { uploaded, superseded } = await store.recall('certbot:app')
      return [uploaded, ...superseded].map(upload => upload?.certificateId)
    }
    await expect.poll(recorded).toEqual(ids().reverse())
    // the folders are missing at the start, and the daemon says so
    const unexpected = daemon
      .said()
      .filter(({ level, event }) => level !== 'info' && event !== 'source_error')
    expect(unexpected).toEqual([])
    expect(await daemon.end()).toBe(0)
  } finally {
    await daemon.end()
    await emulator.close()
    await pebble.close()
  }
})
