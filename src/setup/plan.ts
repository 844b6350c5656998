/** What setup is going to do, made of what is there and what was answered. */
import type { FolderKind, HookFileClient } from '../acme/clients.ts'
import { type Secret, secret } from '../secret.ts'
import { SERVICE, TIMER, type Unit } from '../systemd/systemctl.ts'

export interface SetupChoices {
  readonly clients: readonly FolderKind[]
  readonly way: 'daemon' | 'hook'
  readonly test: boolean
}

/** A file as it is and as it should be. The texts may hold the API key: nobody prints them by accident. */
export interface FileChange {
  readonly path: string
  readonly before: Secret | undefined
  readonly text: Secret
}

/** What there is before anything is done. */
export interface Survey {
  readonly config: FileChange
  readonly credentials: FileChange
  /** Hooks of those chosen clients that have one: where each lies, and what installing it would come to. */
  readonly hooks: ReadonlyArray<{
    readonly client: HookFileClient
    readonly file: string
    readonly outcome: string
  }>
  /** Undefined where no systemd knows the units. */
  readonly units: { readonly service: Unit; readonly timer: Unit } | undefined
}

export type Step =
  | {
      readonly do: 'write'
      readonly what: 'configuration' | 'API key'
      readonly path: string
      readonly text: Secret
      readonly mode: number
      /** What is there is kept beside it. */
      readonly keep: boolean
    }
  | { readonly do: 'hook'; readonly client: HookFileClient; readonly file: string; readonly keep: boolean }
  | { readonly do: 'enable' | 'start' | 'restart'; readonly unit: string }

/** In this order: nothing is started before it has all it needs. What is as it should be is not done again. */
export function setupSteps(
  { way }: SetupChoices,
  { config, credentials, hooks, units }: Survey,
): readonly Step[] {
  const files = [
    ...written('configuration', 0o644, config),
    // systemd hands it over to the units; besides root nobody reads it
    ...written('API key', 0o600, credentials),
  ]
  const wanted = way === 'hook' ? hooks.filter(({ outcome }) => outcome !== 'unchanged') : []
  // a hook is called once for each renewal, and not again when it fails: the timer looks after it
  const unit = way === 'daemon' ? SERVICE : TIMER
  const state = way === 'daemon' ? units?.service : units?.timer
  return [
    ...files,
    ...wanted.map(
      ({ client, file, outcome }) => ({ do: 'hook', client, file, keep: outcome === 'replaced' }) as const,
    ),
    ...(state?.installed ? serviceSteps(unit, state, files.length > 0) : []),
  ]
}

function written(
  what: 'configuration' | 'API key',
  mode: number,
  { path, before, text }: FileChange,
): readonly Step[] {
  if ((before?.reveal() ?? '') === text.reveal()) return []
  return [{ do: 'write', what, path, text, mode, keep: before !== undefined }]
}

/** The daemon reads its key at the start: with another it has to start again. A timer's pass reads everything anew. */
function serviceSteps(unit: string, { enabled, active }: Unit, changed: boolean): readonly Step[] {
  const isUp = active === 'active' || active === 'activating'
  return [
    ...(enabled ? [] : [{ do: 'enable', unit } as const]),
    ...(isUp
      ? changed && unit === SERVICE
        ? [{ do: 'restart', unit } as const]
        : []
      : [{ do: 'start', unit } as const]),
  ]
}

export interface CompletedStep {
  readonly what: string
  /** Where it can be found, or what became of it. */
  readonly detail: string
}

const DONE = {
  write: 'written',
  hook: 'hook',
  enable: 'enabled',
  start: 'started',
  restart: 'restarted',
} as const

/** `backup`: where what was there before is now. */
export function doneOf(step: Step, backup?: string): CompletedStep {
  const kept = backup ? `; backup: ${backup}` : ''
  const what = DONE[step.do]
  if (step.do === 'write')
    return {
      what,
      detail: `${step.path}${step.what === 'API key' ? ', the API key, readable only by root' : ''}${kept}`,
    }
  if (step.do === 'hook') return { what, detail: `${step.file}${kept}` }
  return { what, detail: step.do === 'enable' ? `${step.unit}, at every boot` : step.unit }
}

/** A line each, what was done in a column of its own. */
export const doneText = (done: readonly CompletedStep[]): string =>
  done.map(({ what, detail }) => `  ${what.padEnd(9)}  ${detail}\n`).join('')

export const draft = (path: string, before: string | undefined, text: string): FileChange => ({
  path,
  before: before === undefined ? undefined : secret(before),
  text: secret(text),
})
