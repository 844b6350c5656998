/** Where a certificate is bound, as the service's search tells it. */
import { describe, expect, test } from 'vitest'
import type { ResourceInput } from '../../src/emulator/resources.ts'
import { CDN, CLB, NEXT_ID, OLD_ID, openCloud } from './cloud.ts'

const CREATE = 'CreateCertificateBindResourceSyncTask'
const RESULT = 'DescribeCertificateBindResourceTaskResult'
const DETAIL = 'DescribeCertificateBindResourceTaskDetail'

const open = async (...args: Parameters<typeof openCloud>) => {
  const cloud = await openCloud(...args)
  const begin = async (certId = OLD_ID, IsCache = 0) => {
    const { CertTaskIds } = await cloud.ask(CREATE, { CertificateIds: [certId], IsCache })
    return CertTaskIds[0]?.TaskId ?? ''
  }
  const result = async (task: string) => {
    const { SyncTaskBindResourceResult } = await cloud.ask(RESULT, { TaskIds: [task] })
    const [first] = SyncTaskBindResourceResult
    if (first === undefined) throw new Error('no result')
    return first
  }
  return { ...cloud, begin, result }
}

describe('the counts', () => {
  test('come after 40 s, and once with an empty list before', async () => {
    const { begin, result, pass } = await open()
    const task = await begin()
    pass(39)
    expect(await result(task)).toMatchObject({ Status: 0, BindResourceResult: [], Error: null })
    pass(1)
    expect(await result(task)).toMatchObject({ Status: 1, BindResourceResult: [], Error: null })
    const complete = await result(task)
    expect(complete).toMatchObject({ TaskId: task, Status: 1, CacheTime: '2026-06-15 20:00:40' })
    const types = complete.BindResourceResult.map(({ ResourceType }) => ResourceType)
    expect(types.toSorted()).toEqual(
      ['apigateway', 'cdn', 'clb', 'cos', 'ddos', 'live', 'tcb', 'teo', 'tke', 'vod', 'waf'].toSorted(),
    )
    expect(complete.BindResourceResult.find(({ ResourceType }) => ResourceType === 'cdn')).toEqual({
      ResourceType: 'cdn',
      BindResourceRegionResult: [{ Region: '', TotalCount: 1, Error: '' }],
    })
  })

  test('are said to be done on the first query, or never too early, where the trap says so', async () => {
    const first = await open({ traps: { surveyEmpty: 'first' } })
    const task = await first.begin()
    expect(await first.result(task)).toMatchObject({ Status: 1, BindResourceResult: [] })
    expect(await first.result(task)).toMatchObject({ Status: 0 })
    first.pass(40)
    expect((await first.result(task)).BindResourceResult).not.toEqual([])
    const never = await open({ traps: { surveyEmpty: 'never' } })
    const other = await never.begin()
    never.pass(40)
    expect((await never.result(other)).BindResourceResult).not.toEqual([])
  })

  test('report each region, and 0 for one in which nothing is bound', async () => {
    const resources = [CLB, { ...CLB, region: 'ap-shanghai', certId: NEXT_ID }]
    const { survey } = await open({ resources })
    expect(await survey(OLD_ID)).toMatchObject({ 'clb ap-guangzhou': 1, 'clb ap-shanghai': 0, cdn: 0 })
  })

  test('do not see what stands beside another certificate, nor Lighthouse', async () => {
    const resources: readonly ResourceInput[] = [
      { ...CDN, certId: NEXT_ID, extCertIds: [OLD_ID] },
      { type: 'lighthouse', instance: 'lhins-1', domains: ['a.example.com'], certId: OLD_ID },
    ]
    const all = Object.values(await (await open({ resources })).survey(OLD_ID))
    expect(Math.max(...all)).toBe(0)
    const seen = await open({ resources, traps: { extensionsHidden: false } })
    expect(await seen.survey(OLD_ID)).toMatchObject({ cdn: 1 })
  })

  test('report what was true when the search began', async () => {
    const { begin, result, pass, rebind } = await open({ traps: { surveyEmpty: 'never' } })
    const task = await begin()
    rebind('cdn/a.example.com', NEXT_ID)
    pass(40)
    expect(
      (await result(task)).BindResourceResult.find(({ ResourceType }) => ResourceType === 'cdn'),
    ).toMatchObject({ BindResourceRegionResult: [{ TotalCount: 1 }] })
  })

  test('have a text for a region that failed, and none of it on the international site', async () => {
    const surveyErrors = [{ type: 'clb', region: 'ap-guangzhou', message: 'timeout' }]
    const region = async (site: 'mainland' | 'international') => {
      const { begin, result, pass } = await open({ traps: { surveyErrors, site, surveyEmpty: 'never' } })
      const task = await begin()
      pass(40)
      const { BindResourceResult } = await result(task)
      return BindResourceResult.find(({ ResourceType }) => ResourceType === 'clb')?.BindResourceRegionResult
    }
    expect(await region('mainland')).toEqual([{ Region: 'ap-guangzhou', TotalCount: 0, Error: 'timeout' }])
    expect(await region('international')).toEqual([{ Region: 'ap-guangzhou', TotalCount: 0 }])
  })

  test('fail as often as the trap says', async () => {
    const { begin, result, pass } = await open({ traps: { surveyFailures: 1, surveyEmpty: 'never' } })
    const failing = await begin()
    pass(40)
    expect(await result(failing)).toMatchObject({
      Status: 2,
      BindResourceResult: [],
      Error: { Code: 'InternalError', Message: expect.any(String) },
    })
    const good = await begin(OLD_ID, 1)
    pass(40)
    expect(await result(good)).toMatchObject({ Status: 1, Error: null })
  })
})

