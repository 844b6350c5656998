import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { asNobody } from '../fixtures/asNobody.ts'
import { acmeIssue, all, certbotIssue } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { acme, certbot, found, pair, pem } from './sourceFixtures.ts'

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

  test('a folder that cannot be looked at is named, whatever the disk answers, and reading it says why', async () => {
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

  test('two places that would have one name are told apart by nobody: the second is left out and said', async () => {
    const { lineages, faults } = await found(pem('a', '/first'), pem('a', '/second'))
    expect(lineages).toMatchObject([{ id: 'pem:a', chain: '/first' }])
    expect(faults).toMatchObject([
      {
        lineage: 'pem:a',
        fault: { code: 'NAME_CONFLICT', exit: 78, message: expect.stringContaining('/second') },
      },
    ])
  })

  test('one that disappears while it is looked at takes nothing else with it', async () => {
    const root = await temporaryDirectory()
    await all(certbotIssue(root, 'example.com', pair))
    const looking = found(certbot(root), pem('a', '/a'))
    await rename(join(root, 'live'), join(root, 'gone'))
    await rm(join(root, 'gone'), { recursive: true })
    expect((await looking).ids).toContain('pem:a')
  })
})
