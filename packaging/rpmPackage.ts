/** The RPM package, put together by rpmbuild. Its scripts are the Debian package's. */
import { execFileSync } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Made } from './archive.ts'
import { stageInstalled } from './installed.ts'
import { EPOCH, ROOT } from './paths.ts'
import { inStagingDir } from './stagingDir.ts'

export async function writeRpmPackage(made: Made & { readonly architecture: string }): Promise<void> {
  const spec = await specOf(made.version)
  await inStagingDir(async staging => {
    await stageInstalled(staging, made, {
      units: 'usr/lib/systemd/system',
      completion: path => path.replace('zsh/vendor-completions', 'zsh/site-functions'),
    })
    // not in the system's folder for temporary files: rpmbuild takes no path with a blank
    const work = await mkdtemp('/tmp/certferry-rpm-')
    try {
      await writeFile(join(work, 'certferry.spec'), spec)
      const folders = ['_topdir', '_tmppath', '_rpmdir'].flatMap(name => ['--define', `${name} ${work}`])
      const target = ['--target', `${made.architecture}-linux`, '--define', '_rpmfilename made.rpm']
      execFileSync('rpmbuild', ['-bb', ...folders, ...target, 'certferry.spec'], {
        cwd: work,
        // no macros of whoever builds it
        env: {
          PATH: process.env.PATH,
          HOME: work,
          LC_ALL: 'C.UTF-8',
          SOURCE_DATE_EPOCH: String(EPOCH),
          CERTFERRY_STAGING: staging.folder,
        },
        stdio: 'pipe',
      })
      await copyFile(join(work, 'made.rpm'), made.file)
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  })
}

async function specOf(version: string): Promise<string> {
  const text = (path: string) => readFile(resolve(ROOT, 'packaging', path), 'utf8')
  let spec = (await text('rpm/certferry.spec')).replace('@VERSION@', version)
  for (const name of ['postinst', 'prerm', 'postrm']) {
    const script = (await text(`debian/${name}`))
      .replace('#!/bin/sh\n', '')
      .replaceAll('deb-systemd-invoke', 'systemctl')
      .replaceAll('%', '%%')
    spec = spec.replace(`@${name.toUpperCase()}@`, () => script)
  }
  return spec
}
