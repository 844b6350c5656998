/** The service on loopback for one measurement: the emulator, and the environment that sends a program there. */
import { DEMO_CREDENTIALS, type Emulator, startEmulator } from '../src/emulator/server.ts'
import type { Environment } from './process.ts'
import { slowWire } from './slowWire.ts'

export interface Service {
  readonly emulator: Emulator
  readonly environment: Environment
  readonly close: () => Promise<void>
}

export interface ServiceWishes {
  /** Requests a second; without a limit where absent. */
  readonly rate?: number
  /** Milliseconds that a request and its answer are under way together. */
  readonly roundTrip?: number
}

export async function openService({
  rate = Number.POSITIVE_INFINITY,
  roundTrip = 0,
}: ServiceWishes = {}): Promise<Service> {
  const emulator = await startEmulator({ rate })
  const wire = roundTrip > 0 ? await slowWire(new URL(emulator.url), roundTrip) : undefined
  return {
    emulator,
    environment: {
      TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
      TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
      CERTFERRY_ENDPOINT: wire?.url ?? emulator.url,
    },
    close: async () => {
      await wire?.close()
      await emulator.close()
    },
  }
}
