/** What a replacement finds and what it leaves alone, and the requests that are refused. */
import { describe, expect, test } from 'vitest'
import type { ResourceInput } from '../../src/emulator/resources.ts'
import type { EmulatorOptions } from '../../src/emulator/server.ts'
import { CDN, CERTIFICATES, CLB, NEXT_ID, OLD_ID, openCloud, pairOf, REPLACE } from './cloud.ts'

const ACTION = 'UpdateCertificateInstance'
const EMPTY = 'FailedOperation.CertificateDeployInstanceEmpty'
const THIRD_ID = 'thrCCCC3'
const third = { ...(await pairOf('a.example.com', '*.b.example.com')), id: THIRD_ID }
const narrow = { ...(await pairOf('a.example.com')), id: 'narrow01' }
const CERTIFICATES_4 = [...CERTIFICATES, third, narrow].map(({ id, chain, key }) => ({ id, chain, key }))

const open = (options: EmulatorOptions = {}) => openCloud({ certificates: CERTIFICATES_4, ...options })

describe('what is found', () => {
  const standing = async (
    options: EmulatorOptions,
    changes: object = {},
  ): Promise<ReadonlyArray<string | undefined>> => {
    const { replace, pass, resources } = await open(options)
    await replace(changes)
    pass(200)
    return resources().map(({ certId }) => certId)
  }
  const SHANGHAI = { ...CLB, region: 'ap-shanghai' } as const

  test('only in the regions that are named', async () => {
    expect(await standing({ resources: [CDN, CLB, SHANGHAI] })).toEqual([NEXT_ID, NEXT_ID, OLD_ID])
    expect(await standing({ resources: [CDN, CLB] }, { ResourceTypesRegions: [] })).toEqual([NEXT_ID, OLD_ID])
  })

  test('a type without its regions finds nothing, or is refused', async () => {
    const request = { ResourceTypes: ['clb'], ResourceTypesRegions: [] }
    await expect(standing({ resources: [CLB] }, request)).rejects.toThrow(EMPTY)
    const traps = { missingRegions: 'error' } as const
    await expect(standing({ resources: [CLB], traps }, request)).rejects.toThrow('MissingParameter')
  })

  test('not what the certificate does not cover, and nothing at all where the trap says so', async () => {
    const request = { CertificateId: narrow.id }
    expect(await standing({}, request)).toEqual([narrow.id, OLD_ID])
    const refused = standing({ traps: { uncovered: 'refuse' } }, request)
    await expect(refused).rejects.toThrow('FailedOperation.CertificateNotDeployInstance')
    await expect(standing({ resources: [CLB] }, request)).rejects.toThrow(EMPTY)
  })

  test('a wildcard covers one label, and a regular expression is covered by nothing', async () => {
    const on = (domain: string, more: object = {}) =>
      standing({ resources: [{ ...CDN, domains: [domain], ...more } as ResourceInput] })
    expect(await on('y.b.example.com')).toEqual([NEXT_ID])
    await expect(on('x.y.b.example.com')).rejects.toThrow(EMPTY)
    await expect(on('b.example.com')).rejects.toThrow(EMPTY)
    await expect(on('a.example.com', { regex: true })).rejects.toThrow(EMPTY)
  })

  test('not a certificate that stands beside another', async () => {
    const beside = { ...CDN, certId: THIRD_ID, extCertIds: [OLD_ID] }
    await expect(standing({ resources: [beside] })).rejects.toThrow(EMPTY)
  })

  test('not in a type that has too many instances, unless one region is asked', async () => {
    const huge = { resources: [CDN, CLB, SHANGHAI], traps: { hugeLimit: ['clb'] } }
    const TOO_MANY = 'FailedOperation.CertificateHostResourceInstanceHugeLimit'
    await expect(standing(huge)).rejects.toThrow(TOO_MANY)
    const alone = { ResourceTypes: ['clb'] }
    expect(await standing(huge, alone)).toEqual([OLD_ID, NEXT_ID, OLD_ID])
    const both = [{ ResourceType: 'clb', Regions: ['ap-guangzhou', 'ap-shanghai'] }]
    await expect(standing(huge, { ...alone, ResourceTypesRegions: both })).rejects.toThrow(TOO_MANY)
  })
})

describe('is refused', () => {
  const refused = async (changes: object, options: EmulatorOptions = {}) => {
    const { ask } = await open(options)
    return ask(ACTION, { ...REPLACE, ...changes }).then(
      () => 'OK',
      (error: Error) => error.message,
    )
  }

  test.each<[string, object, string, EmulatorOptions?]>([
    ['an unknown old certificate', { OldCertificateId: 'nowhere1' }, 'FailedOperation.CertificateNotFound'],
    ['an unknown new certificate', { CertificateId: 'nowhere1' }, 'FailedOperation.CertificateNotFound'],
    [
      'a type that cannot be replaced',
      { ResourceTypes: ['lighthouse'] },
      'FailedOperation.CertificateHostResourceTypeInvalid',
    ],
    ['a type in capitals', { ResourceTypes: ['CDN'] }, 'FailedOperation.CertificateHostResourceTypeInvalid'],
    ['no type', { ResourceTypes: [] }, 'FailedOperation.InvalidParam'],
    ['the same certificate', { CertificateId: OLD_ID }, 'FailedOperation.InvalidParam'],
    ['no new certificate', { CertificateId: undefined }, 'InvalidParameter.WithDetailReason'],
    ['a switch of text', { ExpiringNotificationSwitch: '1' }, 'InvalidParameter'],
    [
      'a region that is no list',
      { ResourceTypesRegions: [{ ResourceType: 'clb', Regions: 'ap-guangzhou' }] },
      'InvalidParameter',
    ],
    [
      'an unknown member in a list',
      { ResourceTypesRegions: [{ ResourceType: 'clb', Regions: [], Zone: 'a' }] },
      'UnknownParameter',
    ],
    ['an unknown member', { InstanceIds: [] }, 'UnknownParameter'],
    ['without the role', {}, 'FailedOperation.RoleNotFoundAuthorization', { traps: { role: false } }],
    [
      'a type that the international site does not know',
      { ResourceTypes: ['scf'] },
      'FailedOperation.CertificateHostResourceTypeInvalid',
      { traps: { site: 'international' } },
    ],
  ])('%s', async (_, changes, code, options) => {
    expect(await refused(changes, options)).toBe(code)
  })

  test('by the gateway or by the product, where the account has no right', async () => {
    const account = { secretKey: 'mine', denied: [ACTION] }
    for (const [deniedBy, code] of [
      ['gateway', 'AuthFailure.UnauthorizedOperation'],
      ['product', 'FailedOperation.AuthError'],
    ] as const) {
      const { send } = await open({ accounts: { me: { ...account, deniedBy } } })
      const reply = await send({ action: ACTION, body: REPLACE, secretId: 'me', secretKey: 'mine' })
      expect(reply.code).toBe(code)
    }
  })
})
