/** Carries one letter out of the house: to a command of the operator's, or to a webhook. */
import { execFile } from 'node:child_process'
import type { Dispatcher } from 'undici'
import { Fault } from '../core/fault.ts'
import { bodyOf, environmentOf, filled, type Letter } from '../core/letter.ts'

export type Messenger = (letter: Letter) => Promise<void>

/** Milliseconds; whoever is told is not worth holding up the work for. */
const PATIENCE = 30_000

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Started directly, by no shell, with the facts in its environment and nothing of ours there: a key of the account may
 * stand in it. @throws Fault NOTICE_UNSENT.
 */
export const byCommand =
  (file: string): Messenger =>
  letter =>
    new Promise((resolve, reject) => {
      const env = { PATH, ...environmentOf(letter) }
      const child = execFile(file, [], { env, timeout: PATIENCE, killSignal: 'SIGKILL' }, error => {
        if (!error) return resolve()
        const why = error.killed ? `did not end within ${PATIENCE / 1000} s` : `ended with ${error.code}`
        reject(new Fault('NOTICE_UNSENT', `${file} ${why}`))
      })
      child.stdin?.on('error', () => {}) // it may end without reading
      child.stdin?.end()
    })

export interface Webhook {
  readonly url: URL
  /** JSON with places for the letter's words; the letter's own JSON where absent. */
  readonly template: string | undefined
  readonly dispatcher: Dispatcher
  readonly version: string
}

/** The address is a secret in itself and is never named, only its host. @throws Fault NOTICE_UNSENT. */
export const byWebhook =
  ({ url, template, dispatcher, version }: Webhook): Messenger =>
  async letter => {
    const { request } = await import('undici')
    const body = template === undefined ? bodyOf(letter) : filled(template, letter)
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': `certferry/${version}`,
    }
    const signal = AbortSignal.timeout(PATIENCE)
    const answer = await request(url, { method: 'POST', dispatcher, headers, body, signal }).catch(
      (error: NodeJS.ErrnoException) => {
        throw new Fault('NOTICE_UNSENT', `${url.host} was not reached (${error.code ?? error.name})`)
      },
    )
    await answer.body.dump()
    if (answer.statusCode >= 300)
      throw new Fault('NOTICE_UNSENT', `${url.host} answered ${answer.statusCode}`)
  }
