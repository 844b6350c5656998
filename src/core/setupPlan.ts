/** What setup is going to do, made of what is there and what was answered. Pure. */
import type { Client } from './hookFile.ts'

export interface Answers {
  readonly clients: readonly Client[]
  readonly way: 'daemon' | 'hook'
  readonly test: boolean
}

/** What there is before anything is done. */
export interface Scene {
  /** systemd runs here and knows certferry's units. */
  readonly units: boolean
  /** A file's text differs from what it should be. */
  readonly config: boolean
  readonly credentials: boolean
}

export type Step =
  | { readonly do: 'config' | 'credentials' }
  | { readonly do: 'check' }
  | { readonly do: 'hook'; readonly client: Client }
  /** `again`: what it was given has changed since it was started. */
  | { readonly do: 'enable'; readonly unit: string; readonly again: boolean }

export const SERVICE = 'certferry.service'
export const TIMER = 'certferry-sync.timer'

/** In this order: nothing is started before it has all it needs. */
export function setupSteps(
  { clients, way, test }: Answers,
  { units, config, credentials }: Scene,
): readonly Step[] {
  const enable = (unit: string): Step => ({ do: 'enable', unit, again: config || credentials })
  return [
    ...(config ? [{ do: 'config' } as const] : []),
    ...(credentials ? [{ do: 'credentials' } as const] : []),
    ...(way === 'hook' ? clients.map(client => ({ do: 'hook', client }) as const) : []),
    // a hook is called once for each renewal, and not again when it fails: the timer looks after it
    ...(units ? [enable(way === 'daemon' ? SERVICE : TIMER)] : []),
    ...(test ? [{ do: 'check' } as const] : []),
  ]
}

export interface Done {
  readonly what: string
  /** Where it can be found, or what became of it. */
  readonly detail: string
}

/** A line each, what was done in a column of its own. */
export const doneText = (done: readonly Done[]): string =>
  done.map(({ what, detail }) => `  ${what.padEnd(9)}  ${detail}\n`).join('')
