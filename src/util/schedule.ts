/**
 * The delays, backoffs, intervals and timeouts of the program, in milliseconds, each with its reason. Options set three
 * more: --deadline, rescan and rescan_jitter. Pure.
 */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

// daemon: when a certificate is checked

/** The events of one renewal come within milliseconds (certbot's four links: 1 to 5 ms): they cause one check. */
export const DEBOUNCE_MS = 15
/**
 * Between checks of files that are mid-change. After the last delay they have not changed for a minute, so a mismatch is a
 * mistake and no renewal.
 */
export const RECHECK_DELAYS_MS = [250, 500, SECOND, 2 * SECOND, 4 * SECOND, 61 * SECOND] as const
/** A renewal that is still not complete after this is logged as a warning. */
export const STALE_AFTER_MS = 10 * MINUTE
/** No event reports that unreadable files or a full disk have been fixed. */
export const UNREADABLE_RETRY_MS = MINUTE
/** The receipt of a failed upload has the time of the next attempt: this check finds it there. */
export const RECORDED_RETRY_MS = SECOND
/** While the state directory cannot be used; a fault of the account waits for the end of the pause. */
export const ACCOUNT_RETRY_MS = MINUTE

// daemon: watching and rescans

/** How often folders are compared with what was watched, and polled sources are read. */
export const COMPARE_INTERVAL_MS = 5 * SECOND
/** An event arrives within this time; a change that is found after it was missed. */
export const EVENT_GRACE_MS = SECOND
/** A rescan that could not start, because the state directory cannot be used, is retried. */
export const RESCAN_RETRY_MS = MINUTE
/** How soon a step of the clock is noticed. */
export const CLOCK_CHECK_MS = MINUTE
/** A smaller difference of the two clocks is drift and not a step. */
export const CLOCK_STEP_MS = 5 * SECOND
/** However long comparing takes, it is done again after this. */
export const MAX_COMPARE_PAUSE_MS = MINUTE

// daemon: pauses and the end

/** After a fault of the account, doubling from the first to the longest. */
export const ACCOUNT_PAUSE_MS = { first: 15 * MINUTE, longest: 6 * HOUR } as const
/** How soon new credentials end a pause. */
export const CREDENTIAL_POLL_MS = MINUTE
/** Uploads under way at SIGTERM or a reload are cut off after this; the unit's TimeoutStopSec is twice as long. */
export const DRAIN_TIMEOUT_MS = 10 * SECOND

// one run of sync or hook

/** Between checks of files that are mid-change: 3.75 s in all, after which they are left as pending. */
export const RUN_RECHECK_DELAYS_MS = [250, 500, SECOND, 2 * SECOND] as const

// requests

/** Between attempts of one upload: with jitter, doubling from the first to the longest. */
export const RETRY_DELAY_MS = { first: 500, longest: 30 * SECOND } as const
/** A run ends when no request has been answered for this long. */
export const OUTAGE_AFTER_MS = 90 * SECOND
/** A run ends when every request has been throttled for this long. */
export const STARVED_AFTER_MS = HOUR
/** One request, from its first byte to the last byte of the reply, however slowly they come. */
export const API_TIMEOUT_MS = 30 * SECOND
/** Outside the cloud the name of the metadata service does not resolve, or nothing answers. */
export const METADATA_TIMEOUT_MS = 1_500
/** A role's credentials are renewed this long before they expire, as the official SDKs do. */
export const EXPIRY_MARGIN_MS = 5 * MINUTE

// failed uploads, from one run to the next: doubling from the first to the longest

export const FIRST_BACKOFF_MS = MINUTE
/** A refusal of the service lasts; where nothing answers, the end of the outage should be noticed soon. */
export const MAX_BACKOFF_MS = { answered: HOUR, unanswered: 15 * MINUTE } as const

// files

/** After this long without a write no client is about to add an issuer to the chain. */
export const SETTLED_MS = 5 * SECOND

// notifications

/** What happens within this time is one notification; a chat robot takes twenty a minute. */
export const BATCH_WINDOW_MS = 5 * SECOND
/** One attempt: command or webhook. */
export const SEND_TIMEOUT_MS = 30 * SECOND
/** Between the three attempts at one notification. */
export const SEND_RETRY_DELAYS_MS = [SECOND, 5 * SECOND] as const

// systemd and the HTTP server

