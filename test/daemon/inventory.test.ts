import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { resolveSettings, type Source } from '../../src/config/settings.ts'
import { createInventory } from '../../src/daemon/inventory.ts'
import { issue } from '../fixtures/certificates.ts'
import { all, certbotDelete, certbotIssue, certbotRenew } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { storeText } from '../fixtures/traefikStore.ts'

const NAME = 'a.example'
const ID = `certbot:${NAME}`
const [first, second] = await Promise.all([issue(), issue()])

/** A inventory over a certbot folder and an acme.sh folder, which the operator named, or which are the usual places. */
async function stage(whose: 'named' | 'usual' = 'named') {
  const folder = await temporaryDirectory()
  const [root, home] = [join(folder, 'le'), join(folder, 'acme')]
  const sources: readonly Source[] = [
    { kind: 'certbot', path: root, keys: {} },
    { kind: 'acme.sh', path: home, keys: {} },
  ]
  const said: string[] = []
  const say = (level: string) => (_: unknown, text?: string) => void said.push(`${level} ${text}`)
  const log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
  const settings = resolveSettings(whose === 'named' ? { source: sources } : {}, {}, {})
  const inventory = createInventory({ settings, log }, sources)
  const list = async () => Object.fromEntries((await inventory.list()).sources)
  return { root, home, said, inventory, list, titles: [`certbot:${root}`, `acme.sh:${home}`] as const }
}

describe('a source that is not there', () => {
  test('is warned of once where the operator named it, and watched in vain', async () => {
    const { root, home, said, list, titles } = await stage()
    await mkdir(root)
    for (let i = 0; i < 3; i++) expect(await list()).toEqual({ [titles[0]]: true, [titles[1]]: false })
    expect(said).toEqual([`warn ${titles[1]}: ${home}: no such directory`])
  })

  test("is nobody's loss where it is a usual place and the other one is there", async () => {
    const { root, home, said, list, titles } = await stage('usual')
    await mkdir(root)
    expect(await list()).toEqual({ [titles[0]]: true })
    expect(said).toEqual([`debug ${titles[1]}: ${home}: no such directory`])
    await mkdir(home)
    expect(await list()).toEqual({ [titles[0]]: true, [titles[1]]: true })
  })

  test('is warned of where none of the usual places is: nothing at all is watched', async () => {
    const { said, list, titles } = await stage('usual')
    expect(await list()).toEqual({ [titles[0]]: false, [titles[1]]: false })
    expect(said).toHaveLength(2)
    for (const line of said) expect(line).toMatch(/^warn .*no such directory$/)
  })
})

describe('a lineage', () => {
  test('has strayed when its files are no longer as they were when it was looked at', async () => {
    const { root, inventory } = await stage()
    await all(certbotIssue(root, NAME, first))
    expect((await inventory.list()).added).toEqual([ID])
    expect((await inventory.changedSinceLastCheck(inventory.all())).size).toBe(0)
    await inventory.markChecked(ID)
    expect((await inventory.changedSinceLastCheck(inventory.all())).size).toBe(0)
    await all(certbotRenew(root, NAME, second))
    const strayed = await inventory.changedSinceLastCheck(inventory.all())
    expect([...strayed.keys()]).toEqual([ID])

    const state = strayed.get(ID) ?? ''
    expect(inventory.isStillUnnotified(ID, state)).toBe(true)
    inventory.markNotified(ID)
    expect(inventory.isStillUnnotified(ID, state)).toBe(false)
    await inventory.markChecked(ID)
    expect(inventory.isStillUnnotified(ID, state)).toBe(false)
    expect((await inventory.changedSinceLastCheck(inventory.all())).size).toBe(0)
  })

  test('of a file that is half-written is still known', async () => {
    const path = join(await temporaryDirectory(), 'acme.json')
    const source = { kind: 'traefik', path, keys: {} } as const
    const text = storeText({ le: [{ domains: [NAME], pair: first }] })
    await writeFile(path, text)
    const warned: unknown[] = []
    const log = {
      debug: () => {},
      info: () => {},
      error: () => {},
      warn: (_: unknown, text?: string) => void warned.push(text),
    }
    const inventory = createInventory({ settings: resolveSettings({ source: [source] }, {}, {}), log }, [
      source,
    ])
    expect((await inventory.list()).added).toEqual([`traefik:${NAME}@le`])
    await writeFile(path, text.slice(0, 300))
    expect((await inventory.list()).added).toEqual([])
    expect(inventory.count()).toBe(1)
    expect(warned).toEqual([`traefik:${path}: ${path}: is half-written`])
  })

  test('that is gone is forgotten, with all that was known of it', async () => {
    const { root, inventory } = await stage()
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
