import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { COMMANDS, GROUPS } from '../../src/cli/commands.ts'
import { cli } from '../../src/cli/run.ts'
import { GLOBAL } from '../../src/config/commandLine.ts'
import { issue } from '../fixtures/certificates.ts'
import { recordedContext } from '../fixtures/context.ts'
import { all, certbotRenew, upTo } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { openStage } from './commandFixture.ts'

const widest = (text: string) => Math.max(...text.split('\n').map(line => [...line].length))

async function typed(...words: readonly string[]) {
  const recorded = recordedContext({ cwd: await temporaryDirectory(), terminal: true })
  const exit = await cli(words, recorded.context)
  return { exit, out: recorded.out(), err: recorded.err() }
}

describe('help and version', () => {
  test.each(COMMANDS.map(({ name }) => name))('%s --help fits 80 columns', async name => {
    const { exit, out } = await typed(name, '--help')
    expect(exit).toBe(0)
    expect(out).toMatch(new RegExp(`^Usage: certferry ${name}`))
    expect(widest(out)).toBeLessThanOrEqual(80)
    expect(out.split('\n').length).toBeLessThanOrEqual(24)
  })

  test('certferry alone shows the commands in their groups, exit 64; --help shows them, exit 0', async () => {
    for (const [words, exit] of [
      [[], 64],
      [['--help'], 0],
      [['-h'], 0],
      [['help'], 0],
      [['help', 'help'], 0],
      [['--help', '-h'], 0],
    ] as const) {
      const run = await typed(...words)
      expect(run.exit).toBe(exit)
      const lines = run.out.split('\n')
      for (const { name, summary } of COMMANDS) expect(lines).toContain(`  ${name.padEnd(14)}${summary}`)
      for (const group of GROUPS) expect(lines).toContain(group)
      expect(run.out).toContain('Begin with `certferry setup`')
      expect(widest(run.out)).toBeLessThanOrEqual(80)
      expect(lines.length).toBeLessThanOrEqual(25)
    }
  })

  test('options that commands share are explained once, and named where they are taken', async () => {
    const { exit, out } = await typed('help', 'options')
    expect(exit).toBe(0)
    expect(widest(out)).toBeLessThanOrEqual(80)
    for (const option of Object.keys(GLOBAL)) expect(out).toMatch(new RegExp(`^ .*--${option}\\b`, 'm'))
    const inspect = (await typed('help', 'inspect')).out
    expect(inspect).toContain('\n  -c/--config --json\n')
    expect(inspect).not.toMatch(/--rate|configuration file/)
  })

  test.each(['--version', '-V', '-v', 'version'])('%s is one line', async word => {
    expect((await typed(word)).out).toMatch(/^certferry \d+\.\d+\.\d+\n$/)
  })
})

describe('a wrong word is named, with advice', () => {
  test.each([
    [['snyc'], 'there is no command "snyc"; did you mean sync?'],
    [['help', 'staus'], 'there is no command "staus"; did you mean status?'],
    [['frobnicate'], 'there is no command "frobnicate" → See `certferry --help`'],
    [['list'], '→ `certferry status` lists the certificates'],
    [['retry'], '→ `certferry sync` tries again'],
    [['logs'], '→ `journalctl -u certferry`'],
    [['uninstall'], '`apt remove certferry`'],
    [['sync', '--dryrun'], 'there is no option --dryrun here; did you mean --dry-run?'],
    [['inspect', '--rate', '1', 'x'], 'inspect: there is no option --rate here →'],
    [['config', 'chek'], 'did you mean check?'],
    [['install-hook', 'acmesh'], '"acmesh" is unknown: did you mean acme.sh?'],
    [['install-hook', 'nginx'], 'expected one of certbot, acme.sh,'],
    [['sync', '--source', 'cretbot=/x'], '--source: "cretbot" is unknown: did you mean certbot?'],
    [['sync', '--log-level', 'wran'], '--log-level: "wran" is unknown: did you mean warn?'],
    [['emulator', '--misbehave', '7'], 'emulator: --misbehave is now called --inject-faults'],
    [['setup', '--no-test'], 'setup: --no-test is now called --skip-check'],
    [['sync', '--sorce', 'x'], 'did you mean --source?'],
    [['sync', '--source', 'nginx=/x'], '--source: expected one of certbot, acme.sh,'],
    [['sync', '--source', '/x'], 'expected KIND=PATH or pem=NAME:CHAIN[:KEY], not "/x"'],
    [['sync', '--source', 'pem=a:b:c:d'], 'expected pem=NAME:CHAIN[:KEY]'],
    [['sync', '--rate', 'fast'], '--rate: expected a number from 0.1 to 1000, not "fast"'],
    [['sync', '--log-level', 'loud'], '--log-level: expected one of'],
    [['sync', 'example.com'], 'sync takes no operand "example.com"'],
    [['hook', '--deadline', '0'], '--deadline: expected a number from 1'],
    [['emulator', '--port', '99999'], '--port: expected a whole number from 0 to 65535'],
    [['inspect'], 'inspect needs at least one file'],
  ])('%j', async (words, message) => {
    const { exit, out, err } = await typed(...words)
    expect(exit).toBe(64)
    expect((out + err).replace(/\s+/g, ' ')).toContain(message)
    expect(out + err).toContain('→')
  })
})

