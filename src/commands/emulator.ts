/** `certferry emulator`: a local SSL API, and the edge of its account's resources, until Ctrl-C. */
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { CommandLine } from '../config/commandLine.ts'
import { type Edge, startEdge } from '../emulator/edge.ts'
import { ApiError } from '../emulator/errors.ts'
import { randomFaults } from '../emulator/faults.ts'
import { SeedError } from '../emulator/resources.ts'
import { readSeedFile } from '../emulator/seedFile.ts'
import { DEMO_CREDENTIALS, type Emulator, startEmulator } from '../emulator/server.ts'
import { Fault } from '../errors.ts'
import { readTextFile } from '../files/readFile.ts'
import type { ProcessContext } from '../processContext.ts'

function refusal(error: NodeJS.ErrnoException, port: number, file: string | undefined): Error {
  if (error instanceof SeedError)
    return new Fault('CONFIG_INVALID', error.message.replaceAll(/^/gm, `${file}: `), {
      advice: 'See docs/reference.md for its form.',
    })
  if (error instanceof ApiError)
    return new Fault('CONFIG_INVALID', `${file}: a certificate of it is refused with ${error.message}`, {
      advice: 'Give each its chain, leaf first, and the key that belongs to it.',
    })
  if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') return error
  const why = error.code === 'EACCES' ? 'may not be opened by this user' : 'is in use'
  return new Fault('USAGE', `port ${port} ${why}`, {
    advice: 'Choose another, or leave --port out: any free one is taken.',
  })
}

/** A pipe would be waited for, and a device has no end. */
const textOf = async (path: string) => (await readTextFile(path)).text

interface Started {
  readonly emulator: Emulator
  /** Only with resources: without them it has nothing to show. */
  readonly edge: Edge | undefined
}

async function start({ stdout, cwd }: ProcessContext, line: CommandLine): Promise<Started> {
  const { port = 0, rate, injectFaults, resources: file, timeScale } = line
  const seed = file === undefined ? undefined : await readSeedFile(resolve(cwd, file), textOf)
  const emulator = await startEmulator({
    ...seed,
    port,
    ...(rate !== undefined && { rate }),
    ...(timeScale !== undefined && { timeScale }),
    ...(injectFaults !== undefined && { faults: randomFaults(injectFaults) }),
    onRequest: ({ n, action, code, certificateId }) =>
      stdout.write(`${n}  ${action}  ${code}${certificateId ? `  ${certificateId}` : ''}\n`),
  })
  return { emulator, edge: seed && (await startEdge(emulator)) }
}

export async function run(context: ProcessContext, line: CommandLine): Promise<number> {
  const { stdout, shutdown: ending } = context
  const { emulator, edge } = await start(context, line).catch(error => {
    throw refusal(error, line.port ?? 0, line.resources)
  })
  stdout.write(`${emulator.url}\n`)
  stdout.write(
    `export TENCENTCLOUD_SECRET_ID=${DEMO_CREDENTIALS.secretId} TENCENTCLOUD_SECRET_KEY=${DEMO_CREDENTIALS.secretKey}\n`,
  )
  stdout.write(`export CERTFERRY_ENDPOINT=${emulator.url}\n`)
  if (edge) stdout.write(`TLS edge on ${edge.addresses[0]}:${edge.port}\n`)
  if (!ending.aborted) await once(ending, 'abort')
  await edge?.close()
  await emulator.close()
  return 0
}
