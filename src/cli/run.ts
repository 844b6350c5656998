/** From the command line's words to a command and its exit code. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import type { CommandLine, OptionTable } from '../config/commandLine.ts'
import { camelCase } from '../config/values.ts'
import { FAULTS, Fault, faultJson } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import { jsonLine, printableText, programWords, withoutSudo, wrap } from '../terminal/text.ts'
import { runJson } from '../upload/outcome.ts'
import { meant } from '../util/similar.ts'
import { VERSION } from '../version.ts'
import { COMMANDS, type Command } from './commands.ts'
import { commandHelp, generalHelp, globalHelp } from './help.ts'

/** @throws Fault USAGE for an unknown option, a missing value or a value of the wrong form. */
export function parseCommandLine(command: Command, words: readonly string[], cwd: string): CommandLine {
  const { values, positionals } = parse(command, words)
  if (positionals.length && !/^\w|WORD|^\[(NAME|PATTERN)/.test(command.operands))
    throw new Fault('USAGE', `${command.name} takes no operand "${positionals[0]}"`)
  const line: Record<string, unknown> = { json: false, operands: positionals }
  for (const [name, value] of Object.entries(values)) {
    const option = command.options[name]
    if (!option || value === undefined) continue
    const read = (text: string | boolean) => {
      // from an unset variable of a script; as a path it would be the working directory
      if (text === '') throw new Fault('USAGE', `--${name}: expected ${option.takes}, not an empty word`)
      return option.read && typeof text === 'string' ? option.read(text, cwd) : text
    }
    line[camelCase(name)] = Array.isArray(value) ? value.map(read) : read(value)
  }
  return line as unknown as CommandLine
}

function parse({ name, options }: Command, words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: parseArgsOptions(options), allowPositionals: true })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const says =
      code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION'
        ? unknownOption(/'(-[^']*)'/.exec(message)?.[1] ?? '', options)
        : message.split('. ', 1)[0]
    throw new Fault('USAGE', `${name}: ${says}`, { advice: seeHelp(name) })
  }
}

function unknownOption(word: string, options: OptionTable): string {
  const old = RENAMED[word]
  if (old) return `${word} is now called ${old}`
  const near = meant(word.replace(/^-+/, ''), Object.keys(options), name => `--${name}`)
  return `there is no option ${word} here${near}`
}

/** Former names of options. */
const RENAMED: Readonly<Record<string, string>> = {
  '--misbehave': '--inject-faults',
  '--no-test': '--skip-check',
}

const parseArgsOptions = (options: OptionTable): NonNullable<ParseArgsConfig['options']> =>
  Object.fromEntries(
    Object.entries(options).map(([name, { takes, short, many = false }]) => [
      name,
      { type: takes ? ('string' as const) : ('boolean' as const), multiple: many, ...(short && { short }) },
    ]),
  )

export async function cli(argv: readonly string[], context: ProcessContext): Promise<number> {
  const [name = '', ...rest] = argv
  const command = findCommand(name)
  if (command && !rest.includes('--help') && !rest.includes('-h')) return runCommand(command, rest, context)
  try {
    context.stdout.write(command ? helpOn(name, context) : answerTo(name, rest, context))
    return name ? 0 : FAULTS.USAGE.exit
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return printFault(error, context)
  }
}

/** @throws Fault USAGE for what is no command. */
function answerTo(name: string, [topic, ...more]: readonly string[], context: ProcessContext): string {
  if (['--version', '-V', '-v', 'version'].includes(name)) return `certferry ${VERSION}\n`
  const isHelp = (word: string) => ['--help', '-h', 'help'].includes(word)
  if (name === '' || isHelp(name))
    return topic === undefined || isHelp(topic) || more.length
      ? generalHelp(COMMANDS)
      : helpOn(topic, context)
  throw noCommand(name)
}

/** @throws Fault USAGE for what is no command. */
function helpOn(topic: string, { program }: ProcessContext): string {
  if (topic === 'options') return globalHelp()
  const command = findCommand(topic)
  if (command) return commandHelp(command, programWords(program))
  throw noCommand(topic)
}

/** What other programs have a command for. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  list: '`certferry status` lists the certificates.',
  ls: '`certferry status` lists the certificates.',
  show: '`certferry status NAME` shows one certificate.',
  upload: '`certferry sync` uploads what has changed.',
  retry: '`certferry sync` tries again at once what has failed.',
  run: '`certferry sync` runs once, `certferry watch` as a service.',
  daemon: '`certferry watch` is the daemon; `certferry setup` makes it a service.',
  renew: 'The ACME client renews; `certferry sync` uploads what it renewed.',
  deploy: '`certferry replace NAME` puts a certificate in place.',
  delete: '`certferry forget NAME` takes a certificate out of the records.',
  init: '`certferry setup` sets it up.',
  install: '`certferry setup` sets it up.',
  doctor: '`certferry check` examines everything.',
  test: '`certferry check` examines everything.',
  logs: '`journalctl -u certferry` shows the log of the service.',
  log: '`journalctl -u certferry` shows the log of the service.',
  start: '`systemctl start certferry` starts the service.',
  stop: '`systemctl stop certferry` stops the service.',
  restart: '`systemctl restart certferry` starts the service again.',
  reload: '`systemctl reload certferry` makes the service read its configuration again.',
  update: 'Install the newer package; apt does it where the repository is set up.',
  upgrade: 'Install the newer package; apt does it where the repository is set up.',
  uninstall:
    '`certferry install-hook CLIENT --remove` takes a hook away, `apt remove certferry` the package with its hooks and service.',
}

function noCommand(word: string): Fault {
  const says = `there is no command "${word}"`
  if (Object.hasOwn(ELSEWHERE, word)) return new Fault('USAGE', says, { advice: `${ELSEWHERE[word]}` })
  return new Fault(
    'USAGE',
    `${says}${meant(
      word,
      COMMANDS.map(({ name }) => name),
    )}`,
  )
}

const findCommand = (name: string | undefined) => COMMANDS.find(command => command.name === name)

async function runCommand(
  command: Command,
  words: readonly string[],
  context: ProcessContext,
): Promise<number> {
  try {
    const { run } = await command.load()
    return await run(context, parseCommandLine(command, words, context.cwd))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const json = words.includes('--json')
    return printFault(withCommandHelp(error, command), context, { json, toStdout: command.errorsToStdout })
  }
}

const seeHelp = (command: string) => `See \`certferry ${command} --help\`.`

const withCommandHelp = (fault: Fault, { name }: Command) =>
  fault.code === 'USAGE' && fault.advice === FAULTS.USAGE.advice
    ? new Fault('USAGE', fault.message, { advice: seeHelp(name) })
    : fault

/** Prints the fault that ended a command. */
function printFault(
  fault: Fault,
  { stdout, stderr, hasSudo }: ProcessContext,
  { json = false, toStdout = false } = {},
): number {
  const output = toStdout && !json ? stdout : stderr
  const hanging = (first: string, text: string) =>
    `${first}${wrap(text, output.columns - first.length, first.length)}\n`
  const lines = fault.message.split('\n').map(line => hanging('certferry: ', printableText(line, 1000)))
  output.write(`${lines.join('')}${hanging('  → ', hasSudo() ? fault.advice : withoutSudo(fault.advice))}`)
  if (json) stdout.write(jsonLine({ ...runJson([]), exit: fault.exit, fault: faultJson(fault) }))
  return fault.exit
}
