import { describe, expect, test } from 'vitest'
import { DEFAULT_ENDPOINT, endpointProblem, isLoopback, proxyProblem } from '../../src/config/values.ts'

describe('secrets go to https, or to this machine itself', () => {
  test.each([
    DEFAULT_ENDPOINT,
    'https://ssl.intl.tencentcloudapi.com/',
    'https://ssl.ap-guangzhou.tencentcloudapi.com:8443',
    'HTTPS://SSL.TENCENTCLOUDAPI.COM',
    'https://192.0.2.1',
    'http://127.0.0.1:8080',
    'http://127.8.9.10',
    'http://localhost:1',
    'HTTP://LOCALHOST',
    'http://[::1]:8080/',
    // these are 127.0.0.1 in other words
    'http://0x7f.1',
    'http://2130706433',
    'http://127.1',
  ])('%s is taken', text => {
    expect(endpointProblem(text)).toBeUndefined()
  })

  test.each([
    'http://ssl.tencentcloudapi.com',
    'http://127.0.0.1.evil.com',
    'http://localhost.evil.com',
    'http://evil-localhost',
    'http://evil.localhost',
    'http://evil.com#@127.0.0.1',
    'http://evil.com\\@127.0.0.1',
    'http://localhost@evil.com',
    'http://127.0.0.1:80@evil.com',
    'http://127.0.0.1%2f@evil.com',
    'http://evil.com/127.0.0.1',
    'http://[::ffff:127.0.0.1]',
    'http://[::]',
    'http://0.0.0.0',
    'http://0',
    'http://128.0.0.1',
    'http://10.0.0.1',
    'http://localhost.',
    'http://ｌocalhost.evil.com',
    'HTTP://EVIL.COM',
    'http:evil.com',
    'http:/evil.com',
  ])('%s is refused', text => {
    expect(endpointProblem(text)).toBe('http:// is refused except to this machine itself: use https://')
  })
})

test.each([
  ['', 'expected a URL such as "https://ssl.tencentcloudapi.com"'],
  ['ssl.tencentcloudapi.com', 'expected a URL such as "https://ssl.tencentcloudapi.com"'],
  ['https://', 'expected a URL such as "https://ssl.tencentcloudapi.com"'],
  ['https://127.0.0.1:99999', 'expected a URL such as "https://ssl.tencentcloudapi.com"'],
  ['ftp://localhost', 'expected an https:// URL'],
  ['file:///etc/passwd', 'expected an https:// URL'],
  ['localhost:8080', 'expected an https:// URL'],
  ['https://key@ssl.tencentcloudapi.com', 'expected no user name or password in the URL'],
  ['https://a:sesame@ssl.tencentcloudapi.com', 'expected no user name or password in the URL'],
  ['https://ssl.tencentcloudapi.com/v2', 'expected only scheme and host: the service lives at /'],
  ['https://ssl.tencentcloudapi.com/?a=b', 'expected only scheme and host: the service lives at /'],
  ['https://ssl.tencentcloudapi.com/#a', 'expected only scheme and host: the service lives at /'],
])('%j: %s', (text, problem) => {
  expect(endpointProblem(text)).toBe(problem)
})

test('loopback is told by the host alone', () => {
  expect(isLoopback(new URL('https://127.0.0.1/'))).toBe(true)
  expect(isLoopback(new URL('https://127.0.0.1.example/'))).toBe(false)
})

test('a proxy is any http or https URL, with credentials or without', () => {
  for (const text of ['http://proxy:3128', 'https://user:word@proxy.example.com'])
    expect(proxyProblem(text)).toBeUndefined()
  for (const text of ['', 'proxy:3128', 'socks5://proxy', 'proxy.example.com'])
    expect(proxyProblem(text)).toBe('expected a URL such as "http://proxy.example.com:3128"')
})
