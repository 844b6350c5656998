import { describe, expect, test } from 'vitest'
import { renewCommand } from '../../src/acme/clients.ts'
import { describePathProblem } from '../../src/doctor/certificates.ts'

const ROOT = { uid: 0, name: 'root' }
const SOMEBODY = { uid: 1000, name: 'me' }

describe('the command that renews', () => {
  test.each([
    ['certbot', 'example.com', 'EXPIRED', 'sudo certbot renew --cert-name example.com'],
    ['certbot', 'example.com', 'KEY_INVALID', 'sudo certbot renew --cert-name example.com --force-renewal'],
    ['acme.sh', '*.example.com_ecc', 'EXPIRED', "acme.sh --renew -d '*.example.com' --ecc"],
    ['acme.sh', 'example.com', 'CERTIFICATE_INVALID', 'acme.sh --renew -d example.com --force'],
    ['pem', 'intranet', 'EXPIRED', undefined],
    ['certbot', 'example.com', 'PAIR_INCOMPLETE', undefined],
  ] as const)('%s:%s after %s', (kind, name, code, command) => {
    expect(renewCommand({ kind, name }, { code, apiCode: undefined })).toBe(command)
  })

  test('after a rejection only where the files were rejected, not a setting', () => {
    const after = (apiCode: string) =>
      renewCommand({ kind: 'certbot', name: 'example.com' }, { code: 'REJECTED_BEFORE', apiCode })
    expect(after('FailedOperation.CertificateInvalid')).toContain('certbot renew')
    for (const code of [
      'InvalidParameterValue',
      'UnknownParameter',
      'FailedOperation.CertificateEncryptInvalid',
    ])
      expect(after(code)).toBeUndefined()
  })
})

describe('what is in the way of a file', () => {
  test('a link that leads nowhere is named with both its ends', () => {
    const dangling = { kind: 'dangling', link: '/l/live/a/x.pem', missing: '/l/archive/a/x1.pem' } as const
    expect(describePathProblem('certbot:a', dangling, ROOT)).toMatchObject({
      says: 'certbot:a: /l/live/a/x.pem leads to /l/archive/a/x1.pem, which does not exist',
      command: 'ls -l /l/live/a/x.pem',
    })
  })

  const closed = { kind: 'closed', path: '/l/live', mode: 0o700, uid: 0 } as const
  test('a folder that is not readable for this user is named with its mode and owner; root may look', () => {
    expect(describePathProblem('certbot:a', closed, SOMEBODY)).toMatchObject({
      says: 'certbot:a: /l/live is not readable for me (mode 0700, owner root)',
      command: 'sudo certferry check',
    })
    expect(describePathProblem('a', { ...closed, uid: 33 }, SOMEBODY).says).toContain('owner uid 33')
  })

  test('where even root is kept out, becoming root is no advice', () => {
    const found = describePathProblem('certbot:a', closed, ROOT)
    expect(found.advice).toContain('Even root')
    expect(found.command).toBeUndefined()
  })
})
