/** What a survey's answers prove: each list in its own shape, any member of which may be null or absent. */
import { describe, expect, test } from 'vitest'
import { surveyDetailOf, surveyTasksIn, tasksIn } from '../../src/deploy/surveyReply.ts'
import { replyOf } from './replies.ts'

const taskOf = (task: object) =>
  surveyTasksIn(replyOf({ SyncTaskBindResourceResult: [{ TaskId: '900001', ...task }] })).get('900001')

const region = (Region: unknown, TotalCount: unknown, error: unknown = '') => ({
  ...{ Region, TotalCount, Error: error },
})

const counted = (ResourceType: string, ...regions: readonly object[]) => ({
  ResourceType,
  BindResourceRegionResult: regions,
})

describe('a search', () => {
  test('has a task for each certificate', () => {
    const list = [{ CertId: 'old', TaskId: '900001' }, { CertId: 'older', TaskId: 900_002 }, null]
    expect([...tasksIn(replyOf({ CertTaskIds: list }))]).toEqual([
      ...[
        ['old', '900001'],
        ['older', '900002'],
      ],
    ])
    expect(tasksIn(replyOf({ CertTaskIds: null })).size).toBe(0)
  })

  const found = [counted('clb', region('ap-guangzhou', 2))]
  const nothing = [counted('clb', region('ap-guangzhou', 0)), counted('cdn', region('', 0))]
  const cases: ReadonlyArray<readonly [string, object, string, boolean]> = [
    ['that runs', { Status: 0, BindResourceResult: [] }, 'pending', false],
    ['that runs and has found some', { Status: 0, BindResourceResult: found }, 'pending', false],
    ['that says done with an empty list', { Status: 1, BindResourceResult: [] }, 'silent', false],
    ['that says done with null', { Status: 1, BindResourceResult: null }, 'silent', false],
    [
      'that says done with types without regions',
      { Status: 1, BindResourceResult: [counted('clb')] },
      'silent',
      false,
    ],
    ['with an unknown status', { Status: 7, BindResourceResult: nothing }, 'pending', false],
    ['without a status', { BindResourceResult: nothing }, 'pending', false],
    ['that failed', { Status: 2, Error: { Code: 'InternalError', Message: 'no' } }, 'failed', false],
    ['that failed without a reason', { Status: 2, Error: null }, 'failed', false],
    ['that found nothing', { Status: 1, BindResourceResult: nothing, Error: null }, 'done', true],
    ['that found some', { Status: 1, BindResourceResult: found, Error: null }, 'done', true],
    [
      'with an error of its own',
      { Status: 1, BindResourceResult: nothing, Error: { Code: 'X', Message: '' } },
      'done',
      false,
    ],
    [
      'with a region that failed',
      { Status: 1, BindResourceResult: [counted('clb', region('ap-a', 0, 'timed out'))] },
      'done',
      false,
    ],
    [
      'where regions have no Error, as on the international site',
      { Status: 1, BindResourceResult: [counted('cdn', { Region: null, TotalCount: 1 })] },
      'done',
      true,
    ],
  ]
  test.each(cases)('%s', (_, task, status, isComplete) => {
    expect(taskOf(task)).toMatchObject({ status, isComplete })
  })

  test('counts what is above 0, by type and region', () => {
    const list = [
      counted('CLB', region('ap-a', 2), region('ap-b', 0)),
      counted('cdn', region(null, 1)),
      counted('waf', region('x', null)),
    ]
    expect(taskOf({ Status: 1, BindResourceResult: list })?.found).toEqual([
      { type: 'clb', region: 'ap-a', count: 2 },
      { type: 'cdn', region: '', count: 1 },
    ])
  })

  test('says what was left out, and the code of its own error', () => {
    const list = [counted('clb', region('ap-a', 0, 'timed out'))]
    expect(taskOf({ Status: 1, BindResourceResult: list })?.problems).toEqual(['clb ap-a: timed out'])
    const missing = { Code: 'FailedOperation.RoleNotFoundAuthorization', Message: 'no role' }
    expect(taskOf({ Status: 2, Error: missing })).toMatchObject({
      apiCode: 'FailedOperation.RoleNotFoundAuthorization',
      problems: ['FailedOperation.RoleNotFoundAuthorization: no role'],
    })
  })

  test.each([[null], [undefined], [[null, 1, 'x']], [{}]])('may be %j', list => {
    expect(surveyTasksIn(replyOf({ SyncTaskBindResourceResult: list })).size).toBeLessThanOrEqual(0)
  })
})

