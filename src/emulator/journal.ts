/** What the emulator remembers of each request, for tests that compare and count. Pure. */
import { createHash } from 'node:crypto'
import { type IncomingRequest, parseBody } from './request.ts'

export interface JournalEntry {
  readonly n: number
  /** Milliseconds, when the request's headers arrived. */
  readonly at: number
  readonly action: string
  /** `OK`, an API error code, or the name of the injected fault. */
  readonly code: string
  readonly body: Readonly<Record<string, unknown>>
}

const SECRET = /PrivateKey|Password/

const PEM = /PublicKey/

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** A key is left out; a certificate is shortened to a digest, by which two can be compared. */
export function journalBody(request: IncomingRequest): Readonly<Record<string, unknown>> {
  try {
    const members = Object.entries(parseBody(request)).map(([name, value]) => {
      if (SECRET.test(name)) return [name, '[secret]']
      return [name, PEM.test(name) ? `[sha256 ${digest(String(value))}]` : value]
    })
    return Object.fromEntries(members)
  } catch {
    return {}
  }
}
