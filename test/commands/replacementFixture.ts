/** A stage whose account has resources and a TLS edge; host, account and edge keep one clock that every pause moves on. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { startEdge } from '../../src/emulator/edge.ts'
import type { EmulatorOptions } from '../../src/emulator/server.ts'
import { issue } from '../fixtures/certificates.ts'
import type { ContextOptions } from '../fixtures/context.ts'
import { all, certbotRenew } from '../fixtures/producers.ts'
import { openStage } from './commandFixture.ts'

export const NAME = 'www.example.com'

/** The CDN domain and the listener that serve the first certificate uploaded for the name. */
export const RESOURCES: EmulatorOptions['resources'] = [
  { type: 'cdn', domains: [NAME], certId: `first:${NAME}` },
  {
    ...{ type: 'clb', region: 'ap-guangzhou', instance: 'lb-1', listener: 'lbl-1' },
    ...{ domains: [NAME], certId: `first:${NAME}` },
  },
]

const DAY = 86_400_000

export async function openAccount(options: EmulatorOptions = {}, deploy = 'replace = true') {
  let time = Date.now()
  const now = () => time
  const stage = await openStage({ now, dice: () => 0.5, resources: RESOURCES ?? [], ...options })
  const edge = await startEdge(stage.emulator)
  onTestFinished(edge.close)
  const config = join(stage.folder, 'config.toml')
  const configure = (lines: string) =>
    writeFile(
      config,
      `[deploy]\nallow_untrusted = true\nverify = ["${NAME}@127.0.0.1:${edge.port}"]\n${lines}\n`,
    )
  await configure(deploy)
  const surroundings: Partial<ContextOptions> = {
    now,
    monotonic: now,
    dice: () => 0.5,
    wait: async (ms, signal) => {
      await new Promise(resolve => setImmediate(resolve))
      signal?.throwIfAborted()
      time += ms
    },
  }
  const type = ([command = '', ...words]: readonly string[], more: Partial<ContextOptions> = {}) =>
    stage.type([command, '-c', config, ...words], { ...surroundings, ...more })
  let days = 60
  return {
    ...stage,
    edge,
    config,
    configure,
    surroundings,
    type,
    pass: (seconds: number) => {
      time += seconds * 1000
    },
    /** The first certificate. */
    issue: async (names: readonly string[] = [NAME]) => {
      await stage.certbot(NAME, await issue({ names }))
      await type(['sync'])
    },
    renew: async (names: readonly string[] = [NAME]) => {
      days += 1
      const pair = await issue({ names, notAfter: new Date(Date.now() + days * DAY) })
      await all(certbotRenew(join(stage.folder, 'letsencrypt'), NAME, pair))
    },
  }
}
