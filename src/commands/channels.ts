/** The ways to tell people that `[notify]` names. */
import type { Settings } from '../core/settings.ts'
import { byCommand, byWebhook, type Messenger } from '../edge/messenger.ts'
import { VERSION } from '../version.ts'
import type { World } from '../world.ts'

export interface Channel {
  readonly kind: 'command' | 'webhook'
  /** The command itself, or the file with the webhook's address, which is a secret. */
  readonly file: string
  readonly send: Messenger
}

export function channelsOf({ notify, proxy }: Settings, { env }: World): readonly Channel[] {
  const { command, webhookFile: file, template } = notify
  const way = { proxy, env }
  return [
    ...(command === undefined ? [] : [{ kind: 'command', file: command, send: byCommand(command) } as const]),
    ...(file === undefined
      ? []
      : [{ kind: 'webhook', file, send: byWebhook({ file, template, way, version: VERSION }) } as const]),
  ]
}
