/** A daemon in this process, over a folder with certbot's tree and a local SSL API. */

import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { cli } from '../../src/cli/run.ts'
import type { EmulatorOptions } from '../../src/emulator/server.ts'
import { BETWEEN_READS_MS } from '../../src/files/readFile.ts'
import { sleep } from '../../src/util/async.ts'
import { issue, type Pair } from '../fixtures/certificates.ts'
import { type ContextOptions, recordedContext } from '../fixtures/context.ts'
import { all, certbotRenew } from '../fixtures/producers.ts'
import { KEYS, openStage } from './commandFixture.ts'

export interface Line extends Readonly<Record<string, unknown>> {
  readonly level: string
  readonly event: string
  readonly msg: string
}

/** Everything a test waits for comes within this time, or the test fails. */
export const BOUND = { timeout: 60_000, interval: 10 } as const

/** As long as it says, but for the pauses between the ten readings of a configuration that has just been written. */
export const sleepBriefly = (ms: number, signal?: AbortSignal) =>
  sleep(ms === BETWEEN_READS_MS ? 1 : ms, signal)

export async function openWatchStage(options: EmulatorOptions = {}) {
  const stage = await openStage(options)
  const { folder, emulator } = stage
  const root = join(folder, 'letsencrypt')
  const config = join(folder, 'certferry.toml')
  /** Keys that come first belong to no table. */
  const configure = (rest = '') =>
    writeFile(
      config,
      `[tencent]
endpoint = "${emulator.url}"
rate_per_second = 1000
[state]
dir = "state"
[log]
level = "debug"
format = "json"
[[source]]
kind = "certbot"
path = "${root}"
${rest}`,
    )
  await configure()

  const start = (surroundings: Partial<ContextOptions> = {}) => {
    const recorded = recordedContext({
      cwd: folder,
      wait: sleepBriefly,
      ...surroundings,
      env: { ...KEYS, ...surroundings.env },
    })
    const exit = cli(['watch', '-c', config], recorded.context)
    exit.catch(() => {})
    const lines = () =>
      recorded
        .out()
        .split('\n')
        .filter(Boolean)
        .map(line => JSON.parse(line) as Line)
    const said = (event: string) => lines().filter(line => line.event === event)
    /** Waits until so many lines of that event have been said; resolves to them. */
    const saying = async (event: string, count = 1) => {
      await expect.poll(() => said(event).length, BOUND).toBeGreaterThanOrEqual(count)
      return said(event)
    }
    const end = () => {
      recorded.end()
      return exit
    }
    onTestFinished(() => void end().catch(() => {}))
    return { ...recorded, exit, lines, said, saying, end }
  }
  const renew = async (name: string): Promise<Pair> => {
    const pair = await issue({ names: [name] })
    await all(certbotRenew(root, name, pair))
    return pair
  }
  /** How many certificates the service has stored. */
  const stored = (count: number) => expect.poll(() => emulator.certificates().length, BOUND).toBe(count)
  return { ...stage, root, configure, start, renew, stored }
}

/** A page of the daemon's HTTP server on a Unix socket. */
export const ask = (socketPath: string, path: string) =>
  new Promise<string>((resolve, reject) => {
    request({ socketPath, path }, response => {
      let text = ''
      response.on('data', data => (text += data)).on('end', () => resolve(text))
    })
      .on('error', reject)
      .end()
  })
