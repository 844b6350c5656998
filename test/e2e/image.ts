/** The container image, built by buildah as its file says, over files of Debian; and what runc runs in it. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Ended, type Running, run, SYSTEM_PATH, start } from './child.ts'
import { debianFiles, whyNoDebianFiles } from './debianFiles.ts'
import { REPOSITORY } from './systemdFixture.ts'

const ENVIRONMENT = { PATH: SYSTEM_PATH, LC_ALL: 'C.UTF-8' }
/** What the image is made from. */
const BASE = 'docker.io/library/debian:bookworm-slim'

export async function whyNoImage(): Promise<string | undefined> {
  for (const tool of ['buildah', 'runc']) {
    const found = await run(tool, ['--version'], ENVIRONMENT).catch(() => undefined)
    if (found?.code !== 0) return `there is no ${tool}`
  }
  return whyNoDebianFiles()
}

export interface Mount {
  readonly from: string
  readonly to: string
  readonly isReadOnly?: boolean
}

/** A container to be run: its root is read-only, it has no capability and gains none. */
export interface Wish {
  readonly user: number
  readonly words: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly mounts?: readonly Mount[]
  /** Folders in memory. */
  readonly memory?: readonly string[]
  /** With this machine's network, where the local service is; else it has its own, with loopback alone. */
  readonly usesNetwork?: boolean
}

export interface Image {
  readonly run: (wish: Wish) => Promise<Ended>
  readonly start: (wish: Wish) => Promise<Running>
  /** Containers that have not ended. */
  readonly left: () => Promise<string>
}

export async function buildImage(folder: string, release: string): Promise<Image> {
  const store = ['--root', join(folder, 'store'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs']
  const buildah = async (command: string, ...words: readonly string[]) => {
    const { code, stdout, stderr } = await run('buildah', [...store, command, ...words], ENVIRONMENT)
    if (code !== 0) throw new Error(`buildah ${command}: exit ${code}\n${stdout}${stderr}`)
    return stdout.trim()
  }
  const root = await debianFiles(join(folder, 'debian'), 'amd64', ['dash', 'coreutils', 'libstdc++6'])
  // a script of base-files makes it
  await mkdir(join(root, 'usr/local/bin'), { recursive: true })
  await buildah('from', '--name', 'base', 'scratch')
  await buildah('add', '--quiet', 'base', root, '/')
  await buildah('commit', '--quiet', 'base', BASE)
  const file = join(REPOSITORY, 'packaging/container/Containerfile')
  const isolation = ['--isolation', 'chroot', '--pull-never']
  await buildah('bud', ...isolation, '--quiet', '--tag', 'certferry', '--file', file, release)
  await buildah('from', '--pull-never', '--name', 'certferry', 'certferry')
  const { OCIv1 } = JSON.parse(await buildah('inspect', 'certferry'))
  const mounted = await buildah('mount', 'certferry')
  const containers = ['--root', join(folder, 'runc')]
  let count = 0
  const prepare = async (wish: Wish) => {
    const bundle = join(folder, `container${++count}`)
    await mkdir(bundle)
    const config = runtimeConfig(mounted, OCIv1.config.Entrypoint, wish)
    await writeFile(join(bundle, 'config.json'), JSON.stringify(config))
    return [...containers, 'run', '--bundle', bundle, `certferry-${process.pid}-${count}`]
  }
  return {
    run: async wish => run('runc', await prepare(wish), ENVIRONMENT),
    start: async wish => start('runc', await prepare(wish), ENVIRONMENT),
    left: async () => (await run('runc', [...containers, 'list', '--quiet'], ENVIRONMENT)).stdout,
  }
}

/** https://github.com/opencontainers/runtime-spec/blob/main/config.md */
function runtimeConfig(path: string, entrypoint: readonly string[], wish: Wish) {
  const { user, words, env = {}, mounts = [], memory = [], usesNetwork = false } = wish
  const namespaces = ['pid', 'mount', 'ipc', 'uts', ...(usesNetwork ? [] : ['network'])]
  const variables = { PATH: '/usr/local/bin:/usr/bin:/bin', ...env }
  return {
    ociVersion: '1.0.2',
    root: { path, readonly: true },
    process: {
      user: { uid: user, gid: user },
      args: [...entrypoint, ...words],
      env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
      cwd: '/',
      noNewPrivileges: true,
      capabilities: {},
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      ...memory.map(destination => ({ destination, type: 'tmpfs', source: 'tmpfs' })),
      ...mounts.map(({ from, to, isReadOnly = false }) => ({
        destination: to,
        type: 'bind',
        source: from,
        options: ['rbind', ...(isReadOnly ? ['ro'] : [])],
      })),
    ],
    linux: { namespaces: namespaces.map(type => ({ type })) },
  }
}