describe('the tasks', () => {
  test('of one certificate are one while it is searched, and repeated for half an hour with IsCache', async () => {
    const { begin, result, pass, rebind, survey } = await open({ traps: { surveyEmpty: 'never' } })
    const first = await begin()
    expect(await begin()).toBe(first)
    expect(await begin(OLD_ID, 1)).toBe(first)
    expect(await begin(NEXT_ID)).not.toBe(first)
    pass(41)
    rebind('cdn/a.example.com', NEXT_ID)
    const repeated = await begin(OLD_ID, 1)
    expect(repeated).not.toBe(first)
    pass(3)
    const cached = await result(repeated)
    expect(cached).toMatchObject({ Status: 1, CacheTime: '2026-06-15 20:00:40' })
    // what it says is out of date
    expect(await survey(OLD_ID, 1)).toMatchObject({ cdn: 1 })
    expect(await survey(OLD_ID, 0)).toMatchObject({ cdn: 0 })
    pass(1801)
    const fresh = await begin(OLD_ID, 1)
    pass(3)
    expect(await result(fresh)).toMatchObject({ Status: 0 })
  })

  test('are forgotten after an hour', async () => {
    const { begin, result, pass } = await open()
    const task = await begin()
    pass(40 + 3600)
    await expect(result(task)).resolves.toMatchObject({ Status: 1 })
    pass(1)
    await expect(result(task)).rejects.toThrow('FailedOperation.CertificateSyncTaskIdInvalid')
    await expect(result('1')).rejects.toThrow('FailedOperation.CertificateSyncTaskIdInvalid')
  })

  test('take numbers and texts as documented, a hundred at most', async () => {
    const { ask } = await open()
    const refused = (action: string, body: object) =>
      ask(action, body).then(
        () => 'OK',
        (error: Error) => error.message,
      )
    const many = Array.from({ length: 101 }, () => OLD_ID)
    const COUNT = 'FailedOperation.CertificateSyncTaskCertificateIdCountInvalid'
    expect(await refused(CREATE, { CertificateIds: many, IsCache: 0 })).toBe(COUNT)
    expect(await refused(CREATE, { CertificateIds: many.slice(1), IsCache: 0 })).toBe('OK')
    const UNKNOWN = 'FailedOperation.CertificateNotFound'
    expect(await refused(CREATE, { CertificateIds: [OLD_ID, 'nowhere1'], IsCache: 0 })).toBe(UNKNOWN)
    expect(await refused(CREATE, { CertificateIds: [OLD_ID] })).toBe('MissingParameter')
    for (const IsCache of [true, '0', 2])
      expect(await refused(CREATE, { CertificateIds: [OLD_ID], IsCache })).toBe('InvalidParameter')
    expect(await refused(CREATE, { CertificateIds: OLD_ID, IsCache: 0 })).toBe('InvalidParameter')
    expect(await refused(RESULT, { TaskIds: [5] })).toBe('InvalidParameter')
    expect(await refused(RESULT, { TaskIds: many })).toBe('InvalidParameter')
    for (const wrong of [{ Limit: 10 }, { Limit: '101' }, { Offset: 0 }, { ResourceTypes: 'cdn' }])
      expect(await refused(DETAIL, { TaskId: '1', ...wrong })).toBe('InvalidParameter')
  })
})

