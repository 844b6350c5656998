import { appendFile, mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readStableFile, readTextFile } from '../../src/files/readFile.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const WHOLE = 'first\nlast\n'
const READS_A_SECOND = 10

type Change = (file: string) => Promise<unknown>

const put = (text: string) => (file: string) => writeFile(file, text)
const nothing = async () => {}
const half = put('first\n')

/** A file that is as `before` makes it, and changed by one of `changes` before each further read. */
async function fileWith(
  before: (file: string, folder: string) => Promise<unknown>,
  changes: readonly Change[] = [],
) {
  const folder = await mkdtemp(join(await temporaryDirectory(), 'etc-'))
  const file = join(folder, 'config')
  await before(file, folder)
  const steps = changes.values()
  let waits = 0
  const wait = async () => {
    waits += 1
    await steps.next().value?.(file)
  }
  // no later than anything is written: only the number of reads counts, however slow the machine
  const began = new Date()
  const read = async (path = file, now = () => began, timedElsewhere = () => false) => {
    const { text } = await readStableFile(path, { now, wait, timedElsewhere }, () => readTextFile(path))
    return text
  }
  return { file, folder, read, waits: () => waits }
}

describe('a file that is being replaced is read when it is whole again:', () => {
  test.each<readonly [string, readonly Change[]]>([
    ['emptied, and filled after most of a second', [...Array<Change>(8).fill(nothing), put(WHOLE)]],
    ['written in pieces, with pauses', [half, nothing, nothing, file => appendFile(file, 'last\n')]],
    ['removed and written anew', [unlink, nothing, nothing, half, put(WHOLE)]],
    ['moved aside and written anew', [file => rename(file, `${file}~`), nothing, put(WHOLE)]],
    ['another is renamed over it', [file => put(WHOLE)(`${file}.new`), file => rename(`${file}.new`, file)]],
  ])('%s', async (_, changes) => {
    const { read } = await fileWith(put(''), changes)
    expect(await read()).toBe(WHOLE)
  })

  test('a link to it is replaced', async () => {
    const { read } = await fileWith(
      async (file, folder) => {
        await put('old')(join(folder, 'old'))
        await put(WHOLE)(join(folder, 'new'))
        await symlink('old', file)
      },
      [unlink, nothing, file => symlink('new', file)],
    )
    expect(await read()).toBe(WHOLE)
  })

  test('a link leads to a file in another folder that is still to be written', async () => {
    const target = join(await temporaryDirectory(), 'it')
    const { read } = await fileWith(file => symlink(target, file), [nothing, () => put(WHOLE)(target)])
    expect(await read()).toBe(WHOLE)
  })

  test('the whole folder is moved away, and another into its place', async () => {
    const { read, folder } = await fileWith(nothing, [() => mkdir(folder), put(WHOLE)])
    await rm(folder, { recursive: true })
    expect(await read()).toBe(WHOLE)
  })
})

test('an empty file is believed after a second of reads, whatever its times say', async () => {
  const { read, waits } = await fileWith(put(''))
  expect(await read()).toBe('')
  expect(waits()).toBe(READS_A_SECOND)
})

test('a missing file is believed once nothing has changed in its folder for a second', async () => {
  const { read, waits, file } = await fileWith(nothing)
  await expect(read()).rejects.toMatchObject({ code: 'FILE_MISSING', message: `${file}: is not there` })
  const later = () => new Date(Date.now() + 5_000)
  await expect(read(file, later)).rejects.toMatchObject({ code: 'FILE_MISSING' })
  expect(waits()).toBe(READS_A_SECOND)
  await expect(read('/proc/version/nothing')).rejects.toMatchObject({ code: 'FILE_MISSING' })
})

test('a file that changes all the time is refused', async () => {
  let count = 0
  const { read, file } = await fileWith(
    put(''),
    Array(99).fill((path: string) => put(`${count++}`)(path)),
  )
  await expect(read()).rejects.toMatchObject({
    code: 'FILE_UNAVAILABLE',
    message: `${file}: changes all the time`,
  })
  expect(count).toBe(50)
})

test('a process that is stopped after it has read half of a file does not take it for an old one', async () => {
  const { file } = await fileWith(put(''))
  let stoppedFor = 0
  const now = () => new Date(Date.now() + stoppedFor)
  const read = async () => {
    const found = await readTextFile(file)
    if (stoppedFor === 0) await put(WHOLE)(file)
    stoppedFor = 3_600_000
    return found
  }
  expect((await readStableFile(file, { now, wait: nothing }, read)).text).toBe(WHOLE)
})

test('an emptied file with times of a file server whose clock is behind is not believed before a second', async () => {
  const { read, file } = await fileWith(put(''), [nothing, nothing, put(WHOLE)])
  const later = () => new Date(Date.now() + 3_600_000)
  expect(await read(file, later, () => true)).toBe(WHOLE)
})
