/** certferry's units as systemd tells of them. Pure. */

export const SERVICE = 'certferry.service'
export const TIMER = 'certferry-sync.timer'

/** What is asked of `systemctl show`. */
export const QUESTION = [
  'show',
  SERVICE,
  TIMER,
  '--property=Id,LoadState,ActiveState,SubState,UnitFileState,StatusText,Result,ExecMainStatus',
] as const

export interface Unit {
  /** Its file is there. */
  readonly installed: boolean
  readonly enabled: boolean
  /** active, activating, deactivating, failed, inactive … */
  readonly active: string
  readonly sub: string
  /** What the daemon says of itself. */
  readonly status: string
  readonly exit: number
}

export const ABSENT: Unit = {
  installed: false,
  enabled: false,
  active: 'inactive',
  sub: 'dead',
  status: '',
  exit: 0,
}

/** Units by their names; one that systemd does not know is absent. */
export function unitsIn(shown: string): (name: string) => Unit {
  const blocks = shown.split(/\n{2,}/).map(block => new Map(block.split('\n').map(pairOf)))
  return name => {
    const of = blocks.find(block => block.get('Id') === name)
    if (!of || of.get('LoadState') === 'not-found') return ABSENT
    return {
      installed: true,
      enabled: /^(enabled|enabled-runtime|static|alias)$/.test(of.get('UnitFileState') ?? ''),
      active: of.get('ActiveState') ?? 'inactive',
      sub: of.get('SubState') ?? '',
      status: of.get('StatusText') ?? '',
      exit: Number(of.get('ExecMainStatus') ?? 0),
    }
  }
}

const pairOf = (line: string): [string, string] => {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}
