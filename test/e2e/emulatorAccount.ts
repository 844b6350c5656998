/** The emulator's demonstration account, and the words that send the built program there. */
import { DEMO_CREDENTIALS, type Emulator, startEmulator } from '../../src/emulator/server.ts'
import type { Environment } from './child.ts'

export interface Account {
  readonly emulator: Emulator
  readonly credentials: Environment
  /** For a command line of our own. */
  readonly options: readonly string[]
  /** The same for a client that runs a hook: it can only hand down its environment. */
  readonly environment: Environment
}

export async function openAccount(stateDir: string): Promise<Account> {
  const emulator = await startEmulator({ rate: 10 })
  const credentials = {
    TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
    TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
  }
  return {
    emulator,
    credentials,
    options: ['--state-dir', stateDir, '--endpoint', emulator.url],
    environment: { ...credentials, CERTFERRY_STATE_DIR: stateDir, CERTFERRY_ENDPOINT: emulator.url },
  }
}
