import { spawnSync } from 'node:child_process'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { FSWatcher } from 'chokidar'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { fileSystemWithoutEvents } from '../../src/files/fileSystem.ts'
import { issue } from '../fixtures/certificates.ts'
import {
  acmeIssue,
  acmeRenew,
  all,
  certbotDelete,
  certbotIssue,
  certbotRenew,
} from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { type Stage, watched, watching } from './watcherFixture.ts'

const NAME = 'a.example'
const [first, second, third] = await Promise.all([issue(), issue(), issue()])

const filesIn = (root: string) => ['fullchain.pem', 'privkey.pem'].map(file => join(root, 'live', NAME, file))
const issued = ({ root }: Stage) => all(certbotIssue(root, NAME, first))
const renewal =
  (root: string, pair = second) =>
  () =>
    all(certbotRenew(root, NAME, pair))

const noEvents = await fileSystemWithoutEvents(tmpdir())

describe.skipIf(noEvents)('by events alone, on a file system that has them', () => {
  test("certbot's swap of links is reported to its end, and of no other lineage", async () => {
    const { root, reports, changes } = await watched('certbot', async stage => {
      await issued(stage)
      await all(certbotIssue(stage.root, 'b.example', first))
    })
    await reports(renewal(root), ...filesIn(root))
    await reports(renewal(root, third), ...filesIn(root))
    expect(new Set(changes)).toEqual(new Set([NAME]))
  })

  test('a first issuance is', async () => {
    const { root, reports, changes } = await watched('certbot', ({ root }) =>
      mkdir(join(root, 'live'), { recursive: true }),
    )
    await reports(() => issued({ root, folder: '' }), ...filesIn(root))
    expect(changes).not.toContain(undefined)
  })

  test('a lineage that was deleted and re-created is, and its next renewal too', async () => {
    const { root, reports } = await watched('certbot', issued)
    const paths = filesIn(root)
    await reports(() => all(certbotDelete(root, NAME)), ...paths)
    await reports(() => all(certbotIssue(root, NAME, first)), ...paths)
    await reports(renewal(root), ...paths)
    await all(certbotDelete(root, NAME))
    await reports(() => all(certbotIssue(root, NAME, first)), ...paths)
    await reports(renewal(root, third), ...paths)
  })

  test('a rewrite in place by acme.sh is reported after its last byte', async () => {
    const { root, reports, changes } = await watched('acme.sh', ({ root }) =>
      all(acmeIssue(root, NAME, first)),
    )
    const folder = join(root, `${NAME}_ecc`)
    const paths = [join(folder, 'fullchain.cer'), join(folder, `${NAME}.key`)]
    for (const pair of [second, third])
      await reports(() => all(acmeRenew(root, NAME, pair, { rotateKey: true })), ...paths)
    expect(new Set(changes)).toEqual(new Set([`${NAME}_ecc`]))
  })

  test("a change of certbot's README is reported under its name only", async () => {
    const { root, reports, changes } = await watched('certbot', issued)
    const readme = join(root, 'live', 'README')
    await reports(() => writeFile(readme, 'for the reader'), readme)
    expect(new Set(changes)).toEqual(new Set(['README']))
  })

  test.each(['the source', 'its folder'])('%s may be a link', async which => {
    const { folder, root, reports, changes } = await watched('certbot', async ({ folder, root }) => {
      const real = join(folder, 'real')
      await all(certbotIssue(real, NAME, first))
      if (which === 'the source') return symlink(real, root)
      await mkdir(root)
      await rename(join(real, 'archive'), join(root, 'archive'))
      await symlink(join(root, 'archive'), join(folder, 'archive'))
      await rename(join(real, 'live'), join(folder, 'live'))
      await rename(join(real, 'renewal'), join(root, 'renewal'))
      return symlink(join(folder, 'live'), join(root, 'live'))
    })
    expect(folder).not.toBe(root)
    await reports(renewal(root), ...filesIn(root))
    expect(new Set(changes)).toEqual(new Set([NAME]))
  })

  test("a lineage's folder may be a link, and is reported under its name", async () => {
    const { root, reports, changes } = await watched('acme.sh', async ({ folder, root }) => {
      await all(acmeIssue(root, NAME, first))
      await all(acmeIssue(root, 'b.example', first))
      await rename(join(root, `${NAME}_ecc`), join(folder, 'far'))
      await symlink(join(folder, 'far'), join(root, `${NAME}_ecc`))
    })
    const path = join(root, `${NAME}_ecc`, 'fullchain.cer')
    await reports(() => all(acmeRenew(root, NAME, second, { rotateKey: true })), path)
    expect(new Set(changes)).toEqual(new Set([`${NAME}_ecc`]))
  })

  test('a change in a folder of two lineages is reported for all', async () => {
    const { root, reports, changes } = await watched('certbot', async stage => {
      await issued(stage)
      await symlink(NAME, join(stage.root, 'live', 'alias.example'))
    })
    await reports(renewal(root), ...filesIn(root))
    expect(new Set(changes)).toEqual(new Set([undefined]))
  })

  test('files that an operator named are reported, those that other links stand for too', async () => {
    const folder = await temporaryDirectory()
    const place = (...names: string[]) => join(folder, ...names)
    await mkdir(place('far'))
    await mkdir(place('near'))
    for (const name of ['chain', 'key']) await writeFile(place('far', name), first.chain)
    await symlink(place('far', 'chain'), place('near', 'chain'))
    const source = {
      kind: 'pem',
      name: 'x',
      chain: place('near', 'chain'),
      key: place('far', 'key'),
      keys: {},
    } as const
    const { reports, changes } = await watching(source)
    await reports(() => writeFile(place('far', 'chain'), second.chain), source.chain)
    await reports(async () => {
      await symlink(place('far', 'key'), place('near', 'new'))
      await rename(place('near', 'new'), source.chain)
    }, source.chain)
    expect(new Set(changes)).toEqual(new Set(['x']))
  })
})

