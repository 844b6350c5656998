import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { resolveSettings, type Source } from '../../src/config/settings.ts'
import { createInventory } from '../../src/daemon/inventory.ts'
import { issue } from '../fixtures/certificates.ts'
import { all, certbotDelete, certbotIssue, certbotRenew } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { storeText } from '../fixtures/traefikStore.ts'
import { recordedLog } from './recordedLog.ts'

const NAME = 'a.example'
const ID = `certbot:${NAME}`
const [first, second] = await Promise.all([issue(), issue()])

/** An inventory over a certbot and an acme.sh folder, configured or by default. */
async function openInventory(kind: 'configured' | 'default' = 'configured') {
  const folder = await temporaryDirectory()
  const [root, home] = [join(folder, 'le'), join(folder, 'acme')]
  const sources: readonly Source[] = [
    { kind: 'certbot', path: root, keys: {} },
    { kind: 'acme.sh', path: home, keys: {} },
  ]
  const { log, logged } = recordedLog()
  const settings = resolveSettings(kind === 'configured' ? { source: sources } : {}, {}, {})
  const inventory = createInventory({ settings, log }, sources)
  const list = async () => Object.fromEntries((await inventory.list()).sources)
  return { root, home, logged, inventory, list, titles: [`certbot:${root}`, `acme.sh:${home}`] as const }
}

describe('missing source', () => {
  test('a configured source that is missing is warned of once', async () => {
    const { root, home, logged, list, titles } = await openInventory()
    await mkdir(root)
    for (let i = 0; i < 3; i++) expect(await list()).toEqual({ [titles[0]]: true, [titles[1]]: false })
    expect(logged).toEqual([`warn ${titles[1]}: ${home}: no such directory`])
  })

  test('a default source that is missing is no warning while another one exists', async () => {
    const { root, home, logged, list, titles } = await openInventory('default')
    await mkdir(root)
    expect(await list()).toEqual({ [titles[0]]: true })
    expect(logged).toEqual([`debug ${titles[1]}: ${home}: no such directory`])
    await mkdir(home)
    expect(await list()).toEqual({ [titles[0]]: true, [titles[1]]: true })
  })

  test('missing default sources are warned of if none exists', async () => {
    const { logged, list, titles } = await openInventory('default')
    expect(await list()).toEqual({ [titles[0]]: false, [titles[1]]: false })
    expect(logged).toHaveLength(2)
    for (const line of logged) expect(line).toMatch(/^warn .*no such directory$/)
  })
})

describe('lineage', () => {
  test('a change since the last check is missed until an event or a check', async () => {
    const { root, inventory } = await openInventory()
    await all(certbotIssue(root, NAME, first))
    expect((await inventory.list()).added).toEqual([ID])
    expect((await inventory.changedSinceLastCheck(inventory.all())).size).toBe(0)
    await inventory.markChecked(ID)
    expect((await inventory.changedSinceLastCheck(inventory.all())).size).toBe(0)
    await all(certbotRenew(root, NAME, second))
    const changed = await inventory.changedSinceLastCheck(inventory.all())
    expect([...changed.keys()]).toEqual([ID])

    const missed = (during = () => {}) => inventory.missed(changed, async () => during())
    expect(await missed()).toEqual([ID])
    expect(await missed(() => inventory.markNotified(ID))).toEqual([])
    await inventory.markChecked(ID)
    expect(await missed()).toEqual([])
    expect((await inventory.changedSinceLastCheck(inventory.all())).size).toBe(0)
  })

  test('a lineage in a half-written file is still known', async () => {
    const path = join(await temporaryDirectory(), 'acme.json')
    const source = { kind: 'traefik', path, keys: {} } as const
    const text = storeText({ le: [{ domains: [NAME], pair: first }] })
    await writeFile(path, text)
    const { log, logged } = recordedLog()
    const inventory = createInventory({ settings: resolveSettings({ source: [source] }, {}, {}), log }, [
      source,
    ])
    expect((await inventory.list()).added).toEqual([`traefik:${NAME}@le`])
    await writeFile(path, text.slice(0, 300))
    expect((await inventory.list()).added).toEqual([])
    expect(inventory.count()).toBe(1)
    expect(logged).toEqual([`warn traefik:${path}: ${path}: is half-written`])
  })

  test('a lineage that is gone is forgotten', async () => {
    const { root, inventory } = await openInventory()
    await all(certbotIssue(root, NAME, first))
    await inventory.list()
    await inventory.markChecked(ID)
    await all(certbotDelete(root, NAME))
    await inventory.list()
    expect([inventory.count(), inventory.get(ID), await inventory.markChecked(ID)]).toEqual([
      0,
      undefined,
      undefined,
    ])
    await all(certbotIssue(root, NAME, second))
    expect((await inventory.list()).added).toEqual([ID])
    expect((await inventory.changedSinceLastCheck(inventory.all())).size).toBe(0)
  })
})
