import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { chmod, mkdir, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MAX_FILE_BYTES, readTextFile } from '../../src/files/readFile.ts'
import { asNobody } from '../fixtures/asNobody.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { stage } from './pairOnDisk.ts'

describe('what is read', () => {
  test('chain and key come as they stand, with their paths', async () => {
    const { read, lineage, waits } = await stage()
    expect(await read()).toEqual({
      files: {
        chain: { path: lineage.chain, text: 'the chain' },
        key: { path: lineage.key, text: 'the key', password: undefined },
        still: true,
      },
      settled: true,
      marks: {
        chain: expect.stringMatching(/^(\d+:){3}[\d.]+$/),
        key: expect.stringMatching(/^(\d+:){3}[\d.]+$/),
      },
    })
    expect(waits).toEqual([])
  })

  test('links are followed, one after the other, as certbot makes them', async () => {
    const { folder, read } = await stage()
    await symlink('key.pem', join(folder, 'privkey2.pem'))
    await symlink('privkey2.pem', join(folder, 'privkey.pem'))
    const { files } = await read({ key: join(folder, 'privkey.pem') })
    expect(files.key?.text).toBe('the key')
  })

  test('a CA certificate needs no key', async () => {
    const { read } = await stage()
    expect((await read({ key: undefined })).files.key).toBeUndefined()
  })

  test('an empty file is read as empty: what it means is for the proof to say', async () => {
    const { read, put } = await stage()
    await put('chain.pem', '')
    expect((await read()).files.chain.text).toBe('')
  })

  test('the password is the first line of its file without the line end, and shows nowhere', async () => {
    const { folder, put } = await stage()
    await put('password', 'correct horse \r\n')
    const { read } = await stage({ passwordFile: join(folder, 'password') })
    const { files } = await read()
    expect(files.key?.password?.reveal()).toBe('correct horse ')
    expect(JSON.stringify(files)).not.toContain('correct horse')
  })

  test('a password file that is not there is named', async () => {
    const { read } = await stage({ passwordFile: '/nowhere/password' })
    await expect(read()).rejects.toMatchObject({
      code: 'FILE_MISSING',
      message: '/nowhere/password: is not there',
    })
  })
})

describe('what is not there', () => {
  test.each([
    ['certbot', 'PAIR_INCOMPLETE', 75],
    ['acme.sh', 'PAIR_INCOMPLETE', 75],
    ['pem', 'FILE_MISSING', 66],
  ] as const)('for %s a missing file means %s', async (kind, code, exit) => {
    const { read, lineage, folder } = await stage({ kind })
    await rm(lineage.chain)
    const missing = { code, exit, retry: 'recheck', message: `${lineage.chain}: is not there` }
    await expect(read()).rejects.toMatchObject(missing)
    await expect(read({ chain: join(folder, 'key.pem', 'below') })).rejects.toMatchObject({ code })
  })

  test('a link that leads nowhere is a file that is still to come', async () => {
    const { read, folder } = await stage()
    await symlink('archive/fullchain1.pem', join(folder, 'dangling'))
    await expect(read({ chain: join(folder, 'dangling') })).rejects.toMatchObject({ code: 'PAIR_INCOMPLETE' })
  })
})

describe('what cannot be a certificate', () => {
  test('a FIFO without a writer is refused at once instead of waited for', async () => {
    const { folder } = await stage()
    execFileSync('mkfifo', [join(folder, 'fifo')])
    const fault = { code: 'FILE_INVALID', message: `${join(folder, 'fifo')}: is not a regular file` }
    await expect(readTextFile(join(folder, 'fifo'))).rejects.toMatchObject(fault)
  })

  test('a directory, a device and links in a circle are refused', async () => {
    const { folder } = await stage()
    await mkdir(join(folder, 'directory'))
    await symlink('circle', join(folder, 'circle'))
    const fault = { code: 'FILE_INVALID', exit: 66, retry: 'never' }
    for (const path of [join(folder, 'directory'), '/dev/null', join(folder, 'circle')])
      await expect(readTextFile(path)).rejects.toMatchObject(fault)
  })

  test('a file larger than any certificate is refused by its size, unread', async () => {
    const { folder } = await stage()
    await truncate(join(folder, 'key.pem'), MAX_FILE_BYTES)
    expect((await readTextFile(join(folder, 'key.pem'))).text).toHaveLength(MAX_FILE_BYTES)
    await truncate(join(folder, 'key.pem'), 2 ** 40)
    const message = `${join(folder, 'key.pem')}: has more than the 1 MiB that are read`
    await expect(readTextFile(join(folder, 'key.pem'))).rejects.toMatchObject({
      code: 'FILE_INVALID',
      message,
    })
  })

  test('a file of unknown size is read to its end', async () => {
    expect((await readTextFile('/proc/self/status')).text).toMatch(/^Name:\t.+\n[\s\S]+\n$/)
  })

  test('one that has more than its size said, or no end, is given up at the same size as any', async () => {
    const message = '/proc/self/pagemap: has more than the 1 MiB that are read'
    await expect(readTextFile('/proc/self/pagemap')).rejects.toMatchObject({ code: 'FILE_INVALID', message })
  })

  test('a file this user may not read is named with the reason', async () => {
    const { folder, lineage, read } = await stage()
    await chmod(folder, 0o755)
    await chmod(join(folder, 'key.pem'), 0o000)
    const message = `${lineage.key}: cannot be read (EACCES)`
    const unreadable = { code: 'FILE_UNREADABLE', exit: 66, message }
    await asNobody(() => expect(read()).rejects.toMatchObject(unreadable))
  })

  test('what the disk does not give now may be there the next time: exit 75', async () => {
    // of the memory at address 0 the kernel says EIO
    const message = '/proc/self/mem: cannot be read (EIO)'
    await expect(readTextFile('/proc/self/mem')).rejects.toMatchObject({
      code: 'FILE_UNAVAILABLE',
      retry: 'backoff',
      exit: 75,
      message,
    })
  })
})

