/** The shells read the completion files, and complete what there is. */
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { completions } from '../../packaging/completion.ts'
import { FOLDER_KINDS } from '../../src/acme/clients.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { KINDS, LEVELS } from '../../src/config/values.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const files = completions(COMMANDS)
const text = (shell: string) => [...files].find(([path]) => path.startsWith(shell))?.[1] ?? ''
const has = (shell: string) => spawnSync(shell, ['--version']).status === 0
const names = COMMANDS.map(({ name }) => name)

describe('in bash', () => {
  let file = ''
  beforeAll(async () => {
    file = join(await temporaryDirectory(), 'certferry')
    await writeFile(file, text('bash'))
  })
  /** What Tab offers after these words. */
  const offered = (...words: readonly string[]) => {
    const script = `source "$0"; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _certferry; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr } = spawnSync('bash', ['-c', script, file, 'certferry', ...words], {
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    return stdout.trim().split('\n')
  }

  test('the first word is a command', () => {
    expect(offered('')).toEqual([...names, '--help', '--version'])
    expect(offered('ins').toSorted()).toEqual(names.filter(name => name.startsWith('ins')).toSorted())
  })

  test('then come its own options', () => {
    expect(offered('sync', '--dr')).toEqual(['--dry-run'])
    expect(offered('install-hook', 'cert')).toEqual(['certbot'])
  })

  test.each([
    ['--log-level', [...LEVELS]],
    ['--client', [...FOLDER_KINDS]],
    ['--source', KINDS.map(kind => `${kind}=`)],
    ['--only', ['']],
    ['--rate', ['']],
  ])('after %s its values are offered, or nothing, but no options', (option, values) => {
    expect(offered('sync', option, '')).toEqual(values)
  })

  test.each([
    ['after --config', ['sync', '--config']],
    ['where a file is named without an option', ['inspect']],
  ])('a file is offered %s', (_, words) => {
    expect(offered(...words, file)).toEqual([file])
  })
})

test.skipIf(!has('zsh'))('zsh reads its file', () => {
  expect(spawnSync('zsh', ['-n'], { input: text('zsh'), encoding: 'utf8' })).toMatchObject({
    status: 0,
    stderr: '',
  })
})

test.skipIf(!has('fish'))('fish offers the commands, and the options of each', async () => {
  const file = join(await temporaryDirectory(), 'certferry.fish')
  await writeFile(file, text('fish'))
  const offer = (line: string) =>
    spawnSync('fish', ['--no-config', '-c', `source ${file}; complete -C ${JSON.stringify(line)}`], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: '/nonexistent' },
    }).stdout
  for (const name of names) expect(offer('certferry ')).toContain(`${name}\t`)
  expect(offer('certferry sync --dry')).toContain('--dry-run\t')
})

test('what a command says of itself is quoted for each shell', async () => {
  const tricky = COMMANDS.slice(0, 1).map(command => ({
    ...command,
    summary: `it's [a] $(touch x): \`id\` "b" \\ c`,
  }))
  const folder = await temporaryDirectory()
  for (const [path, script] of completions(tricky)) {
    const shell = path.split(/[-/]/, 1)[0] ?? ''
    await writeFile(join(folder, shell), script)
    if (has(shell)) expect(spawnSync(shell, ['-n', join(folder, shell)]).status, shell).toBe(0)
  }
})
