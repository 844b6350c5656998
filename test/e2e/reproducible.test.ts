/** A release built twice in unlike environments has the same bytes. */
import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { env, execPath } from 'node:process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const run = promisify(execFile)

/** The last commit's; a copy of the files has no commits to ask. */
const epochOf = async () => (await run('git', ['log', '-1', '--format=%ct'])).stdout.trim()

/** The files of this repository and its packages at another place. */
async function copyTo(folder: string): Promise<void> {
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'])
  await mkdir(folder, { recursive: true })
  const copying = run('sh', ['-c', 'tar --null -T - -c | tar -x -C "$0"', folder])
  copying.child.stdin?.end(stdout)
  await copying
  await run('cp', ['-a', 'node_modules', folder])
}

interface Place {
  readonly folder: string
  readonly umask: string
  readonly epoch: string
  readonly env: Readonly<Record<string, string>>
}

/** The name of each file of the release, with a digest. */
async function releaseIn({
  folder,
  umask,
  epoch,
  env: own,
}: Place): Promise<Readonly<Record<string, string>>> {
  const home = join(folder, 'home')
  for (const made of [home, join(folder, 'tmp')]) await mkdir(made)
  const environment = {
    PATH: `${dirname(execPath)}:${env.PATH}`,
    SOURCE_DATE_EPOCH: epoch,
    HOME: home,
    TMPDIR: join(folder, 'tmp'),
    ...own,
  }
  await run('sh', ['-c', `umask ${umask}; exec "$0" packaging/release.ts`, execPath], {
    cwd: folder,
    env: environment,
  })
  const release = join(folder, 'release')
  const names = (await readdir(release)).toSorted()
  const digest = async (name: string) =>
    createHash('sha256')
      .update(await readFile(join(release, name)))
      .digest('hex')
  return Object.fromEntries(await Promise.all(names.map(async name => [name, await digest(name)] as const)))
}

const hasDpkg = spawnSync('dpkg-deb', ['--version']).status === 0

test.skipIf(!hasDpkg)(
  'two builds in other folders, by other umasks, clocks, languages and homes have the same bytes',
  async () => {
    const root = await temporaryDirectory()
    const epoch = await epochOf()
    const places = [
      { folder: join(root, 'a'), umask: '022', epoch, env: { TZ: 'UTC', LC_ALL: 'C', USER: 'root' } },
      {
        folder: join(root, 'somewhere else/of a much longer name, with blanks'),
        umask: '077',
        epoch,
        env: {
          TZ: 'Asia/Kathmandu',
          LC_ALL: 'C.UTF-8',
          LANG: 'tr_TR.UTF-8',
          USER: 'somebody',
          COLUMNS: '40',
        },
      },
    ] as const
    // before anything is built, which takes minutes: this folder may change meanwhile
    for (const { folder } of places) await copyTo(folder)
    const [one, other] = [await releaseIn(places[0]), await releaseIn(places[1])]
    expect(Object.keys(one).map(name => name.replace(/[\d.]*\d/g, 'N'))).toEqual(
      expect.arrayContaining(['SHANSUMS', 'certferry', 'certferry-N.cdx.json', 'certferry-N.tgz']),
    )
    expect(other).toEqual(one)
  },
  900_000,
)
