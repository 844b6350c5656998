import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { asNobody } from '../fixtures/asNobody.ts'
import { recordedContext } from '../fixtures/context.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

/** `meanwhile` is what somebody does to the file between two looks. */
async function stage(text: string, meanwhile = async (_file: string) => {}) {
  const folder = await temporaryDirectory()
  const file = join(folder, 'certferry.toml')
  await writeFile(file, text)
  const { context } = recordedContext({ cwd: folder, wait: () => meanwhile(file) })
  return {
    folder,
    file,
    load: (named = 'certferry.toml') => loadConfig(named, { ...context, home: '/home/me' }),
  }
}

describe('the configuration file', () => {
  test('has its mistakes named in the order of their lines, whatever finds them', async () => {
    const { load } = await stage('[log]\nlevel = "loud"\n[tencent]\nregoin = "x"\n[http]\nlisten = 1\n')
    await expect(load()).rejects.toThrow(/line 2[\s\S]*\n.*line 4[\s\S]*\n.*line 6/)
  })

  test('is found from where the command was typed, and its paths count from where it lies', async () => {
    const { folder, file, load } = await stage(
      '[state]\ndir = "state"\n[[source]]\nkind = "acme.sh"\npath = "~/.acme.sh"\n',
    )
    expect(await load()).toEqual({
      file,
      config: {
        state: { dir: join(folder, 'state') },
        source: [{ kind: 'acme.sh', path: '/home/me/.acme.sh' }],
      },
    })
  })

  test('that is named must be there', async () => {
    const { folder, load } = await stage('')
    await expect(load('other.toml')).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      exit: 78,
      message: `${join(folder, 'other.toml')}: is not there`,
    })
  })

  test('that may not be read is said to be that', async () => {
    const { folder, file, load } = await stage('')
    await chmod(folder, 0o755)
    await chmod(file, 0o000)
    const message = `${file}: cannot be read (EACCES)`
    await asNobody(() =>
      expect(load()).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE', exit: 78, message }),
    )
  })

  test('that is no TOML is shown with line and column, and no line of it is quoted', async () => {
    const { file, load } = await stage('[tencent]\nregion = "ap-hush\n')
    const error: Error = await load().catch(reason => reason)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', exit: 78 })
    expect(error.message).toMatch(/^\/.*certferry\.toml: line 2, column \d+: [^\n]+$/)
    expect(error.message.startsWith(`${file}: `)).toBe(true)
    expect(error.message).not.toContain('hush')
  })

  test('has all its mistakes said at once, each by file, line and key, fit for a terminal', async () => {
    const { file, load } = await stage('sweeep = 1\n"\\u001b[31m" = 2\n[tencent]\nrate_per_second = "fast"\n')
    const error: Error = await load().catch(reason => reason)
    const lines = error.message.split('\n')
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', exit: 78 })
    expect(lines).toHaveLength(3)
    for (const line of lines) expect(line.startsWith(`${file}: `)).toBe(true)
    expect(error.message).toMatch(/: line 1, column 1: sweeep: unknown key/)
    expect(error.message).toMatch(/: line 4, column 1: tencent\.rate_per_second: expected a number/)
    expect(error.message).not.toContain('\u001b')
  })
})

describe('a configuration that is being written', () => {
  test('is not taken for a shorter one: it is read until it stays', async () => {
    const whole = '[log]\nlevel = "warn"\n[http]\nlisten = "127.0.0.1:9000"\n'
    const parts = [whole.slice(0, 21), whole].values()
    const { load } = await stage('', async file => {
      const { value } = parts.next()
      if (value !== undefined) await writeFile(file, value)
    })
    expect((await load()).config).toEqual({ log: { level: 'warn' }, http: { listen: '127.0.0.1:9000' } })
  })

  test('without end is not called wrong: exit 75', async () => {
    let count = 0
    const { file, load } = await stage('', file => writeFile(file, `# ${count++}\n`))
    const message = `${file}: changes all the time`
    await expect(load()).rejects.toMatchObject({ code: 'FILE_UNAVAILABLE', exit: 75, message })
    expect(count).toBe(50)
  })

  test('no longer is read once', async () => {
    const { file } = await stage('[log]\nlevel = "warn"\n')
    const { context } = recordedContext({
      cwd: '/',
      now: () => Date.now() + 2_000,
      wait: async () => expect.unreachable(),
    })
    expect((await loadConfig(file, context)).config).toEqual({ log: { level: 'warn' } })
  })
})
