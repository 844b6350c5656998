/** `certferry emulator` with an account of resources: what it prints, and what it refuses. */
import { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { cli } from '../../src/cli/run.ts'
import { openAccountFile } from '../emulator/accountFile.ts'
import { CDN, OLD_ID, old } from '../emulator/cloud.ts'
import { recordedContext } from '../fixtures/context.ts'

const CERTIFICATE = { id: OLD_ID, chain: 'chain.pem', key: 'key.pem' }

const openCommand = async () => {
  const { folder, write } = await openAccountFile()
  return {
    write,
    type: async (...words: readonly string[]) => {
      const recorded = recordedContext({ cwd: folder })
      const ended = cli(['emulator', ...words], recorded.context)
      onTestFinished(async () => {
        recorded.end()
        await ended
      })
      return { ...recorded, ended }
    },
  }
}

test('prints the address of a TLS edge that serves what the file says, and ends with both', async () => {
  const { write, type } = await openCommand()
  await write({ certificates: [CERTIFICATE], resources: [CDN] })
  const { out, end, ended } = await type('--resources', 'account.json', '--time-scale', '60')
  const port = () => Number(/^TLS edge on 127\.0\.0\.1:(\d+)$/m.exec(out())?.[1] ?? 0)
  await expect.poll(port).toBeGreaterThan(0)
  expect(out()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\n/)
  const shown = await new Promise<string | undefined>((resolve, reject) => {
    const socket = connect({ port: port(), servername: 'a.example.com', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256)
      socket.destroy()
    })
    socket.on('error', reject)
  })
  expect(shown).toBe(new X509Certificate(old.leaf).fingerprint256)
  end()
  expect(await ended).toBe(0)
})

test('has no edge without resources', async () => {
  const { type } = await openCommand()
  const { out, end, ended } = await type()
  await expect.poll(out).toContain('export CERTFERRY_ENDPOINT')
  end()
  await ended
  expect(out()).not.toContain('TLS edge')
})

test.each<[string, unknown, RegExp]>([
  ['is no account', { resources: [{ ...CDN, type: 'cdm' }] }, /account\.json: resources\[0\]\.type: /],
  ['is no JSON', 'resources', /account\.json: it is no JSON/],
  [
    'has a key in the place of a chain',
    { certificates: [{ ...CERTIFICATE, chain: 'key.pem' }] },
    /account\.json: a certificate of it is refused with\s+FailedOperation\.CertificateParseError/,
  ],
])('a file that %s is refused with its mistakes', async (_, content, message) => {
  const { write, type } = await openCommand()
  await write(content)
  const { err, ended } = await type('--resources', 'account.json')
  expect(await ended).toBe(78)
  expect(err()).toMatch(message)
  expect(err()).not.toContain('PRIVATE KEY')
})

test('a file that is missing is refused', async () => {
  const { type } = await openCommand()
  const { err, ended } = await type('--resources', 'none.json')
  expect(await ended).toBe(78)
  expect(err()).toMatch(/none\.json: it cannot be read: \S+none\.json:\s+is not there/)
})
