/** Folders of the clients beside certbot and acme.sh, as they are found on disk. */
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Source } from '../../src/config/settings.ts'
import { resolveSettings } from '../../src/config/settings.ts'
import type { SourceKind } from '../../src/config/values.ts'
import { BETWEEN_READS_MS } from '../../src/files/readFile.ts'
import { lineageIn } from '../../src/sources/lineage.ts'
import { readPair } from '../../src/sources/readPair.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { storeText } from '../fixtures/traefikStore.ts'
import { found, pair } from './sourceFixtures.ts'

const source = (kind: Exclude<SourceKind, 'pem'>, path: string): Source => ({ kind, path, keys: {} })

/** A folder with these files in it; what matters here is that they are there. */
async function folderOf(...files: readonly string[]) {
  const root = await temporaryDirectory()
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true })
    await writeFile(join(root, file), pair.chain)
  }
  return root
}

describe('lego', () => {
  test('a file with a certificate is a lineage; its other files, archives and accounts are none', async () => {
    const root = await folderOf(
      'certificates/a.example.crt',
      'certificates/a.example.issuer.crt',
      'certificates/a.example.key',
      'certificates/a.example.json',
      'certificates/_.a.example.crt',
      'certificates/keyless.example.key',
      'certificates/README',
      'archives/1700000000.b.example.crt',
      'archives/1700000000.b.example.key',
      'accounts/acme.example/a@a.example/account.json',
    )
    const { lineages, faults } = await found(source('lego', root))
    expect(faults).toEqual([])
    expect(lineages.map(({ id, chain, key }) => [id, chain, key])).toEqual(
      ['_.a.example', 'a.example'].map(name => [
        `lego:${name}`,
        join(root, `certificates/${name}.crt`),
        join(root, `certificates/${name}.key`),
      ]),
    )
  })

  test('a folder in which nothing was issued yet is there and empty', async () => {
    expect(await found(source('lego', await folderOf('accounts/x')))).toMatchObject({ ids: [], faults: [] })
  })
})

describe('dehydrated', () => {
  test('a folder with a chain is a lineage, once the links are there; what it archived is none', async () => {
    const root = await folderOf(
      'certs/a.example/fullchain-1700000000.pem',
      'certs/unfinished.example/privkey-1700000000.pem',
      'certs/unfinished.example/fullchain-1700000000.pem',
      'archive/b.example/fullchain.pem',
    )
    await symlink('fullchain-1700000000.pem', join(root, 'certs/a.example/fullchain.pem'))
    expect((await found(source('dehydrated', join(root, 'certs')))).ids).toEqual(['dehydrated:a.example'])
  })
})

describe('uacme', () => {
  test('a folder with a certificate is a lineage, with its key in private; copies of earlier ones are none', async () => {
    const root = await folderOf(
      'a.example/cert.pem',
      'a.example/cert-1700000000.pem',
      'private/key.pem',
      'private/a.example/key.pem',
      'private/failed.example/key.pem',
      'failed.example/cert.pem.tmp',
    )
    const { lineages } = await found(source('uacme', root))
    expect(lineages).toMatchObject([
      {
        id: 'uacme:a.example',
        chain: join(root, 'a.example/cert.pem'),
        key: join(root, 'private/a.example/key.pem'),
      },
    ])
  })
})

describe('Caddy', () => {
  const [encrypt, zero] = ['acme-v02.api.letsencrypt.org-directory', 'acme.zerossl.com-v2-dv90']

  test('the certificates of all issuers are lineages, those of its own authority are none', async () => {
    const root = await folderOf(
      `certificates/${encrypt}/a.example/a.example.crt`,
      `certificates/${zero}/a.example/a.example.crt`,
      `certificates/${zero}/wildcard_.a.example/wildcard_.a.example.crt`,
      `certificates/${zero}/keyless.example/keyless.example.key`,
      'certificates/local/localhost/localhost.crt',
      'certificates/a-file',
      'ocsp/a.example-123',
      'pki/authorities/local/root.crt',
    )
    const { ids, faults } = await found(source('caddy', root))
    expect(faults).toEqual([])
    expect(ids).toEqual([
      `caddy:a.example@${encrypt}`,
      `caddy:a.example@${zero}`,
      `caddy:wildcard_.a.example@${zero}`,
    ])
  })
})

