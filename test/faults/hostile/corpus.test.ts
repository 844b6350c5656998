/** Every strange pair has the right result: in time, on one line, and with the name of its file. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cli } from '../../../src/cli/run.ts'
import { recordedContext } from '../../fixtures/context.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { LONG } from '../run.ts'
import { openChecker } from './checker.ts'
import { corpus, FILES, parse } from './corpus.ts'

test('strange certificates and keys each have the expected result', async () => {
  const checker = openChecker()
  const folder = await temporaryDirectory()
  const [chain, key, config] = ['chain.pem', 'key.pem', 'config.toml'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await writeFile(config, '[upload]\nkey_password_file = "password"\n')
  for (const [i, strange] of (await corpus()).entries()) {
    const keys = [strange.key]
    const fault = await checker.check({ name: strange.name, files: FILES, keys }, () =>
      parse(strange).notes.join('\n'),
    )
    const verdict = fault?.code ?? 'pair'
    if (strange.verdict !== 'any' && verdict !== strange.verdict)
      checker.acceptedWrongly(`${strange.name}: ${verdict}`)

    await writeFile(chain, strange.chain)
    await writeFile(key, strange.key)
    await writeFile(join(folder, 'password'), strange.password ?? 'none')
    for (const [how, words] of commandsFor(chain, key, i)) {
      const { context, out, err } = recordedContext({ cwd: folder, terminal: how.endsWith('terminal') })
      await checker.check({ name: `${how} ${strange.name}`, files: [chain, key], keys }, async () => {
        const exit = await cli([...words, '--config', config], context)
        const output = out() + err()
        if (verdict !== 'pair') expect([65, 75], output).toContain(exit)
        else expect([0, 65, 75], output).toContain(exit)
        if (exit !== 0)
          expect(output.replace(/\s+/g, '')).toMatch(/(chain|key)\.pem|notuploaded|noCAcertificate/)
        return output
      })
    }
  }
  checker.report('strange certificates and keys', 'made by name; proved, inspected and passed over')
})

/** All commands in a long run; in a short one for every third pair one of them, in turn. */
const commandsFor = (chain: string, key: string, turn: number) =>
  allCommands(chain, key).filter((_, i) => LONG || (turn % 3 === 0 && i === (turn / 3) % 4))

const allCommands = (chain: string, key: string): ReadonlyArray<readonly [string, readonly string[]]> => {
  const source = ['--source', `pem=strange:${chain}:${key}`, '--state-dir', '/nowhere', '--dry-run']
  return [
    ['inspect', ['inspect', chain, key]],
    ['inspect --json', ['inspect', '--json', chain, key]],
    ['sync on a terminal', ['sync', ...source]],
    ['sync --json', ['sync', '--json', ...source]],
  ]
}