describe('while files are written', () => {
  test('a file of the last second is read twice, a tenth of a second apart', async () => {
    const { read, waits } = await stage({ age: 900 })
    expect(await read()).toMatchObject({ settled: false })
    expect(waits).toEqual([100])
  })

  test.each(['chain.pem', 'key.pem'])(
    '%s that changes between two reads is a fault that is checked again',
    async name => {
      const { read, lineage } = await stage({
        age: 0,
        meanwhile: folder => writeFile(join(folder, name), 'half'),
      })
      const message = `${lineage.chain}: changed while it was read`
      await expect(read()).rejects.toMatchObject({
        code: 'PAIR_CHANGING',
        retry: 'recheck',
        exit: 75,
        message,
      })
    },
  )

  test('a file that disappears between two reads is awaited', async () => {
    const { read } = await stage({ age: 0, meanwhile: folder => rm(join(folder, 'key.pem')) })
    await expect(read()).rejects.toMatchObject({ code: 'PAIR_INCOMPLETE' })
  })

  test.each([
    [1_500, false],
    [4_000, false],
    [6_000, true],
  ])('%i ms after the last write the pair counts as settled: %s', async (age, settled) => {
    const { read, waits } = await stage({ age })
    expect(await read()).toMatchObject({ settled })
    expect(waits).toEqual([])
  })

  test.each([
    [59_000, false],
    [61_000, true],
  ])('%i ms after the last write no renewal is under way: %s', async (age, still) => {
    const { read } = await stage({ age })
    expect((await read()).files.still).toBe(still)
  })

  test('text that is no UTF-8 is read as Latin-1', async () => {
    const { read, lineage } = await stage({ age: 6_000 })
    await writeFile(lineage.chain, Buffer.from('3082ff00', 'hex'))
    expect((await read()).files.chain.text).toBe('0\u0082\u00ff\0')
  })

  test('a copy that keeps the old date (cp -p) is as fresh as any other', async () => {
    const { read, lineage, waits } = await stage({ age: 0 })
    await utimes(lineage.chain, 0, 0)
    await utimes(lineage.key ?? '', 0, 0)
    expect(await read()).toMatchObject({ settled: false })
    expect(waits).toEqual([100])
  })

  test('dates in the future, from a server with another clock, never make a pair settled', async () => {
    const { read, waits } = await stage({ age: -3_600_000 })
    expect(await read()).toMatchObject({ settled: false })
    expect(waits).toEqual([100])
  })
})

test('files with times of a file server are read twice and never settled, however old they seem', async () => {
  const { read, waits } = await stage({ age: 3_600_000, elsewhere: true })
  expect((await read()).settled).toBe(false)
  expect(waits).toHaveLength(1)
  const torn = await stage({
    age: 3_600_000,
    elsewhere: true,
    meanwhile: folder => writeFile(join(folder, 'chain.pem'), 'half'),
  })
  await expect(torn.read()).rejects.toMatchObject({ code: 'PAIR_CHANGING' })
})

test('a file emptied between being opened and being read has the times of what was read', async () => {
  const file = join(await temporaryDirectory(), 'file')
  await writeFile(file, 'all of it')
  const times = () => fs.statSync(file).ctimeMs
  const [before, { readSync }] = [times(), { ...fs }]
  const restore = () => {
    Object.assign(fs, { readSync })
    syncBuiltinESMExports()
  }
  onTestFinished(restore)
  const meanwhile = (...words: Parameters<typeof readSync>) => {
    restore()
    // the clock of files has ticks
    do fs.writeFileSync(file, '')
    while (times() === before)
    return readSync(...words)
  }
  Object.assign(fs, { readSync: meanwhile })
  syncBuiltinESMExports()
  expect(await readTextFile(file)).toMatchObject({ text: '', writtenAt: times() })
  expect(times()).toBeGreaterThan(before)
})
