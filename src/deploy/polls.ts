/** Polls of what the service does on its own: their delays, and searches that are polled together. */
import { Fault } from '../errors.ts'
import type { Reply } from '../tencent/response.ts'
import { SURVEY_EMPTY_MS, SURVEY_POLLS_MS, SURVEY_SHARED_MS } from '../util/schedule.ts'
import { MAX_SURVEYED, type Request, readSurveyResults } from './requests.ts'
import { type SurveyTask, surveyTasksIn } from './surveyReply.ts'

/** The delay before the next poll, of which a tenth more or less is thrown. In milliseconds. */
export const pollDelay = (delays: readonly number[], polls: number, dice: number): number =>
  (delays[Math.min(polls, delays.length - 1)] ?? 0) * (0.9 + 0.2 * dice)

export const isApiCode = (error: unknown, ...codes: readonly string[]): error is Fault =>
  error instanceof Fault && error.apiCode !== undefined && codes.includes(error.apiCode)

export interface PollDeps {
  readonly send: (request: Request) => Promise<Reply>
  /** Rejects when the work is to end. */
  readonly sleep: (ms: number) => Promise<void>
  /** Milliseconds of a clock that never steps. */
  readonly monotonicNow: () => number
  /** 0 ≤ dice < 1. */
  readonly random: () => number
}

export interface Search {
  readonly isCached: boolean
  /** By `monotonicNow`. */
  readonly limit: number
  /** 0 ≤ dice < 1: its tasks are polled together. */
  readonly dice: number
}

/** The task as it ended; `late` where it did not in time, `expired` where the service has forgotten it. */
export type PollTask = (taskId: string, search: Search) => Promise<SurveyTask | 'late' | 'expired'>

interface Polled {
  readonly taskId: string
  readonly delays: readonly number[]
  readonly limit: number
  readonly end: PromiseWithResolvers<SurveyTask | 'late' | 'expired'>
  dueAt: number
  polls: number
  wasSilent: boolean
}

/** Shorter than the first delay of a search: one that begins during a sleep is polled in time. */
const LONGEST_SLEEP_MS = 3_000

/** Polls every task by its own schedule; those that are due at about the same time share a request. */
export function createPolls({ send, sleep, monotonicNow, random }: PollDeps): PollTask {
  const tasks = new Map<string, Polled>()
  let isPolling = false

  const end = ({ taskId, end: { resolve } }: Polled, task: SurveyTask | 'late' | 'expired') => {
    tasks.delete(taskId)
    resolve(task)
  }

  async function ask(asked: readonly Polled[]): Promise<void> {
    const answer = send(readSurveyResults(asked.map(({ taskId }) => taskId)))
    const results = await answer.then(surveyTasksIn, error => {
      if (isApiCode(error, 'FailedOperation.CertificateSyncTaskIdInvalid')) return undefined
      throw error
    })
    const [now, dice] = [monotonicNow(), random()]
    for (const one of asked) {
      const task = results?.get(one.taskId)
      const isSilent = task?.status === 'silent'
      if (!results) end(one, now < one.limit ? 'expired' : 'late')
      else if (task?.status === 'done' || task?.status === 'failed') end(one, task)
      else if (now >= one.limit) end(one, 'late')
      else if (isSilent && !one.wasSilent) {
        one.wasSilent = true
        one.dueAt = now + SURVEY_EMPTY_MS
      } else {
        one.polls += 1
        one.dueAt = now + pollDelay(one.delays, one.polls, dice)
      }
    }
  }

  async function pollAll(): Promise<void> {
    while (tasks.size) {
      const all = [...tasks.values()]
      const now = monotonicNow()
      const first = Math.min(...all.map(({ dueAt }) => dueAt))
      if (first > now) await sleep(Math.min(first - now, LONGEST_SLEEP_MS))
      else {
        const due = all.filter(({ dueAt }) => dueAt <= now + SURVEY_SHARED_MS)
        const requests = Math.ceil(due.length / MAX_SURVEYED)
        const parts = Array.from({ length: requests }, (_, i) =>
          due.slice(i * MAX_SURVEYED, (i + 1) * MAX_SURVEYED),
        )
        await Promise.all(parts.map(ask))
      }
    }
    isPolling = false
  }

  const giveUp = (error: unknown) => {
    isPolling = false
    for (const one of tasks.values()) one.end.reject(error)
    tasks.clear()
  }

  return (taskId, { isCached, limit, dice }) => {
    const known = tasks.get(taskId)
    if (known) return known.end.promise
    const now = monotonicNow()
    const delays = SURVEY_POLLS_MS[isCached ? 'cached' : 'fresh']
    const polled: Polled = {
      ...{ taskId, delays, limit, end: Promise.withResolvers(), polls: 0, wasSilent: false },
      dueAt: now + pollDelay(delays, 0, dice),
    }
    tasks.set(taskId, polled)
    if (!isPolling) {
      isPolling = true
      pollAll().catch(giveUp)
    }
    return polled.end.promise
  }
}
