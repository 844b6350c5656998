/** One certificate in another's place: the whole way, and every trap on it. */
import { describe, expect, test } from 'vitest'
import { NEXT_ID, OLD_ID, openCloud } from './cloud.ts'

describe('the whole way', () => {
  test('from survey to record: resources change one by one, and the old certificate is free', async () => {
    const { survey, replace, record, pass, resources } = await openCloud()
    expect(await survey(OLD_ID)).toMatchObject({ cdn: 1, 'clb ap-guangzhou': 1, teo: 0 })
    const id = await replace()
    expect(id).toBeGreaterThan(2 ** 31)
    const standing = () => resources().map(({ certId }) => certId)
    expect(standing()).toEqual([OLD_ID, OLD_ID])
    pass(16)
    expect(await record(id)).toMatchObject({ TotalCount: 2, SuccessTotalCount: 0, RunningTotalCount: 0 })
    pass(30)
    expect(standing()).toEqual([NEXT_ID, OLD_ID])
    expect(await record(id)).toMatchObject({ TotalCount: 2, SuccessTotalCount: 1 })
    pass(60)
    expect(standing()).toEqual([NEXT_ID, NEXT_ID])
    expect(await record(id)).toMatchObject({ TotalCount: 2, SuccessTotalCount: 2, RunningTotalCount: 0 })
    expect(await survey(OLD_ID)).toMatchObject({ cdn: 0, 'clb ap-guangzhou': 0 })
    expect(await survey(NEXT_ID)).toMatchObject({ cdn: 1, 'clb ap-guangzhou': 1 })
    await expect(replace()).rejects.toThrow('FailedOperation.CertificateDeployInstanceEmpty')
  })
})
