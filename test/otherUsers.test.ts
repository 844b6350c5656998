/** What other users of the machine put on the way to what is read, run or written as root: it is refused. */
import { access, chmod, chown, lchown, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DEMO_CREDENTIALS, startEmulator } from '../src/emulator/server.ts'
import { webhookChannel } from '../src/notify/webhook.ts'
import { typeAt } from './commands/commandFixture.ts'
import { run } from './e2e/child.ts'
import { isRoot } from './fixtures/asNobody.ts'
import { issue } from './fixtures/certificates.ts'
import { temporaryDirectory } from './fixtures/temporary.ts'

const OTHER = 65_534
const PATIENCE = 60_000

const KEYS = {
  TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
  TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
}
const INI = `[default]\nsecret_id = ${DEMO_CREDENTIALS.secretId}\nsecret_key = ${DEMO_CREDENTIALS.secretKey}\n`

/** A folder of root's that all may pass, with a certificate in it, and a service that should be sent nothing. */
async function stage() {
  const folder = await temporaryDirectory()
  const at = (...names: readonly string[]) => join(folder, ...names)
  await chmod(folder, 0o755)
  const { chain, key } = await issue()
  await Promise.all([writeFile(at('c.pem'), chain), writeFile(at('k.pem'), key)])
  const emulator = await startEmulator()
  onTestFinished(() => emulator.close())
  const source = ['--source', `pem=a:${at('c.pem')}:${at('k.pem')}`, '--endpoint', emulator.url]
  const state = ['--state-dir', at('state')]
  const certferry = async (words: readonly string[], more: Readonly<Record<string, string>> = KEYS) => {
    const { code, stdout, stderr } = await typeAt(at(), words, more)
    return { code, said: `${stdout}${stderr}`.replace(/\s+/g, ' ') }
  }
  const open = async (name: string, mode = 0o777) => {
    await mkdir(at(name))
    await chmod(at(name), mode)
  }
  return { at, open, emulator, source, state, certferry }
}

type Stage = Awaited<ReturnType<typeof stage>>

/** The ways in which another user decides what a file is: each puts text there and resolves to the path, and to what is at fault. */
const WAYS: ReadonlyArray<
  readonly [string, (stage: Stage, text: string) => Promise<readonly [string, string]>]
> = [
  [
    'a link in an open folder to a closed one of another user’s',
    async ({ at, open }, text) => {
      await open('open')
      await theirs(at('theirs'), 0o700)
      await write(at('theirs/file'), text, OTHER)
      await symlink(at('theirs/file'), at('open/file'))
      return [at('open/file'), at('open')]
    },
  ],
  [
    'another user’s link in a folder such as /tmp',
    async ({ at, open }, text) => {
      await open('sticky', 0o1777)
      await write(at('file'), text)
      await symlink(at('file'), at('sticky/file'))
      await lchown(at('sticky/file'), OTHER, OTHER)
      return [at('sticky/file'), at('sticky/file')]
    },
  ],
  [
    'root’s link into a folder of another user’s',
    async ({ at }, text) => {
      await theirs(at('theirs'), 0o755)
      await write(at('theirs/file'), text)
      await symlink('theirs/file', at('link'))
      return [at('link'), at('theirs')]
    },
  ],
  [
    'a link for a folder on the way',
    async ({ at, open }, text) => {
      await open('open')
      await mkdir(at('real'))
      await write(at('real/file'), text)
      await symlink('../real', at('open/way'))
      return [at('open/way/file'), at('open')]
    },
  ],
  [
    'an open folder one level up',
    async ({ at, open }, text) => {
      await open('open')
      await mkdir(at('open/deep'), { mode: 0o700 })
      await write(at('open/deep/file'), text)
      return [at('open/deep/file'), at('open')]
    },
  ],
  [
    'a folder that a group may write',
    async ({ at, open }, text) => {
      await open('shared', 0o775)
      await chown(at('shared'), 0, OTHER)
      await write(at('shared/file'), text)
      return [at('shared/file'), at('shared')]
    },
  ],
  [
    'a file of another user’s',
    async ({ at }, text) => {
      await write(at('file'), text, OTHER)
      return [at('file'), at('file')]
    },
  ],
]

