import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { umask } from 'node:process'
import { describe, expect, test } from 'vitest'
import { asNobody, isRoot } from '../fixtures/asNobody.ts'
import { deploy, openHost, run } from './hookFixture.ts'

interface InstallationJson {
  readonly client: string
  readonly file: string
  readonly outcome: string
  readonly dryRun: boolean
  readonly text: string | null
  readonly next: string | null
  readonly namedBy: readonly string[]
  readonly exit: number
}

const widest = (text: string) => Math.max(...text.split('\n').map(line => [...line].length))
const modeOf = async (path: string) => (await stat(path)).mode & 0o777

describe('install-hook certbot', () => {
  test('writes an executable file for certbot whatever the umask, and prints the next steps', async () => {
    const { type, files, source } = await openHost()
    const usual = umask(0o077)
    const { exit, out, err } = await type('certbot', ...source.certbot).finally(() => umask(usual))
    expect([exit, err()]).toEqual([0, ''])
    expect(out()).toContain(`${files.certbot}: written`)
    expect(out()).toContain('certbot runs it at each renewal from now on')
    expect(await modeOf(files.certbot)).toBe(0o755)
    for (const folder of [dirname(files.certbot), dirname(dirname(files.certbot))])
      expect(await modeOf(folder)).toBe(0o755)
    expect(await readdir(dirname(files.certbot))).toEqual(['zz-certferry'])
  })

  test.each(['opt', 'a b/c\'d/$HOME `id` \\ "e"/é'])(
    'starts the program by its absolute paths, from %s',
    async place => {
      const { type, files, source, main } = await openHost({ program: place })
      await type('certbot', ...source.certbot)
      const { status, stderr, lines } = run(files.certbot, { RENEWED_LINEAGE: '/live/a', PATH: '/nowhere' })
      expect([status, stderr]).toEqual([0, ''])
      expect(lines.slice(0, 3)).toEqual([main, 'hook', 'RENEWED=/live/a'])
      expect(lines).toContain('PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')
    },
  )

  test('starts a self-contained program without a second path', async () => {
    const { type, files, source, node } = await openHost({ alone: true })
    await type('certbot', ...source.certbot)
    expect(run(files.certbot, { RENEWED_LINEAGE: '/live/a' }).lines.slice(0, 2)).toEqual([
      'hook',
      'RENEWED=/live/a',
    ])
    await rm(node)
    expect(run(files.certbot)).toMatchObject({ status: 78, stderr: '' })
  })

  test('hands down what it was given, paths absolute, and nothing else', async () => {
    const { type, files, source, folder } = await openHost()
    await writeFile(join(folder, 'my config.toml'), '')
    const given = ['-c', 'my config.toml', '--state-dir', "it's", '--endpoint', 'http://127.0.0.1:1']
    const more = ['--log-level', 'warn', '--rate', '2.5', '--deadline', '60', '--json']
    await type('certbot', ...source.certbot, ...given, ...more)
    const { lines } = run(files.certbot)
    expect(lines.slice(1, lines.indexOf('RENEWED='))).toEqual([
      'hook',
      ...['--config', join(folder, 'my config.toml'), '--state-dir', join(folder, "it's")],
      ...['--endpoint', 'http://127.0.0.1:1', '--log-level', 'warn', '--rate', '2.5', '--deadline', '60'],
    ])
  })

  test("ends as the program ends, for certbot's log", async () => {
    const { type, files, source } = await openHost()
    await type('certbot', ...source.certbot)
    expect(run(files.certbot, { ENDS: '75' }).status).toBe(75)
  })

  test('certbot: a directory name with shell characters is refused, because its hook would never run', async () => {
    const { type, folder } = await openHost()
    const spaced = join(folder, "let's encrypt")
    await mkdir(spaced)
    const { exit, said } = await type('certbot', '--source', `certbot=${spaced}`)
    expect(exit).toBe(78)
    expect(said()).toContain('certbot cannot run hooks in a directory')
    expect(await readdir(spaced)).toEqual([])
  })
})

