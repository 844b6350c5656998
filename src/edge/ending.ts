/** Why work is broken off: its reason is a Fault where somebody gave one. */
import { Fault } from '../core/fault.ts'

/** The fault an aborted signal stands for; without a reason of ours it was the deadline. */
export const abortReason = ({ reason }: AbortSignal, message: string): Fault =>
  reason instanceof Fault && reason.code !== 'DEADLINE' ? reason : new Fault('DEADLINE', message)