async function theirs(path: string, mode: number): Promise<void> {
  await mkdir(path)
  await chmod(path, mode)
  await chown(path, OTHER, OTHER)
}

async function write(path: string, text: string, owner = 0): Promise<void> {
  await writeFile(path, text)
  await chmod(path, text.startsWith('#!') ? 0o755 : 0o600)
  await chown(path, owner, owner)
}

describe.skipIf(!isRoot).each(WAYS)('%s', (_, put) => {
  test('is refused as a configuration before anything is sent', async () => {
    const here = await stage()
    const { at, emulator, certferry, state } = here
    const text = `[tencent]\nendpoint = "${emulator.url}"\n[[source]]\nkind = "pem"\nname = "a"\nchain = "${at('c.pem')}"\nkey = "${at('k.pem')}"\n`
    const [file, fault] = await put(here, text)
    const { code, said } = await certferry(['sync', '-c', file, ...state])
    expect([code, said]).toEqual([78, expect.stringContaining(fault)])
    expect(said).toContain('decides where private keys go')
    expect(emulator.entries).toEqual([])
  })

  test('is refused as the file with the address of a webhook', async () => {
    const here = await stage()
    const [file, fault] = await put(here, 'https://hooks.example/secret')
    const send = webhookChannel({
      file,
      template: undefined,
      agent: { proxy: undefined, env: {} },
      now: Date.now,
    })
    const message = { host: 'h', notifications: [] } as unknown as Parameters<typeof send>[0]
    await expect(send(message, AbortSignal.timeout(PATIENCE))).rejects.toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: expect.stringContaining(fault),
    })
  })
})

// the decision is the same for every file; each other use of it is tried with one way in
describe.skipIf(!isRoot)('a file that another user can replace', () => {
  const put = WAYS[0]?.[1] as (typeof WAYS)[number][1]

  test.each(['watch', 'check', 'status', 'config check'])(
    'is refused as the configuration of %s',
    async command => {
      const here = await stage()
      const [file, fault] = await put(here, '')
      const { code, said } = await here.certferry([...command.split(' '), '-c', file, ...here.state])
      expect([code, said]).toEqual([78, expect.stringContaining(fault)])
    },
  )

  test('is refused by the built program as a configuration that CERTFERRY_CONFIG names', async () => {
    const here = await stage()
    const [file] = await put(here, '')
    const env = { PATH: '/usr/bin:/bin', HOME: here.at(), ...KEYS, CERTFERRY_CONFIG: file }
    const { code } = await run('dist/certferry', ['sync', ...here.state], env, PATIENCE)
    expect(code).toBe(78)
  })

  test('is refused as the file with the API key', async () => {
    const here = await stage()
    const { certferry, source, state, emulator } = here
    const [file, fault] = await put(here, INI)
    const { code, said } = await certferry(['sync', ...source, ...state], {
      TENCENTCLOUD_CREDENTIALS_FILE: file,
    })
    expect([code, said]).toEqual([77, expect.stringContaining(fault)])
    expect(said).toContain('decides whose account receives private keys')
    expect(emulator.entries).toEqual([])
  })

  test('is refused as the file whose API key setup stores, which may belong to the caller of sudo alone', async () => {
    const here = await stage()
    const { at, certferry } = here
    const setup = (file: string, env = {}) =>
      certferry(
        ['setup', '--dry-run', '--yes', '--skip-check', '--client', 'certbot', '--credentials-file', file],
        { ...env },
      )
    const [file, fault] = await put(here, INI)
    const { code, said } = await setup(file)
    expect([code, said]).toEqual([77, expect.stringContaining(`${fault}: may be written by every user`)])
    await write(at('caller.ini'), INI, OTHER)
    expect(await setup(at('caller.ini'), { SUDO_UID: `${OTHER}` })).toMatchObject({ code: 0 })
    expect(await setup(at('caller.ini'))).toMatchObject({ code: 77 })
  })

  test('is not started as the command of [notify], and the upload still succeeds', async () => {
    const here = await stage()
    const { at, certferry, source, state } = here
    const [file, fault] = await put(here, `#!/bin/sh\ntouch '${at('ran')}'\n`)
    await write(at('config.toml'), `[notify]\ncommand = "${file}"\n`)
    const { code, said } = await certferry(['sync', '-c', at('config.toml'), ...source, ...state])
    expect([code, said]).toEqual([0, expect.stringMatching(/so it is not started/)])
    expect(said).toContain(fault)
    await expect(access(at('ran'))).rejects.toThrow('ENOENT')
  })
})

