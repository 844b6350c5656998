/** Clients' folders in the states that the clients themselves leave them in, as the built program sees them. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { program } from '../e2e/program.ts'
import { issue, type Pair } from '../support/certificates.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { storeText } from '../support/traefikStore.ts'

interface Result {
  readonly lineage: string
  readonly outcome: string
  readonly names?: readonly string[]
  readonly notAfter?: string
  readonly fault?: { readonly code: string; readonly message: string; readonly advice: string }
}

/** What a pass would do with a source; nothing is sent. */
async function wouldDo(source: string, ...words: readonly string[]) {
  const state = await temporaryDirectory()
  const places = ['--source', source, '--state-dir', state, '--log-level', 'silent']
  const made = await program(['sync', '--dry-run', '--json', ...places, ...words])
  const { results } = JSON.parse(made.stdout) as { readonly results: readonly Result[] }
  return { exit: made.code, results }
}

const told = (results: readonly Result[]) => results.map(({ lineage, outcome }) => `${lineage} ${outcome}`)

/** Files of a folder by their paths. */
async function folderOf(files: Readonly<Record<string, string>>) {
  const root = await temporaryDirectory()
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return root
}

const HOUR = 3_600_000
const lasting = (hours: number): Promise<Pair> =>
  issue({
    names: ['a.example'],
    notBefore: new Date(Date.now() - HOUR * (1_000 - hours)),
    notAfter: new Date(Date.now() + HOUR * hours),
  })

describe('Traefik', () => {
  test('of two entries of one name the latest valid one is carried', async () => {
    const [first, second] = await Promise.all([lasting(100), lasting(900)])
    const domains = ['a.example'] as const
    for (const pairs of [
      [first, second],
      [second, first],
    ]) {
      const text = storeText({ le: pairs.map(pair => ({ domains, pair })) })
      const root = await folderOf({ 'acme.json': text })
      const { exit, results } = await wouldDo(`traefik=${root}/acme.json`)
      expect(exit).toBe(0)
      expect(results).toMatchObject([
        {
          lineage: 'traefik:a.example@le',
          outcome: 'planned',
          notAfter: second.notAfter.toISOString(),
        },
      ])
    }
  })

  test('a folder, a file of Traefik 1 and a bad entry are called what they are, with advice on Traefik', async () => {
    const good = await lasting(900)
    const store = JSON.parse(storeText({ le: [{ domains: ['a.example'], pair: good }] }))
    store.le.Certificates.push({ domain: { main: 'b.example' }, certificate: '!', key: '!' })
    const root = await folderOf({
      'acme.json/x': '',
      'one.json': '{"Account": {}, "Certificates": [], "HTTPChallenges": {}}',
      'bad.json': JSON.stringify(store),
    })
    const folder = await wouldDo(`traefik=${root}/acme.json`)
    const one = await wouldDo(`traefik=${root}/one.json`)
    const bad = await wouldDo(`traefik=${root}/bad.json`)
    expect([folder.exit, one.exit, bad.exit]).toEqual([66, 66, 65])
    expect(told(bad.results)).toEqual(['traefik:a.example@le planned', 'traefik:b.example@le failed'])
    const faults = [folder, one, bad].flatMap(({ results }) => results.flatMap(({ fault }) => fault ?? []))
    expect(faults.map(({ message }) => message)).toEqual([
      expect.stringContaining('is a folder'),
      expect.stringContaining('Traefik 1'),
      expect.stringContaining('the entry b.example@le has a certificate that is not PEM in base64'),
    ])
    for (const { advice } of faults) expect(advice).toMatch(/Traefik|acme\.storage/)
  })
})
