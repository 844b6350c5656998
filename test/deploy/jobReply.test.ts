/** What answers about jobs and deletions prove, and what they do not. */
import { describe, expect, test } from 'vitest'
import { askedOf, deletionsIn, deletionTaskOf, progressOf, recordsIn } from '../../src/deploy/jobReply.ts'
import { detail, record, replyOf } from './replies.ts'

describe('a request to replace is answered', () => {
  test.each([
    ['0', { DeployRecordId: 0, DeployStatus: 0, UpdateSyncProgress: null }, undefined],
    ['null, as on the international site', { DeployRecordId: null, DeployStatus: 1 }, undefined],
    ['nothing', {}, undefined],
    ['an empty text', { DeployRecordId: '' }, undefined],
    ['a number', { DeployRecordId: 1_763_489, DeployStatus: 0 }, '1763489'],
    ['a number beyond 32 bits', { DeployRecordId: 8_591_698_084 }, '8591698084'],
    ['text', { DeployRecordId: '8591698084' }, '8591698084'],
    ['a negative number', { DeployRecordId: -1 }, undefined],
  ])('by %s', (_, fields, recordId) => {
    expect(askedOf(replyOf(fields)).recordId).toBe(recordId)
  })
})

describe('the list of records', () => {
  const entry = (Id: unknown, OldCertId: string, CertId = 'new') => ({ Id, OldCertId, CertId })

  test('is filtered again, newest first', () => {
    const list = [entry(7, 'old'), entry(12, 'other'), entry('11', 'old', 'third'), entry(null, 'old')]
    expect(recordsIn(replyOf({ DeployRecordList: list }), 'old').map(({ recordId }) => recordId)).toEqual([
      ...['11', '7'],
    ])
  })

  test('has times of GMT+8 without saying so', () => {
    const list = [{ ...entry(7, 'old'), CreateTime: '2024-08-23 15:03:17' }]
    const [one] = recordsIn(replyOf({ DeployRecordList: list }), 'old')
    expect(one?.createdAt).toBe(Date.UTC(2024, 7, 23, 7, 3, 17))
  })

  test.each([[null], [undefined], [[null, 3, 'x', []]], ['text']])('may be %j', list => {
    expect(recordsIn(replyOf({ DeployRecordList: list }), 'old')).toEqual([])
  })
})

describe('a record has ended', () => {
  const cases: ReadonlyArray<readonly [string, Parameters<typeof record>, boolean]> = [
    ['not with 0 of 0, as it says at first', [[], { success: 0, failed: 0, running: 0 }], false],
    ['not with counts of null', [[], { total: null, success: null, failed: null, running: null }], false],
    ['not with 0 of 0 and 0 pending', [[], { success: 0, failed: 0, running: 0, pending: 0 }], false],
    [
      'not while one is pending, though no count says so',
      [[detail(1), detail(0)], { success: 1, running: 0 }],
      false,
    ],
    ['not while one is working', [[detail(1), detail(3)], { success: 1, running: 1 }], false],
    ['not while a status is unknown', [[detail(1), detail(7)], { success: 2, running: 0 }], false],
    ['not while the count of running says so', [[detail(1)], { success: 1, running: 1 }], false],
    ['not while the count of pending says so', [[detail(1)], { success: 1, pending: 1 }], false],
    ['not when fewer are counted than there are', [[detail(1)], { total: 3, success: 1, running: 0 }], false],
    ['when all have switched', [[detail(1), detail(1)], { success: 2, running: 0 }], true],
    ['when all are done and nothing is counted', [[detail(1)], {}], true],
    ['when some failed', [[detail(1), detail(2)], { success: 1, failed: 1 }], true],
    ['when there was nothing to do', [[detail(6)], { success: 0, failed: 0 }], true],
    ['when it was rolled back', [[detail(4), detail(5)], { success: 0, failed: 0 }], true],
    ['by its counts, where not all are listed', [[detail(1)], { total: 3, success: 2, failed: 1 }], true],
  ]
  test.each(cases)('%s', (_, args, isEnded) => {
    expect(progressOf([record(...args)]).isEnded).toBe(isEnded)
  })

  test('only where every page was read', () => {
    const many = (count: number) => Array.from({ length: count }, () => detail(1))
    const pages = [
      record(many(200), { total: 450 }),
      record(many(200), { total: 450 }),
      record(many(50), { total: 450 }),
    ]
    expect(progressOf(pages.slice(0, 1))).toMatchObject({ hasMore: true, isEnded: false })
    expect(progressOf(pages.slice(0, 2))).toMatchObject({ hasMore: true, isEnded: false })
    expect(progressOf(pages)).toMatchObject({ hasMore: false, isEnded: true, total: 450, done: 450 })
  })

  test('and what two pages list counts once', () => {
    const [first, second, third] = [detail(1), detail(1), detail(3)]
    const pages = [record([first, second], { total: 3 }), record([second, third], { total: 3 })]
    expect(progressOf(pages)).toMatchObject({ total: 3, done: 2, isEnded: false, hasMore: false })
    expect(progressOf([...pages.slice(0, 1), ...pages.slice(0, 1)]).hasMore).toBe(false)
  })

  test('and no page is asked for after one that lists nothing', () => {
    const first = record([detail(1)], { total: 3, success: 1, running: 2 })
    const nothing = record([], { total: 3, success: 1, running: 2 })
    expect(progressOf([first, nothing]).hasMore).toBe(false)
    expect(progressOf([record([], { total: 3 })]).hasMore).toBe(false)
  })

  test('by the sum of its types where the total is absent', () => {
    const fields = {
      TotalCount: null,
      RecordDetailList: [
        { ResourceType: 'clb', TotalCount: 2, List: [detail(1, { ResourceType: undefined })] },
        { ResourceType: 'cdn', TotalCount: 1, List: [detail(1)] },
      ],
    }
    expect(progressOf([replyOf(fields)])).toMatchObject({ total: 3, isEnded: false, hasMore: true })
  })
})

