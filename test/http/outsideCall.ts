/**
 * A process of its own that calls what JOBS lists and prints how each call ended. Run by tlsStations.ts: which
 * authorities are trusted is decided when a process starts, and that a process ends shows that nothing holds it.
 */
import { env, stdout } from 'node:process'
import { createAgent } from '../../src/http/agent.ts'
import { secret } from '../../src/secret.ts'
import { createClient } from '../../src/tencent/client.ts'
import type { Ending, Job } from './tlsServers.ts'

const credentials = { origin: '', secretId: 'id', secretKey: secret('hushKey') }

async function call({ endpoint, proxy, env = {}, limits }: Job): Promise<Ending> {
  try {
    const url = new URL(endpoint)
    const dispatcher = createAgent({ endpoint: url, proxy, env, ...(limits && { limits }) })
    const provider = { current: async () => credentials, renew: async () => false }
    const { call } = createClient({
      endpoint: url,
      region: undefined,
      language: 'en-US',
      dispatcher,
      credentials: provider,
      now: Date.now,
      version: '0',
    })
    const ending = await call('UploadCertificate', { CertificatePrivateKey: 'hushPrivateKey' }).then(
      ({ requestId }) => requestId,
      ({ code, message }: { code: string; message: string }) => `${code} ${message}`,
    )
    await dispatcher.destroy()
    return ending
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return `${code} ${message}`
  }
}

const endings: Ending[] = []
for (const job of JSON.parse(env.JOBS ?? '[]') as readonly Job[]) endings.push(await call(job))
stdout.write(JSON.stringify(endings))