describe.skipIf(!isRoot)('a folder such as /tmp', () => {
  test('may hold a configuration of root’s, and a link to it', async () => {
    const { at, open, certferry, source, state } = await stage()
    await open('sticky', 0o1777)
    await write(at('sticky/config.toml'), '')
    await symlink('config.toml', at('sticky/link'))
    for (const name of ['config.toml', 'link']) {
      const { code, said } = await certferry(['sync', '-c', at('sticky', name), ...source, ...state])
      expect([code, said]).toEqual([0, expect.anything()])
    }
  })
})

describe.skipIf(!isRoot)('in the place of the state directory', () => {
  test.each<[string, (stage: Stage) => Promise<readonly [string, string]>]>([
    [
      'a link in an open folder',
      async ({ at, open }) => {
        await open('open')
        await mkdir(at('prize'))
        await symlink(at('prize'), at('open/state'))
        return [at('open/state'), at('open')]
      },
    ],
    [
      'another user’s link in a folder such as /tmp',
      async ({ at, open }) => {
        await open('sticky', 0o1777)
        await mkdir(at('prize'))
        await symlink(at('prize'), at('sticky/state'))
        await lchown(at('sticky/state'), OTHER, OTHER)
        return [at('sticky/state'), at('sticky/state')]
      },
    ],
    [
      'another user’s folder in one such as /tmp',
      async ({ at, open }) => {
        await open('sticky', 0o1777)
        await theirs(at('sticky/state'), 0o755)
        return [at('sticky/state'), at('sticky/state')]
      },
    ],
    [
      'a folder to be made in another user’s',
      async ({ at }) => {
        await theirs(at('theirs'), 0o755)
        return [at('theirs/deep/state'), at('theirs')]
      },
    ],
  ])('%s is not used', async (_, put) => {
    const here = await stage()
    const { at, certferry, source, emulator } = here
    const [dir, fault] = await put(here)
    const { code, said } = await certferry(['sync', ...source, '--state-dir', dir])
    expect([code, said]).toEqual([74, expect.stringContaining(fault)])
    expect(emulator.entries).toEqual([])
    for (const folder of [at('prize'), dir]) expect(await readdir(folder).catch(() => [])).toEqual([])
  })
})

describe.skipIf(!isRoot)('a hook that root installs', () => {
  test.each<[string, (root: string, stage: Stage) => Promise<string>]>([
    [
      'a hook is not written through a link of another user’s',
      async (root, { at }) => {
        await mkdir(at('prize'))
        await chmod(root, 0o1777)
        await symlink(at('prize'), join(root, 'renewal-hooks'))
        await lchown(join(root, 'renewal-hooks'), OTHER, OTHER)
        return join(root, 'renewal-hooks')
      },
    ],
    [
      'a hook is not written into a folder of another user’s',
      async root => {
        await theirs(join(root, 'renewal-hooks'), 0o755)
        return join(root, 'renewal-hooks')
      },
    ],
    [
      'a hook is not written below a folder that every user may write',
      async root => {
        await chmod(dirname(root), 0o777)
        return dirname(root)
      },
    ],
  ])('%s', async (_, put) => {
    const here = await stage()
    const { at, certferry } = here
    const root = at('clients/letsencrypt')
    await mkdir(root, { recursive: true })
    const fault = await put(root, here)
    for (const more of [[], ['--remove']]) {
      const { code, said } = await certferry([
        'install-hook',
        'certbot',
        '--source',
        `certbot=${root}`,
        ...more,
      ])
      expect([code, said]).toEqual([74, expect.stringContaining(fault)])
    }
    expect(await readdir(at('prize')).catch(() => [])).toEqual([])
  })
})
