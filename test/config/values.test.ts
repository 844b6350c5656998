/** What values settings may have. */
import { expect, test } from 'vitest'
import {
  DEFAULT_ENDPOINT,
  endpointProblem,
  isLoopback,
  listenAddress,
  listenProblem,
  proxyProblem,
} from '../../src/config/values.ts'

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
])('endpoint %s is accepted', text => {
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
])('endpoint %s is refused: it would send secrets in plain text to another machine', text => {
  expect(endpointProblem(text)).toBe('http:// is refused except to this machine itself: use https://')
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
])('endpoint %j is refused: %s', (text, problem) => {
  expect(endpointProblem(text)).toBe(problem)
})

test('whether a URL is loopback depends on the host alone', () => {
  expect(isLoopback(new URL('https://127.0.0.1/'))).toBe(true)
  expect(isLoopback(new URL('https://127.0.0.1.example/'))).toBe(false)
})

test('a proxy is any http or https URL, with credentials or without', () => {
  for (const text of ['http://proxy:3128', 'https://user:word@proxy.example.com'])
    expect(proxyProblem(text)).toBeUndefined()
  for (const text of ['', 'proxy:3128', 'socks5://proxy', 'proxy.example.com'])
    expect(proxyProblem(text)).toBe('expected a URL such as "http://proxy.example.com:3128"')
})

test.each([
  ['127.0.0.1:9090', { host: '127.0.0.1', port: 9090 }],
  ['localhost:0', { host: '127.0.0.1', port: 0 }],
  ['[::1]:65535', { host: '::1', port: 65_535 }],
  ['unix:/run/certferry/http.sock', { path: '/run/certferry/http.sock' }],
])('[http] listen accepts %s', (text, address) => {
  expect(listenProblem(text)).toBeUndefined()
  expect(listenAddress(text)).toEqual(address)
})

test.each([
  '0.0.0.0:9090',
  '[::]:9090',
  ':9090',
  '192.0.2.1:9090',
  '127.0.0.2:9090',
  '127.1:9090',
  '127.0.0.1.example.com:9090',
  'localhost.example.com:9090',
  'LOCALHOST:9090',
  '::1:9090',
  '[::ffff:127.0.0.1]:9090',
  '[fe80::1%lo]:9090',
  'constructor:9090',
  'http://127.0.0.1:9090',
  '127.0.0.1',
  '127.0.0.1:',
  '127.0.0.1:65536',
  '127.0.0.1:9090/metrics',
  '127.0.0.1:-1',
  ' 127.0.0.1:9090',
  '9090',
  '',
  'unix:',
  'unix:http.sock',
  'unix:/run/certferry/',
  'unix:/run/\0certferry',
  'unix:@abstract',
  `unix:/${'a'.repeat(107)}`,
  `unix:/${'ü'.repeat(54)}`,
])('[http] listen refuses %j', text => {
  expect(listenProblem(text)).toMatch(/expected/)
})
