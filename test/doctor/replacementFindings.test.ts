/** What `check` says of resources that still use older IDs. */
import { expect, test } from 'vitest'
import { boundFindings } from '../../src/doctor/replacementFindings.ts'

const RESOURCE = {
  ...{ type: 'cdn', region: '', instance: 'www.example.com', domains: ['www.example.com'] },
  certificateId: 'oldAAAA1',
}

const findingOf = (isOn: boolean, uncovered: readonly string[]) =>
  boundFindings([{ lineage: 'certbot:a', isOn, current: 'newBBBB2', uncovered, resources: [RESOURCE] }])[0]

test('a certificate that lacks a name of a resource is not announced as the next to be put there', () => {
  expect(findingOf(true, ['www.example.com (cdn)'])).toMatchObject({
    level: 'warning',
    says: expect.stringMatching(/newBBBB2 does not cover www\.example\.com \(cdn\), so nothing is replaced$/),
  })
  expect(findingOf(true, [])).toMatchObject({
    level: 'ok',
    says: expect.stringMatching(/the next run replaces them$/),
  })
})
