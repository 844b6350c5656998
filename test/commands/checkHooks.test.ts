/** check counts every way in which a client calls certferry, and none in which it would not. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { program } from '../e2e/program.ts'
import { issue } from '../fixtures/certificates.ts'
import { acmeIssue, all } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { BARE, type FindingJson, openClinic } from './checkFixture.ts'

const NAME = 'example.com'

async function put(path: string, text: string, mode = 0o644) {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  await chmod(path, mode)
  return path
}

/** A folder with a certificate of each client, and a certferry to be called. */
async function openClients() {
  const folder = await temporaryDirectory()
  const called = await put(join(folder, 'opt/bin/certferry'), '#!/bin/sh\n', 0o755)
  const pair = await issue({ names: [NAME] })
  const acme = join(folder, '.acme.sh')
  await all(acmeIssue(acme, NAME, pair, { ecc: true }))
  const conf = join(acme, `${NAME}_ecc/${NAME}.conf`)
  await put(conf, `Le_Domain='${NAME}'\n`)
  const files = {
    certbot: [`letsencrypt/live/${NAME}/fullchain.pem`, `letsencrypt/live/${NAME}/privkey.pem`],
    dehydrated: [`dehydrated/certs/${NAME}/fullchain.pem`, `dehydrated/certs/${NAME}/privkey.pem`],
    lego: [`lego/certificates/${NAME}.crt`, `lego/certificates/${NAME}.key`],
  }
  for (const [chain = '', key = ''] of Object.values(files)) {
    await put(join(folder, chain), pair.chain)
    await put(join(folder, key), pair.key, 0o600)
  }
  await put(join(folder, 'dehydrated/config'), '#HOOK=\n')
  const paths = {
    certbot: join(folder, 'letsencrypt'),
    'acme.sh': acme,
    dehydrated: join(folder, 'dehydrated/certs'),
    lego: join(folder, 'lego'),
  }
  return { folder, called, conf, paths }
}

type Clients = Awaited<ReturnType<typeof openClients>>
type Kind = keyof Clients['paths']

const base64 = (text: string) =>
  `__ACME_BASE64__START_${Buffer.from(text).toString('base64')}__ACME_BASE64__END_`

const RENEWAL = `letsencrypt/renewal/${NAME}.conf`

/** Each makes a client call certferry; a text that comes back is a line for cron. */
const CALLING: ReadonlyArray<
  readonly [Kind, string, (clients: Clients) => Promise<string | undefined> | string]
> = [
  [
    'certbot',
    'renew_hook in renewal/NAME.conf',
    async ({ folder, called }) =>
      void (await put(join(folder, RENEWAL), `[renewalparams]\nrenew_hook = ${called} hook\n`)),
  ],
  [
    'certbot',
    'a script that renew_hook names',
    async ({ folder, called }) => {
      const script = await put(
        join(folder, 'deploy.sh'),
        `#!/bin/sh\nnginx -s reload\n"${called}" hook || :\n`,
        0o755,
      )
      await put(join(folder, RENEWAL), `renew_hook = ${script} --all\n`)
      return undefined
    },
  ],
  [
    'certbot',
    'post_hook with sync',
    async ({ folder, called }) =>
      void (await put(join(folder, RENEWAL), `post_hook = systemctl reload nginx; ${called} sync\n`)),
  ],
  [
    'certbot',
    'a script of its deploy folder, under any name',
    async ({ folder, called }) =>
      void (await put(
        join(folder, 'letsencrypt/renewal-hooks/deploy/50-upload'),
        `#!/bin/sh\nexec ${called} hook\n`,
        0o755,
      )),
  ],
  [
    'certbot',
    'deploy-hook in cli.ini',
    async ({ folder, called }) =>
      void (await put(join(folder, '.config/letsencrypt/cli.ini'), `deploy-hook = ${called} hook\n`)),
  ],
  [
    'certbot',
    '--deploy-hook in a crontab',
    ({ called, paths }) =>
      `5 5 * * * root certbot -q renew --config-dir ${paths.certbot} --deploy-hook "${called} hook"`,
  ],
  [
    'acme.sh',
    'Le_ReloadCmd, as acme.sh keeps it',
    async ({ conf, called }) =>
      void (await put(conf, `Le_ReloadCmd='${base64(`systemctl reload nginx && ${called} hook`)}'\n`)),
  ],
  [
    'acme.sh',
    'Le_RenewHook',
    async ({ conf, called }) => void (await put(conf, `Le_RenewHook='${base64(`${called} hook`)}'\n`)),
  ],
  [
    'acme.sh',
    'Le_ReloadCmd of an older acme.sh, without base64',
    async ({ conf, called }) => void (await put(conf, `Le_ReloadCmd='${called} hook'\n`)),
  ],
  [
    'dehydrated',
    'a line in its own hook',
    async ({ folder, called }) => {
      const hook = await put(
        join(folder, 'hook.sh'),
        `#!/bin/bash\ndeploy_cert() {\n  reload\n}\n${called} hook "$@" || :\n`,
        0o755,
      )
      await put(join(folder, 'dehydrated/config'), `HOOK="${hook}"\n`)
      return undefined
    },
  ],
  [
    'dehydrated',
    'a hook named in a crontab',
    async ({ folder, called }) => {
      const hook = await put(join(folder, 'hook.sh'), `#!/bin/bash\n${called} hook "$@" || :\n`, 0o755)
      return `5 5 * * * root dehydrated -c -f ${folder}/dehydrated/config -k ${hook}`
    },
  ],
  [
    'lego',
    '--renew-hook in a crontab',
    ({ called, paths }) =>
      `5 5 * * * root /usr/bin/lego --path ${paths.lego} -d x renew --renew-hook "${called} hook --deadline 110"`,
  ],
  [
    'lego',
    '--deploy-hook of lego 5',
    ({ called, paths }) => `5 5 * * * root lego run --path=${paths.lego} --deploy-hook='${called} hook'`,
  ],
]

