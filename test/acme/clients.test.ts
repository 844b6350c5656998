import { expect, test } from 'vitest'
import { CLIENTS, lineageId, renewCommand } from '../../src/acme/clients.ts'
import { isNamed } from '../../src/sources/lineage.ts'

test('a lineage ID is the kind and the name', () => {
  expect(lineageId('acme.sh', '*.example.com_ecc')).toBe('acme.sh:*.example.com_ecc')
})

test('a lineage is selected by its ID or its whole name', () => {
  const lineage = { id: 'certbot:example.com', name: 'example.com' }
  expect(['certbot:example.com', 'example.com'].map(wanted => isNamed(wanted)(lineage))).toEqual([true, true])
  for (const wanted of ['acme.sh:example.com', 'example', '*', '', 'certbot:'])
    expect(isNamed(wanted)(lineage)).toBe(false)
})

const { certbot, 'acme.sh': acme, lego, dehydrated, uacme, caddy } = CLIENTS

test.each([
  [certbot, 'a.example', 'live/a.example/fullchain.pem', 'live/a.example/privkey.pem'],
  [acme, 'example.com', 'example.com/fullchain.cer', 'example.com/example.com.key'],
  [acme, '*.a.example_ecc', '*.a.example_ecc/fullchain.cer', '*.a.example_ecc/*.a.example.key'],
  [acme, '2001:db8::1_ecc', '2001:db8::1_ecc/fullchain.cer', '2001:db8::1_ecc/2001:db8::1.key'],
  [lego, '_.example.com', 'certificates/_.example.com.crt', 'certificates/_.example.com.key'],
  [dehydrated, 'a.example', 'a.example/fullchain.pem', 'a.example/privkey.pem'],
  [uacme, 'a.example', 'a.example/cert.pem', 'private/a.example/key.pem'],
])('chain and key of a client, case %#', (client, name, chain, key) => {
  expect([client.chain(name), client.key(name)]).toEqual([chain, key])
})

test.each([
  ['example.com', 'example.com'],
  ['*.example.com_ecc', '*.example.com_ecc'],
  ['2001:db8::1', '2001:db8::1'],
  ['ca', undefined],
  ['dnsapi', undefined],
  ['deploy', undefined],
  ['.git', undefined],
])('acme.sh: the folder %s is the lineage %s', (entry, name) => {
  expect(acme.nameOf(entry)).toBe(name)
})

test('a key alone is no lineage of acme.sh: it stays behind when a first issuance fails', () => {
  expect(acme.markers('example.com_ecc')).toEqual([
    'example.com_ecc/fullchain.cer',
    'example.com_ecc/example.com.cer',
  ])
})

test.each([
  ['example.com.crt', 'example.com'],
  ['example.com.key', 'example.com'],
  ['example.com.issuer.crt', 'example.com'],
  ['example.com.json', 'example.com'],
  ['_.example.com.crt', '_.example.com'],
  ['1.2.3.4.crt', '1.2.3.4'],
  ['.crt', undefined],
  ['.example.com.crt', undefined],
  ['README', undefined],
])('lego: the file %s is of the lineage %s', (entry, name) => {
  expect(lego.nameOf(entry)).toBe(name)
})

test('uacme: the folder of keys is not a lineage, that of an IP address is', () => {
  expect(['private', '2001:db8::1'].map(uacme.nameOf)).toEqual([undefined, '2001:db8::1'])
})

test('Caddy: names with their issuer', () => {
  const [encrypt, zero] = ['acme-v02.api.letsencrypt.org-directory', 'acme.zerossl.com-v2-dv90']
  const names = [encrypt, zero].map(issuer => caddy.nameOf(`${issuer}/wildcard_.a.example`) ?? '')
  expect(names).toEqual([`wildcard_.a.example@${encrypt}`, `wildcard_.a.example@${zero}`])
  expect(names.map(caddy.chain)).toEqual([
    `certificates/${encrypt}/wildcard_.a.example/wildcard_.a.example.crt`,
    `certificates/${zero}/wildcard_.a.example/wildcard_.a.example.crt`,
  ])
  expect(caddy.key('a.example@x@y')).toBe('certificates/x@y/a.example/a.example.key')
})

test("certificates of Caddy's own authority are ignored", () => {
  expect(caddy.nameOf('local/localhost')).toBeUndefined()
  expect(caddy.nameOf('acme.example')).toBeUndefined()
})

test.each(
  Object.entries(CLIENTS).flatMap(([kind, client]) =>
    client.folder === undefined ? [] : [[kind, client] as const],
  ),
)('%s: the files of a name belong to that name', (_, layout) => {
  const name = layout === caddy ? '*.a.example@issuer' : '*.a.example'
  const entry = layout
    .chain(name)
    .slice(layout.folder ? layout.folder.length + 1 : 0)
    .split('/')
    .slice(0, Math.max(1, layout.depth))
    .join('/')
  expect(layout.nameOf(entry)).toBe(name)
  expect(layout.markers(name)).toContain(layout.chain(name))
})

test.each([
  ['certbot', 'example.com', 'EXPIRED', 'sudo certbot renew --cert-name example.com'],
  ['certbot', 'example.com', 'KEY_INVALID', 'sudo certbot renew --cert-name example.com --force-renewal'],
  ['acme.sh', '*.example.com_ecc', 'EXPIRED', "acme.sh --renew -d '*.example.com' --ecc"],
  ['acme.sh', 'example.com', 'CERTIFICATE_INVALID', 'acme.sh --renew -d example.com --force'],
  ['pem', 'intranet', 'EXPIRED', undefined],
  ['certbot', 'example.com', 'PAIR_INCOMPLETE', undefined],
] as const)('the command that renews %s:%s after %s', (kind, name, code, command) => {
  expect(renewCommand({ kind, name }, { code, apiCode: undefined })).toBe(command)
})

test.each([
  ['FailedOperation.CertificateInvalid', true],
  ['InvalidParameterValue', false],
  ['UnknownParameter', false],
  ['FailedOperation.CertificateEncryptInvalid', false],
])('a rejected certificate is renewed if the files are the cause: %s', (apiCode, isRenewed) => {
  const command = renewCommand({ kind: 'certbot', name: 'example.com' }, { code: 'REJECTED_BEFORE', apiCode })
  expect(command !== undefined).toBe(isRenewed)
})
