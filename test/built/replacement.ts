/** What the built program does with older certificates of the account: the settings and commands of replacement. */
import { expect } from 'vitest'
import { startEdge } from '../../src/emulator/edge.ts'
import type { EmulatorOptions } from '../../src/emulator/server.ts'
import type { BuiltProgram } from './builtProgram.ts'

export const DEPLOY_KEYS = [
  ...['replace', 'replaces', 'verify', 'types', 'except', 'allow_uncovered', 'allow_untrusted'],
  ...['retire', 'grace_days', 'keep'],
] as const

/** The service's time passes fast, and its scans and searches answer at once. */
export const QUICK_ACCOUNT: EmulatorOptions = {
  timeScale: 100,
  traps: { scanCalls: 0, surveyEmpty: 'never', surveyColdSeconds: 1, recordHiddenSeconds: 1 },
  resources: [
    { type: 'cdn', domains: ['r.example.com'], certId: 'first:r.example.com' },
    { type: 'tke', region: 'ap-guangzhou', instance: 'cls-1', domains: ['r.example.com'] },
  ],
}

interface Result {
  readonly certificateId: string
  readonly replacement: { readonly state: string; readonly from: readonly string[] }
}

const resultOf = (json: string) => JSON.parse(json).results[0] as Result

/** A renewal goes live; it is rolled back, held, and put in place again. */
export async function replacesRenewals(built: BuiltProgram): Promise<void> {
  const edge = await startEdge(built.emulator)
  try {
    const { typed, type, emulator, now } = built
    await built.configure(`
[deploy]
replace = true
replaces = ["zzzzzzz9"]
verify = false
types = ["cdn"]
except = ["tke"]
allow_uncovered = true
allow_untrusted = true
retire = "silence"
grace_days = 3
keep = 2
[[certificate]]
match = "pem:r"
replace = true
[[source]]
kind = "pem"
name = "r"
chain = "${built.at('r/chain.pem')}"
key = "${built.at('r/key.pem')}"
replace = true
`)
    const config = ['--config', built.at('config.toml')]
    await built.pair('r')
    const { certificateId: first } = resultOf(await typed(['sync', '--json', '--no-replace', ...config]))
    await built.pair('r', { notAfter: new Date(now() + 80 * 86_400_000) })
    const { certificateId: second } = resultOf(
      await typed(['sync', '--json', '--no-replace', '--deadline', '3600', ...config]),
    )
    expect(emulator.resources()[0]?.certId).toBe(first)
    const planned = await typed(['replace', 'r', '--dry-run', '--json', '--deadline', '3600', ...config])
    expect(JSON.parse(planned).replacement.from).toContain(first)
    expect(emulator.resources()[0]?.certId).toBe(first)
    const replaced = await typed(['replace', 'r', '--force', '--json', ...config])
    expect(JSON.parse(replaced).replacement.state).toBe('replaced')
    expect(emulator.resources()[0]?.certId).toBe(second)
    const back = await typed(['rollback', 'r', '--json', '--deadline', '3600', ...config])
    expect(JSON.parse(back).replacement.state).toBe('held')
    expect(emulator.resources()[0]?.certId).toBe(first)
    const { replacement } = resultOf(await typed(['sync', '--json', ...config]))
    expect(replacement.state).toBe('held')
    const { code } = await type(['replace', 'nothing', ...config])
    expect(code).toBe(66)
  } finally {
    await edge.close()
  }
}
