/** What the units by which systemd starts certbot call after a renewal, by the words of `systemctl show`. Pure. */
import { callIn, optionIn, type Program } from './hookCommand.ts'

/** Debian's, Fedora's and the snap's. */
const NAMES = ['certbot', 'certbot-renew', 'snap.certbot.renew']

const SYNC = 'certferry-sync.service'

export const CERTBOT_QUESTION: readonly string[] = [
  'show',
  ...NAMES.flatMap(name => [`${name}.service`, `${name}.timer`]),
  SYNC,
  '--property=Id,LoadState,ActiveState,ExecStart,ExecStartPost,ExecStopPost',
]

export interface TimedCall {
  readonly unit: string
  /** What it starts; undefined where that is our own unit. */
  readonly program: string | undefined
  /** Of whose certificates: undefined where it is for all of the machine's. */
  readonly config?: string | undefined
}

/** Only those that a timer starts: a unit alone renews nothing. */
export function timedCalls(shown: string, program: Program): readonly TimedCall[] {
  const units = shown.split(/\n\n+/).map(propertiesIn)
  const unit = (id: string) => units.find(one => one.get('Id') === id)
  return NAMES.flatMap(name => {
    const service = unit(`${name}.service`)
    if (!service || unit(`${name}.timer`)?.get('ActiveState') !== 'active') return []
    return ['ExecStart', 'ExecStartPost', 'ExecStopPost'].flatMap(key =>
      Array.from((service.get(key) ?? '').matchAll(/argv\[\]=(.*?) ; /g), ([, argv = '']) => argv).flatMap(
        argv =>
          callOf(argv, unit(SYNC)?.get('LoadState') === 'loaded', program).map(call => ({
            ...call,
            unit: `${name}.service`,
          })),
      ),
    )
  })
}

/** One that is set several times, as ExecStart may be, has a line for each. */
function propertiesIn(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>()
  for (const [, key = '', value = ''] of text.matchAll(/^(\w+)=(.*)$/gm))
    properties.set(key, `${properties.get(key) ?? ''}${value}`)
  return properties
}

/** systemctl shows the words without their quotes. */
function callOf(
  argv: string,
  isInstalled: boolean,
  program: Program,
): ReadonlyArray<Omit<TimedCall, 'unit'>> {
  if (/systemctl\b.*\bstart\b.*\bcertferry-sync\.service/.test(argv))
    return isInstalled ? [{ program: undefined }] : []
  const sync = callIn(argv, ['sync'], program)
  if (sync !== undefined) return [{ program: sync }]
  const hook = /\s--(deploy|renew)-hook[= ]/.test(argv) ? callIn(argv, ['hook'], program) : undefined
  return hook === undefined
    ? []
    : [{ program: hook, config: optionIn(argv, '--config-dir') ?? '/etc/letsencrypt' }]
}