describe.skipIf(noEvents)('of a chain of links', () => {
  /** A link to certbot's link, and one more before it, each in a folder of its own. */
  async function chained() {
    const folder = await temporaryDirectory()
    const root = join(folder, 'le')
    await all(certbotIssue(root, NAME, first))
    const [near, middle] = [join(folder, 'near', 'a.crt'), join(folder, 'middle', 'b.crt')]
    for (const name of ['near', 'middle', 'other']) await mkdir(join(folder, name))
    await symlink('../middle/b.crt', near)
    await symlink(`../le/live/${NAME}/fullchain.pem`, middle)
    const source = { kind: 'pem', name: 'x', chain: near, key: undefined, keys: {} } as const
    return { folder, root, near, middle, ...(await watching(source)) }
  }

  test("each is watched: the first, one on the way, certbot's own, and the file", async () => {
    const { folder, root, near, middle, reports } = await chained()
    await reports(renewal(root), near)
    await writeFile(join(folder, 'other', 'c.crt'), third.chain)
    const swap = (link: string, to: string) => async () => {
      await symlink(to, `${link}.new`)
      await rename(`${link}.new`, link)
    }
    await reports(swap(middle, '../other/c.crt'), near)
    await reports(swap(near, '../other/c.crt'), near)
  })

  test('the file that the last one leads to may be written in place', async () => {
    const { root, near, reports } = await chained()
    await reports(() => writeFile(join(root, 'archive', NAME, 'fullchain1.pem'), second.chain), near)
  })

  test('one that leads to itself is a file that is not there yet', async () => {
    const folder = await temporaryDirectory()
    const chain = join(folder, 'a.crt')
    await symlink('a.crt', chain)
    const { reports } = await watching({ kind: 'pem', name: 'x', chain, key: undefined, keys: {} })
    await reports(async () => {
      await rm(chain)
      await writeFile(chain, first.chain)
    }, chain)
  })
})