describe('what a record has done', () => {
  test('counts what needed nothing as done, and what was rolled back as failed', () => {
    const details = [detail(1), detail(6), detail(4), detail(5), detail(2), detail(7)]
    const { done, failures, total } = progressOf([record(details)])
    expect({ done, failed: failures.length, total }).toEqual({ done: 2, failed: 3, total: 6 })
  })

  test('is the other way round in a rollback', () => {
    const { done, failures } = progressOf([record([detail(4), detail(1), detail(5)])], true)
    expect({ done, failed: failures.length }).toEqual({ done: 2, failed: 1 })
  })

  test('names each failed resource with its host and message', () => {
    const failed = detail(2, {
      ...{ ResourceType: 'clb', Region: 'ap-guangzhou', InstanceId: 'lb-1', ListenerId: 'lbl-1' },
      ...{
        Domains: ['a.example.com,B.example.com'],
        ErrorMsg: '{"msg":"\\u57df\\u540d\\u4e0d\\u5339\\u914d"}',
      },
    })
    expect(progressOf([record([failed])]).failures).toEqual([
      {
        ...{ type: 'clb', region: 'ap-guangzhou', instance: 'lb-1 lbl-1' },
        domains: ['a.example.com', 'b.example.com'],
        message: '{"msg":"域名不匹配"}',
      },
    ])
  })

  test('says so where a failure has no message', () => {
    expect(progressOf([record([detail(5, { ErrorMsg: '' })])]).failures[0]?.message).toBe(
      'status 5 without a message',
    )
  })

  test.each([
    [
      'joined by commas',
      ['a.example.com,b.example.com', 'c.example.com'],
      ['a.example.com', 'b.example.com', 'c.example.com'],
    ],
    ['with a switch', ['a.example.com|on', 'b.example.com|off'], ['a.example.com', 'b.example.com']],
    ['null', null, []],
    ['with empty ones', ['', ' , ', 'A.example.com'], ['a.example.com']],
    ['with what is no text', [null, 3, {}], []],
  ])('has domains that are %s', (_, Domains, domains) => {
    expect(progressOf([record([detail(1, { Domains })])]).domains).toEqual(domains)
  })

  test('says which certificate it gives', () => {
    expect(progressOf([record([detail(0, { CertId: null }), detail(0)])]).to).toBe('new')
    expect(progressOf([record([])]).to).toBeUndefined()
  })

  test.each([
    [{}],
    [{ RecordDetailList: null }],
    [{ RecordDetailList: [null, { List: null }, { List: [null, 'x'] }] }],
    [{ TotalCount: 'many', RecordDetailList: {} }],
    [{ TotalCount: -1 }],
    [{ TotalCount: 1.5 }],
  ])('is nothing in %j', fields => {
    expect(progressOf([replyOf(fields)])).toMatchObject({
      done: 0,
      isEnded: false,
      failures: [],
      hasMore: false,
    })
  })
})

describe('a deletion', () => {
  const task = (Status: unknown, more: object = {}) =>
    deletionsIn(replyOf({ DeleteTaskResult: [{ CertId: 'old', Status, Error: 'why', ...more }] })).get('old')

  test.each([
    [0, 'running'],
    [1, 'deleted'],
    [2, 'failed'],
    [3, 'role'],
    [4, 'bound'],
    [5, 'later'],
    [6, 'running'],
    [null, 'running'],
  ])('with status %j is %s', (status, state) => {
    expect(task(status)).toEqual({ state, message: 'why' })
  })

  test('is read from its task, and absent where there is none', () => {
    expect(deletionTaskOf(replyOf({ DeleteResult: false, TaskId: '2100001' }))).toBe('2100001')
    expect(deletionTaskOf(replyOf({ DeleteResult: true, TaskId: null }))).toBeUndefined()
  })
})
