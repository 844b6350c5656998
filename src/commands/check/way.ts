/** The way to the service, step by step, with one harmless request: the first link that is broken is named. */
import { accountFindings, isAccountError } from '../../core/accountFindings.ts'
import { Fault } from '../../core/fault.ts'
import type { Finding } from '../../core/finding.ts'
import { connectionFindings } from '../../core/journey.ts'
import { traceConnection } from '../../edge/journey.ts'
import type { CheckContext } from './scene.ts'

export async function connection({ engine }: CheckContext): Promise<readonly Finding[]> {
  const { endpoint } = engine.settings
  const uploader = await engine.uploader()
  const credentials = await uploader.origin().catch(asFault)
  const started = performance.now()
  // without credentials any answer still tells how far the way is open, and the time
  const { journey, ended } = await traceConnection(endpoint.host, async () => {
    if (typeof credentials !== 'string') return uploader.client.ping()
    // listing one certificate changes nothing
    await uploader.client.call('DescribeCertificates', '{"Limit":1}')
  })
  const fault = ended.status === 'rejected' ? asFault(ended.reason) : undefined
  const refusal = fault && isAccountError(fault) ? fault : undefined
  const broken = refusal ? undefined : fault
  return [
    ...connectionFindings(journey, {
      fault: broken,
      took: performance.now() - started,
      secure: endpoint.protocol === 'https:',
    }),
    ...accountFindings({
      reached: !broken,
      offset: uploader.client.offset(),
      credentials,
      refusal,
      lastUpload: await lastUpload(engine),
    }),
  ]
}

function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  throw error
}

/** Uploading cannot be tried without doing it; that it was done is the proof there is. */
async function lastUpload({ receipts, settings }: CheckContext['engine']): Promise<string | undefined> {
  const known = await receipts.all().catch(() => [])
  const here = known.flatMap(({ uploaded }) =>
    uploaded?.endpoint === settings.endpoint.hostname ? [uploaded] : [],
  )
  return here
    .map(({ uploadedAt }) => uploadedAt)
    .sort()
    .at(-1)
}
