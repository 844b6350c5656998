/** setup on a machine with ACME clients beside certbot and acme.sh. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { issue } from '../fixtures/certificates.ts'
import { storeText } from '../fixtures/traefikStore.ts'
import { ENV, openHost } from './setupFixture.ts'

const pair = await issue()

/** lego and Traefik, each with a certificate, and dehydrated without one. */
async function host() {
  const opened = await openHost({ certbot: false })
  const { lego, traefik, dehydrated } = opened.places.clients
  await mkdir(join(lego, 'certificates'), { recursive: true })
  await writeFile(join(lego, 'certificates/a.example.crt'), pair.chain)
  await writeFile(join(lego, 'certificates/a.example.key'), pair.key)
  await writeFile(traefik, storeText({ le: [{ domains: ['b.example'], pair }] }))
  const base = dirname(dehydrated)
  await mkdir(dehydrated, { recursive: true })
  await writeFile(join(base, 'config'), `CONFIG_D=${join(base, 'conf.d')}\n`)
  return { ...opened, base }
}

test('setup finds every client in its default directory, with its certificates counted', async () => {
  const { run, places } = await host()
  const { exit, asked } = await run({}, ENV, ['all', '', '', ''])
  const { lego, traefik, dehydrated } = places.clients
  expect(exit).toBe(0)
  expect(asked[0]).toBe(
    `Found lego in ${lego} (1 certificate) and dehydrated in ${dehydrated} (0 certificates) and traefik in ${traefik} (1 certificate). Upload all, or one? [all/lego/dehydrated/traefik] `,
  )
})

test('setup --client writes the source of that client to the configuration', async () => {
  const { run, places } = await host()
  expect((await run({ yes: true, client: ['traefik'] }, ENV)).exit).toBe(0)
  expect(await readFile(places.config, 'utf8')).toContain(
    `[[source]]\nkind = "traefik"\npath = ${JSON.stringify(places.clients.traefik)}\n`,
  )
})

test('setup --hook installs the hook of a client that has hook files, and names the command for each other', async () => {
  const { run, base } = await host()
  const { exit, out } = await run({ yes: true, hook: true }, ENV)
  expect(exit).toBe(0)
  expect(await readFile(join(base, 'conf.d/zz-certferry.sh'), 'utf8')).toContain('deploy_cert')
  const said = out.replace(/\s+/g, ' ')
  expect(said).toContain('dehydrated will call certferry at each renewal')
  for (const client of ['lego', 'traefik']) expect(said).toContain(`certferry install-hook ${client}`)
})
