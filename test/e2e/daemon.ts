/** The built daemon beside a test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { vi } from 'vitest'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { SYSTEM_PATH } from './child.ts'
import { MAIN } from './program.ts'

export interface Daemon {
  readonly child: ChildProcess
  readonly output: () => string
  /** Its log lines so far. */
  readonly said: () => ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly signal: (name: NodeJS.Signals) => void
  /** Asks it to end; resolves to its exit code. */
  readonly end: () => Promise<number | null>
}

/** Watches the certbot folder `FOLDER/le` and the acme.sh home `FOLDER/acme`, with its state in `FOLDER/state`. */
export async function startWatch(
  folder: string,
  endpoint: string,
  words: readonly string[] = [],
): Promise<Daemon> {
  const sources = ['--source', `certbot=${join(folder, 'le')}`, '--source', `acme.sh=${join(folder, 'acme')}`]
  const child = spawn(
    execPath,
    [MAIN, 'watch', ...sources, '--state-dir', join(folder, 'state'), '--endpoint', endpoint, ...words],
    {
      env: {
        PATH: SYSTEM_PATH,
        CERTFERRY_LOG_FORMAT: 'json',
        TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
        TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (text += data))
  const said = () => text.split('\n').flatMap(line => (line.startsWith('{') ? [JSON.parse(line)] : []))
  const ended = once(child, 'exit')
  await vi.waitFor(
    () => {
      if (!said().some(({ event }) => event === 'watching')) throw new Error(`not watching yet:\n${text}`)
    },
    { timeout: 30_000 },
  )
  return {
    child,
    output: () => text,
    said,
    signal: name => child.kill(name),
    end: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await ended
      return child.exitCode
    },
  }
}
