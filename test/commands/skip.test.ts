import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { resolveSettings } from '../../src/config/settings.ts'
import { openStage } from './commandFixture.ts'

async function skipping(match: string) {
  const stage = await openStage()
  await stage.certbot('shop.example.com')
  await stage.certbot('dev.example.com')
  const config = join(stage.folder, 'config.toml')
  await writeFile(config, `[[certificate]]\nmatch = "${match}"\nexclude = true\n`)
  return { ...stage, given: ['--config', config] }
}

test('an excluded certificate is neither uploaded nor shown', async () => {
  const { type, emulator, given } = await skipping('dev.*')
  expect((await type(['sync', ...given])).exit).toBe(0)
  expect(emulator.certificates().map(({ names }) => names[0])).toEqual(['shop.example.com'])
  const status = (await type(['status', ...given])).out()
  expect(status).toContain('1 certificate: 1 ok')
  expect(status).not.toContain('dev.example.com')
})

test('a certificate uploaded before it was excluded is not shown as removed', async () => {
  const { type, given } = await skipping('certbot:dev*')
  await type(['sync'])
  expect((await type(['status', ...given])).out()).not.toContain('removed')
})

test('a hook for an excluded certificate logs that and exits 0', async () => {
  const { type, folder, emulator, given } = await skipping('dev.*')
  const env = { RENEWED_LINEAGE: join(folder, 'letsencrypt/live/dev.example.com') }
  const run = await type(['hook', '--config', given[1] ?? ''].slice(0, 3), { env })
  expect([run.exit, emulator.certificates().length]).toEqual([0, 0])
  expect(run.out()).toContain('certbot:dev.example.com is skipped, as the configuration says')
})

test('of several matching patterns the last one that sets exclude decides', () => {
  const { isExcluded } = resolveSettings(
    {},
    {},
    {
      certificate: [
        { match: '*', exclude: true },
        { match: 'shop*', exclude: false },
        { match: 'shop*', certificate_use: 'CDN' },
      ],
    },
  )
  expect([isExcluded('certbot:dev'), isExcluded('certbot:shop.example.com')]).toEqual([true, false])
  expect(resolveSettings({}, {}, {}).isExcluded('certbot:dev')).toBe(false)
})