describe('install-hook acme.sh', () => {
  test('writes a file to be sourced, and prints the one command to run next', async () => {
    const { type, files } = await openHost()
    const { exit, out, err } = await type('acme.sh')
    expect([exit, err()]).toEqual([0, ''])
    expect(out()).toContain(`${files['acme.sh']}: written`)
    expect(out()).toMatch(/^ {2}acme\.sh --deploy -d NAME --ecc --deploy-hook certferry$/m)
    expect(await modeOf(files['acme.sh'])).toBe(0o644)
  })

  test('a home that acme.sh does not take by itself is named in that command', async () => {
    const { type, folder } = await openHost()
    await mkdir(join(folder, 'my acme'))
    await writeFile(join(folder, 'my acme/acme.sh'), '')
    const { out } = await type('acme.sh', '--source', 'acme.sh=my acme')
    expect(out()).toContain(`'${folder}/my acme/acme.sh' --home '${folder}/my acme' --deploy -d NAME`)
  })

  test.each(['opt', `a b/c'd/$HOME "e"`])(
    'calls the hook with chain and key as sync names them, from %s',
    async place => {
      const { type, files, main } = await openHost({ program: place })
      await type('acme.sh', '--deadline', '9')
      const { stderr, lines, code } = deploy(files['acme.sh'], { RENEWED_LINEAGE: '/live/other' })
      expect([stderr, code]).toEqual(['', 'code=0'])
      expect(lines.slice(0, 4)).toEqual([main, 'hook', '--deadline', '9'])
      expect(lines).toEqual(expect.arrayContaining(['RENEWED=', 'KEY=/h/a.key', 'CHAIN=/h/fullchain.cer']))
    },
  )

  test("changes nothing of acme.sh's own variables", async () => {
    const { type, files } = await openHost()
    await type('acme.sh')
    expect(deploy(files['acme.sh']).lines.slice(-3)).toEqual(['code=0', 'mine', '/bin:/usr/bin'])
  })

  test.each([
    ['0', 'code=0'],
    ['75', 'code=75'],
    ['2', 'code=1'],
  ])('a program that ends with %s gives acme.sh %s, never the 2 it reads as skipped', async (ends, code) => {
    const { type, files } = await openHost()
    await type('acme.sh')
    expect(deploy(files['acme.sh'], { ENDS: ends }).code).toBe(code)
  })
})

