/** The Debian package's scripts and units, before anything is built. */
import { spawnSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { debianChangelog, unitFor } from '../../packaging/contents.ts'

const SCRIPTS = ['postinst', 'prerm', 'postrm']
const hasShellcheck = spawnSync('shellcheck', ['--version']).status === 0

test.each(SCRIPTS)('%s is plain sh that stops at the first error', async name => {
  const text = await readFile(`packaging/debian/${name}`, 'utf8')
  expect(text).toMatch(/^#!\/bin\/sh\nset -e\n/)
  expect(spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  if (hasShellcheck)
    expect(spawnSync('shellcheck', ['-s', 'sh', '-'], { input: text, encoding: 'utf8' }).stdout).toBe('')
})

test('a unit of the package starts the program where the package puts it, and names what it installs', async () => {
  const units = (await readdir('systemd')).filter(name => /\.(service|timer)$/.test(name))
  expect(units.length).toBeGreaterThan(3)
  for (const name of units) {
    const unit = unitFor(await readFile(`systemd/${name}`, 'utf8'))
    expect(unit, name).not.toMatch(/\/usr\/local|\/opt\//)
    if (name.endsWith('.service')) expect(unit, name).toContain('ExecStart=/usr/bin/certferry ')
  }
})

test("the change log in Debian's form names the version and each entry", async () => {
  const text = await debianChangelog('1.2.3')
  expect(text).toMatch(/^certferry \(1\.2\.3\) unstable; urgency=medium\n\n {2}\* Upload: `certferry sync`/)
  for (const line of text.match(/^ {2}.*/gm) ?? []) expect(line.length, line).toBeLessThanOrEqual(80)
  expect(text).toMatch(/\n\n -- [^<]+ <[^>]+> {2}\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\n$/)
})
