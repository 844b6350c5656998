import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { asNobody } from '../fixtures/asNobody.ts'
import { acmeIssue, all, certbotIssue, certbotRenew, upTo } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { acme, certbot, found, listed, pair, pem } from './sourceFixtures.ts'

describe('certbot', () => {
  test('every directory of live/ with a chain or a key is a lineage; README is none', async () => {
    const root = await temporaryDirectory()
    await all(certbotIssue(root, 'example.com', pair))
    await all(certbotIssue(root, 'example.com-0001', pair))
    await mkdir(join(root, 'live', 'empty'))
    await mkdir(join(root, 'live', '.hidden'))
    await writeFile(join(root, 'live', '.hidden', 'fullchain.pem'), pair.chain)
    const { lineages, faults } = await found(certbot(root))
    expect(lineages).toMatchObject([
      {
        id: 'certbot:example.com',
        name: 'example.com',
        kind: 'certbot',
        chain: join(root, 'live/example.com/fullchain.pem'),
        key: join(root, 'live/example.com/privkey.pem'),
      },
      { id: 'certbot:example.com-0001' },
    ])
    expect(faults).toEqual([])
  })

  test('a first issuance counts from its first dangling link on', async () => {
    const root = await temporaryDirectory()
    const steps = certbotIssue(root, 'example.com', pair)
    const before = upTo(steps, 'live directory')
    await all(before)
    expect((await found(certbot(root))).ids).toEqual([])
    await all(steps.slice(before.length, upTo(steps, 'link privkey').length))
    expect((await found(certbot(root))).ids).toEqual(['certbot:example.com'])
  })

  test('a lineage keeps its one name through every step of a renewal', async () => {
    const root = await temporaryDirectory()
    await all(certbotIssue(root, 'example.com', pair))
    for (const { run } of certbotRenew(root, 'example.com', pair)) {
      await run()
      expect((await found(certbot(root))).ids).toEqual(['certbot:example.com'])
    }
  })

  test('without live/, before the first certificate, it is there and empty', async () => {
    const root = await temporaryDirectory()
    expect(await found(certbot(root))).toEqual({ ids: [], lineages: [], faults: [] })
  })

  test('live/ and its directories may be links', async () => {
    const [root, elsewhere] = [await temporaryDirectory(), await temporaryDirectory()]
    await all(certbotIssue(elsewhere, 'example.com', pair))
    await symlink(join(elsewhere, 'live'), join(root, 'live'))
    await symlink(join(elsewhere, 'live/example.com'), join(elsewhere, 'live/alias.example.com'))
    expect((await found(certbot(root))).ids).toEqual(['certbot:alias.example.com', 'certbot:example.com'])
  })
})

describe('acme.sh', () => {
  test('RSA and ECC of one domain, wildcards and IPv6 addresses are lineages, each with its own key', async () => {
    const home = await temporaryDirectory()
    await all(acmeIssue(home, 'example.com', pair))
    await all(acmeIssue(home, 'example.com', pair, { ecc: false }))
    await all(acmeIssue(home, '*.example.com', pair))
    await all(acmeIssue(home, '2001:db8::1', pair))
    const { lineages, faults } = await found(acme(home))
    expect(Object.fromEntries(lineages.map(({ id, key }) => [id, key]))).toEqual({
      'acme.sh:*.example.com_ecc': join(home, '*.example.com_ecc/*.example.com.key'),
      'acme.sh:2001:db8::1_ecc': join(home, '2001:db8::1_ecc/2001:db8::1.key'),
      'acme.sh:example.com': join(home, 'example.com/example.com.key'),
      'acme.sh:example.com_ecc': join(home, 'example.com_ecc/example.com.key'),
    })
    expect(lineages[0]?.chain).toBe(join(home, '*.example.com_ecc/fullchain.cer'))
    expect(faults).toEqual([])
  })

  test('its own folders and files are no lineages', async () => {
    const home = await temporaryDirectory()
    for (const folder of ['ca', 'deploy', 'dnsapi', 'notify']) {
      await mkdir(join(home, folder))
      await writeFile(join(home, folder, 'fullchain.cer'), pair.chain)
    }
    for (const file of ['account.conf', 'acme.sh', 'http.header']) await writeFile(join(home, file), '')
    expect(await found(acme(home))).toEqual({ ids: [], lineages: [], faults: [] })
  })

  test('a first issuance that failed, with only a key left behind, is no lineage', async () => {
    const home = await temporaryDirectory()
    const steps = acmeIssue(home, 'example.com', pair)
    const failed = upTo(steps, 'write key')
    await all(failed)
    expect((await found(acme(home))).ids).toEqual([])
    await all(steps.slice(failed.length, failed.length + 1))
    expect((await found(acme(home))).ids).toEqual(['acme.sh:example.com_ecc'])
  })
})

