/** Looks out for new credentials while the account's fault makes uploads rest. */

export interface CredentialPollDeps {
  /** Tells one set of credentials from another without being one. */
  readonly mark: () => Promise<string>
  /** Still resting. */
  readonly resting: () => boolean
  readonly onNew: () => void
}

export interface CredentialPoll {
  readonly begin: () => void
  readonly end: () => void
}

/** How soon new credentials are noticed. In milliseconds. */
const CREDENTIAL_POLL_MS = 60_000

export function pollCredentials(
  { mark, resting, onNew }: CredentialPollDeps,
  period = CREDENTIAL_POLL_MS,
): CredentialPoll {
  let timer: NodeJS.Timeout | undefined
  const end = () => clearInterval(timer)
  const begin = () => {
    end()
    const before = mark()
    const look = async () => {
      if (!resting()) return end()
      if ((await mark()) === (await before)) return
      end()
      onNew()
    }
    timer = setInterval(() => void look(), period).unref()
  }
  return { begin, end }
}