describe('the details', () => {
  const DOMAIN = ['a.example.com']
  const at = (type: ResourceInput['type'], more: object = {}): ResourceInput => ({
    type,
    domains: DOMAIN,
    certId: OLD_ID,
    ...more,
  })
  const region = 'ap-guangzhou'
  const details = async (resources: readonly ResourceInput[], query: object = {}) => {
    const { begin, pass, ask } = await open({ resources })
    const TaskId = await begin()
    pass(40)
    return ask(DETAIL, { TaskId, ...query })
  }

  test.each<[string, ResourceInput, object]>([
    ['CDN', at('cdn'), { Domain: 'a.example.com', CertId: OLD_ID, Status: 'online' }],
    ['WAF', at('waf', { region }), { Domain: 'a.example.com', CertId: OLD_ID }],
    ['LIVE', at('live'), { Domain: 'a.example.com', CertId: OLD_ID }],
    ['VOD', at('vod'), { Domain: 'a.example.com', CertId: OLD_ID }],
    ['DDOS', at('ddos', { instance: 'bgpip-1' }), { InstanceId: 'bgpip-1', VirtualPort: '443' }],
    ['TEO', at('teo', { instance: 'zone-1' }), { Host: 'a.example.com', ZoneId: 'zone-1' }],
    ['APIGATEWAY', at('apigateway', { region, instance: 'service-1' }), { ServiceId: 'service-1' }],
    [
      'TKE',
      at('tke', { region, instance: 'cls-1', listener: 'web-tls' }),
      { ClusterId: 'cls-1', NamespaceList: [{ SecretList: [{ Name: 'web-tls', NoMatchDomains: [] }] }] },
    ],
    [
      'TCB',
      at('tcb', { region, instance: 'env-1' }),
      { Environment: { ID: 'env-1' }, AccessService: { InstanceList: [{ Domain: 'a.example.com' }] } },
    ],
    ['TSE', at('tse', { region, instance: 'gateway-1' }), { GatewayId: 'gateway-1' }],
    ['COS', at('cos', { region, instance: 'bucket-1' }), { Bucket: 'bucket-1', Region: region }],
    ['MQTT', at('mqtt', { region, instance: 'mqtt-1' }), { ServerCertIdList: [OLD_ID] }],
    ['TDMQ', at('tdmq', { region, instance: 'rocketmq-1' }), { CertId: OLD_ID }],
    ['GAAP', at('gaap', { instance: 'link-1' }), { ListenerList: [{ CertIdList: [OLD_ID] }] }],
    ['SCF', at('scf', { region }), { CertificateId: OLD_ID, Domain: 'a.example.com' }],
  ])('of %s', async (list, resource, shape) => {
    const reply = await details([resource])
    expect(reply[list]).toMatchObject([{ TotalCount: 1, Error: '', InstanceList: [shape] }])
    expect(reply.CLB).toEqual([])
    expect(reply.Status).toBe(1)
    const place = (reply[list] as ReadonlyArray<{ Region?: string }>)[0]?.Region
    expect(place).toBe(resource.region)
  })

  test('of a load balancer: listeners, rules, and the names that are not covered', async () => {
    const shop = { ...CLB, listener: 'lbl-2', sni: true, domains: ['a.example.com', 'shop.example.org'] }
    const { CLB: list } = await details([CLB, shop])
    expect(list).toMatchObject([
      {
        Region: region,
        TotalCount: 1,
        InstanceList: [
          {
            LoadBalancerId: 'lb-1',
            Listeners: [
              { ListenerId: 'lbl-1', SniSwitch: 0, Certificate: { CertId: OLD_ID }, NoMatchDomains: [] },
              {
                ListenerId: 'lbl-2',
                SniSwitch: 1,
                Certificate: null,
                NoMatchDomains: ['shop.example.org'],
                Rules: [
                  { Domain: 'a.example.com', IsMatch: true, Certificate: { CertId: OLD_ID } },
                  { Domain: 'shop.example.org', IsMatch: false, NoMatchDomains: ['shop.example.org'] },
                ],
              },
            ],
          },
        ],
      },
    ])
  })

  test('of the types and regions that are asked for, page by page', async () => {
    const resources = [CDN, { ...CDN, name: 'second', domains: ['x.b.example.com'] }, CLB]
    const hosts = ({ CDN: list }: Readonly<Record<string, unknown>>) =>
      (list as ReadonlyArray<{ InstanceList: ReadonlyArray<{ Domain: string }> }>).flatMap(each =>
        each.InstanceList.map(({ Domain }) => Domain),
      )
    expect(hosts(await details(resources))).toEqual(['a.example.com', 'x.b.example.com'])
    expect(hosts(await details(resources, { Limit: '1', Offset: '1' }))).toEqual(['x.b.example.com'])
    expect(await details(resources, { ResourceTypes: ['clb'] })).toMatchObject({ CDN: [], CLB: [{}] })
    expect(await details(resources, { Regions: ['ap-shanghai'] })).toMatchObject({ CLB: [] })
  })

  test('are not there before the end, nor without the role', async () => {
    const early = await open()
    const TaskId = await early.begin()
    expect(await early.ask(DETAIL, { TaskId })).toMatchObject({ Status: 0, CDN: [], CLB: [] })
    await expect(early.ask(DETAIL, { TaskId: '1' })).rejects.toThrow('CertificateSyncTaskIdInvalid')
    const roleless = await open({ traps: { role: false } })
    const task = await roleless.begin()
    await expect(roleless.ask(DETAIL, { TaskId: task })).rejects.toThrow('RoleNotFoundAuthorization')
  })
})
