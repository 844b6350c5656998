import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { withLock } from '../../src/receipts/exclusion.ts'
import { fileName } from '../../src/receipts/store.ts'
import { LINEAGE, NOW, readyStage, stage, upload, uploadedAs } from './stateDirectory.ts'

describe('a receipt', () => {
  test('comes back as it was written, and another process reads the same', async () => {
    const { dir, receipts } = await readyStage()
    await receipts.record(LINEAGE, uploadedAs('first'))
    await receipts.record(LINEAGE, uploadedAs('second'))
    const { receipts: others } = await stage(dir)
    expect(await others.recall(LINEAGE)).toMatchObject({
      lineage: LINEAGE,
      uploaded: upload('second'),
      superseded: [{ certificateId: 'first', supersededAt: NOW.toISOString() }],
    })
    expect(await others.all()).toEqual([await receipts.recall(LINEAGE)])
  })

  test('of a lineage never seen is empty, and nothing is written for it', async () => {
    const { dir, receipts } = await readyStage()
    expect(await receipts.recall('pem:new')).toMatchObject({ lineage: 'pem:new', uploaded: undefined })
    expect(await readdir(dir)).toEqual([])
  })

  test('is for its owner alone, and so is the directory made for it', async () => {
    const { dir, file, receipts } = await readyStage()
    await receipts.record(LINEAGE, uploadedAs('id'))
    expect((await stat(dir)).mode & 0o777).toBe(0o700)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  test('is never seen half-written, however often one looks', async () => {
    const { file, receipts } = await readyStage()
    await receipts.record(LINEAGE, uploadedAs('id0'))
    let writing = true
    const write = async () => {
      for (let i = 1; i <= 40; i++) await receipts.record(LINEAGE, uploadedAs(`id${i}`))
      writing = false
    }
    const looks: string[] = []
    const look = async () => {
      while (writing) looks.push(JSON.parse(await readFile(file, 'utf8')).certificateId)
    }
    await Promise.all([write(), look()])
    expect(new Set(looks).size).toBeGreaterThan(5)
  })

  test('that could not be put in place leaves the old one and no trace', async () => {
    const { dir, receipts } = await readyStage()
    await receipts.record(LINEAGE, uploadedAs('old'))
    const broken = () => {
      throw Object.assign(new Error(), { code: 'EIO' })
    }
    const place = { dir, name: fileName(LINEAGE), wait: async () => expect.unreachable() }
    await expect(withLock(place, 'new', broken)).rejects.toMatchObject({ code: 'EIO' })
    expect(await readdir(dir)).toEqual([fileName(LINEAGE)])
    expect((await receipts.recall(LINEAGE)).uploaded?.certificateId).toBe('old')
  })
})

describe('file names', () => {
  test.each([
    ['certbot:example.com', /^certbot_example\.com-[0-9a-f]{32}\.json$/],
    ['acme.sh:*.example.com_ecc', /^acme\.sh__\.example\.com_ecc-[0-9a-f]{32}\.json$/],
    ['pem:../../etc/passwd', /^pem_\.\._\.\._etc_passwd-[0-9a-f]{32}\.json$/],
  ])('%s can be recognised by a person', (lineage, name) => {
    expect(fileName(lineage)).toMatch(name)
  })

  const lineage = fc.oneof(
    fc.string({ maxLength: 255 }),
    fc.string({ unit: 'grapheme', maxLength: 100 }),
    fc.string({ unit: fc.constantFrom('*', ':', '/', '.', '_', 'a', '\0', '\n', '证'), maxLength: 255 }),
  )

  test('every lineage has one that any disk takes, inside the directory', () => {
    fc.assert(
      fc.property(lineage, name => {
        expect(fileName(name)).toMatch(/^[A-Za-z0-9._-]{1,255}$/)
        expect(join('/state', fileName(name), '..')).toBe('/state')
      }),
    )
  })

  test('no two lineages share one, not even on a disk that knows no capitals', () => {
    fc.assert(
      fc.property(lineage, lineage, (a, b) => {
        fc.pre(a !== b)
        expect(fileName(a).toLowerCase()).not.toBe(fileName(b).toLowerCase())
      }),
    )
  })

  test('the longest name certbot can give is written and read', async () => {
    const { receipts } = await readyStage()
    const long = `certbot:${'a'.repeat(255)}`
    await receipts.record(long, uploadedAs('id'))
    expect((await receipts.recall(long)).uploaded?.certificateId).toBe('id')
  })
})
