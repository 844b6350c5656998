/** What `npm run package` says at its end. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { summary } from '../../packaging/summary.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

test('names each file with its path, its size and what it is for, and the next command', async () => {
  const folder = await temporaryDirectory()
  const names = ['certferry', 'certferry-1.2.3.cdx.json', 'certferry_1.2.3_amd64.deb', 'SHA256SUMS']
  for (const name of names) await writeFile(join(folder, name), 'x'.repeat(123_456))
  const text = await summary(folder, join(folder, '..'), 'certferry_1.2.3_amd64.deb')
  const below = folder.replace(/^.*\//, '')
  expect(text).toMatch(new RegExp(`^  ${below}/certferry +0\\.1 MB  the program, one file$`, 'm'))
  for (const name of names) expect(text).toMatch(new RegExp(`^  ${below}/${name} +0\\.1 MB  \\w`, 'm'))
  expect(text).toContain(`\n  apt install ./${below}/certferry_1.2.3_amd64.deb\n  certferry setup\n`)
})
