/** install-hook writes where the client looks, not where its certificates lie. */
import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { homeOf, hookPath } from '../../src/acme/clientHome.ts'
import type { Environment } from '../e2e/child.ts'
import { program } from '../e2e/program.ts'
import { issue } from '../fixtures/certificates.ts'
import { acmeIssue, all } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import type { FindingJson } from './checkFixture.ts'
import { typeAt } from './commandFixture.ts'

const DOMAIN = 'example.org'

const flat = (text: string) => text.replace(/\s+/g, ' ')

/** A home that acme.sh was installed into, and certificates that lie elsewhere. */
async function openAcme() {
  const folder = await temporaryDirectory()
  const [home, certs] = [join(folder, 'opt/acme'), join(folder, 'data')]
  const put = async (path: string, text: string) => {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  await put(join(home, 'acme.sh'), '#!/usr/bin/env sh\n')
  await all(acmeIssue(certs, DOMAIN, await issue({ names: [DOMAIN] }), { ecc: true }))
  const conf = (text: string) => put(join(certs, `${DOMAIN}_ecc/${DOMAIN}.conf`), text)
  await conf("Le_DeployHook='nginx,'\n")
  const type = (words: readonly string[], env: Environment = {}) => typeAt(folder, words, env)
  const install = (words: readonly string[] = [], env: Environment = {}) =>
    type(['install-hook', 'acme.sh', '--source', `acme.sh=${certs}`, ...words], env)
  const hook = async () => {
    const words = ['check', '--json', '--source', `acme.sh=${certs}`, '--state-dir', join(folder, 'state')]
    const { stdout } = await type([...words, '--endpoint', 'http://127.0.0.1:1'])
    const { findings } = JSON.parse(stdout) as { readonly findings: readonly FindingJson[] }
    return findings.find(({ about }) => about === 'hook')
  }
  return { folder, home, certs, put, conf, install, hook }
}

describe('acme.sh with its certificates elsewhere than its home', () => {
  test('nothing says where it reads its hooks: the home is asked for, and check does not call it well', async () => {
    const { install, certs, home, conf, hook } = await openAcme()
    await conf("Le_DeployHook='certferry,'\n")
    const refused = await install()
    expect(refused.code).toBe(64)
    expect(flat(refused.stderr)).toContain(`${certs}: the acme.sh installation`)
    expect(flat(refused.stderr)).toContain('--home DIR')
    expect(await hook()).toMatchObject({
      level: 'warning',
      says: expect.stringContaining('was not found'),
    })
    expect((await install(['--home', home])).code).toBe(0)
    await access(join(home, 'deploy/certferry.sh'))
    await expect(access(join(certs, 'deploy'))).rejects.toThrow('ENOENT')
  })

  test('its environment file says it, which acme.sh --install --config-home writes, where it is in the usual place', async () => {
    const { install, folder, certs, put, conf, hook } = await openAcme()
    const usual = join(folder, '.acme.sh')
    await put(join(usual, 'acme.sh'), '')
    await put(
      join(usual, 'acme.sh.env'),
      `export LE_WORKING_DIR="${usual}"\nexport LE_CONFIG_HOME="${certs}"\n`,
    )
    const { code, stdout } = await install()
    expect([code, stdout]).toEqual([0, expect.stringContaining(`${usual}/deploy/certferry.sh: written`)])
    expect(stdout).toContain(
      `  ${usual}/acme.sh --config-home ${certs} --deploy -d ${DOMAIN} --ecc --deploy-hook nginx,certferry\n`,
    )
    expect(await hook()).toMatchObject({ level: 'warning', says: expect.stringContaining('1 of 1') })
    await conf("Le_DeployHook='nginx,certferry,'\n")
    expect(await hook()).toMatchObject({ level: 'ok', says: `acme.sh: ${usual}/deploy/certferry.sh` })
  })

  test('the account file says it, where --cert-home stands', async () => {
    const { install, folder, certs, put } = await openAcme()
    const usual = join(folder, '.acme.sh')
    await put(join(usual, 'account.conf'), `CERT_HOME='${certs}'\n`)
    expect((await install()).stdout).toContain(`${usual}/deploy/certferry.sh: written`)
  })

  test('the shell says it, in which acme.sh has left its variables', async () => {
    const { install, home, certs } = await openAcme()
    const env = { LE_WORKING_DIR: home, LE_CONFIG_HOME: certs }
    expect((await install([], env)).stdout).toContain(`${home}/deploy/certferry.sh: written`)
  })

  test("a crontab says it, which acme.sh's own installation writes", async () => {
    const { folder, home, certs } = await openAcme()
    const line = `7 3 * * * root "${home}"/acme.sh --cron --home "${home}" --config-home "${certs}" > /dev/null`
    const around = (lines: readonly string[]) => ({ env: {}, home: folder, lines })
    expect(await homeOf('acme.sh', certs, around([line]))).toMatchObject({ home, config: certs })
    expect(await homeOf('acme.sh', certs, around([`# ${line}`]))).toBeUndefined()
  })

  test('a hook that certificates name, and that is not where acme.sh reads its hooks, is a warning', async () => {
    const { folder, certs, put, conf, hook } = await openAcme()
    await put(join(folder, '.acme.sh/account.conf'), `CERT_HOME='${certs}'\n`)
    await put(join(certs, 'deploy/certferry.sh'), '#!/usr/bin/env sh\n')
    await conf("Le_DeployHook='certferry,'\n")
    expect(await hook()).toMatchObject({
      level: 'warning',
      says: `acme.sh: 1 certificates name a hook that does not exist: ${folder}/.acme.sh/deploy/certferry.sh`,
    })
  })

  test('--remove finds the certificates that still name the hook, wherever they lie', async () => {
    const { install, home, certs, conf } = await openAcme()
    await conf("Le_DeployHook='nginx,certferry,'\n")
    await install(['--home', home])
    const { stdout } = await install(['--home', home, '--remove'])
    expect(stdout).toContain(`${certs}/${DOMAIN}_ecc/${DOMAIN}.conf`)
  })
})

describe('dehydrated with its certificates elsewhere than beside its configuration', () => {
  async function openDehydrated(config: string) {
    const folder = await temporaryDirectory()
    const [home, certs] = [join(folder, 'etc'), join(folder, 'srv/certs')]
    for (const path of [home, certs, join(folder, 'more.d')]) await mkdir(path, { recursive: true })
    await writeFile(join(home, 'config'), config.replaceAll('ROOT', folder))
    const install = (...words: readonly string[]) =>
      typeAt(folder, ['install-hook', 'dehydrated', '--source', `dehydrated=${certs}`, ...words])
    return { folder, home, certs, install }
  }

  test('nothing says where its configuration is: it is asked for', async () => {
    const { install, home, folder } = await openDehydrated('CONFIG_D=ROOT/more.d\nCERTDIR=ROOT/srv/certs\n')
    const refused = await install()
    expect([refused.code, flat(refused.stderr)]).toEqual([64, expect.stringContaining('--home DIR')])
    expect((await install('--home', home)).code).toBe(0)
    expect(await readFile(join(folder, 'more.d/zz-certferry.sh'), 'utf8')).toContain('deploy_cert')
  })

  test('a crontab says which configuration is read; its CERTDIR and CONFIG_D are followed, variables too', async () => {
    const { home, certs, folder } = await openDehydrated(
      `BASEDIR=ROOT/srv\nCERTDIR="\${BASEDIR}/certs"\nCONFIG_D=$BASEDIR/conf.d\n`,
    )
    const around = (line: string) => ({ env: {}, home: folder, lines: [line] })
    const found = await homeOf('dehydrated', certs, around(`5 5 * * * root dehydrated -c -f ${home}/config`))
    expect(found).toMatchObject({ home })
    expect(found && hookPath('dehydrated', found)).toBe(join(folder, 'srv/conf.d/zz-certferry.sh'))
    const other = await homeOf('dehydrated', join(folder, 'other'), around(`dehydrated -c -f ${home}/config`))
    expect(other).toBeUndefined()
    const out = `dehydrated -c --config ${home}/config --out ${folder}/other`
    expect(await homeOf('dehydrated', join(folder, 'other'), around(out))).toMatchObject({ home })
  })
})

describe('what a client has already stays', () => {
  test('every certificate is named with the deploy hooks that it has', async () => {
    const { install, home, certs, put } = await openAcme()
    await put(join(certs, 'b.example/b.example.conf'), "Le_Domain='b.example'\n")
    await put(join(certs, 'c.example/c.example.conf'), "Le_DeployHook='certferry,'\n")
    const { stdout } = await install(['--home', home, '--json'])
    const { next } = JSON.parse(stdout) as { readonly next: string }
    const start = `${home}/acme.sh --home ${home} --deploy -d`
    expect(next.split('\n').sort()).toEqual(
      [
        `${start} ${DOMAIN} --ecc --deploy-hook nginx,certferry`,
        `${start} b.example --deploy-hook certferry`,
      ].sort(),
    )
    await put(join(certs, 'b.example/b.example.conf'), "Le_DeployHook='certferry,'\n")
    await put(join(certs, `${DOMAIN}_ecc/${DOMAIN}.conf`), "Le_DeployHook='nginx,certferry,'\n")
    expect((await install(['--home', home])).stdout).toContain('Every certificate already has it')
  })

  test('hook --help and the manual name the command that adds, by the path of this program', async () => {
    const { stdout } = await program(['hook', '--help'])
    expect(stdout).toMatch(/\/dist\/main\.js install-hook acme\.sh\n$/)
    expect(stdout).not.toMatch(/--reloadcmd|--deploy-hook/)
  })
})