describe.skipIf(noEvents)('folders are checked for having been replaced', () => {
  const PULSE = { pulse: 20 }
  const noSource = async () => {}

  test.each<[string, (root: string) => string]>([
    ['a source', root => root],
    ['its live/', root => join(root, 'live')],
  ])('%s that is moved away and back is watched again', async (_, which) => {
    const { root, reports, changes } = await watched('certbot', issued, PULSE)
    const [place, away] = [which(root), `${which(root)}.away`]
    await reports(() => rename(place, away), ...filesIn(root))
    await reports(() => rename(away, place), ...filesIn(root))
    await expect.poll(() => changes.at(-1)).toBeUndefined()
    await reports(renewal(root), ...filesIn(root))
  })

  test('live/ is watched anew though it is back, the same inode, before a check', async () => {
    const add = vi.spyOn(FSWatcher.prototype, 'add')
    onTestFinished(() => add.mockRestore())
    const { root, reports } = await watched('certbot', issued)
    const [watcher] = add.mock.contexts as readonly FSWatcher[]
    watcher?.emit('all', 'unlinkDir', join(root, 'live'))
    await expect.poll(() => add.mock.contexts.length).toBe(2)
    await reports(renewal(root), ...filesIn(root))
  })

  test("a lineage's folder that becomes a link, to one place and then to another", async () => {
    const { root, folder, reports, changes } = await watched(
      'acme.sh',
      ({ root }) => all(acmeIssue(root, NAME, first)),
      PULSE,
    )
    const [place, far] = [join(root, `${NAME}_ecc`), join(folder, 'far')]
    const path = join(place, 'fullchain.cer')
    for (const name of ['blue', 'green']) {
      await all(acmeIssue(far, name, third))
      await reports(async () => {
        await rename(place, join(folder, `before ${name}`))
        await symlink(join(far, `${name}_ecc`), place)
      }, path)
      await expect.poll(() => changes.at(-1)).toBeUndefined()
      await reports(() => all(acmeRenew(far, name, second, { rotateKey: true })), path)
    }
  })

  test('a source that is a link to itself is one that is not there yet', async () => {
    const { root, folder, reports, deaths } = await watched(
      'certbot',
      ({ root }) => symlink('source', root),
      PULSE,
    )
    await rm(root)
    await reports(() => issued({ root, folder }), ...filesIn(root))
    await reports(renewal(root), ...filesIn(root))
    expect(deaths).toEqual([])
  })

  test('a source that does not exist yet is watched once it appears', async () => {
    const { root, folder, reports } = await watched('certbot', noSource, PULSE)
    await reports(() => issued({ root, folder }), ...filesIn(root))
    await reports(renewal(root), ...filesIn(root))
  })

  test('a source that is removed, and restored from a copy', async () => {
    const { root, folder, reports } = await watched('certbot', issued, PULSE)
    const copy = join(folder, 'copy')
    await all(certbotIssue(copy, NAME, third))
    await reports(() => rm(root, { recursive: true }), ...filesIn(root))
    await reports(() => rename(copy, root), ...filesIn(root))
    await reports(renewal(root), ...filesIn(root))
  })

  test('a source that becomes a link to another folder, and then to a third', async () => {
    const { root, folder, reports } = await watched('certbot', issued, PULSE)
    for (const name of ['blue', 'green']) await all(certbotIssue(join(folder, name), NAME, third))
    const turnTo = (name: string) => async () => {
      await symlink(join(folder, name), join(folder, 'new'))
      await rename(root, join(folder, `before ${name}`))
      await rename(join(folder, 'new'), root)
    }
    for (const name of ['blue', 'green']) {
      await reports(turnTo(name), ...filesIn(root))
      await reports(renewal(root), ...filesIn(root))
    }
  })

  test('a file that is not there yet, and comes as a link to somewhere else', async () => {
    const folder = await temporaryDirectory()
    const [chain, real] = [join(folder, 'near', 'chain'), join(folder, 'far', 'chain')]
    const { reports, changes } = await watching(
      { kind: 'pem', name: 'x', chain, key: undefined, keys: {} },
      PULSE.pulse,
    )
    await mkdir(join(folder, 'near'))
    await mkdir(join(folder, 'far'))
    await writeFile(real, first.chain)
    await reports(() => symlink(real, chain), chain)
    await expect.poll(() => changes.at(-1)).toBeUndefined()
    await reports(() => writeFile(real, second.chain), chain)
  })
})

/** A process of its own. Where it leaves a watcher or a timer behind it does not end, and is killed. */
const alone = (words: readonly string[]) =>
  spawnSync(words[0] ?? '', words.slice(1), { encoding: 'utf8', timeout: 60_000 })

const watcherAlone = (root: string, wanted: number) => [
  execPath,
  join(import.meta.dirname, 'watcherProcess.ts'),
  root,
  String(wanted),
]

async function manyLineages(): Promise<string> {
  const root = join(await temporaryDirectory(), 'source')
  for (let i = 0; i < 40; i++) await mkdir(join(root, 'live', `n${i}.example`), { recursive: true })
  return root
}

test('close leaves nothing behind that would keep the process alive', async () => {
  const root = await manyLineages()
  expect(alone(watcherAlone(root, 0))).toMatchObject({ stdout: '\n', stderr: '', status: 0 })
})

/** A limit of its own, in a user namespace: the host's is not touched. */
const limited = (limit: string, then: readonly string[]) => [
  ...['unshare', '-U', '-r', 'bash', '-c'],
  `echo ${limit} && exec "$@"`,
  'bash',
  ...then,
]

const allowed = alone(limited('9 > /proc/sys/user/max_inotify_watches', ['true'])).status === 0

describe.skipIf(!allowed || noEvents)(
  "at the machine's limits (skipped where unshare is not allowed)",
  () => {
    test.each([
      ['watches', 'ENOSPC', '20 > /proc/sys/user/max_inotify_watches'],
      ['instances', 'EMFILE', '0 > /proc/sys/user/max_inotify_instances'],
    ])('too few %s are reported once, and polling takes over', async (_, code, limit) => {
      const ended = alone(limited(limit, watcherAlone(await manyLineages(), 2)))
      expect(ended).toMatchObject({ stdout: `polling: ${code}, poll\n`, stderr: '', status: 0 })
    })
  },
)
