/** The steps of `certferry setup`, from what it finds and what was chosen. */
import type { FolderKind, HookFileClient } from '../acme/clients.ts'
import { type Secret, secret } from '../secret.ts'
import { SERVICE, TIMER, type Unit } from '../systemd/systemctl.ts'

export interface SetupChoices {
  readonly clients: readonly FolderKind[]
  readonly mode: 'daemon' | 'hook'
  readonly test: boolean
  readonly replace: boolean
}

/** A file as it is and as it should be. The texts may hold the API key, so they cannot be printed by accident. */
export interface FileChange {
  readonly path: string
  readonly before: Secret | undefined
  readonly text: Secret
}

export const draft = (path: string, before: string | undefined, text: string): FileChange => ({
  path,
  before: before === undefined ? undefined : secret(before),
  text: secret(text),
})

export interface Survey {
  readonly config: FileChange
  readonly credentials: FileChange
  /** Hook files of the chosen clients, and what install-hook would do. */
  readonly hooks: ReadonlyArray<{
    readonly client: HookFileClient
    readonly file: string
    readonly outcome: string
  }>
  /** Undefined if systemd does not know the units. */
  readonly units: { readonly service: Unit; readonly timer: Unit } | undefined
}

/** `keep`: the present file is backed up; one with a secret never, for nobody would delete the copy. */
export type Step =
  | WriteStep
  | { readonly do: 'hook'; readonly client: HookFileClient; readonly file: string; readonly keep: boolean }
  | { readonly do: 'enable' | 'start' | 'restart'; readonly unit: string }

export interface WriteStep {
  readonly do: 'write'
  readonly what: 'configuration' | 'API key'
  readonly path: string
  readonly text: Secret
  readonly mode: number
  readonly keep: boolean
}

/** In an order in which nothing is started before it has all it needs; what is done already is left out. */
export function setupSteps(
  { mode }: SetupChoices,
  { config, credentials, hooks, units }: Survey,
): readonly Step[] {
  // systemd hands the key over to the units: only root has to read it
  const files = [...writeSteps('configuration', 0o644, config), ...writeSteps('API key', 0o600, credentials)]
  if (mode === 'daemon') return [...files, ...unitSteps(SERVICE, units?.service, files.length > 0)]
  const hookSteps = hooks
    .filter(({ outcome }) => outcome !== 'unchanged')
    .map(({ client, file, outcome }) => ({ do: 'hook', client, file, keep: outcome === 'replaced' }) as const)
  // a hook is called once for each renewal, and not again after a failure: the timer retries
  return [...files, ...hookSteps, ...unitSteps(TIMER, units?.timer, false)]
}

function writeSteps(
  what: 'configuration' | 'API key',
  mode: number,
  { path, before, text }: FileChange,
): readonly Step[] {
  if ((before?.reveal() ?? '') === text.reveal()) return []
  const keep = before !== undefined && what === 'configuration'
  return [{ do: 'write', what, path, text, mode, keep }]
}

/** `changed`: the unit reads its files at the start alone, and they have changed. */
function unitSteps(unit: string, state: Unit | undefined, changed: boolean): readonly Step[] {
  if (!state?.installed) return []
  const steps: Step[] = state.enabled ? [] : [{ do: 'enable', unit }]
  const isUp = state.active === 'active' || state.active === 'activating'
  if (!isUp) steps.push({ do: 'start', unit })
  else if (changed) steps.push({ do: 'restart', unit })
  return steps
}

export interface CompletedStep {
  readonly what: string
  readonly detail: string
}

/** `backup`: the path of the copy of what was there before. */
export function doneOf(step: Step, backup?: string): CompletedStep {
  const kept = backup ? `; backup: ${backup}` : ''
  switch (step.do) {
    case 'write': {
      const note = step.what === 'API key' ? ', the API key, readable only by root' : ''
      return { what: 'written', detail: `${step.path}${note}${kept}` }
    }
    case 'hook':
      return { what: 'hook', detail: `${step.file}${kept}` }
    case 'enable':
      return { what: 'enabled', detail: `${step.unit}, at every boot` }
    default:
      return { what: `${step.do}ed`, detail: step.unit }
  }
}

export const doneText = (done: readonly CompletedStep[]): string =>
  done.map(({ what, detail }) => `  ${what.padEnd(9)}  ${detail}\n`).join('')
