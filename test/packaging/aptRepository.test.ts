/** The tool that makes the apt repository, where it cannot: test/e2e/newcomersDay.test.ts uses one that it has made. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { expect, test } from 'vitest'
import { run } from '../e2e/child.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

test.each([
  ['a key that gpg does not have', 'certferry_1.0.0_amd64.deb', /gpg/],
  ['a package with another name', 'certferry_1.0.0_amd64 (1).deb', /expected a name such as/],
])('%s leaves the repository that is there as it is', async (_, name, says) => {
  const folder = await temporaryDirectory()
  const signed = join(folder, 'apt/dists/stable/InRelease')
  await mkdir(join(signed, '..'), { recursive: true })
  await writeFile(signed, 'signed')
  await writeFile(join(folder, name), 'a package')
  const tool = join(import.meta.dirname, '../../packaging/aptRepository.ts')
  const words = ['--key', 'none@example.com', '--url', 'https://apt.example', '--folder', join(folder, 'apt')]
  const { code, stdout } = await run(execPath, [tool, ...words, join(folder, name)], {
    PATH: '/usr/bin:/bin',
    GNUPGHOME: folder,
  })
  expect(code).toBe(1)
  expect(stdout).toMatch(says)
  expect(await readFile(signed, 'utf8')).toBe('signed')
})
