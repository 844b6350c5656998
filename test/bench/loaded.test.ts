/** What a start loads, by counts: a hook for an unchanged certificate needs little code and no package for uploads. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loaded } from '../../bench/counted.ts'
import { openHouse, unchangedHook } from '../../bench/countsFixture.ts'

/** Words that only a package's own code has. */
const MARKS = {
  undici: 'UND_ERR_HEADERS_OVERFLOW',
  '@peculiar/x509': 'X509CertificateGenerator',
  chokidar: 'awaitWriteFinish',
} as const

const packagesIn = (files: readonly string[]) => {
  const texts = files.map(file => readFileSync(file, 'utf8'))
  return Object.entries(MARKS).flatMap(([name, mark]) =>
    texts.some(text => text.includes(mark)) ? [name] : [],
  )
}

/** As seen, rounded up: a change that makes each hook slower should be a decision. pino is the larger half. In bytes. */
const MOST = 272_000

/** The modules of Node that a program may ask for and that Node alone has not loaded. */
async function modulesOfNode(folder: string, parts: readonly string[]): Promise<readonly string[]> {
  const own = new Set((await loaded(folder, [], {})).parts)
  return parts
    .filter(part => !own.has(part) && part.startsWith('NativeModule '))
    .map(part => part.slice('NativeModule '.length))
    .filter(name => !name.startsWith('internal/'))
    .toSorted()
}

test('a hook for an unchanged certificate loads little code, and no package for uploads', async () => {
  const { house, before, env } = await unchangedHook()
  const { files, bytes, parts, ended } = await loaded(house.folder, ['hook'], env)
  expect(ended.code).toBe(0)
  expect(house.service.emulator.entries).toHaveLength(before)
  expect(await modulesOfNode(house.folder, parts)).toEqual(['path/posix', 'sea', 'sqlite', 'timers/promises'])
  expect(packagesIn(files)).toEqual([])
  expect(bytes).toBeLessThanOrEqual(MOST)
})

test('a hook that uploads loads the HTTP client and the certificate reader, and no file watcher', async () => {
  const house = await openHouse(1)
  const env = { ...house.env, RENEWED_LINEAGE: house.live(0) }
  const { files, parts, ended } = await loaded(house.folder, ['hook'], env)
  expect(ended.code).toBe(0)
  expect(house.service.emulator.entries).toHaveLength(1)
  expect(await modulesOfNode(house.folder, parts)).toEqual([
    'crypto',
    'path/posix',
    'sea',
    'sqlite',
    'timers/promises',
  ])
  expect(packagesIn(files)).toEqual(['undici', '@peculiar/x509'])
})
