/** The account's description: what is taken, and what is said of what is not. */
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { type ResourceInput, readSeed, SeedError } from '../../src/emulator/resources.ts'
import { readSeedFile } from '../../src/emulator/seedFile.ts'
import { openAccountFile } from './accountFile.ts'
import { CDN, CLB, OLD_ID, old } from './cloud.ts'

const CERTIFICATE = { id: OLD_ID, alias: 'before', chain: 'chain.pem', key: 'key.pem' }

const read = (path: string) => readFile(path, 'utf8')

const mistakes = (value: unknown): readonly string[] => {
  try {
    readSeed(value)
    return []
  } catch (error) {
    if (error instanceof SeedError) return error.message.split('\n')
    throw error
  }
}

const inAccount = (...resources: ReadonlyArray<ResourceInput | object>) => ({
  certificates: [CERTIFICATE],
  resources,
})

describe('an account', () => {
  test('may be empty, and has every default', () => {
    const seed = readSeed({})
    expect([seed.certificates, seed.resources]).toEqual([[], []])
    expect(seed.traps).toEqual({
      site: 'mainland',
      role: true,
      scanCalls: 2,
      scanSeconds: 8,
      scanForgottenSeconds: 600,
      deployStatus: 'always-0',
      duringJob: 'adopt',
      missingRegions: 'nothing',
      uncovered: 'leave-out',
      hugeLimit: [],
      recordHiddenSeconds: 15,
      pendingCount: false,
      switchFromSeconds: 15,
      switchToSeconds: 120,
      workingSeconds: 10,
      limitCounts: 'type',
      extensionsHidden: true,
      surveyColdSeconds: 40,
      surveyCachedSeconds: 3,
      surveyCacheSeconds: 1800,
      surveyKeptSeconds: 3600,
      surveyEmpty: 'end',
      surveyFailures: 0,
      surveyErrors: [],
      deletionSeconds: 15,
      deletion: 'deleted',
      uncheckedDeletion: 'deletes',
      edgeLagSeconds: 2,
    })
  })

  test('names its resources after where they are', () => {
    const { resources } = readSeed(inAccount(CDN, CLB, { ...CDN, name: 'own' }))
    expect(resources.map(({ name }) => name)).toEqual([
      'cdn/a.example.com',
      'clb/ap-guangzhou/lb-1/lbl-1/a.example.com',
      'own',
    ])
    expect(resources[0]).toMatchObject({ extCertIds: [], sni: false, state: 'idle' })
  })

  test('may refer to a certificate by ID, by alias, and to one that is to come', () => {
    for (const certId of [OLD_ID, 'before', 'first:a.example.com', 'alias:web', undefined])
      expect(mistakes(inAccount({ ...CDN, certId, extCertIds: ['before'] }))).toEqual([])
  })
})

describe('a mistake is named with its place', () => {
  test.each<[string, unknown, readonly (string | RegExp)[]]>([
    ['a text', 'resources', [/^the file: .*Expected/]],
    ['an unknown member', { resource: [] }, [/^resource: /]],
    ['an unknown type', inAccount({ ...CDN, type: 'cdm' }), [/^resources\[0\]\.type: .*"cdm"/]],
    ['no domain', inAccount({ ...CDN, domains: [] }), [/^resources\[0\]\.domains: /]],
    ['an unknown member of a resource', inAccount({ ...CDN, cert: 'a' }), [/^resources\[0\]\.cert: /]],
    ['an unknown trap', { traps: { scanSecond: 3 } }, [/^traps\.scanSecond: /]],
    ['a negative time', { traps: { scanSeconds: -3 } }, [/^traps\.scanSeconds: /]],
    [
      'an ID of another form',
      { certificates: [{ ...CERTIFICATE, id: 'short' }] },
      [/^certificates\[0\]\.id: /],
    ],
    [
      'two at once',
      inAccount({ ...CDN, type: 'cdm', domains: 'a.example.com' }),
      [/^resources\[0\]\.type: /, /^resources\[0\]\.domains: /],
    ],
    [
      'a certificate that is nowhere',
      inAccount(CDN, { ...CDN, name: 'other', certId: 'nowhere1' }),
      [
        'resources[1].certId: no certificate "nowhere1"; name one of `certificates`, first:DOMAIN or alias:ALIAS',
      ],
    ],
    [
      'a type without its region',
      inAccount({ ...CLB, region: undefined }),
      ['resources[0].region: clb needs one, such as "ap-guangzhou"'],
    ],
    [
      'a region where there is none',
      inAccount({ ...CDN, region: 'ap-guangzhou' }),
      ['resources[0].region: cdn has none'],
    ],
    [
      'two of one name',
      inAccount(CDN, CDN),
      ['resources[1].name: there are two of "cdn/a.example.com"; give one another name'],
    ],
  ])('%s', (_, value, expected) => {
    const lines = mistakes(value)
    expect(lines).toHaveLength(expected.length)
    for (const [i, pattern] of expected.entries())
      if (typeof pattern === 'string') expect(lines[i]).toBe(pattern)
      else expect(lines[i]).toMatch(pattern)
  })
})

describe('a file', () => {
  test('has paths of certificates, relative to itself', async () => {
    const { write } = await openAccountFile()
    const path = await write(inAccount(CDN))
    const { certificates, resources } = await readSeedFile(path, read)
    expect(certificates).toEqual([{ ...CERTIFICATE, chain: old.chain, key: old.key }])
    expect(resources).toMatchObject([{ type: 'cdn', certId: OLD_ID }])
  })

  test('that is missing, is no JSON or names a missing file is refused', async () => {
    const { write, folder } = await openAccountFile()
    await expect(readSeedFile(`${folder}/none.json`, read)).rejects.toThrow(/^it cannot be read: ENOENT/)
    await expect(readSeedFile(await write('{"resources":'), read)).rejects.toThrow(/^it is no JSON/)
    const lost = { certificates: [{ ...CERTIFICATE, key: 'lost.pem' }] }
    await expect(readSeedFile(await write(lost), read)).rejects.toThrow(
      /^certificates\[0\]\.key cannot be read: ENOENT/,
    )
  })
})