describe.each(['certbot', 'acme.sh'] as const)('install-hook %s', client => {
  test('a second run reports the hook as installed and changes nothing', async () => {
    const { type, files, source } = await openHost()
    await type(client, ...source[client])
    const { ino, mtimeMs } = await stat(files[client])
    const { exit, out } = await type(client, ...source[client])
    expect(exit).toBe(0)
    expect(out()).toContain(`${files[client]}: already installed`)
    expect(await stat(files[client])).toMatchObject({ ino, mtimeMs })
  })

  test('replaces an older one of its own whole: who is reading the old one reads it to its end', async () => {
    const { type, files, source } = await openHost()
    await type(client, ...source[client], '--deadline', '30')
    const before = await stat(files[client])
    const { out } = await type(client, ...source[client])
    expect(out()).toContain(`${files[client]}: replaced`)
    expect(await readFile(files[client], 'utf8')).not.toContain('--deadline')
    expect((await stat(files[client])).ino).not.toBe(before.ino)
    expect(await readdir(dirname(files[client]))).toHaveLength(1)
  })

  test.each([
    ['a file', (path: string) => writeFile(path, '#!/bin/sh\nreload\n')],
    ['a link', (path: string) => symlink('/etc/hostname', path)],
    ['a link to nowhere', (path: string) => symlink('/nowhere', path)],
    ['a directory', (path: string) => mkdir(path)],
  ])("%s of somebody else's stays as it is, with exit 78", async (_, make) => {
    const { type, files, source } = await openHost()
    await mkdir(dirname(files[client]), { recursive: true })
    await make(files[client])
    const before = await stat(dirname(files[client]))
    for (const word of ['--json', '--remove', '--dry-run']) {
      const { exit, said } = await type(client, ...source[client], word)
      expect([exit, said()]).toEqual([78, expect.stringContaining('was not written by certferry')])
    }
    expect((await stat(dirname(files[client]))).mtimeMs).toBe(before.mtimeMs)
  })

  test('--remove removes the hook file; a second --remove changes nothing', async () => {
    const { type, files, source } = await openHost()
    await type(client, ...source[client])
    await writeFile(join(dirname(files[client]), 'other.sh'), '')
    const removed = await type(client, ...source[client], '--remove')
    expect([removed.exit, removed.out()]).toEqual([0, expect.stringContaining(`${files[client]}: removed`)])
    expect(await readdir(dirname(files[client]))).toEqual(['other.sh'])
    const again = await type(client, ...source[client], '--remove')
    expect([again.exit, again.out()]).toEqual([0, expect.stringContaining(`${files[client]}: not installed`)])
  })

  test('--dry-run shows path and full text, or what would be removed, and changes nothing', async () => {
    const { type, files, source, folder } = await openHost()
    const names = () => readdir(folder, { recursive: true })
    const before = await names()
    const shown = (await type(client, ...source[client], '--dry-run')).out()
    expect(await names()).toEqual(before)
    await type(client, ...source[client])
    const text = await readFile(files[client], 'utf8')
    expect(shown).toContain(`${files[client]}: would be written\n\n${text}`)
    expect((await type(client, ...source[client], '--remove', '--dry-run')).out()).toContain(
      'would be removed',
    )
    expect(await readFile(files[client], 'utf8')).toBe(text)
  })

  test('--json is one object', async () => {
    const { type, files, source } = await openHost()
    const written = (await type(client, ...source[client], '--json')).json<InstallationJson>()
    expect(written).toEqual({
      client,
      file: files[client],
      outcome: 'written',
      dryRun: false,
      text: await readFile(files[client], 'utf8'),
      next: client === 'certbot' ? null : 'acme.sh --deploy -d NAME --ecc --deploy-hook certferry',
      namedBy: [],
      exit: 0,
    })
    const removed = (await type(client, ...source[client], '--remove', '--json')).json<InstallationJson>()
    expect(removed).toMatchObject({ outcome: 'removed', text: null, next: null, exit: 0 })
  })

  test('takes the directory from the configuration', async () => {
    const { type, files, folder, certbot, acme } = await openHost()
    const path = client === 'certbot' ? certbot : acme
    await writeFile(join(folder, 'c.toml'), `[[source]]\nkind = "${client}"\npath = "${path}"\n`)
    expect((await type(client, '-c', 'c.toml', '--dry-run')).out()).toContain(files[client])
  })

  test('a directory that is not there is not made: exit 66', async () => {
    const { type, folder } = await openHost()
    const { exit, said } = await type(client, '--source', `${client}=${folder}/nothing`)
    expect([exit, said()]).toEqual([66, expect.stringContaining(`${folder}/nothing: does not exist`)])
    expect(await readdir(folder)).not.toContain('nothing')
  })

  test.runIf(isRoot)(
    'a directory that may not be written is exit 74, and nothing is left in it',
    async () => {
      const { type, files, source, folder } = await openHost()
      await mkdir(dirname(files[client]), { recursive: true })
      await chmod(folder, 0o755)
      const { exit, said } = await asNobody(() => type(client, ...source[client]))
      expect([exit, said()]).toEqual([74, expect.stringContaining('cannot be read or written (EACCES)')])
      expect(await readdir(dirname(files[client]))).toEqual([])
    },
  )

  test('of several directories one must be named', async () => {
    const { type, certbot, acme } = await openHost()
    const both = [certbot, acme].flatMap(path => ['--source', `${client}=${path}`])
    const { exit, said } = await type(client, ...both)
    expect([exit, said()]).toEqual([64, expect.stringContaining(`several sources are of kind ${client}`)])
  })

  test('a hook whose program is gone says what to do, on standard output', async () => {
    const { type, files, source, main } = await openHost()
    await type(client, ...source[client])
    await chmod(join(dirname(main), 'node'), 0o644)
    const { stderr, lines } = (client === 'certbot' ? run : deploy)(files[client])
    expect(stderr).toBe('')
    expect(lines[0]).toBe('certferry was not found: run install-hook again or remove this hook')
  })
})