describe('Traefik', () => {
  const le = [
    { domains: ['a.example'], pair },
    { domains: ['*.b.example', 'b.example'], pair },
  ] as const

  test('every certificate in its file is a lineage, read from the file itself', async () => {
    const path = join(await temporaryDirectory(), 'acme.json')
    await writeFile(path, storeText({ le, zero: [{ domains: ['a.example'], pair }] }))
    const { ids, lineages, faults } = await found(source('traefik', path))
    expect(faults).toEqual([])
    expect(ids).toEqual([
      'traefik:*.b.example+b.example@le',
      'traefik:a.example@le',
      'traefik:a.example@zero',
    ])
    for (const lineage of lineages) {
      const { files } = await readPair(lineage, { now: () => new Date(0), wait: async () => {} })
      expect(files).toMatchObject({
        chain: { path, text: pair.chain },
        key: { path, text: pair.key },
      })
    }
  })

  test('while it is written anew nothing is forgotten: the file is read again, and then said to be pending', async () => {
    const path = join(await temporaryDirectory(), 'acme.json')
    const text = storeText({ le })
    await writeFile(path, text.slice(0, 500))
    const looking = found(source('traefik', path))
    // after the first reading, before the second
    await setTimeout(BETWEEN_READS_MS / 2)
    await writeFile(path, text)
    expect((await looking).ids).toHaveLength(2)
    await writeFile(path, text.slice(0, 500))
    expect(await found(source('traefik', path))).toMatchObject({
      ids: [],
      faults: [{ lineage: `traefik:${path}`, fault: { code: 'PAIR_INCOMPLETE', exit: 75 } }],
    })
  })

  test('a lineage that has gone from the file, or the file itself, is awaited', async () => {
    const path = join(await temporaryDirectory(), 'acme.json')
    const lineage = lineageIn(
      { kind: 'traefik', path, keys: {} },
      'gone.example@le',
      resolveSettings({}, {}, {}).forLineage,
    )
    const read = () => readPair(lineage, { now: () => new Date(), wait: async () => {} })
    await writeFile(path, storeText({ le }))
    await expect(read()).rejects.toMatchObject({
      code: 'PAIR_INCOMPLETE',
      message: `${path}: has no traefik:gone.example@le`,
    })
    await rm(path)
    await expect(read()).rejects.toMatchObject({ code: 'PAIR_INCOMPLETE' })
  })

  test('a folder in its place is said to be one, as Docker makes it', async () => {
    const path = await temporaryDirectory()
    expect((await found(source('traefik', path))).faults).toMatchObject([
      {
        fault: {
          code: 'FILE_INVALID',
          message: `${path}: is a folder, and Traefik keeps its certificates in one file`,
          advice: expect.stringContaining('acme.storage'),
        },
      },
    ])
  })

  test("a file in place of another client's folder is said to be one", async () => {
    const path = join(await temporaryDirectory(), 'acme.json')
    await writeFile(path, '')
    for (const kind of ['certbot', 'acme.sh', 'caddy'] as const)
      expect((await found(source(kind, path))).faults).toMatchObject([
        { fault: { code: 'SOURCE_MISSING', message: `${path}: is a file and no directory` } },
      ])
  })

  test('a file that is not there is a source that is missing', async () => {
    expect((await found(source('traefik', '/nowhere/acme.json'))).faults).toMatchObject([
      { lineage: 'traefik:/nowhere/acme.json', fault: { code: 'SOURCE_MISSING', exit: 66 } },
    ])
  })
})
