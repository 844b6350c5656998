/** Directories that are gone after the test which asked for them, or after the file when no test is running. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'

const left = new Set<string>()

async function remove(directory: string): Promise<void> {
  left.delete(directory)
  await rm(directory, { recursive: true, force: true, maxRetries: 3 })
}

// Registered with the file that imports this: a directory made in beforeAll has no test to end with.
afterAll(async () => {
  for (const directory of left) await remove(directory)
})

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'certferry-test-'))
  left.add(directory)
  try {
    onTestFinished(() => remove(directory))
  } catch {
    // No test is running; afterAll will do.
  }
  return directory
}
