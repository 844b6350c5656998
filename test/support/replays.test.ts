/** The hand-written replays go through the states that the real clients were recorded in, in the same order. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { issue, type Pair } from './certificates.ts'
import { acmeIssue, acmeRenew, certbotIssue, certbotRenew, type Step } from './producers.ts'
import { recordedSteps } from './recorded.ts'
import { type Client, recordingOf } from './recording.ts'
import { temporaryDirectory } from './temporary.ts'

const NAME = 'example.com'
const old = await issue()
const sameKey = await issue({ keyPem: old.key })
const newKey = await issue()

/** What a file holds, as a recording would say it, and of which certificate. */
function holding(text: string): string {
  const blocks = text.match(/-----BEGIN [^-]+-----/g) ?? []
  if (!blocks.length) return text ? 'other' : 'empty'
  if (blocks[0]?.includes('KEY')) return 'key'
  const whose = [old, sameKey, newKey].findIndex(({ leaf }) => text.startsWith(leaf))
  return whose < 0 ? 'intermediates' : `${blocks.length > 1 ? 'chain' : 'leaf'} ${whose}`
}

/** Links and files that hold certificates or keys; folders come and go with them. */
function stateOf(root: string): string {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter(name => /\.(pem|cer|key)$/.test(name) && !name.includes('account'))
    .sort()
  return names
    .map(name => {
      const path = join(root, name)
      if (lstatSync(path).isSymbolicLink()) return `${name} -> ${readlinkSync(path).replace(root, 'ROOT')}`
      return `${name} ${holding(readFileSync(path, 'utf8'))}`
    })
    .join('\n')
}

/** Every state once, as long as it lasts. */
async function statesOf(stepsIn: (root: string) => readonly Step[]): Promise<readonly string[]> {
  const root = await temporaryDirectory()
  const states: string[] = []
  for (const { run } of stepsIn(root)) {
    await run()
    const state = stateOf(root)
    if (states.at(-1) !== state) states.push(state)
  }
  return states
}

const recorded = (client: Client, renewal: Pair) => (root: string) => {
  const { issuance, renewal: acts } = recordingOf(client)
  const place = { root, name: NAME }
  return [...recordedSteps(issuance, place, old), ...recordedSteps(acts, place, renewal)]
}

/** A copy that stops at the end of a block is our own invention: the client's is cut nowhere by itself. */
const withoutHalves = (steps: readonly Step[]) =>
  steps.filter(({ name }) => name !== 'write half of fullchain')

test('certbot', async () => {
  const replayed = (root: string) => [...certbotIssue(root, NAME, old), ...certbotRenew(root, NAME, newKey)]
  expect(await statesOf(replayed)).toEqual(await statesOf(recorded('certbot', newKey)))
})

test('acme.sh', async () => {
  const replayed = (root: string) =>
    withoutHalves([...acmeIssue(root, NAME, old), ...acmeRenew(root, NAME, sameKey)])
  expect(await statesOf(replayed)).toEqual(await statesOf(recorded('acme.sh', sameKey)))
})

test('acme.sh with a new key, but for the key that it keeps for the next time', async () => {
  const replayed = (root: string) =>
    withoutHalves([...acmeIssue(root, NAME, old), ...acmeRenew(root, NAME, newKey, { rotateKey: true })])
  const real = (root: string) =>
    recorded('acme.sh-new-keys', newKey)(root).filter(({ name }) => !name.endsWith('.next'))
  expect(await statesOf(replayed)).toEqual(await statesOf(real))
})
