/** An uploader with the emulator as its service and a clock whose waits end at once. */
import { onTestFinished } from 'vitest'
import { parseBundle } from '../../src/certificate/bundle.ts'
import { resolveSettings } from '../../src/config/settings.ts'
import type { InjectedFault } from '../../src/emulator/faults.ts'
import { type EmulatorOptions, startEmulator } from '../../src/emulator/server.ts'
import { createLogger } from '../../src/log/logger.ts'
import { pemLineage } from '../../src/sources/lineage.ts'
import { createUploader, type UploaderOptions } from '../../src/upload/uploader.ts'
import { issue } from '../fixtures/certificates.ts'

export const KEYS = {
  TENCENTCLOUD_SECRET_ID: 'certferry-demo',
  TENCENTCLOUD_SECRET_KEY: 'not-a-secret-opens-only-the-emulator',
}

/** Waits end at once and move the clock on, which the rate limiter sees. */
export function hurried() {
  let ahead = 0
  return {
    now: () => performance.now() + ahead,
    wait: async (ms: number, signal?: AbortSignal) => {
      signal?.throwIfAborted()
      ahead += ms
      await new Promise(resolve => setImmediate(resolve))
    },
    random: () => 0,
  }
}

export async function bundleOf(name = 'example.com') {
  const { chain, key } = await issue({ names: [name] })
  return parseBundle(
    {
      chain: { path: 'chain.pem', text: chain },
      key: { path: 'key.pem', text: key, password: undefined },
    },
    new Date(),
  )
}

export type Wishes = EmulatorOptions &
  Partial<Pick<UploaderOptions, 'env' | 'signal'>> & { readonly endpoint?: string }

export async function stage({
  env = KEYS,
  signal = new AbortController().signal,
  endpoint,
  ...wishes
}: Wishes = {}) {
  const emulator = await startEmulator({ rate: Number.POSITIVE_INFINITY, ...wishes })
  onTestFinished(emulator.close)
  const logged: { level: string; event: string; msg: string }[] = []
  const output = {
    write: (line: string) => void logged.push(JSON.parse(line)),
    isTerminal: false,
    isJournal: false,
    colours: false,
    columns: 80,
  }
  const settings = resolveSettings({ endpoint: endpoint ?? emulator.url, rate: 100 }, {}, {})
  const uploader = createUploader({
    settings,
    env: { HOME: '/nowhere', ...env },
    home: '/nowhere',
    version: '0',
    log: createLogger({ format: 'json', level: 'debug', output, now: Date.now }),
    now: Date.now,
    signal,
    clock: hurried(),
  })
  onTestFinished(uploader.close)
  const lineage = pemLineage({ kind: 'pem', name: 'a', chain: 'a', key: 'a', keys: {} }, settings.forLineage)
  const bundle = await bundleOf()
  const upload = (other = bundle) => uploader.upload(other, lineage)
  const codes = () => emulator.entries.map(({ code }) => code)
  return { emulator, uploader, upload, bundle, logged, codes }
}

/** What the emulator does to the first requests, one after the other. */
export const first =
  (...faults: readonly InjectedFault[]) =>
  ({ n }: { n: number }) =>
    faults[n - 1]