test.each([
  [['status', 'exmaple.com'], 'there is no "exmaple.com"; did you mean example.com?'],
  [
    ['sync', '--only', 'certbot:example.con'],
    'no source has a lineage "certbot:example.con"; did you mean certbot:example.com?',
  ],
  [['replace', 'example.comm'], 'did you mean example.com?'],
  [['forget', 'eximple.com'], 'nothing is recorded of "eximple.com"; did you mean example.com?'],
  [['status', 'entirely.different'], 'there is no "entirely.different" →'],
])('a name that is no certificate, with the one that was meant: %j', async (words, message) => {
  const { type, certbot } = await openStage()
  await certbot('example.com')
  await type(['sync'])
  const { exit, out, err } = await type(words)
  expect([exit, (out() + err()).replace(/\s+/g, ' ')]).toEqual([66, expect.stringContaining(message)])
})

describe('status on a terminal', () => {
  test('ok, new, pending and gone, each with its days and its ID, in 80 columns', async () => {
    const { type, certbot, folder, emulator } = await openStage()
    const root = join(folder, 'letsencrypt')
    await certbot('fine.example')
    await certbot('half.example')
    await type(['sync'])
    await all(
      upTo(certbotRenew(root, 'half.example', await issue({ names: ['half.example'] })), 'link privkey'),
    )
    await certbot('fresh.example')

    const run = await type(['status'])
    expect(run.exit).toBe(0)
    const line = (name: string) =>
      run
        .out()
        .split('\n')
        .find(text => text.startsWith(`certbot:${name} `)) ?? ''
    expect(line('fine.example')).toMatch(
      new RegExp(
        `ok +43 +${emulator.certificates().find(({ names }) => names.includes('fine.example'))?.id}`,
      ),
    )
    expect(line('half.example')).toMatch(/pending/)
    expect(line('fresh.example')).toMatch(/new +43 +- +-/)
    expect(run.out().replace(/\s+/g, ' ')).toContain('the key does not belong to half.example')
    expect(widest(run.out())).toBeLessThanOrEqual(80)

    const elsewhere = await type(['status', '--json', '--source', `acme.sh=${folder}`])
    const { lineages } = elsewhere.json<{ lineages: ReadonlyArray<{ lineage: string; state: string }> }>()
    expect(lineages.find(({ lineage }) => lineage === 'certbot:fine.example')).toBeDefined()
  })

  test('status sends nothing', async () => {
    const { type, certbot, emulator } = await openStage()
    await certbot('example.com')
    await type(['status'])
    expect(emulator.entries).toEqual([])
  })
})

describe('inspect', () => {
  test('chain and key: subject, names, validity, and that they fit; never the key', async () => {
    const { type, folder } = await openStage()
    const { chain, key } = await issue({ names: ['example.com', 'www.example.com'] })
    await writeFile(join(folder, 'chain.pem'), chain)
    await writeFile(join(folder, 'key.pem'), key)
    const run = recordedContext({ cwd: folder })
    expect(await cli(['inspect', 'chain.pem', 'key.pem'], run.context)).toBe(0)
    expect(run.out()).toContain('names    example.com, www.example.com')
    expect(run.out()).toContain('The key fits; 2 certificates would be sent')
    expect(run.out()).not.toContain(key.split('\n')[1])
    expect((await type(['status'])).exit).toBe(0)
  })

  test.each([
    ['a key of another certificate', 'chain.pem', 'other.pem', 75, 'does not belong to'],
    ['a file that is not there', 'chain.pem', 'missing.pem', 66, 'is not there'],
    ['text that is no PEM', 'text.txt', 'text.txt', 65, 'holds neither a certificate'],
  ])('%s', async (_title, one, other, exit, message) => {
    const folder = await temporaryDirectory()
    await writeFile(join(folder, 'chain.pem'), (await issue()).chain)
    await writeFile(join(folder, 'other.pem'), (await issue()).key)
    await writeFile(join(folder, 'text.txt'), 'nothing of the kind\n')
    const run = recordedContext({ cwd: folder })
    expect(await cli(['inspect', one, other], run.context)).toBe(exit)
    expect(run.out() + run.err()).toContain(message)
  })
})

describe('check', () => {
  test('check without problems makes one read-only request, prints no secret and exits 0', async () => {
    const { type, certbot, emulator } = await openStage()
    await certbot('example.com')
    const run = await type(['check'])
    expect(run.exit).toBe(0)
    expect(run.out()).toContain("accepted, from this shell's environment")
    expect(run.out()).not.toContain('not-a-secret')
    expect(emulator.entries.map(({ action }) => action)).toEqual(['DescribeCertificates'])
  })
})
