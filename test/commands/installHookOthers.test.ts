/** install-hook for clients beside certbot and acme.sh: one with a place for hooks, and those without. */
import { spawnSync } from 'node:child_process'
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openHost, run } from './hookFixture.ts'

/** dehydrated's BASEDIR with a configuration as its documentation has it. */
async function dehydratedHost(config = 'CONFIG_D="BASE/conf.d"\n#HOOK=\n') {
  const host = await openHost()
  const base = join(host.folder, 'dehydrated')
  await mkdir(join(base, 'certs'), { recursive: true })
  await mkdir(join(base, 'conf.d'))
  await writeFile(join(base, 'config'), config.replace('BASE', base))
  const type = (...words: readonly string[]) =>
    host.type('dehydrated', '--source', `dehydrated=${join(base, 'certs')}`, ...words)
  return { ...host, base, type, file: join(base, 'conf.d/zz-certferry.sh') }
}

/** As dehydrated reads its configuration, in the shell that it runs in. */
function hookAfterReading(file: string, before = ''): string {
  const script = `set -eu; CONFIG_D=\${1%/*}; ${before} . "$1"; echo "\${HOOK:-}"`
  return spawnSync('/bin/bash', ['-c', script, 'dehydrated', file], { encoding: 'utf8' }).stdout.trim()
}

const WORDS = ['a.example', '/c/privkey.pem', '/c/cert.pem', '/c/fullchain.pem', '/c/chain.pem', '17']

test('dehydrated: one file is a part of its configuration, which names the file as the hook', async () => {
  const { type, file } = await dehydratedHost()
  const { exit, out, err } = await type()
  expect([exit, err()]).toEqual([0, ''])
  expect(out()).toContain(`${file}: written`)
  expect((await stat(file)).mode & 0o777).toBe(0o755)
  expect(hookAfterReading(file)).toBe(file)
  expect(hookAfterReading(file, 'HOOK=/mine;')).toBe('/mine')
  expect((await type()).out()).toContain('already installed')
  expect((await type('--remove')).out()).toContain('removed')
})

test('dehydrated: a new certificate starts the program with its words; every other step is over at once', async () => {
  const { type, file, main } = await dehydratedHost()
  await type('--rate', '2')
  const called = spawnSync(file, ['deploy_cert', ...WORDS], { encoding: 'utf8', env: {} })
  expect([called.status, called.stderr]).toEqual([0, ''])
  expect(called.stdout.split('\n').slice(0, 11)).toEqual([
    main,
    'hook',
    '--rate',
    '2',
    'deploy_cert',
    ...WORDS,
  ])
  for (const words of [['startup_hook'], ['deploy_challenge', 'a.example', 't', 'v'], ['exit_hook'], []])
    expect(spawnSync(file, words, { encoding: 'utf8', env: {} })).toMatchObject({ status: 0, stdout: '' })
})

test('dehydrated: what goes wrong with an upload does not end its run, and is said', async () => {
  const { type, file, node } = await dehydratedHost()
  await type()
  const called = () => spawnSync(file, ['deploy_cert', ...WORDS], { encoding: 'utf8', env: { ENDS: '75' } })
  expect(called()).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('certferry failed with exit 75'),
  })
  await rm(node)
  expect(called()).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('certferry was not found'),
  })
})

test('dehydrated: a hook that is there already stays, and the way to call certferry from it is said', async () => {
  const { type, base, file, node, main } = await dehydratedHost('CONFIG_D="BASE/conf.d"\n')
  await writeFile(join(base, 'conf.d/hook.sh'), "HOOK='/etc/dehydrated/mine.sh' # ours\n")
  const { exit, said } = await type()
  expect(exit).toBe(78)
  expect(said()).toContain(`${join(base, 'conf.d/hook.sh')}: sets HOOK already`)
  expect(said()).toContain(`${node} ${main} hook "$@" || :`)
  await expect(stat(file)).rejects.toThrow()
})

test('dehydrated: where it reads no further files, the line that it needs is said', async () => {
  const { type, base } = await dehydratedHost('#CONFIG_D=\n')
  const { exit, said } = await type()
  expect(exit).toBe(78)
  expect(said()).toContain(`CONFIG_D=${join(base, 'conf.d')}`)
})

test('lego: the option is said, which lego cuts at blanks into words that start the program', async () => {
  const { type, node, main, folder } = await openHost()
  const { exit, json } = await type('lego', '--json')
  expect(exit).toBe(0)
  const { next } = json<{ readonly next: string }>()
  expect(next).toBe(`--renew-hook '${node} ${main} hook --deadline 110'`)
  const words = /'(.*)'/.exec(next)?.[1]?.split(' ') ?? []
  await writeFile(join(folder, 'called'), `#!/bin/sh\nexec ${words.join(' ')}\n`, { mode: 0o755 })
  expect(run(join(folder, 'called')).lines.slice(0, 4)).toEqual([main, 'hook', '--deadline', '110'])
  expect((await (await openHost({ program: 'a b' })).type('lego')).said()).toContain('cannot call a program')
})

test.each(['uacme', 'caddy', 'traefik'])(
  '%s: nothing is written, and what uploads its renewals is said',
  async client => {
    const { type } = await openHost()
    const { exit, out } = await type(client)
    expect(exit).toBe(0)
    expect(out()).toMatch(/certferry (sync|\.service)|certferry\.service/)
  },
)

test('the text of each is no wider than a terminal', async () => {
  for (const client of ['lego', 'uacme', 'caddy', 'traefik']) {
    const { type } = await openHost()
    const [advice = ''] = (await type(client)).out().split('\n\n')
    expect(Math.max(...advice.split('\n').map(line => line.length))).toBeLessThanOrEqual(80)
  }
})