test.each([[[]], [['nginx']], [['certbot', 'acme.sh']]])(
  'install-hook %j: one client must be named, exit 64',
  async words => {
    const { type } = await openHost()
    const { exit, said } = await type(...words)
    expect([exit, said()]).toEqual([
      64,
      expect.stringMatching(/needs one ACME client: .*certbot, acme\.sh, lego/),
    ])
  },
)

test('--source of another client does not lead to the usual place', async () => {
  const { type, acme } = await openHost()
  const { exit, said } = await type('certbot', '--source', `acme.sh=${acme}`, '--dry-run')
  expect([exit, said()]).toEqual([64, expect.stringContaining('--source has no directory of certbot')])
})

test('nonsense is refused before it gets into a hook that would say so only at the next renewal', async () => {
  const { type, files, source } = await openHost()
  expect((await type('certbot', ...source.certbot, '--endpoint', 'http://example.com')).exit).toBe(78)
  expect((await type('certbot', ...source.certbot, '-c', 'missing.toml')).exit).toBe(78)
  await expect(stat(files.certbot)).rejects.toThrow('ENOENT')
})

test("--remove names the certificates for which acme.sh still wants the hook, without running acme.sh's files", async () => {
  const { type, acme } = await openHost()
  const conf = async (folder: string, name: string, line: string) => {
    await mkdir(join(acme, folder))
    await writeFile(join(acme, folder, name), `Le_Domain='x'\n${line}\n`)
  }
  await conf('*.a.example_ecc', '*.a.example.conf', "Le_DeployHook='nginx,certferry,'")
  await conf('b.example', 'b.example.conf', "Le_DeployHook='nginx,'")
  await conf('c.example', 'c.example.conf', "Le_DeployHook='certferry-other,'")
  await conf('\u001b[2J.d_ecc', '\u001b[2J.d.conf', "Le_DeployHook='certferry'")
  await type('acme.sh')
  const { out } = await type('acme.sh', '--remove')
  expect(out()).not.toContain('\u001b')
  await rm(join(acme, '\u001b[2J.d_ecc'), { recursive: true })
  expect(out()).toMatch(/until\syou\sremove\s"certferry"\sfrom\stheir\sline\sLe_DeployHook/)
  expect(out().match(/^ {2}.*\.conf$/gm)).toEqual([
    `  ${acme}/\ufffd[2J.d_ecc/\ufffd[2J.d.conf`,
    `  ${acme}/*.a.example_ecc/*.a.example.conf`,
  ])
  const again = (await type('acme.sh', '--remove', '--json')).json<InstallationJson>()
  expect(again).toMatchObject({ outcome: 'absent', namedBy: [`${acme}/*.a.example_ecc/*.a.example.conf`] })
})

test('what it says fits 80 columns', async () => {
  const { type, source, folder } = await openHost()
  for (const client of ['certbot', 'acme.sh'] as const)
    for (const words of [['--dry-run'], [], [], ['--remove'], ['--remove']]) {
      const { out } = await type(client, ...source[client], ...words)
      expect(widest(out().replaceAll(folder, '/tmp'))).toBeLessThanOrEqual(80)
    }
})
