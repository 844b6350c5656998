/** The demonstration's account, in which a load balancer fails once when it is changed, and its clock. */
import { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import type { EmulatorOptions } from '../emulator/server.ts'
import type { StoredCertificate } from '../emulator/store.ts'
import type { ProcessContext } from '../processContext.ts'

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

/** For both sides: made to run faster, it lets the service's minutes pass in seconds. */
export interface DemoClock extends Pick<ProcessContext, 'now' | 'monotonicNow' | 'sleep'> {
  /** From now on so many seconds pass in one. */
  readonly runAt: (speed: number) => void
}

export function createClock({ now, monotonicNow, sleep }: Omit<DemoClock, 'runAt'>): DemoClock {
  let speed = 1
  let since = monotonicNow()
  let before = 0
  const ahead = () => Math.round(before + (monotonicNow() - since) * (speed - 1))
  return {
    now: () => now() + ahead(),
    monotonicNow: () => monotonicNow() + ahead(),
    sleep: (ms, signal) => sleep(ms / speed, signal),
    runAt: next => {
      before = ahead()
      since = monotonicNow()
      speed = next
    },
  }
}
