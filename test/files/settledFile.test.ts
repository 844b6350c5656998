import { appendFile, mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readTextFile } from '../../src/files/readFile.ts'
import { readSettled } from '../../src/files/settledFile.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const WHOLE = 'first\nlast\n'
const LOOKS_A_SECOND = 10

type Steps = ReadonlyArray<(file: string) => Promise<unknown>>

/** What somebody does to the file, one step before each look but the first; then nothing more. */
async function reading(before: (file: string, folder: string) => Promise<unknown>, meanwhile: Steps = []) {
  const folder = await mkdtemp(join(await temporaryDirectory(), 'etc-'))
  const file = join(folder, 'config')
  await before(file, folder)
  const steps = meanwhile.values()
  let waits = 0
  const wait = async () => {
    waits += 1
    await steps.next().value?.(file)
  }
  // no later than anything is written: only looks count here, however slow the machine
  const began = new Date()
  const waiting = { now: () => began, wait }
  const read = (path = file) => readSettled(path, waiting, () => readTextFile(path)).then(({ text }) => text)
  return { file, folder, read, waits: () => waits }
}

const put = (text: string) => (file: string) => writeFile(file, text)
const nothing = async () => {}
const half = put('first\n')

describe('a file that is being replaced is read when it is whole again', () => {
  test.each<readonly [string, Steps]>([
    ['emptied, and filled after most of a second', [...Array<typeof nothing>(8).fill(nothing), put(WHOLE)]],
    ['written in pieces, with pauses', [half, nothing, nothing, file => appendFile(file, 'last\n')]],
    ['removed and written anew', [unlink, nothing, nothing, half, put(WHOLE)]],
    ['moved aside and written anew', [file => rename(file, `${file}~`), nothing, put(WHOLE)]],
    ['another is renamed over it', [file => put(WHOLE)(`${file}.new`), file => rename(`${file}.new`, file)]],
  ])('%s', async (_, steps) => {
    const { read } = await reading(put(''), steps)
    expect(await read()).toBe(WHOLE)
  })

  test('a link to it is swapped', async () => {
    const swap: Steps = [unlink, nothing, file => symlink('new', file)]
    const { read } = await reading(async (file, folder) => {
      await put('old')(join(folder, 'old'))
      await put(WHOLE)(join(folder, 'new'))
      await symlink('old', file)
    }, swap)
    expect(await read()).toBe(WHOLE)
  })

  test('a link leads where it is still to be written, in a folder of its own', async () => {
    const elsewhere = await temporaryDirectory()
    const { read } = await reading(
      file => symlink(join(elsewhere, 'it'), file),
      [nothing, () => put(WHOLE)(join(elsewhere, 'it'))],
    )
    expect(await read()).toBe(WHOLE)
  })

  test('the whole folder is moved away, and another into its place', async () => {
    const { read, folder } = await reading(nothing, [() => mkdir(folder), file => put(WHOLE)(file)])
    await rm(folder, { recursive: true })
    expect(await read()).toBe(WHOLE)
  })
})

describe('what stays so is believed', () => {
  test('an empty file after a second of looks, whatever its times say', async () => {
    const { read, waits } = await reading(put(''))
    expect(await read()).toBe('')
    expect(waits()).toBe(LOOKS_A_SECOND)
  })

  test('a file that is not there, as soon as nothing has come or gone for a second', async () => {
    const { read, waits, file } = await reading(nothing)
    await expect(read()).rejects.toMatchObject({
      code: 'FILE_MISSING',
      message: `${file}: is not there`,
    })
    expect(waits()).toBe(LOOKS_A_SECOND)
    await expect(read('/proc/version/nothing')).rejects.toMatchObject({ code: 'FILE_MISSING' })
  })

  test('a file without end is none', async () => {
    let count = 0
    const endless = Array.from({ length: 99 }, () => (file: string) => put(`${count++}`)(file))
    const { read, file } = await reading(put(''), endless)
    await expect(read()).rejects.toMatchObject({
      code: 'FILE_UNAVAILABLE',
      message: `${file}: changes all the time`,
    })
    expect(count).toBe(50)
  })
})

test('a process that is stopped after it has read half of a file does not take it for an old one', async () => {
  const { file } = await reading(put(''))
  let stoppedFor = 0
  const now = () => new Date(Date.now() + stoppedFor)
  const read = async () => {
    const found = await readTextFile(file)
    if (stoppedFor === 0) await put(WHOLE)(file)
    stoppedFor = 3_600_000
    return found
  }
  expect((await readSettled(file, { now, wait: nothing }, read)).text).toBe(WHOLE)
})

test('an emptied file that a file server with a clock behind ours has given its times is not believed before a second', async () => {
  const { file } = await reading(put(''))
  const hours = 3_600_000
  const steps = [nothing, nothing, put(WHOLE)].values()
  const waiting = {
    now: () => new Date(Date.now() + hours),
    wait: async () => steps.next().value?.(file),
    timedElsewhere: () => true,
  }
  expect((await readSettled(file, waiting, () => readTextFile(file))).text).toBe(WHOLE)
})
