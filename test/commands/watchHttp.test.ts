import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cli } from '../../src/cli/run.ts'
import { recordedContext } from '../fixtures/context.ts'
import { KEYS, openStage } from './commandFixture.ts'
import { ask, sleepBriefly } from './watchFixture.ts'

test('a daemon with [http] answers what it has uploaded, and takes the socket away when it ends', async () => {
  const { folder, emulator, certbot } = await openStage()
  await certbot('example.com')
  const socket = join(folder, 's')
  await writeFile(
    join(folder, 'c.toml'),
    `[http]\nlisten = "unix:${socket}"\n[[source]]\nkind = "certbot"\npath = "letsencrypt"\n`,
  )
  const run = recordedContext({
    cwd: folder,
    wait: sleepBriefly,
    env: { ...KEYS, CERTFERRY_ENDPOINT: emulator.url },
  })
  const ended = cli(['watch', '-c', 'c.toml', '--state-dir', 'state'], run.context)
  await expect
    .poll(() => ask(socket, '/metrics').catch(String))
    .toContain('certferry_uploads_total{outcome="uploaded"} 1')
  expect(await ask(socket, '/ready')).toContain('ready')
  expect(await ask(socket, '/metrics')).toContain(
    `certferry_source_watch_up{source="certbot:${join(folder, 'letsencrypt')}"} 1`,
  )
  run.end()
  expect(await ended).toBe(0)
  await expect(ask(socket, '/live')).rejects.toThrow()
})
