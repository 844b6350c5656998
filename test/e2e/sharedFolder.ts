/** A folder for what takes long to make and several files of a run need; gone after the run. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'

let folder: string

export async function setup(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'certferry-shared-'))
  env.CERTFERRY_E2E_SHARED = folder
}

export const teardown = (): Promise<void> => rm(folder, { recursive: true, force: true })
