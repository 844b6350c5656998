/** One key that cannot be worked with must not stop the others: the built program, in every command that reads keys. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { beforeAll, describe, expect, test } from 'vitest'
import { MAIN } from '../../e2e/program.ts'
import { issue } from '../../fixtures/certificates.ts'
import { lockedWith, longDsa, sm2OfLastNumber } from '../../fixtures/strangeKeys.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'

/** Far more than it takes, and far less than for ever. In milliseconds. */
const PATIENCE = 60_000

let folder: string
const at = (name: string) => join(folder, name)

const certferry = (...words: readonly string[]) =>
  new Promise<{ code: number | string | null | undefined; said: string }>(resolve => {
    const options = { timeout: PATIENCE, killSignal: 'SIGKILL', env: { HOME: '/nonexistent' } } as const
    execFile(execPath, [MAIN, ...words], options, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code ?? 'killed') : 0, said: stdout + stderr }),
    )
  })

beforeAll(async () => {
  folder = await temporaryDirectory()
  const { chain, key } = await issue()
  await writeFile(at('chain.pem'), chain)
  await writeFile(at('good.pem'), key, { mode: 0o600 })
  await writeFile(at('password'), 'opens', { mode: 0o600 })
  await writeFile(at('config.toml'), '[upload]\nkey_password_file = "password"\n')
})

describe.each([
  ['an SM2 key of the last number', sm2OfLastNumber, 'its number is not in the range of its curve'],
  [
    'a long DSA key, encrypted',
    () => lockedWith('opens', longDsa()),
    'is of a kind that is not for certificates',
  ],
] as const)('%s is refused at once', (_, make, why) => {
  const commands: ReadonlyArray<readonly [string, readonly string[]]> = [
    ['inspect', ['inspect', 'chain.pem', 'key.pem']],
    ['sync', ['sync', '--dry-run', '--source', 'bad', '--source', 'good']],
    ['hook', ['hook', '--chain', 'chain.pem', '--key', 'key.pem', '--name', 'bad', '--deadline', '5']],
    ['status', ['status', '--source', 'bad']],
    ['check', ['check', '--source', 'bad']],
  ]
  test.each(commands)(
    'by %s',
    async (command, words) => {
      await writeFile(at('key.pem'), make(), { mode: 0o600 })
      const sources = {
        bad: `pem=bad:${at('chain.pem')}:${at('key.pem')}`,
        good: `pem=good:${at('chain.pem')}:${at('good.pem')}`,
      }
      const args = words.map(word =>
        word in sources ? sources[word as keyof typeof sources] : word.endsWith('.pem') ? at(word) : word,
      )
      const state = ['--config', at('config.toml')]
      if (command !== 'inspect') state.push('--state-dir', at('state'), '--endpoint', 'http://127.0.0.1:9')
      const { code, said } = await certferry(...args, ...state)
      expect(code, said).not.toBe('killed')
      expect(said.replace(/\s+/g, ' ')).toContain(why)
      if (command === 'sync') expect(said).toMatch(/good.*would/i)
    },
    PATIENCE * 2,
  )
})