/** One element of a list of the detail answer. */
const found = (list: string, element: object, more: object = {}) =>
  surveyDetailOf(
    replyOf({ [list]: [{ Region: 'ap-a', TotalCount: 1, Error: '', InstanceList: [element], ...more }] }),
    ...(['old', 0] as const),
  ).resources

const resource = (type: string, instance: string, domains: readonly string[], more: object = {}) => ({
  ...{ type, region: 'ap-a', instance, domains, unmatched: [] },
  ...more,
})

const HOST = 'a.example.com'

describe('the details of a search', () => {
  const listener = (more: object) => ({
    LoadBalancerId: 'lb-1',
    Listeners: [{ ListenerId: 'lbl-1', ...more }],
  })
  const certificate = { CertId: 'old', DnsNames: [HOST] }

  test.each([
    ['CDN', { Domain: HOST, CertId: 'old', Status: 'online' }, resource('cdn', HOST, [HOST])],
    ['CDN', { Domain: 'A.example.com|on' }, resource('cdn', 'A.example.com|on', [HOST])],
    ['WAF', { Domain: HOST, Keepalive: 1 }, resource('waf', HOST, [HOST])],
    ['LIVE', { Domain: HOST, Status: -1 }, resource('live', HOST, [HOST])],
    ['VOD', { Domain: HOST }, resource('vod', HOST, [HOST])],
    [
      'DDOS',
      { Domain: HOST, InstanceId: 'bgpip-1', VirtualPort: '443' },
      resource('ddos', 'bgpip-1', [HOST]),
    ],
    ['TEO', { Host: HOST, ZoneId: 'zone-1', Status: 'deployed' }, resource('teo', 'zone-1', [HOST])],
    ['APIGATEWAY', { ServiceId: 'service-1', Domain: HOST }, resource('apigateway', 'service-1', [HOST])],
    ['COS', { Domain: HOST, Bucket: 'b-1', Region: 'ap-b' }, resource('cos', 'b-1', [HOST])],
    ['SCF', { Domain: HOST, Region: 'ap-b' }, resource('scf', HOST, [HOST])],
    [
      'MQTT',
      { InstanceId: 'mqtt-1', NoMatchDomains: ['x.example.com'] },
      resource('mqtt', 'mqtt-1', [], { unmatched: ['x.example.com'] }),
    ],
    ['TDMQ', { InstanceId: 'rocketmq-1', CertId: 'old' }, resource('tdmq', 'rocketmq-1', [])],
    [
      'GAAP',
      { InstanceId: 'link-1', ListenerList: [{ ListenerId: 'l-1', NoMatchDomains: null }] },
      resource('gaap', 'link-1 l-1', []),
    ],
    [
      'TSE',
      {
        GatewayId: 'gateway-1',
        CertificateList: [
          { CertId: 'old', BindDomains: [HOST] },
          { CertId: 'x', BindDomains: ['x'] },
        ],
      },
      resource('tse', 'gateway-1', [HOST]),
    ],
    [
      'TKE',
      {
        ClusterId: 'cls-1',
        NamespaceList: [
          {
            Name: 'default',
            SecretList: [{ Name: 's', IngressList: [{ Domains: [HOST] }], NoMatchDomains: null }],
          },
        ],
      },
      resource('tke', 'cls-1 default s', [HOST]),
    ],
    [
      'CLB',
      listener({ SniSwitch: 0, Certificate: certificate, Rules: null }),
      resource('clb', 'lb-1 lbl-1', [HOST]),
    ],
    [
      'CLB',
      listener({
        SniSwitch: 0,
        Rules: [{ Domain: HOST }, { Domain: HOST }, { Domain: 'b.example.com,c.example.com' }],
      }),
      resource('clb', 'lb-1 lbl-1', [HOST, 'b.example.com', 'c.example.com']),
    ],
    [
      'CLB',
      listener({ SniSwitch: 1, Rules: [{ LocationId: 'loc-1', Domain: HOST, NoMatchDomains: [HOST] }] }),
      resource('clb', 'lb-1 lbl-1 loc-1', [HOST], { unmatched: [HOST] }),
    ],
    [
      'CLB',
      listener({ SniSwitch: 1, Rules: [], Certificate: certificate }),
      resource('clb', 'lb-1 lbl-1', [HOST]),
    ],
  ] as const)('of %s: %j', (list, element, expected) => {
    expect(found(list, element)).toEqual([expected])
  })

  test('of TCB have their environments in a list of another name, without a count', () => {
    const environment = {
      Environment: { ID: 'env-1' },
      AccessService: { InstanceList: [{ Domain: HOST }], TotalCount: 1 },
      HostService: { InstanceList: [{ Domain: 'b.example.com' }], TotalCount: null },
    }
    expect(found('TCB', {}, { InstanceList: undefined, Environments: [environment] })).toEqual([
      ...[resource('tcb', 'env-1', [HOST]), resource('tcb', 'env-1', ['b.example.com'])],
    ])
  })

  test.each([
    ...['CLB', 'CDN', 'WAF', 'DDOS', 'LIVE', 'VOD', 'TKE', 'APIGATEWAY', 'TCB', 'TEO', 'TSE', 'COS'],
    ...['TDMQ', 'MQTT', 'GAAP', 'SCF'],
  ])('of %s may be null, absent or of another form anywhere', name => {
    const wrong = [null, undefined, [], {}, [null], 'x', 7]
    const lists = wrong.flatMap(value => [
      value,
      [{ InstanceList: value, Environments: value, Region: value, Error: null, TotalCount: value }],
      [{ InstanceList: [deep(value)], Environments: [deep(value)] }],
    ])
    for (const list of lists) {
      const { resources, hasMore } = surveyDetailOf(replyOf({ [name]: list }), 'old', 0)
      expect(hasMore).toBe(false)
      for (const one of resources) {
        expect([one.type, one.region, one.instance].map(each => typeof each)).toEqual(Array(3).fill('string'))
        expect([...one.domains, ...one.unmatched].every(each => typeof each === 'string')).toBe(true)
      }
    }
  })

  test('go on where a list fills the page', () => {
    const full = Array.from({ length: 100 }, (_, i) => ({ Domain: `h${i}.example.com` }))
    const page = (TotalCount: unknown, InstanceList: readonly object[], offset = 0) =>
      surveyDetailOf(replyOf({ CDN: [{ TotalCount, InstanceList }] }), 'old', offset).hasMore
    expect(page(150, full)).toBe(true)
    expect(page(150, full.slice(50))).toBe(false)
    expect(page(0, [])).toBe(false)
    expect(page(null, full)).toBe(false)
    expect(page(200, full, 100)).toBe(false)
  })

  test('say which region failed', () => {
    const fields = {
      CLB: [{ Region: 'ap-a', Error: 'timed out', InstanceList: null }],
      CDN: [{ Error: 'no' }],
    }
    expect(surveyDetailOf(replyOf(fields), 'old', 0).problems).toEqual(['clb ap-a: timed out', 'cdn: no'])
  })
})

/** Every member that a list's element may have, with this value. */
const deep = (value: unknown) =>
  Object.fromEntries(
    [
      ...['LoadBalancerId', 'Listeners', 'Domain', 'Host', 'NamespaceList', 'Environment', 'AccessService'],
      ...['HostService', 'ListenerList', 'CertificateList', 'NoMatchDomains', 'InstanceId', 'Region'],
    ].map(name => [name, value]),
  )
