import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { textfileProblem } from '../../src/config/values.ts'
import { readTextfile, writeTextfile } from '../../src/metrics/textfile.ts'
import { bundleOf } from '../fixtures/samples.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { failed, metricsAt, NOW, unchanged, uploaded, valuesOf } from './registryFixture.ts'

describe('a textfile', () => {
  test('is replaced in one step, readable to node_exporter, and leaves nothing beside it', async () => {
    const folder = await temporaryDirectory()
    const file = join(folder, 'certferry.prom')
    await writeTextfile(file, 'a 1\n')
    const before = await stat(file)
    await writeTextfile(file, 'a 2\n')
    const after = await stat(file)
    expect(await readTextfile(file)).toBe('a 2\n')
    expect(after.ino).not.toBe(before.ino)
    expect(after.mode & 0o777).toBe(0o644)
    expect(await readdir(folder)).toEqual(['certferry.prom'])
  })

  test('that cannot be put in place leaves nothing behind, and says so', async () => {
    const folder = await temporaryDirectory()
    const file = join(folder, 'certferry.prom')
    await mkdir(join(file, 'full'), { recursive: true })
    await expect(writeTextfile(file, 'a 1\n')).rejects.toThrow()
    expect(await readdir(folder)).toEqual(['certferry.prom'])
  })

  test('replaces a link and never writes through it', async () => {
    const folder = await temporaryDirectory()
    const target = join(folder, 'precious')
    await writeFile(target, 'precious')
    await symlink(target, join(folder, 'certferry.prom'))
    await writeTextfile(join(folder, 'certferry.prom'), 'a 1\n')
    expect(await readFile(target, 'utf8')).toBe('precious')
  })

  test('that is not there reads as empty', async () => {
    expect(await readTextfile(join(await temporaryDirectory(), 'certferry.prom'))).toBe('')
  })

  test.each(['/tmp/certferry.txt', 'certferry', '/tmp/.prom', '/tmp/prom', ''])(
    '%j is no name for one: node_exporter would not read it',
    path => {
      expect(textfileProblem(path)).toContain('.prom')
    },
  )

  test('may be named relative to where one is', () => {
    expect(textfileProblem('certferry.prom')).toBeUndefined()
  })
})

describe('what the run before counted', () => {
  test('goes on in the next run', async () => {
    const first = metricsAt(NOW)
    first.outcome(uploaded('pem:a', await bundleOf()))
    first.outcome(failed('pem:"b"', 'NETWORK'))
    first.throttled()
    first.pending(2)
    const left = await first.text()
    expect(await metricsAt(NOW, left).text()).toBe(left)

    const next = metricsAt(NOW + 60, left)
    next.outcome(unchanged('pem:"b"'))
    next.throttled()
    expect(valuesOf(await next.text())).toEqual({
      ...valuesOf(left),
      'certificate_synced{pem:"b"}': 1,
      requests_throttled_total: 2,
      last_check_timestamp_seconds: NOW + 60,
    })
  })

  test('is forgotten for lineages that a whole pass no longer finds', async () => {
    const first = metricsAt()
    for (const lineage of ['pem:a', 'pem:b']) first.outcome(unchanged(lineage))
    const next = metricsAt(NOW, await first.text())
    next.keep(new Set(['pem:a']))
    expect(await next.text()).not.toContain('pem:b')
  })

  test('does not bring back another version, a watch, or what is not ours', async () => {
    const fresh = await metricsAt().text()
    const before = [
      'certferry_build_info{version="0.0.1"} 1',
      'certferry_source_watch_up{source="certbot=/le"} 0',
      'certferry_watch_missed_changes_total{source="certbot=/le"} 9',
      'certferry_uploads_total{outcome="uploaded",host="x"} 9',
      'certferry_requests_throttled_total{x="y"} 9',
      'node_load1 9',
    ].join('\n')
    expect(await metricsAt(NOW, before).text()).toBe(fresh)
  })

  test.each([
    '',
    '\0\0\0\0',
    'certferry_requests_throttled_total -4',
    'certferry_requests_throttled_total NaN',
    '{"json":1}',
  ])('starts anew where the file holds %j', async before => {
    expect(await metricsAt(NOW, before).text()).toBe(await metricsAt().text())
  })
})

test.each(['/dev/zero', '/dev/null', '/'])('%s is no textfile, and not waited for', async path => {
  expect(await readTextfile(path)).toBe('')
})

test('nor is a pipe that nobody writes to, nor a file without end', async () => {
  const folder = await temporaryDirectory()
  execFileSync('mkfifo', [join(folder, 'pipe')])
  await writeFile(join(folder, 'pit'), '')
  await truncate(join(folder, 'pit'), 2 ** 40)
  for (const name of ['pipe', 'pit']) expect(await readTextfile(join(folder, name))).toBe('')
})

test('a name in it that was not written by us is a label like any other: on one line and without escapes', async () => {
  const before = 'certferry_certificate_synced{lineage="a\u009b2J\u001b[31m\\nb"} 1\n'
  expect(valuesOf(await metricsAt(NOW, before).text())).toMatchObject({
    'certificate_synced{a\ufffd2J\ufffd[31m b}': 1,
  })
})