describe('several sources', () => {
  test('a pem source is a lineage whether or not its files are there', async () => {
    expect((await found(pem('intranet', '/nowhere/ca.pem'))).lineages).toMatchObject([
      { id: 'pem:intranet', chain: '/nowhere/ca.pem', key: undefined },
    ])
  })

  test('one that is missing does not stop the others', async () => {
    const root = await temporaryDirectory()
    await all(certbotIssue(root, 'example.com', pair))
    const file = join(root, 'a-file')
    await writeFile(file, '')
    const { ids, faults } = await found(
      acme('/nowhere/.acme.sh'),
      certbot(file),
      certbot(root),
      pem('a', '/a'),
    )
    expect(ids).toEqual(['certbot:example.com', 'pem:a'])
    expect(faults).toMatchObject([
      {
        lineage: 'acme.sh:/nowhere/.acme.sh',
        fault: { code: 'SOURCE_MISSING', exit: 66, message: '/nowhere/.acme.sh: no such directory' },
      },
      { lineage: `certbot:${file}`, fault: { code: 'SOURCE_MISSING' } },
    ])
  })

  test('one that may not be listed does not stop the others, and a folder that may not be entered is still named', async () => {
    const [closed, open] = [await temporaryDirectory(), await temporaryDirectory()]
    await all(certbotIssue(closed, 'example.com', pair))
    await all(acmeIssue(open, 'example.com', pair))
    await chmod(closed, 0o755)
    await chmod(join(closed, 'live'), 0o000)
    await chmod(open, 0o755)
    await chmod(join(open, 'example.com_ecc'), 0o000)
    const { ids, faults } = await asNobody(() => found(certbot(closed), acme(open)))
    expect(ids).toEqual(['acme.sh:example.com_ecc'])
    expect(faults).toMatchObject([
      {
        lineage: `certbot:${closed}`,
        fault: { code: 'SOURCE_UNREADABLE', message: `${join(closed, 'live')}: cannot be listed (EACCES)` },
      },
    ])
    await chmod(join(closed, 'live'), 0o700)
    await chmod(join(open, 'example.com_ecc'), 0o700)
  })

  test('a folder that cannot be examined is listed, and reading it says why', async () => {
    const root = await temporaryDirectory()
    await mkdir(join(root, 'live'))
    await symlink('loop.example.com', join(root, 'live', 'loop.example.com'))
    const { ids, faults } = await found(certbot(root))
    expect({ ids, faults }).toEqual({ ids: ['certbot:loop.example.com'], faults: [] })
  })

  test('the same place named twice is one lineage', async () => {
    const root = await temporaryDirectory()
    await all(certbotIssue(root, 'example.com', pair))
    const { ids, faults } = await found(certbot(root), certbot(`${root}/`))
    expect(ids).toEqual(['certbot:example.com'])
    expect(faults).toEqual([])
  })

  test('of two places with one name the second is left out and named', async () => {
    const { lineages, faults } = await found(pem('a', '/first'), pem('a', '/second'))
    expect(lineages).toMatchObject([{ id: 'pem:a', chain: '/first' }])
    expect(faults).toMatchObject([
      {
        lineage: 'pem:a',
        fault: { code: 'NAME_CONFLICT', exit: 78, message: expect.stringContaining('/second') },
      },
    ])
  })

  test('one that disappears while it is listed does not stop the others', async () => {
    const root = await temporaryDirectory()
    await all(certbotIssue(root, 'example.com', pair))
    const listing = listed(certbot(root), pem('a', '/a'))
    await rename(join(root, 'live'), join(root, 'gone'))
    await rm(join(root, 'gone'), { recursive: true })
    expect((await listing).ids).toContain('pem:a')
  })
})
