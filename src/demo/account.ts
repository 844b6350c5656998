/** What the demonstration's account serves: a CDN domain and a load balancer, which fails once when it is changed. */
import { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import type { EmulatorOptions } from '../emulator/server.ts'
import type { StoredCertificate } from '../emulator/store.ts'

/** Both use the first certificate that is uploaded for the name. */
export const demoAccount = (name: string): Pick<EmulatorOptions, 'resources' | 'traps'> => ({
  resources: [
    { type: 'cdn', domains: [name], certId: `first:${name}`, switchSeconds: 20 },
    {
      type: 'clb',
      region: 'ap-guangzhou',
      instance: 'lb-1',
      listener: 'lbl-1',
      domains: [name],
      certId: `first:${name}`,
      switchSeconds: 25,
      fail: { times: 1, message: 'the listener is busy' },
    },
  ],
  traps: { surveyColdSeconds: 20 },
})

/** The ID of the certificate that a TLS handshake shows. */
export function servedId(name: string, port: number, stored: readonly StoredCertificate[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, servername: name, rejectUnauthorized: false }
    const socket = connect(options, () => {
      const shown = socket.getPeerX509Certificate()?.fingerprint256
      socket.destroy()
      const found = stored.find(({ chainPem }) => new X509Certificate(chainPem).fingerprint256 === shown)
      resolve(found?.id ?? 'an unknown certificate')
    })
    socket.once('error', reject)
  })
}
