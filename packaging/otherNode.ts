/** Node for another processor, which npm ci does not install: from the registry, held to the lockfile. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Package } from './packages.ts'
import { ROOT } from './paths.ts'

/** It cannot be had. */
export class NoNode extends Error {}

/** Its folder. The archive stays beside it, so that the next release needs no network. @throws NoNode. */
export async function unpackNode({ name, version, sha512 }: Package): Promise<string> {
  const folder = resolve(ROOT, 'node_modules/.cache', `${name}-${version}`)
  const archive = `${folder}.tgz`
  await mkdir(folder, { recursive: true })
  const isThere = await access(archive).then(
    () => true,
    () => false,
  )
  if (!isThere) npmPack(`${name}@${version}`, resolve(folder, '..'))
  const found = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64')
  if (found !== sha512) throw new NoNode(`${archive} is not what package-lock.json names; delete it`)
  execFileSync('tar', ['-xzf', archive, '-C', folder, '--strip-components=1', '--no-same-owner'])
  return folder
}

function npmPack(wanted: string, folder: string): void {
  try {
    execFileSync('npm', ['pack', '--silent', '--prefer-offline', '--pack-destination', folder, wanted], {
      stdio: 'pipe',
    })
  } catch (error) {
    throw new NoNode(`npm pack ${wanted} failed; is there a network?`, { cause: error })
  }
}
