/** The build fails on what could not be loaded when the program runs. */
import { expect, test } from 'vitest'
import { unresolvedIn } from '../../packaging/unresolved.ts'

const PARTS = { 'main.js': 'require("./parts/a.js")', 'parts/a.js': 'require("node:fs"); require("crypto")' }

test('parts that ask for one another and for modules of Node are whole', () => {
  expect(unresolvedIn(new Map(Object.entries(PARTS)))).toEqual([])
})

test.each([
  ['an import() that is left', 'import("node:child_process").then(f)', 'import("node:child_process")'],
  ['an import() of another part', 'import("./b.js")', 'import("./b.js")'],
  ['import.meta', 'f(import.meta.dirname)', 'Unexpected import.meta expression'],
  ['a package that is not in the bundle', 'require("undici")', 'require("undici")'],
  ['a part that is not there', 'require("./c.js")', 'require("./c.js")'],
  ['a name that is computed', 'require(name)', 'require(name)'],
])('%s is named', (_, code, said) => {
  const parts = new Map(Object.entries({ ...PARTS, 'parts/b.js': code }))
  expect(unresolvedIn(parts)).toEqual([expect.stringContaining(`parts/b.js: ${said}`)])
})
