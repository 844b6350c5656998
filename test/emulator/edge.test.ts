/** The edge, as clients that are not ours see it. */
import { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { type EdgeOptions, startEdge } from '../../src/emulator/edge.ts'
import type { EmulatorOptions } from '../../src/emulator/server.ts'
import { next, old, openCloud } from './cloud.ts'

const openEdge = async (options: EmulatorOptions = {}, edgeOptions: EdgeOptions = {}) => {
  const cloud = await openCloud(options)
  const edge = await startEdge(cloud, edgeOptions)
  onTestFinished(edge.close)
  /** The leaf's fingerprint, or the error's code. */
  const shown = (servername: string, host = '127.0.0.1') =>
    new Promise<string>(resolve => {
      const socket = connect({ host, port: edge.port, servername, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? 'none')
        socket.destroy()
      })
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    })
  return { ...cloud, edge, shown }
}

const leafOf = ({ leaf }: { readonly leaf: string }) => new X509Certificate(leaf).fingerprint256

test('shows the certificate on which a resource stands, and the new one a little after it has changed', async () => {
  const { shown, replace, pass, resources } = await openEdge()
  expect(await shown('a.example.com')).toBe(leafOf(old))
  await replace()
  pass(42)
  expect(resources()[0]?.certId).toBe('newBBBB2')
  expect(await shown('a.example.com')).toBe(leafOf(old))
  pass(2)
  expect(await shown('a.example.com')).toBe(leafOf(next))
  expect(await shown('x.b.example.com')).toBe(leafOf(old))
})
