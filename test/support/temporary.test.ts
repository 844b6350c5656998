/** Temporary directories come when asked for and go by themselves. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { temporaryDirectory } from './temporary.ts'

let ofTheFile: string
let ofTheFirstTest: string

beforeAll(async () => {
  ofTheFile = await temporaryDirectory()
})

test('a directory asked for in a test is there for that test', async () => {
  ofTheFirstTest = await temporaryDirectory()
  await writeFile(join(ofTheFirstTest, 'file'), 'text')
  expect(existsSync(ofTheFirstTest)).toBe(true)
  expect(await temporaryDirectory()).not.toBe(ofTheFirstTest)
})

test('it is gone when that test is over, whatever was in it', () => {
  expect(existsSync(ofTheFirstTest)).toBe(false)
})

test('a directory asked for outside of tests stays for all of them', () => {
  expect(existsSync(ofTheFile)).toBe(true)
})
