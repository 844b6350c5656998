/** Answers that send the client elsewhere, where a private key would be welcome. */
import { type FarFault, instead, unreadable } from './serviceFaults.ts'

export const redirectsTo = (location: string): readonly FarFault[] =>
  [301, 302, 303, 307, 308].map(status =>
    unreadable(
      `a redirect, ${status}`,
      'answered with the address of another server',
      instead({ status, headers: { location } }),
    ),
  )