/** None of these does. */
const SILENT: typeof CALLING = [
  [
    'certbot',
    'pre_hook, before anything is renewed',
    async ({ folder, called }) => void (await put(join(folder, RENEWAL), `pre_hook = ${called} sync\n`)),
  ],
  [
    'certbot',
    'post_hook with hook, which gets no certificate',
    async ({ folder, called }) => void (await put(join(folder, RENEWAL), `post_hook = ${called} hook\n`)),
  ],
  [
    'certbot',
    'a line that is commented out',
    async ({ folder, called }) =>
      void (await put(
        join(folder, RENEWAL),
        `# renew_hook = ${called} hook\nrenew_hook = true # ${called} hook\n`,
      )),
  ],
  [
    'certbot',
    'a script that is not executable',
    async ({ folder, called }) =>
      void (await put(
        join(folder, 'letsencrypt/renewal-hooks/deploy/50-upload'),
        `#!/bin/sh\n${called} hook\n`,
      )),
  ],
  [
    'certbot',
    'a folder of hooks that cli.ini disables',
    async ({ folder, called }) => {
      await put(
        join(folder, 'letsencrypt/renewal-hooks/deploy/50-upload'),
        `#!/bin/sh\n${called} hook\n`,
        0o755,
      )
      await put(join(folder, '.config/letsencrypt/cli.ini'), 'no-directory-hooks = true\n')
      return undefined
    },
  ],
  [
    'certbot',
    'a crontab of another --config-dir',
    ({ called }) => `5 5 * * * root certbot renew --config-dir /other --deploy-hook "${called} hook"`,
  ],
  [
    'certbot',
    'a message about it',
    async ({ folder, called }) =>
      void (await put(join(folder, RENEWAL), `renew_hook = echo ${called} hook\n`)),
  ],
  [
    'acme.sh',
    'Le_PreHook',
    async ({ conf, called }) => void (await put(conf, `Le_PreHook='${base64(`${called} sync`)}'\n`)),
  ],
  [
    'acme.sh',
    'another program of a similar name',
    async ({ conf }) =>
      void (await put(
        conf,
        `Le_ReloadCmd='${base64('/opt/not-certferry hook; certferry-old hook; certferry install-hook')}'\n`,
      )),
  ],
  [
    'dehydrated',
    'a hook with words, which dehydrated takes for one path',
    async ({ folder, called }) =>
      void (await put(join(folder, 'dehydrated/config'), `HOOK="${called} hook"\n`)),
  ],
  [
    'lego',
    'a hook of another folder',
    ({ called }) => `5 5 * * * root lego --path /other renew --renew-hook "${called} hook"`,
  ],
  [
    'lego',
    'the hook of first certificates, where it renews',
    ({ called, paths }) => `5 5 * * * root lego --path ${paths.lego} renew --run-hook "${called} hook"`,
  ],
]

async function examined(kind: Kind, clients: Clients, line: string | undefined) {
  const { examine } = await openClinic()
  const text = line ?? ''
  const cronLines = async () => [{ file: '/etc/cron.d/x', uid: 0, text }]
  const words = ['--json', '--source', `${kind}=${clients.paths[kind]}`]
  const run = await examine({ words, cwd: clients.folder, machine: { ...BARE, cronLines } })
  const { findings } = run.json<{ findings: readonly FindingJson[] }>()
  const of = (about: string) => findings.filter(finding => finding.about === about)
  return { hooks: of('hook'), renewals: of('renewals')[0]?.says }
}

