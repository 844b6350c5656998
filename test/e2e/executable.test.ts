/** The same features as of the build, of the single executable: its parts are assets, and its Node is its own. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { bundle, readVersion } from '../../packaging/bundle.ts'
import { writeExecutable } from '../../packaging/executable.ts'
import { describeBuilt } from '../built/features.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

let executable = ''

beforeAll(async () => {
  executable = join(await temporaryDirectory(), 'certferry')
  await writeExecutable(await bundle(await readVersion()), executable)
})

describeBuilt(() => executable)

test('its young generation is bounded, as the launcher bounds it', async () => {
  expect((await readFile(executable)).includes('--max-semi-space-size=16')).toBe(true)
})
