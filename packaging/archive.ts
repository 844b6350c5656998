/** The archive for systems without Debian packages: the program, its units, man pages, completion and documents. */
import { execFileSync } from 'node:child_process'
import { basename } from 'node:path'
import { completionFiles, documents, filesOf, manualPages } from './contents.ts'
import { EPOCH } from './paths.ts'
import { inStagingDir } from './stagingDir.ts'

export interface Made {
  readonly version: string
  /** The program. */
  readonly executable: string
  /** The licence texts of everything in the program. */
  readonly terms: string
  /** Where the package goes. */
  readonly file: string
}

export async function writeArchive({ version, executable, terms, file }: Made): Promise<void> {
  const top = basename(file, '.tar.gz')
  await inStagingDir(async ({ folder, write, writeAll, copy }) => {
    await copy(executable, `${top}/certferry`, 0o755)
    await writeAll(top, await documents())
    await write(`${top}/third-party.txt`, terms)
    await writeAll(`${top}/systemd`, await filesOf('systemd', /\.(service|timer|conf)$/))
    await writeAll(`${top}/share/man`, await manualPages(version))
    await writeAll(`${top}/share`, completionFiles())
    tar(folder, top, file)
  })
}

/** Fixed order, time and owner: https://reproducible-builds.org/docs/archives/ */
function tar(folder: string, top: string, file: string): void {
  const same = [
    '--sort=name',
    `--mtime=@${EPOCH}`,
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--format=gnu',
  ]
  execFileSync('tar', [...same, '--use-compress-program=gzip -6n', '-cf', file, '-C', folder, top], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
