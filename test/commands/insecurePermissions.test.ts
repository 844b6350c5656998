/** Keys and credentials that every user may read: each command that reads them warns once. */
import { chmod, mkdir, realpath, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { KEYS, openStage, type Stage } from './commandFixture.ts'
import { openWatchStage } from './watchFixture.ts'

const LIVE = 'letsencrypt/live/example.com/privkey.pem'

/** As `chmod -R o+rX` leaves it. */
async function opened(folder: string): Promise<string> {
  const key = join(folder, LIVE)
  for (const part of ['', 'letsencrypt', 'letsencrypt/archive']) await chmod(join(folder, part), 0o755)
  await chmod(await realpath(key), 0o644)
  return key
}

async function exposedStage(): Promise<Stage & { readonly key: string }> {
  const stage = await openStage()
  await stage.certbot('example.com')
  return { ...stage, key: await opened(stage.folder) }
}

const SAYS = 'every user of this machine may read this private key (mode 0644)'
const lines = (out: string) => out.split('\n').filter(line => line.includes(SAYS))

describe('a private key that every user may read', () => {
  test('is uploaded, and warned of once in each run, with the command that fixes it', async () => {
    const { key, type } = await exposedStage()
    for (const words of [['sync'], ['sync'], ['sync', '--log-level', 'warn']]) {
      const { exit, out } = await type(words)
      expect([exit, lines(out())]).toEqual([
        0,
        [expect.stringMatching(`Z warn  ${key}: ${SAYS.replace(/[()]/g, '.')} → chmod o= ${key}$`)],
      ])
    }
  })

  test('is warned of by the hook', async () => {
    const { key, type, folder } = await exposedStage()
    const { out } = await type(['hook'], {
      env: { RENEWED_LINEAGE: join(folder, 'letsencrypt/live/example.com') },
    })
    expect(lines(out())).toEqual([expect.stringContaining(key)])
  })

  test('is a warning of check, which exits 0 all the same, and says nothing once it is fixed', async () => {
    const { key, type } = await exposedStage()
    const { exit, out } = await type(['check'])
    const text = out().replace(/\s+/g, ' ')
    expect([exit, text]).toEqual([
      0,
      expect.stringContaining(`WARN private key ${key}: ${SAYS} → chmod o= ${key}`),
    ])
    const { findings } = (await type(['check', '--json'])).json<{ findings: readonly object[] }>()
    expect(findings).toContainEqual(
      expect.objectContaining({ about: 'private key', says: `${key}: ${SAYS}`, advice: `chmod o= ${key}` }),
    )
    await chmod(await realpath(key), 0o640)
    expect((await type(['check'])).out()).not.toContain('private key')
  })

  test('is warned of by the daemon once, however often it checks, and again when it comes back', async () => {
    const { certbot, folder, start } = await openWatchStage()
    await certbot('example.com')
    const key = await opened(folder)
    const { saying, said, signal, end } = start()
    await saying('insecure_permissions')
    for (let i = 1; i <= 3; i++) {
      signal('SIGUSR1')
      await saying('unchanged', i)
    }
    expect(said('insecure_permissions')).toMatchObject([{ level: 'warn', file: key }])
    await chmod(await realpath(key), 0o600)
    signal('SIGUSR1')
    await saying('unchanged', 4)
    await chmod(await realpath(key), 0o644)
    signal('SIGUSR1')
    await saying('insecure_permissions', 2)
    await end()
  })
})

test('so are a file with the API key and one with a password', async () => {
  const { folder, type } = await exposedStage()
  const put = async (name: string, text: string) => {
    await writeFile(join(folder, name), text)
    await chmod(join(folder, name), 0o644)
    return join(folder, name)
  }
  const credentials = await put('credentials', '[default]\nsecret_id = a\nsecret_key = b\n')
  const password = await put('password', 'sesame\n')
  await put('c.toml', '[upload]\nkey_password_file = "password"\n')
  await chmod(join(folder, 'c.toml'), 0o644)
  const env = {
    TENCENTCLOUD_SECRET_ID: '',
    TENCENTCLOUD_SECRET_KEY: '',
    TENCENTCLOUD_CREDENTIALS_FILE: credentials,
  }
  const { out } = await type(['check', '-c', 'c.toml'], { env })
  const text = out().replace(/\s+/g, ' ')
  expect(text).toContain(`WARN API key ${credentials}: every user of this machine may read this API key`)
  expect(text).toContain(`WARN password ${password}: every user of this machine may read this password`)
})

test('a configuration that every user may write is refused: it says where private keys go', async () => {
  const { folder, type, emulator } = await exposedStage()
  const file = join(folder, 'c.toml')
  await writeFile(file, '')
  await chmod(file, 0o666)
  const { exit, out } = await type(['sync', '-c', 'c.toml'])
  const text = out().replace(/\s+/g, ' ')
  expect([exit, text]).toEqual([
    78,
    expect.stringContaining(`${file}: may be written by every user of this machine`),
  ])
  expect(text).toContain(`chmod o-w ${file}`)
  expect(emulator.entries).toEqual([])
  await chmod(file, 0o640)
  expect((await type(['sync', '-c', 'c.toml'])).exit).toBe(0)
})

test('a configuration in a folder that every user may write is refused; one in a sticky folder like /tmp is read', async () => {
  const { folder, type } = await exposedStage()
  await mkdir(join(folder, 'open'))
  await writeFile(join(folder, 'open/c.toml'), '')
  await symlink('open/c.toml', join(folder, 'link.toml'))
  await chmod(join(folder, 'open'), 0o777)
  for (const file of ['open/c.toml', 'link.toml']) {
    const { exit, out } = await type(['sync', '-c', file])
    expect([exit, out().replace(/\s+/g, ' ')]).toEqual([
      78,
      expect.stringContaining(`chmod o-w ${join(folder, 'open')}`),
    ])
  }
  await chmod(join(folder, 'open'), 0o1777)
  expect((await type(['sync', '-c', 'link.toml'])).exit).toBe(0)
})

test.each(['TENCENTCLOUD_CREDENTIALS_FILE', 'TENCENTCLOUD_SECRET_KEY_FILE'])(
  'an API key that every user may write is refused: it says whose account receives private keys (%s)',
  async name => {
    const { folder, type, emulator } = await exposedStage()
    const file = join(folder, 'key')
    await writeFile(file, name.includes('SECRET_KEY') ? KEYS.TENCENTCLOUD_SECRET_KEY : ini(KEYS))
    await chmod(file, 0o602)
    const env = {
      ...(name.includes('SECRET_KEY') ? {} : { TENCENTCLOUD_SECRET_ID: '' }),
      TENCENTCLOUD_SECRET_KEY: '',
    }
    const run = () => type(['sync'], { env: { ...env, [name]: file } })
    const { exit, out } = await run()
    expect([exit, out().replace(/\s+/g, ' ')]).toEqual([77, expect.stringContaining(`chmod o-w ${file}`)])
    expect(emulator.entries).toEqual([])
    await chmod(file, 0o600)
    expect((await run()).exit).toBe(0)
  },
)

const ini = ({ TENCENTCLOUD_SECRET_ID: id, TENCENTCLOUD_SECRET_KEY: key }: typeof KEYS) =>
  `[default]\nsecret_id = ${id}\nsecret_key = ${key}\n`
