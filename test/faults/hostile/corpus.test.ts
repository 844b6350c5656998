/** Every strange pair by name: what becomes of it, and that it is said in time, on one line and with its file. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseBundle } from '../../../src/certificate/bundle.ts'
import { cli } from '../../../src/cli/run.ts'
import { secret } from '../../../src/secret.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { recordedWorld } from '../../fixtures/world.ts'
import { LONG } from '../run.ts'
import { openJudge } from './assertions.ts'
import { corpus } from './corpus.ts'
import type { Strange } from './strangePair.ts'

const FILES = ['/live/chain.pem', '/live/key.pem']

const proof = ({ chain, key, password }: Strange) =>
  parseBundle(
    {
      chain: { path: '/live/chain.pem', text: chain },
      key: {
        path: '/live/key.pem',
        text: key,
        password: password === undefined ? undefined : secret(password),
      },
    },
    new Date(),
  )

test('strange certificates and keys: each has the verdict it deserves', async () => {
  const judge = openJudge()
  const folder = await temporaryDirectory()
  const [chain, key, config] = ['chain.pem', 'key.pem', 'config.toml'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await writeFile(config, '[upload]\nkey_password_file = "password"\n')
  for (const [i, strange] of (await corpus()).entries()) {
    const about = { keys: [strange.key] }
    const fault = await judge.hear({ ...about, name: strange.name, files: FILES }, () =>
      proof(strange).notes.join('\n'),
    )
    const verdict = fault?.code ?? 'pair'
    if (strange.verdict !== 'any' && verdict !== strange.verdict)
      judge.wronglyTaken(`${strange.name}: ${verdict}`)

    await writeFile(chain, strange.chain)
    await writeFile(key, strange.key)
    await writeFile(join(folder, 'password'), strange.password ?? 'none')
    for (const [how, words] of waysOf(chain, key, i)) {
      const { world, out, err } = recordedWorld({ cwd: folder, terminal: how.endsWith('terminal') })
      await judge.hear({ ...about, name: `${how} ${strange.name}`, files: [chain, key] }, async () => {
        const exit = await cli([...words, '--config', config], world)
        const said = out() + err()
        if (verdict !== 'pair') expect([65, 75], said).toContain(exit)
        else expect([0, 65, 75], said).toContain(exit)
        if (exit !== 0)
          expect(said.replace(/\s+/g, '')).toMatch(/(chain|key)\.pem|notuploaded|noCAcertificate/)
        return said
      })
    }
  }
  judge.close('strange certificates and keys', 'made by name; proved, inspected and passed over')
})

/** All ways in a long run, in a short one for every third pair one, in its turn. */
const waysOf = (chain: string, key: string, turn: number) =>
  ways(chain, key).filter((_, i) => LONG || (turn % 3 === 0 && i === (turn / 3) % 4))

const ways = (chain: string, key: string): ReadonlyArray<readonly [string, readonly string[]]> => {
  const source = ['--source', `pem=strange:${chain}:${key}`, '--state-dir', '/nowhere', '--dry-run']
  return [
    ['inspect', ['inspect', chain, key]],
    ['inspect --json', ['inspect', '--json', chain, key]],
    ['sync on a terminal', ['sync', ...source]],
    ['sync --json', ['sync', '--json', ...source]],
  ]
}
