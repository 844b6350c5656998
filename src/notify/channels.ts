/** The channels that `[notify]` configures. */
import type { Settings } from '../config/settings.ts'
import type { ProcessContext } from '../processContext.ts'
import { commandChannel, commandProblem, mailChannel, type Send } from './program.ts'
import { webhookChannel, webhookFileProblem } from './webhook.ts'

export interface Channel {
  readonly kind: 'command' | 'mail' | 'webhook'
  /** The command, sendmail, or the file with the webhook's address. */
  readonly file: string
  /** As it is called in messages. */
  readonly name: string
  readonly send: Send
  /** Why nothing can be sent by it, as far as can be known without sending. */
  readonly problem: () => Promise<string | undefined>
}

export function channelsOf(settings: Settings, { env, now }: ProcessContext): readonly Channel[] {
  const { notifyCommand: command, notifyWebhookFile: webhookFile, notifyMail: to } = settings
  const channels: Channel[] = []
  if (command !== undefined)
    channels.push({
      kind: 'command',
      file: command,
      name: `command ${command}`,
      send: commandChannel(command),
      problem: () => commandProblem(command),
    })
  if (to !== undefined) {
    const { notifySendmail: sendmail } = settings
    channels.push({
      kind: 'mail',
      file: sendmail,
      name: `mail to ${to} by ${sendmail}`,
      send: mailChannel({ sendmail, to, now }),
      problem: () => commandProblem(sendmail),
    })
  }
  if (webhookFile !== undefined) {
    const { notifyPreset: preset, notifyTemplate: template, proxy } = settings
    channels.push({
      kind: 'webhook',
      file: webhookFile,
      name: `webhook ${webhookFile}`,
      send: webhookChannel({ file: webhookFile, preset, template, agent: { proxy, env }, now }),
      problem: () => webhookFileProblem(webhookFile, preset),
    })
  }
  return channels
}
