/** Says what is wrong with a cron expression. Loaded only where there is one. */
import { validate } from 'node-cron'

/** No field of a cron expression needs three digits, and node-cron would list every number of such a range. */
const THREE_DIGITS = /\d{3}/

/** What is wrong with a cron expression, or nothing. Only node-cron knows what it can read. */
export const scheduleProblem = (expression: string): string | undefined =>
  !THREE_DIGITS.test(expression) && validate(expression)
    ? undefined
    : 'expected a cron expression such as "17 */6 * * *"'
