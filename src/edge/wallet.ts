/** Holds the credentials in force: finds them once, and anew when they run out or are refused. */
import { type Credentials, findCredentials, type Places } from './credentials.ts'

export interface CredentialProvider {
  /** The credentials in force, those of a role fresh enough to last the request. */
  readonly current: () => Promise<Credentials>
  /** Reads everything anew; true when something else came out, so that trying again makes sense. */
  readonly renew: () => Promise<boolean>
}

/** A role's credentials are renewed this long before they expire, as the official SDKs do. In milliseconds. */
const EXPIRY_MARGIN_MS = 300_000

export function createCredentialProvider(places: Places, now: () => number): CredentialProvider {
  let held: Promise<Credentials> | undefined
  /** Shared by all who ask meanwhile. Should it fail, `until` serves to its very end; a failure itself is not kept. */
  const look = (until?: Credentials): Promise<Credentials> => {
    const found = findCredentials(places).catch(error => {
      if (until?.expiresAt !== undefined && now() < until.expiresAt) return until
      if (held === found) held = undefined
      throw error
    })
    held = found
    return found
  }
  return {
    current: async () => {
      const asked = held ?? look()
      const credentials = await asked
      if (credentials.expiresAt === undefined || now() <= credentials.expiresAt - EXPIRY_MARGIN_MS)
        return credentials
      // of many who find them stale the first looks anew, the others wait for what it finds
      return held && held !== asked ? held : look(credentials)
    },
    renew: async () => {
      const [before, after] = await Promise.all([held?.catch(() => undefined), look()])
      return !sameCredentials(before, after)
    },
  }
}

const sameCredentials = (a: Credentials | undefined, b: Credentials) =>
  a?.secretId === b.secretId &&
  a.secretKey.reveal() === b.secretKey.reveal() &&
  a.token?.reveal() === b.token?.reveal()
