/** The openssl program, as a second opinion on what the tests make. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** @returns what it printed; rejects with its complaint when it ends with anything but 0. */
export async function openssl(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('openssl', args)
  return stdout
}
