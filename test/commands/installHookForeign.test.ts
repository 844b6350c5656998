import { chown, readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { isRoot } from '../fixtures/asNobody.ts'
import { openHost } from './hookFixture.ts'

const NOBODY = 65_534

test.skipIf(!isRoot).each(['certbot', 'acme.sh'] as const)(
  "root writes no hook into another user's directory of %s, and takes none away",
  async client => {
    const { type, source, certbot, acme } = await openHost()
    const directory = client === 'certbot' ? certbot : acme
    await chown(directory, NOBODY, NOBODY)
    for (const more of [[], ['--remove'], ['--dry-run']]) {
      const { exit, said } = await type(client, ...source[client], ...more)
      expect([exit, said()]).toEqual([74, expect.stringContaining('belongs to another user (uid 65534)')])
      expect(said()).toContain('Run it as the user that owns the directory')
    }
    expect(await readdir(directory)).toEqual([])
  },
)