/** At most one status a second. */
export const STATUS_INTERVAL_MS = SECOND
/** systemd-notify itself waits 5 s for a systemd that does not listen. */
export const SYSTEMD_NOTIFY_TIMEOUT_MS = 8 * SECOND
/** A bus may hang; starting a unit takes as long as the unit's own timeout. */
export const SYSTEMCTL_TIMEOUT_MS = { asking: 5 * SECOND, acting: 2 * MINUTE } as const
/** For a few lines to the journal, from a hook that its client waits for. */
export const JOURNAL_TIMEOUT_MS = 2 * SECOND
/** The header of a request, and an answer. */
export const HTTP_REQUEST_TIMEOUT_MS = 5 * SECOND
/** Connections that are still open when the server closes. */
export const HTTP_CLOSE_TIMEOUT_MS = 500

// replacement: polls of the service's jobs, the last delay again and again; a tenth more or less is thrown

/** IDs that are to be searched for within this time share one search. */
export const SURVEY_BATCH_MS = 250
/**
 * The same while other replacements wait for their turn, for each of them: the more there are, the less it matters when one is
 * verified, and the more jobs have ended meanwhile and share the search.
 */
export const CROWDED_BATCH_MS = { each: 2 * SECOND, most: 6 * MINUTE } as const
/** A search takes 25 to 40 s, or 3 s where the result of an earlier one will do, and in a small account. */
export const SURVEY_POLLS_MS = {
  fresh: [
    ...[4 * SECOND, 21 * SECOND, 5 * SECOND, 5 * SECOND],
    ...[3 * SECOND, 3 * SECOND, 3 * SECOND, 5 * SECOND],
  ],
  cached: [4 * SECOND, 21 * SECOND, 5 * SECOND],
} as const
/** The service says that a search is done and does not tell what it found yet: it does so in its next answer. */
export const SURVEY_EMPTY_MS = SECOND
/** Searches that are to be polled within this time share one request. */
export const SURVEY_SHARED_MS = 2 * SECOND
/** Until the service has found the resources, in 8 s or more, and named a record. */
export const SCAN_POLLS_MS = [4.5 * SECOND, 4.5 * SECOND, 5 * SECOND, 10 * SECOND] as const
/**
 * A record shows nothing for 15 s, then its resources switch one by one within two minutes. Before it has switched, one is
 * worked at for 10 s: the delays of a lone renewal do not miss that. While other replacements wait for their turn, requests
 * are worth more than the few seconds by which some ends are seen later.
 */
export const RECORD_POLLS_MS = {
  alone: [17 * SECOND, 9 * SECOND],
  crowded: [25 * SECOND, 16 * SECOND],
} as const
/** All that is left of a record is worked at, so its end is near; after so many polls in a row it is not. */
export const RECORD_END_POLLS = { delay: 4 * SECOND, most: 5 } as const
/** How long `check` waits for a search: one of which nothing is known yet takes 40 s. */
export const CHECK_SURVEY_LIMIT_MS = MINUTE
/** A job of the account that is in the way. */
export const FOREIGN_POLLS_MS = [15 * SECOND, 30 * SECOND] as const
/** A deletion. */
export const DELETION_POLLS_MS = [3 * SECOND, 5 * SECOND, 10 * SECOND] as const
/** How long one run waits for a record ID and for the end of a record; the job goes on without it. */
export const SCAN_LIMIT_MS = 10 * MINUTE
export const RECORD_LIMIT_MS = 15 * MINUTE
/** The daemon: what is checked within this time is examined by one query. */
export const EXAMINE_BATCH_MS = 250
/** The daemon: a job that took longer than one run waits for it is followed by another. */
export const FOLLOW_AGAIN_MS = MINUTE
/** A replacement that came no further is continued after this. */
export const REPLACEMENT_RETRY_MS = [15 * MINUTE, HOUR, 6 * HOUR] as const

// verification

/** Content delivery answers from many nodes: one round of handshakes is one sample. */
export const ROUND_INTERVAL_MS = 30 * SECOND
/** While an address serves the old certificate. */
export const EDGE_POLLS_MS = [10 * SECOND, 20 * SECOND, 40 * SECOND, MINUTE] as const
/** An address that serves the old certificate after this is stale. */
export const STALE_EDGE_MS = 15 * MINUTE
/** One handshake. */
export const HANDSHAKE_TIMEOUT_MS = 5 * SECOND
