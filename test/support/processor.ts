/** What work costs the processor: unlike the time that passes, the same however busy the machine is. */
import { cpuUsage } from 'node:process'

/** In milliseconds, of this process. */
export function processorTime(work: () => unknown): number {
  const before = cpuUsage()
  work()
  const { user, system } = cpuUsage(before)
  return (user + system) / 1_000
}
