import { describe, expect, test } from 'vitest'
import { chainPem, leaf } from './certificatePairs.ts'
import { running } from './emulatorFixture.ts'

const PAIR = { CertificatePublicKey: chainPem, CertificatePrivateKey: leaf.keyPem }

const errorFor = async (body: object | string) => {
  const { response } = await (await running()).ask({ body })
  return response.Error ? `${response.Error.Code}: ${response.Error.Message}` : 'OK'
}
const wrongType = (name: string) => `InvalidParameter: The value type of parameter \`${name}\` is not valid`
const missing = (name: string) => `MissingParameter: The request is missing a required parameter \`${name}\`.`
const unknown = (name: string) => `UnknownParameter: The parameter \`${name}\` is not recognized.`

describe('UploadCertificate', () => {
  test.each<[string, unknown]>([
    ['CertificatePublicKey', 1],
    ['CertificatePublicKey', null],
    ['CertificatePrivateKey', ['key']],
    ['CertificateType', false],
    ['Alias', 7],
    ['ProjectId', '0'],
    ['ProjectId', 1.5],
    ['ProjectId', -1],
    ['CertificateUse', {}],
    ['Tags', {}],
    ['Tags', 'team=web'],
    ['Repeatable', 'false'],
    ['Repeatable', 0],
    ['KeyPassword', 1234],
  ])('is strict about the type of %s: not %j', async (name, value) => {
    expect(await errorFor({ ...PAIR, [name]: value })).toBe(wrongType(name))
  })

  test.each<[string, unknown, string]>([
    ['that is a string', 'a', wrongType('Tags.0')],
    ['without a value', { TagKey: 'a' }, missing('Tags.0.TagValue')],
    ['with a number for a value', { TagKey: 'a', TagValue: 1 }, wrongType('Tags.0.TagValue')],
    ['with one member too many', { TagKey: 'a', TagValue: 'b', Note: 'c' }, unknown('Tags.0.Note')],
  ])('is strict about a tag %s', async (_, tag, error) => {
    expect(await errorFor({ ...PAIR, Tags: [tag] })).toBe(error)
  })

  test('cannot do without CertificatePublicKey', async () => {
    expect(await errorFor({})).toBe(missing('CertificatePublicKey'))
  })
  test('knows no AllowDownload, although other tools send it', async () => {
    expect(await errorFor({ ...PAIR, AllowDownload: true })).toBe(unknown('AllowDownload'))
  })
  test('takes empty lists and empty strings where it takes lists and strings', async () => {
    expect(await errorFor({ ...PAIR, Tags: [], Alias: '', CertificateUse: '' })).toBe('OK')
  })
})

test.each([
  ['an empty body', ''],
  ['half of one', '{"Alias":'],
  ['a list', '[]'],
  ['null', 'null'],
  ['a string', '"Alias"'],
])('%s is no request', async (_, body) => {
  expect(await errorFor(body)).toMatch(/^InvalidParameter: For content-type=application\/json/)
})

test('the record names what was sent and nothing of what it said', async () => {
  const { call, entries } = await running()
  await call('UploadCertificate', { ...PAIR, Alias: 'quiet', Repeatable: false })
  expect(entries).toEqual([
    {
      n: 1,
      at: expect.any(Number),
      action: 'UploadCertificate',
      code: 'OK',
      certificateId: expect.any(String),
      parameters: ['CertificatePublicKey', 'CertificatePrivateKey', 'Alias', 'Repeatable'],
    },
  ])
})
