/** The five codes by which the service says that it is asked too often. */
import { type FarFault, refusal } from './serviceFaults.ts'

const LIMIT = 'Your current request times equals to `11` in a second, which exceeds the frequency limit `10`.'
const throttle = (apiCode: string): FarFault => ({
  fault: `throttle ${apiCode}`,
  how: 'answered so, nothing carried out',
  code: 'API_THROTTLED',
  apiCode,
  trouble: refusal(apiCode, LIMIT),
})

export const THROTTLES: readonly FarFault[] = [
  'RequestLimitExceeded',
  'RequestLimitExceeded.GlobalRegionUinLimitExceeded',
  'RequestLimitExceeded.IPLimitExceeded',
  'RequestLimitExceeded.UinLimitExceeded',
  'LimitExceeded.RateLimitExceeded',
].map(throttle)
