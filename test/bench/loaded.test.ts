/** What a start costs, in counts: a hook for what has not changed loads little code, and no package that it does not need. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loaded } from '../../bench/counted.ts'
import { openHouse, unchangedHook } from '../../bench/countsFixture.ts'

/** Words that only a package's own code has. */
const MARKS = {
  undici: 'UND_ERR_HEADERS_OVERFLOW',
  '@peculiar/x509': 'X509CertificateGenerator',
  chokidar: 'awaitWriteFinish',
  'thread-stream': 'the worker has exited',
  'sonic-boom': 'SonicBoom destroyed',
} as const

const carriers = (files: readonly string[], mark: string) =>
  files.filter(file => readFileSync(file, 'utf8').includes(mark)).map(file => basename(file))

describe('a hook for a certificate that was uploaded before', () => {
  test('loads few files, little code, few parts of Node, and no package that it does not need', async () => {
    const { house, before, env } = await unchangedHook()
    const bare = await loaded(house.folder, [], {})
    const { files, bytes, parts, ended } = await loaded(house.folder, ['hook'], env)
    expect(ended.code).toBe(0)
    expect(house.service.emulator.entries).toHaveLength(before)
    expect(files.length).toBeGreaterThan(0)
    for (const mark of Object.values(MARKS)) expect([mark, carriers(files, mark)]).toEqual([mark, []])
    const more = { files: files.length, bytes, parts: parts.length - bare.parts.length }
    expect(more).toEqual(atMost(MOST))
  })

  test('is told from one that uploads by what only that one loads', async () => {
    const house = await openHouse(1)
    const { files, ended } = await loaded(house.folder, ['hook'], {
      ...house.env,
      RENEWED_LINEAGE: house.live(0),
    })
    expect(ended.code).toBe(0)
    expect(house.service.emulator.entries).toHaveLength(1)
    expect(carriers(files, MARKS.undici)).not.toEqual([])
    expect(carriers(files, MARKS['@peculiar/x509'])).toEqual(['x509.js'])
    for (const name of ['chokidar', 'thread-stream', 'sonic-boom'] as const)
      expect([name, carriers(files, MARKS[name])]).toEqual([name, []])
  })

  test.each(Object.entries(MARKS))('would be seen to load %s', (name, mark) => {
    expect(codeOf(name)).toContain(mark)
  })
})

/** All of a package's own code. */
const codeOf = (name: string) =>
  readdirSync(`node_modules/${name}`, { recursive: true, encoding: 'utf8' })
    .filter(file => /\.[cm]?js$/.test(file))
    .map(file => readFileSync(`node_modules/${name}/${file}`, 'utf8'))
    .join('\n')

/** What was measured, rounded up: a change that makes a hook heavier fails here. pino, which writes its log line, is 58 KB of it. */
const MOST = { files: 3, bytes: 330_000, parts: 50 } as const

const atMost = (most: Readonly<Record<string, number>>) =>
  Object.fromEntries(
    Object.entries(most).map(([name, value]) => [
      name,
      expect.toSatisfy((n: number) => n <= value, `at most ${value}`),
    ]),
  )
