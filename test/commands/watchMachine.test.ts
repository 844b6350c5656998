import { rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sleep } from '../../src/util/async.ts'
import { issue } from '../fixtures/certificates.ts'
import { receiptsIn } from '../fixtures/state.ts'
import { BOUND, openWatchStage } from './watchFixture.ts'

/** A minute takes 0.6 s. */
const HURRIED = {
  monotonic: () => performance.now() * 100,
  wait: (ms: number, signal?: AbortSignal) => sleep(ms / 100, signal),
}

describe('a daemon whose machine fails', () => {
  test('remembers the lineages of a source that cannot be read for a while', async () => {
    const { certbot, start, root, stored, renew } = await openWatchStage()
    await certbot('a.example')
    const { signal, saying, said } = start()
    await stored(1)
    await rename(join(root, 'live'), join(root, 'away'))
    await symlink('live', join(root, 'live'))
    signal('SIGUSR1')
    expect(await saying('rescan')).toMatchObject([{ why: 'SIGUSR1', lineages: 1 }])
    // a look in between has found it gone
    const unreadable = () => said('source_error').filter(({ code }) => code === 'SOURCE_UNREADABLE')
    await expect.poll(unreadable).toMatchObject([{ level: 'warn' }])
    await rm(join(root, 'live'))
    await rename(join(root, 'away'), join(root, 'live'))
    await renew('a.example')
    signal('SIGUSR1')
    await stored(2)
  })

  test('finds changes without events within seconds: files behind links that are written in place', async () => {
    const { certbot, start, root, stored } = await openWatchStage()
    await certbot('a.example')
    const { saying, said } = start(HURRIED)
    await stored(1)
    await saying('watching')
    const { chain, key } = await issue({ names: ['a.example'] })
    const archive = join(root, 'archive/a.example')
    await writeFile(join(archive, 'privkey1.pem'), key)
    await writeFile(join(archive, 'fullchain1.pem'), chain)
    await expect.poll(() => said('compared').length, BOUND).toBe(1)
    await stored(2)
  })

  test('creates a deleted state directory again, and learns every receipt anew', async () => {
    const { certbot, start, stored, folder, emulator } = await openWatchStage()
    for (const name of ['a.example', 'b.example']) await certbot(name)
    const { signal, saying, end } = start()
    await saying('uploaded', 2)
    await rm(join(folder, 'state'), { recursive: true })
    signal('SIGUSR1')
    expect((await saying('uploaded', 4)).slice(2)).toMatchObject([{ reused: true }, { reused: true }])
    expect(await receiptsIn(join(folder, 'state'))).toHaveLength(2)
    expect(emulator.certificates()).toHaveLength(2)
    await stored(2)
    expect(await end()).toBe(0)
  })

  test('rescans nothing while it cannot record anything, and logs that', async () => {
    const { certbot, start, folder, emulator } = await openWatchStage()
    await certbot('a.example')
    const { signal, saying, said } = start()
    await saying('uploaded')
    await rm(join(folder, 'state'), { recursive: true })
    await writeFile(join(folder, 'state'), '')
    signal('SIGUSR1')
    expect(await saying('state_dir_error')).toMatchObject([{ level: 'error', code: 'STATE_DIR_UNUSABLE' }])
    expect([said('rescan'), emulator.entries.length]).toEqual([[], 1])
  })

  test('records an ID soon after the disk can be written again', async () => {
    const { certbot, start, folder, emulator, renew, stored } = await openWatchStage()
    await certbot('a.example')
    const { saying, said } = start(HURRIED)
    await saying('uploaded')
    await rm(join(folder, 'state'), { recursive: true })
    await renew('a.example')
    await stored(2)
    const [, renewed] = emulator.certificates()
    const uploads = () => said('uploaded').filter(({ certificateId }) => certificateId === renewed?.id)
    await expect.poll(() => uploads().length, BOUND).toBe(1)
    expect(said('failed').filter(({ code }) => code === 'UPLOAD_NOT_RECORDED').length).toBeGreaterThan(0)
    expect(await receiptsIn(join(folder, 'state'))).toHaveLength(1)
  })
})