describe('a client that calls certferry without a file of its own', () => {
  test.each(CALLING)('%s: %s', async (kind, _, make) => {
    const clients = await openClients()
    const { hooks, renewals } = await examined(kind, clients, await make(clients))
    expect(hooks).toMatchObject([{ level: 'ok', says: expect.stringMatching(`^${kind}: /`) }])
    expect(renewals).toContain(`uploaded by ${kind}'s hook only`)
  })

  test.each(SILENT)('%s: %s is none', async (kind, _, make) => {
    const clients = await openClients()
    const { hooks, renewals } = await examined(kind, clients, await make(clients))
    expect(hooks).toMatchObject(
      kind === 'lego' ? [] : [{ level: 'unreached', says: `${kind}: not installed` }],
    )
    expect(renewals).toContain('renewals are not uploaded automatically')
  })

  test('what it calls is not there: that is said, and counts for nothing', async () => {
    const clients = await openClients()
    await put(join(clients.folder, RENEWAL), 'renew_hook = /nowhere/certferry hook\n')
    const { hooks, renewals } = await examined('certbot', clients, undefined)
    expect(hooks).toMatchObject([
      { level: 'warning', says: expect.stringContaining('starts /nowhere/certferry, which does not exist') },
    ])
    expect(renewals).toContain('renewals are not uploaded automatically')
  })

  test('of several certificates, those that do not call it are counted', async () => {
    const clients = await openClients()
    const other = join(clients.paths.certbot, 'live/other.example')
    await put(join(other, 'fullchain.pem'), (await issue({ names: ['other.example'] })).chain)
    await put(join(clients.paths.certbot, 'renewal/other.example.conf'), '[renewalparams]\n')
    await put(join(clients.folder, RENEWAL), `renew_hook = ${clients.called} hook\n`)
    expect((await examined('certbot', clients, undefined)).hooks).toMatchObject([
      { level: 'warning', says: expect.stringContaining('1 of 2 certificates do not call it') },
    ])
  })
})

test('the built program finds the hooks of three clients in their own files', async () => {
  const clients = await openClients()
  const { folder, called, conf, paths } = clients
  await put(join(folder, RENEWAL), `renew_hook = ${called} hook\n`)
  await put(conf, `Le_ReloadCmd='${base64(`${called} hook`)}'\n`)
  const hook = await put(join(folder, 'hook.sh'), `#!/bin/bash\n${called} hook "$@" || :\n`, 0o755)
  await put(join(folder, 'dehydrated/config'), `HOOK=${hook}\n`)
  const sources = (['certbot', 'acme.sh', 'dehydrated'] as const).flatMap(kind => [
    '--source',
    `${kind}=${paths[kind]}`,
  ])
  const words = [
    'check',
    '--json',
    ...sources,
    '--state-dir',
    join(folder, 'state'),
    '--endpoint',
    'http://127.0.0.1:1',
  ]
  const { stdout } = await program(words, { HOME: folder })
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly FindingJson[] }
  expect(findings.filter(({ about }) => about === 'hook').map(({ level, says }) => [level, says])).toEqual([
    ['ok', `certbot: ${folder}/${RENEWAL}`],
    ['ok', `acme.sh: ${conf}`],
    ['ok', `dehydrated: ${hook}`],
  ])
})

test.each([
  [
    'the drop-in that is shipped for its service',
    'ExecStopPost',
    '/bin/systemctl start --no-block certferry-sync.service',
    'active',
    true,
  ],
  [
    '--deploy-hook in its service',
    'ExecStart',
    'certbot -q renew --config-dir DIR --deploy-hook CALLED hook',
    'active',
    true,
  ],
  ['sync after its service', 'ExecStartPost', 'CALLED sync', 'active', true],
  ['a service whose timer does not run', 'ExecStartPost', 'CALLED sync', 'inactive', false],
  [
    'a service of other certificates',
    'ExecStart',
    'certbot renew --deploy-hook CALLED hook',
    'active',
    false,
  ],
] as const)('certbot under systemd: %s', async (_, key, argv, timer, calls) => {
  const clients = await openClients()
  const { examine } = await openClinic()
  const words = argv.replace('CALLED', clients.called).replace('DIR', clients.paths.certbot)
  const exec = `${key}={ path=/x ; argv[]=${words} ; ignore_errors=yes ; start_time=[n/a] ; status=0/0 }`
  const stdout = `${key}={ path=/x ; argv[]=/bin/true ; ignore_errors=no }\n${exec}\n${key}={ path=/x ; argv[]=/bin/true ; ignore_errors=no }\nId=certbot.service\nActiveState=inactive\n\nId=certbot.timer\nActiveState=${timer}\n\nId=certferry-sync.service\nLoadState=loaded\n`
  const systemctl = async (...asked: readonly string[]) => ({
    code: 0,
    stdout: asked.includes('certbot.service') ? stdout : '',
    stderr: '',
  })
  const source = ['--json', '--source', `certbot=${clients.paths.certbot}`]
  const run = await examine({ words: source, cwd: clients.folder, machine: { ...BARE, systemctl } })
  const { findings } = run.json<{ findings: readonly FindingJson[] }>()
  expect(findings.find(({ about }) => about === 'hook')?.says).toBe(
    calls ? 'certbot: certbot.service' : 'certbot: not installed',
  )
})
