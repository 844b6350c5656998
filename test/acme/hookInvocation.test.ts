import { expect, test } from 'vitest'
import { parseHookInvocation } from '../../src/acme/hookInvocation.ts'
import { Fault } from '../../src/errors.ts'

const CWD = '/root'
const passed = (env: Readonly<Record<string, string>>) => parseHookInvocation([], env, CWD)
const called = (...words: readonly string[]) => parseHookInvocation(words, {}, CWD)

const acme = { chain: '/h/*.a.example_ecc/fullchain.cer', key: '/h/*.a.example_ecc/*.a.example.key' }
const chain = '/srv/lego/certificates/_.a.example.crt'
const key = '/srv/lego/certificates/_.a.example.key'
const lego = { kind: 'lego', path: '/srv/lego', name: '_.a.example', files: { chain, key } }

test.each<readonly [string, Readonly<Record<string, string>>, object]>([
  [
    'certbot',
    { RENEWED_LINEAGE: '/etc/letsencrypt/live/a.example/' },
    { kind: 'certbot', path: '/etc/letsencrypt', name: 'a.example' },
  ],
  [
    'acme.sh',
    { CERT_FULLCHAIN_PATH: acme.chain, CERT_KEY_PATH: acme.key },
    { kind: 'acme.sh', path: '/h', name: '*.a.example_ecc', files: acme },
  ],
  ['lego 4', { LEGO_CERT_DOMAIN: '*.a.example', LEGO_CERT_PATH: chain, LEGO_CERT_KEY_PATH: key }, lego],
  [
    'lego 5, whose variables take precedence over those of lego 4',
    {
      LEGO_CERT_PATH: '/old.crt',
      LEGO_CERT_KEY_PATH: '/old.key',
      LEGO_HOOK_CERT_PATH: chain,
      LEGO_HOOK_CERT_KEY_PATH: key,
    },
    lego,
  ],
  [
    'lego with relative paths',
    { LEGO_CERT_PATH: '.lego/certificates/a.crt', LEGO_CERT_KEY_PATH: 'a.key' },
    {
      kind: 'lego',
      path: '/root/.lego',
      name: 'a',
      files: { chain: '/root/.lego/certificates/a.crt', key: '/root/a.key' },
    },
  ],
])('the environment of a hook names its certificate: %s', (_, env, expected) => {
  expect(passed(env)).toEqual(expected)
})

test('without variables, with empty ones or half of a pair there is no invocation', () => {
  for (const env of [{}, { RENEWED_LINEAGE: '' }, { LEGO_CERT_PATH: chain }, { CERT_KEY_PATH: key }])
    expect(passed(env)).toBeUndefined()
})

const folder = '/var/lib/dehydrated/certs/a.example'
const files = ['privkey', 'cert', 'fullchain', 'chain'].map(name => `${folder}/${name}.pem`)

test('deploy_cert of dehydrated names the certificate by its folder', () => {
  expect(called('deploy_cert', 'a.example', ...files, '1700000000')).toEqual({
    kind: 'dehydrated',
    path: '/var/lib/dehydrated/certs',
    name: 'a.example',
    files: { chain: `${folder}/fullchain.pem`, key: `${folder}/privkey.pem` },
  })
})

test('a certificate of dehydrated with an alias is named by its folder, not by its first domain', () => {
  const aliased = files.map(file => file.replace('a.example', 'alias'))
  expect(called('deploy_cert', 'a.example', ...aliased, '1')).toMatchObject({ name: 'alias' })
})

test.each([
  [['startup_hook']],
  [['deploy_challenge', 'a.example', 'token', 'value']],
  [['clean_challenge', 'a.example', 'token', 'value']],
  [['sync_cert', ...files]],
  [['deploy_ocsp', 'a.example', '/ocsp.der', '1']],
  [['unchanged_cert', 'a.example', ...files]],
  [['invalid_challenge', 'a.example', 'response']],
  [['request_failure', '500', 'reason', 'POST', 'headers']],
  [['generate_csr', 'a.example', folder, 'a.example www.a.example']],
  [['exit_hook']],
  [['exit_hook', 'error']],
  [['this_hookscript_is_broken__dehydrated_is_working_fine__please_ignore_unknown_hooks_in_your_script']],
])('every other operation of dehydrated is ignored: %j', words => {
  expect(called(...words)).toBe('ignored')
})

test('operations of dehydrated are ignored even if a variable of another client is set', () => {
  const env = { RENEWED_LINEAGE: '/etc/letsencrypt/live/a.example' }
  expect(parseHookInvocation(['exit_hook'], env, CWD)).toBe('ignored')
})

test.each([
  ['a challenge of uacme', ['begin', 'http-01', 'a.example', 'token', 'auth'], 'does not answer challenges'],
  ['the end of one', ['failed', 'dns-01', 'a.example', 'token', 'auth'], 'does not answer challenges'],
  ['half a deploy_cert', ['deploy_cert', 'a.example', '/privkey.pem'], 'needs the arguments'],
  ["a certificate's name", ['a.example'], 'does not accept the operand'],
])('%s is refused with exit 64', (_, words, says) => {
  try {
    called(...words)
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(Fault)
    expect(error).toMatchObject({ code: 'USAGE', exit: 64, message: expect.stringContaining(says) })
  }
})
