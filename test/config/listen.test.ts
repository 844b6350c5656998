import { describe, expect, test } from 'vitest'
import { listenAddress, listenProblem } from '../../src/config/values.ts'

describe('HTTP is answered to this machine itself', () => {
  test.each([
    ['127.0.0.1:9090', { host: '127.0.0.1', port: 9090 }],
    ['localhost:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
    ['unix:/run/certferry/http.sock', { path: '/run/certferry/http.sock' }],
  ])('at %s', (text, address) => {
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
  ])('and not at %j', text => {
    expect(listenProblem(text)).toMatch(/expected/)
  })
})
