/** The ways to tell people that `[notify]` names. */
import type { Settings } from '../core/settings.ts'
import { commandChannel, type Send, webhookChannel } from '../edge/messenger.ts'
import { VERSION } from '../version.ts'
import type { ProcessContext } from '../world.ts'

export interface Channel {
  readonly kind: 'command' | 'webhook'
  /** The command itself, or the file with the webhook's address, which is a secret. */
  readonly file: string
  readonly send: Send
}

export function channelsOf({ notify, proxy }: Settings, { env }: ProcessContext): readonly Channel[] {
  const { command, webhookFile: file, template } = notify
  const way = { proxy, env }
  return [
    ...(command === undefined
      ? []
      : [{ kind: 'command', file: command, send: commandChannel(command) } as const]),
    ...(file === undefined
      ? []
      : [
          { kind: 'webhook', file, send: webhookChannel({ file, template, way, version: VERSION }) } as const,
        ]),
  ]
}
