/** The npm package: the bundle without Node and without dependencies. */
import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Bundle } from './bundle.ts'
import { documents, filesOf } from './contents.ts'
import { EPOCH, ROOT } from './paths.ts'
import { inStagingDir } from './stagingDir.ts'

interface Parts {
  readonly parts: Bundle['parts']
  /** The licence texts of everything in the code. */
  readonly terms: string
  /** Where the package goes. */
  readonly folder: string
}

export async function writeNpmPackage({ parts, terms, folder }: Parts): Promise<void> {
  const manifest = JSON.parse(await readFile(resolve(ROOT, 'package.json'), 'utf8'))
  const { name, version, description, license, engines, author, homepage, bugs } = manifest
  await inStagingDir(async staging => {
    const kept = { name, version, description, license, engines, author, homepage, bugs }
    const own = {
      ...kept,
      bin: { certferry: 'main.js' },
      files: ['main.js', 'parts', 'config', 'systemd', 'docs', 'packaging', 'third-party.txt', '*.md'],
    }
    await staging.write('package.json', `${JSON.stringify(own, null, 2)}\n`)
    await staging.writeAll('', parts)
    await staging.write('third-party.txt', terms)
    await staging.writeAll('systemd', await filesOf('systemd', /\.(service|timer|conf)$/))
    await staging.writeAll('', await documents())
    execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], {
      cwd: staging.folder,
      env: { ...process.env, SOURCE_DATE_EPOCH: String(EPOCH) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  })
}
