import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli } from '../../src/cli/run.ts'
import { recordedContext } from '../fixtures/context.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

async function openConfig(text: string) {
  const folder = await temporaryDirectory()
  const file = join(folder, 'c.toml')
  await writeFile(file, text)
  const type = async (words: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const run = recordedContext({ cwd: folder, env, terminal: true })
    const exit = await cli(['config', ...words, '-c', 'c.toml'], run.context)
    // in one line: where a complaint is wrapped does not matter here
    return { exit, ...run, said: () => (run.out() + run.err()).replace(/\s+/g, ' ') }
  }
  return { folder, file, type }
}

describe('config print', () => {
  test('config print shows absolute paths', async () => {
    const { folder, type } = await openConfig(
      '[state]\ndir = "state"\n[[source]]\nkind = "acme.sh"\npath = "~/.acme.sh"\n',
    )
    const { out } = await type(['print'])
    expect(out()).toMatch(new RegExp(`^dir = "${folder}/state" +# line 2$`, 'm'))
    expect(out()).toMatch(new RegExp(`^path = "${folder}/.acme.sh" +# line 5$`, 'm'))
    expect((await type(['print'], { CERTFERRY_STATE_DIR: 'here' })).out()).toMatch(
      new RegExp(`^dir = "${folder}/here" +# CERTFERRY_STATE_DIR$`, 'm'),
    )
  })

  test('config print shows the default sources, or those of --source', async () => {
    const { folder, type } = await openConfig('')
    await mkdir(join(folder, '.acme.sh'))
    expect((await type(['print'])).out()).toMatch(new RegExp(`^path = "${folder}/.acme.sh" +# default$`, 'm'))
    const { out } = await type(['print', '--source', 'pem=a:chain.pem'])
    expect(out()).toMatch(new RegExp(`^chain = "${folder}/chain.pem" +# --source$`, 'm'))
    expect(out()).not.toContain('acme.sh')
  })

  test('config print --json names file and line of each value', async () => {
    const { file, type } = await openConfig('[log]\nlevel = "warn"\n')
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
  test('config check names the file and finds no problems', async () => {
    const { file, type } = await openConfig('[log]\nlevel = "warn"\n')
    const run = await type(['check'])
    expect([run.exit, run.out(), run.err()]).toEqual([0, `${file}: no problems\n`, ''])
    expect((await type(['check', '--json'])).json()).toEqual({ file, exit: 0 })
  })

  test('config check and print name every mistake of file, environment and options at once, exit 78', async () => {
    const { file, type } = await openConfig('[tencent]\nregoin = "x"\n[watch]\nrescan = "daily"\n')
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
})

test.each([[[]], [['show']], [['print', 'check']]])(
  'config %j names the words that it takes',
  async words => {
    const run = await (await openConfig('')).type(words)
    expect([run.exit, run.said()]).toEqual([
      64,
      expect.stringContaining('config needs one word, print or check'),
    ])
  },
)
