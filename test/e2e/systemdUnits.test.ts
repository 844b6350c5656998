/** systemd-analyze on the units, which needs no root and no container. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath, stderr } from 'node:process'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { run, SYSTEM_PATH } from './child.ts'

const UNITS = fileURLToPath(new URL('../../systemd', import.meta.url))
const analyze = (...words: readonly string[]) =>
  run('systemd-analyze', words, { PATH: SYSTEM_PATH, LC_ALL: 'C.UTF-8' })
const missing = await analyze('--version').then(
  () => false,
  () => true,
)
if (missing) stderr.write('systemd: the units are not analyzed, there is no systemd-analyze\n')

const unit = (name: string) => readFile(join(UNITS, name), 'utf8')

/** The lines from the user on, without comments. */
const sandboxOf = (text: string) =>
  text
    .slice(text.indexOf('DynamicUser='))
    .split('\n')
    .filter(line => /^\w+=/.test(line) && !line.startsWith('WantedBy='))

test('all units have the same sandbox', async () => {
  const sandbox = sandboxOf(await unit('certferry.service'))
  expect(sandbox.length).toBeGreaterThan(30)
  for (const name of ['certferry@.service', 'certferry-sync.service'])
    expect(sandboxOf(await unit(name))).toEqual(sandbox)
})

describe.skipIf(missing)('systemd-analyze', () => {
  let directory: string

  beforeAll(async () => {
    directory = await temporaryDirectory()
    // alone: a drop-in beside a unit counts for it
    for (const name of [
      'certferry.service',
      'certferry@.service',
      'certferry-sync.service',
      'certferry-sync.timer',
    ])
      await writeFile(
        join(directory, name),
        (await unit(name)).replaceAll('/usr/local/bin/certferry', execPath),
      )
    await cp(UNITS, join(directory, 'with'), { recursive: true })
  })

  test.each(['certferry.service', 'certferry@x.service', 'certferry-sync.service', 'certferry-sync.timer'])(
    'verifies %s',
    async name => {
      expect(await analyze('verify', '--man=no', join(directory, name))).toEqual({
        code: 0,
        stdout: '',
        stderr: '',
      })
    },
  )

  test.each([
    ['certferry.service', '', 1.8],
    ['certferry@.service', '', 1.8],
    ['certferry-sync.service', '', 1.8],
    ['certferry.service', 'with', 1.5],
  ])('rates %s %s at its promised exposure', async (name, where, most) => {
    const { stdout } = await analyze('security', '--offline=true', '--no-pager', join(directory, where, name))
    const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1])
    stderr.write(`  systemd: ${name}${where && ' with group.conf'} has an exposure of ${exposure}\n`)
    expect(exposure).toBeLessThanOrEqual(most)
  })
})
