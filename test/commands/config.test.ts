import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli } from '../../src/cli/run.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { recordedWorld } from '../fixtures/world.ts'

async function house(text: string) {
  const folder = await temporaryDirectory()
  const file = join(folder, 'c.toml')
  await writeFile(file, text)
  const type = async (words: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const run = recordedWorld({ cwd: folder, env, terminal: true })
    const exit = await cli(['config', ...words, '-c', 'c.toml'], run.world)
    // in one line: where a complaint is wrapped does not matter here
    return { exit, ...run, said: () => (run.out() + run.err()).replace(/\s+/g, ' ') }
  }
  return { folder, file, type }
}

describe('config print', () => {
  test('shows the paths that will be used, whatever they were written relative to', async () => {
    const { folder, type } = await house(
      '[state]\ndir = "state"\n[[source]]\nkind = "acme.sh"\npath = "~/.acme.sh"\n',
    )
    const { out } = await type(['print'])
    expect(out()).toMatch(new RegExp(`^dir = "${folder}/state" +# line 2$`, 'm'))
    expect(out()).toMatch(new RegExp(`^path = "${folder}/.acme.sh" +# line 5$`, 'm'))
    expect((await type(['print'], { CERTFERRY_STATE_DIR: 'here' })).out()).toMatch(
      new RegExp(`^dir = "${folder}/here" +# CERTFERRY_STATE_DIR$`, 'm'),
    )
  })

  test('shows the sources that are taken where none is named, and those of --source in their place', async () => {
    const { folder, type } = await house('')
    await mkdir(join(folder, '.acme.sh'))
    expect((await type(['print'])).out()).toMatch(new RegExp(`^path = "${folder}/.acme.sh" +# default$`, 'm'))
    const { out } = await type(['print', '--source', 'pem=a:chain.pem'])
    expect(out()).toMatch(new RegExp(`^chain = "${folder}/chain.pem" +# --source$`, 'm'))
    expect(out()).not.toContain('acme.sh')
  })

  test('--json is one object, with file and line for what the file says', async () => {
    const { file, type } = await house('[log]\nlevel = "warn"\n')
    const { settings, exit } = (await type(['print', '--json'])).json<{
      settings: ReadonlyArray<{ key: string }>
      exit: number
    }>()
    expect(exit).toBe(0)
    expect(settings.find(({ key }) => key === 'log.level')).toEqual({
      key: 'log.level',
      value: 'warn',
      origin: { from: 'file', file, line: 2 },
    })
  })
})

describe('config check', () => {
  test('says that nothing is wrong, and with which file', async () => {
    const { file, type } = await house('[log]\nlevel = "warn"\n')
    const run = await type(['check'])
    expect([run.exit, run.out(), run.err()]).toEqual([0, `${file}: no problems\n`, ''])
    expect((await type(['check', '--json'])).json()).toEqual({ file, exit: 0 })
  })

  test('names every mistake at once, of file, environment and options, with line and what is allowed; exit 78', async () => {
    const { file, type } = await house('[tencent]\nregoin = "x"\n[watch]\nrescan = "daily"\n')
    for (const word of ['check', 'print']) {
      const run = await type([word, '--endpoint', 'evil'], { CERTFERRY_LOG_LEVEL: 'loud' })
      expect(run.exit).toBe(78)
      for (const complaint of [
        `${file}: line 2, column 1: tencent.regoin: unknown key: did you mean region?`,
        `${file}: line 4, column 1: watch.rescan: expected a cron expression such as "17 */6 * * *"`,
        '--endpoint: expected a URL such as "https://ssl.tencentcloudapi.com"',
        'CERTFERRY_LOG_LEVEL: expected one of trace, debug, info, warn, error, silent',
      ])
        expect(run.said()).toContain(complaint)
    }
  })

  test('no TOML is shown by line and column', async () => {
    const { file, type } = await house('[tencent\n')
    const run = await type(['check'])
    expect([run.exit, run.said()]).toEqual([78, expect.stringContaining(`${file}: line 2, column `)])
  })
})

test.each([[[]], [['show']], [['print', 'check']]])('config %j says which words there are', async words => {
  const run = await (await house('')).type(words)
  expect([run.exit, run.said()]).toEqual([
    64,
    expect.stringContaining('config needs one word, print or check'),
  ])
})
