/** Completion for bash, zsh and fish, made of the command table. Pure. */
import type { Command } from '../src/cli/commands.ts'
import type { Option } from '../src/config/commandLine.ts'

/** By their path below share. */
export const completions = (commands: readonly Command[]): ReadonlyMap<string, string> =>
  new Map([
    ['bash-completion/completions/certferry', bash(commands)],
    ['zsh/vendor-completions/_certferry', zsh(commands)],
    ['fish/vendor_completions.d/certferry.fish', fish(commands)],
  ])

const optionsOf = ({ options }: Command): ReadonlyArray<readonly [string, Option]> => [
  ...Object.entries(options),
  ['help', { says: 'show the options' }],
]

/** Words that stand for themselves among a command's operands: `certbot|acme.sh [--remove]`. */
const wordsOf = ({ operands }: Command): readonly string[] =>
  (operands.split(' ', 1)[0] ?? '').split('|').filter(word => /^[a-z][a-z.]*$/.test(word))

const takesPath = ({ takes = '' }: Option) => /FILE|DIR/.test(takes)
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

function bash(commands: readonly Command[]): string {
  const cases = commands.map(
    command =>
      `    ${command.name}) words=${quoted([...wordsOf(command), ...optionsOf(command).map(([name]) => `--${name}`)].join(' '))} ;;`,
  )
  const taking = [...new Map(commands.flatMap(optionsOf)).entries()].filter(([, { takes }]) => takes)
  const names = (some: typeof taking) =>
    some.map(([name, { short }]) => `--${name}${short ? `|-${short}` : ''}`).join('|')
  const chosen = taking.flatMap(
    ([name, { choices }]) =>
      choices && [
        `    --${name}) mapfile -t COMPREPLY < <(compgen -W ${quoted(choices.join(' '))} -- "$current") ;;`,
      ],
  )
  return `# bash completion for certferry
_certferry() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} words
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    words=${quoted([...commands.map(({ name }) => name), '--help', '--version'].join(' '))}
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    return
  fi
  case $previous in
    ${names(taking.filter(([, option]) => takesPath(option)))})
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
${chosen.join('\n')}
  esac
  case $previous in
    ${names(taking)})
      case \${COMPREPLY[0]-} in *=) compopt -o nospace ;; esac
      return ;;
  esac
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
    *) words= ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [ "\${#COMPREPLY[@]}" -eq 0 ]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _certferry certferry
`
}

/** In _arguments a colon and a bracket mean something. */
const zshText = (text: string) => text.replace(/[[\]:\\]/g, '\\$&')

function zsh(commands: readonly Command[]): string {
  const value = (option: Option) =>
    !option.takes
      ? ''
      : option.choices
        ? `:${zshText(option.takes)}:(${option.choices.join(' ')})`
        : takesPath(option)
          ? ':file:_files'
          : `:${zshText(option.takes)}:`
  const cases = commands.map(command => {
    const options = optionsOf(command).map(([name, option]) =>
      quoted(`${option.many ? '*' : ''}--${name}[${zshText(option.says)}]${value(option)}`),
    )
    const words = wordsOf(command)
    const rest = quoted(words.length ? `1:word:(${words.join(' ')})` : '*:file:_files')
    return `    ${command.name}) _arguments ${[...options, rest].join(' \\\n      ')} ;;`
  })
  return `#compdef certferry
_certferry() {
  local -a commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${zshText(name)}:${summary}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
_certferry "$@"
`
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap(command => [
    `complete -c certferry -n __fish_use_subcommand -a ${quoted(command.name)} -d ${quoted(command.summary)}`,
    ...wordsOf(command).map(word => `complete -c certferry -n ${seen(command)} -a ${quoted(word)}`),
    ...optionsOf(command).map(([name, option]) => {
      const argument = !option.takes
        ? ''
        : option.choices
          ? ` -x -a ${quoted(option.choices.join(' '))}`
          : takesPath(option)
            ? ' -r -F'
            : ' -x'
      return `complete -c certferry -n ${seen(command)} -l ${name}${argument} -d ${quoted(option.says)}`
    }),
  ])
  return `# fish completion for certferry\n${lines.join('\n')}\n`
}

const seen = ({ name }: Command) => quoted(`__fish_seen_subcommand_from ${name}`)
