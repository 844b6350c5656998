/** `certferry emulator`: a local SSL API until Ctrl-C. */
import { once } from 'node:events'
import type { CommandLine } from '../config/commandLine.ts'
import { randomFaults } from '../emulator/faults.ts'
import { DEMO_CREDENTIALS, startEmulator } from '../emulator/server.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'

const unusable = (port: number) => (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') throw error
  const why = error.code === 'EACCES' ? 'may not be opened by this user' : 'is in use'
  throw new Fault('USAGE', `port ${port} ${why}`, {
    advice: 'Choose another, or leave --port out: any free one is taken.',
  })
}

export async function run(
  { stdout, shutdown: ending }: ProcessContext,
  { port = 0, rate, injectFaults }: CommandLine,
): Promise<number> {
  const emulator = await startEmulator({
    port,
    ...(rate !== undefined && { rate }),
    ...(injectFaults !== undefined && { faults: randomFaults(injectFaults) }),
    onRequest: ({ n, action, code, certificateId }) =>
      stdout.write(`${n}  ${action}  ${code}${certificateId ? `  ${certificateId}` : ''}\n`),
  }).catch(unusable(port))
  stdout.write(`${emulator.url}\n`)
  stdout.write(
    `export TENCENTCLOUD_SECRET_ID=${DEMO_CREDENTIALS.secretId} TENCENTCLOUD_SECRET_KEY=${DEMO_CREDENTIALS.secretKey}\n`,
  )
  stdout.write(`export CERTFERRY_ENDPOINT=${emulator.url}\n`)
  if (!ending.aborted) await once(ending, 'abort')
  await emulator.close()
  return 0
}
