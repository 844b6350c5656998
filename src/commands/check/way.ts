/** The way to the service, step by step, with one harmless request: the first link that is broken is named. */
import { stat } from 'node:fs/promises'
import { accountFindings, isRefusal } from '../../core/accountFindings.ts'
import { Fault } from '../../core/fault.ts'
import { type Finding, warning } from '../../core/finding.ts'
import { quoted } from '../../core/hookFile.ts'
import { wayFindings } from '../../core/journey.ts'
import { journeyOf } from '../../edge/journey.ts'
import type { Uploader } from '../../edge/uploader.ts'
import type { Scene } from './scene.ts'

export async function way({ engine }: Scene): Promise<readonly Finding[]> {
  const { endpoint } = engine.settings
  const uploader = await engine.uploader()
  const credentials = await uploader.origin().catch(asFault)
  const started = performance.now()
  // without credentials any answer still tells how far the way is open, and the time
  const { journey, ended } = await journeyOf(endpoint.host, async () => {
    if (typeof credentials !== 'string') return uploader.client.greet()
    // listing one certificate changes nothing
    await uploader.client.call('DescribeCertificates', '{"Limit":1}')
  })
  const fault = ended.status === 'rejected' ? asFault(ended.reason) : undefined
  const refusal = fault && isRefusal(fault) ? fault : undefined
  const broken = refusal ? undefined : fault
  return [
    ...wayFindings(journey, {
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
    ...(typeof credentials === 'string' ? await openToOthers(uploader) : []),
  ]
}

function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  throw error
}

/** Uploading cannot be tried without doing it; that it was done is the proof there is. */
async function lastUpload({ receipts, settings }: Scene['engine']): Promise<string | undefined> {
  const known = await receipts.all().catch(() => [])
  const here = known.flatMap(({ uploaded }) =>
    uploaded?.endpoint === settings.endpoint.hostname ? [uploaded] : [],
  )
  return here
    .map(({ uploadedAt }) => uploadedAt)
    .sort()
    .at(-1)
}

/** systemd's own copy is for the unit alone, whatever its mode says. */
async function openToOthers({ credentialsFile }: Uploader): Promise<readonly Finding[]> {
  const file = await credentialsFile()
  if (file === undefined || file.startsWith('/run/credentials/')) return []
  const mode = (await stat(file)).mode & 0o777
  if (!(mode & 0o077)) return []
  const says = `${file} is open to others on this machine (mode ${mode.toString(8).padStart(4, '0')})`
  return [warning('credentials', says, { command: `sudo chmod 600 ${quoted(file)}` })]
}
