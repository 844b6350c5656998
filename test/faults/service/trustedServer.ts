/** An HTTPS server of a test's own, which this process trusts until the tests of the file are over. */
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll } from 'vitest'
import { issue } from '../../fixtures/certificates.ts'

export async function trustedServer(name: string) {
  const own = await issue({ names: [name] })
  const trusted = getCACertificates('default')
  beforeAll(() => setDefaultCACertificates([...trusted, own.root]))
  afterAll(() => setDefaultCACertificates(trusted))
  return {
    own,
    host: (listener: RequestListener) => createServer({ cert: own.chain, key: own.key }, listener),
  }
}
