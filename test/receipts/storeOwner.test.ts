import { chown, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { getuid } from 'node:process'
import { expect, test } from 'vitest'
import { openReceiptStore } from '../../src/receipts/store.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

/** Debian's nobody. */
const NOBODY = 65_534

test.skipIf(getuid?.() !== 0)(
  "what root records in a service's directory belongs to the service",
  async () => {
    const dir = join(await temporaryDirectory(), 'state')
    await mkdir(dir)
    await chown(dir, NOBODY, NOBODY)
    const receipts = openReceiptStore(
      dir,
      () => {},
      () => new Date(),
    )
    await receipts.record('certbot:example.com', receipt => receipt)
    const [name = ''] = await readdir(dir)
    const { uid, gid, mode } = await stat(join(dir, name))
    expect([uid, gid, mode & 0o777]).toEqual([NOBODY, NOBODY, 0o600])
  },
)
