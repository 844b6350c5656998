import { expect, test } from 'vitest'
import { NOON, openEmulator, PAIR } from './client.ts'

const errorFor = async (body: object | string) => {
  const { response } = await (await openEmulator()).send({ body })
  return response.Error ? `${response.Error.Code}: ${response.Error.Message}` : 'OK'
}
const wrongType = (name: string) => `InvalidParameter: The value type of parameter \`${name}\` is not valid`
const missing = (name: string) => `MissingParameter: The request is missing a required parameter \`${name}\`.`
const unknown = (name: string) => `UnknownParameter: The parameter \`${name}\` is not recognized.`

test.each<[string, unknown]>([
  ['CertificatePublicKey', 1],
  ['CertificatePublicKey', null],
  ['CertificatePrivateKey', ['key']],
  ['ProjectId', '0'],
  ['ProjectId', 1.5],
  ['ProjectId', -1],
  ['CertificateUse', {}],
  ['Tags', 'team=web'],
  ['Repeatable', 'false'],
  ['Repeatable', 0],
])('UploadCertificate: %s of the wrong type is refused (%j)', async (name, value) => {
  expect(await errorFor({ ...PAIR, [name]: value })).toBe(wrongType(name))
})

test.each<[string, unknown, string]>([
  ['that is a string', 'a', wrongType('Tags.0')],
  ['without a value', { TagKey: 'a' }, missing('Tags.0.TagValue')],
  ['with a number for a value', { TagKey: 'a', TagValue: 1 }, wrongType('Tags.0.TagValue')],
  ['with an unknown member', { TagKey: 'a', TagValue: 'b', Note: 'c' }, unknown('Tags.0.Note')],
])('UploadCertificate: a tag %s is refused', async (_, tag, error) => {
  expect(await errorFor({ ...PAIR, Tags: [tag] })).toBe(error)
})

test('UploadCertificate: the certificate is required, unknown parameters are refused, empty ones are not', async () => {
  expect(await errorFor({})).toBe(missing('CertificatePublicKey'))
  expect(await errorFor({ ...PAIR, AllowDownload: true })).toBe(unknown('AllowDownload'))
  expect(await errorFor({ ...PAIR, toString: 1 })).toBe(unknown('toString'))
  expect(await errorFor({ ...PAIR, Tags: [], Alias: '', CertificateUse: '' })).toBe('OK')
})

test.each(['', '{"Alias":', '[]', 'null', '"Alias"'])('a body of %j is refused', async body => {
  expect(await errorFor(body)).toMatch(/^InvalidParameter: For content-type=application\/json/)
})

test('a body that is not declared as JSON is refused', async () => {
  const { send } = await openEmulator()
  expect((await send({ contentType: 'text/plain', body: PAIR })).code).toBe('InvalidParameter')
})

test('the request log has the names of the parameters and none of their values', async () => {
  const { call, entries } = await openEmulator()
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

test('the journal has what was asked and answered, and no text of a key or certificate', async () => {
  const { call, journal } = await openEmulator()
  await call('UploadCertificate', { ...PAIR, KeyPassword: 'hidden', Alias: 'quiet' })
  await call('DescribeCertificates', { CertIds: ['a92b1Z1i'], Limit: 5 })
  await call('NoSuchAction', { Whatever: [1] })
  expect(journal).toEqual([
    {
      n: 1,
      at: NOON,
      action: 'UploadCertificate',
      code: 'OK',
      body: {
        CertificatePublicKey: expect.stringMatching(/^\[sha256 [0-9a-f]{16}\]$/),
        CertificatePrivateKey: '[secret]',
        KeyPassword: '[secret]',
        Alias: 'quiet',
      },
    },
    {
      n: 2,
      at: NOON,
      action: 'DescribeCertificates',
      code: 'OK',
      body: { CertIds: ['a92b1Z1i'], Limit: 5 },
    },
    { n: 3, at: NOON, action: 'NoSuchAction', code: 'InvalidAction', body: { Whatever: [1] } },
  ])
})
