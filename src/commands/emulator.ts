/** `certferry emulator`: a local SSL API until Ctrl-C. */
import { once } from 'node:events'
import { misbehaving } from '../emulator/mischief.ts'
import { DEMO_CREDENTIALS, startEmulator } from '../emulator/server.ts'
import type { World } from '../world.ts'
import type { CommandLine } from './commandLine.ts'

export async function run(
  { stdout, ending }: World,
  { port = 0, rate, misbehave }: CommandLine,
): Promise<number> {
  const emulator = await startEmulator({
    port,
    ...(rate !== undefined && { rate }),
    ...(misbehave !== undefined && { mischief: misbehaving(misbehave) }),
    onRequest: ({ n, action, code, certificateId }) =>
      stdout.write(`${n}  ${action}  ${code}${certificateId ? `  ${certificateId}` : ''}\n`),
  })
  stdout.write(`${emulator.url}\n`)
  stdout.write(
    `export TENCENTCLOUD_SECRET_ID=${DEMO_CREDENTIALS.secretId} TENCENTCLOUD_SECRET_KEY=${DEMO_CREDENTIALS.secretKey}\n`,
  )
  stdout.write(`export CERTFERRY_ENDPOINT=${emulator.url}\n`)
  if (!ending.aborted) await once(ending, 'abort')
  await emulator.close()
  return 0
}
