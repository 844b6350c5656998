/** What the operator should do next, for every fault. Pure. */

/** For what clients may refuse in a certificate that is sent all the same. */
export const FLAW_ADVICE =
  'Look at the chain with `certferry inspect`; have the ACME client write a chain whose certificates are valid.'

export const SEND_AGAIN = 'To send the same again: sync --force --only NAME.'

export const ADVICE = {
  // the operator's words
  USAGE: 'See `certferry --help`.',
  CONFIG_INVALID: 'Correct what is named above; the example configuration has every key.',
  CONFIG_UNREADABLE: 'Check the path and that this user may read the file.',
  ADDRESS_UNAVAILABLE:
    'The service tries again at its next start. See what uses it (ss -ltnp), or name another in [http] listen.',
  NAME_TAKEN:
    'Give one of the two another name, as a source of kind "pem". If the other is no longer used: sync --force --only NAME.',

  // the disk
  NO_SOURCE: 'Name one: --source certbot=/etc/letsencrypt, or [[source]] in the configuration.',
  SOURCE_MISSING: 'Check the path of the source; it is looked for again at the next pass.',
  SOURCE_UNREADABLE: 'Let this user read the directory: run as root, or grant its group access.',
  LINEAGE_UNKNOWN: 'See the names with `certferry status`.',
  FILE_MISSING: 'Check the path; if the file is about to be written, the next pass finds it.',
  FILE_UNREADABLE: 'Let this user read the file: run as root, or grant its group access.',
  FILE_UNFIT: 'Name a regular file of PEM text, at most 1 MiB.',
  FILE_UNAVAILABLE:
    'It is read again later. See that its disk or file server is well, and that memory is left.',
  EXHAUSTED: 'Let it open more files (LimitNOFILE=, ulimit -n), or see what else takes them.',
  PAIR_INCOMPLETE: 'A renewal seems to be under way. If this stays, see what the ACME client last logged.',
  PAIR_CHANGING: 'Nothing to do now: the next pass looks again.',
  ISSUER_AWAITED: 'Nothing to do now: the next pass looks again.',
  KEY_MISMATCH:
    'A renewal seems to be under way. If this stays, the renewal failed half-way: run the ACME client again.',

  // what is in the files
  CERTIFICATE_INVALID: 'Look at the file with `certferry inspect`; have the ACME client write it anew.',
  KEY_INVALID: 'The key must be a PEM private key (PKCS#8, PKCS#1 or SEC1), RSA or EC.',
  KEY_ELSEWHERE:
    'Name certificate and key as a source of kind "pem", or leave this one out: skip = true in a [[certificate]] of its name.',
  KEY_ENCRYPTED: 'Set key_password_file for this source, or store the key unencrypted.',
  KEY_PASSWORD_WRONG: 'Check what key_password_file of this source contains.',
  WRONG_KEY: 'Name the key of this certificate. If a renewal failed half-way, run the ACME client again.',
  TWO_LEAVES: 'Keep one server certificate in the chain file.',
  CHAIN_STRANGER: 'Keep the server certificate and its own issuers in the chain file, nothing else.',
  NOT_A_CA: 'A source without a key is uploaded as a CA certificate; for a server certificate name its key.',

  // decided against
  EXPIRED: 'Renew it with your ACME client, or remove the lineage.',
  NOT_YET_VALID: "Check this machine's clock; if it is right, a pass after that time uploads it.",
  OLDER_THAN_UPLOADED:
    'See why the files went back to an older certificate. To upload it all the same: sync --force --only NAME.',
  REJECTED_BEFORE:
    'Renew the certificate or change its settings. To send the same again: sync --force --only NAME.',

  // our own records
  STATE_UNUSABLE: 'Name a directory this user may write with --state-dir, and see that its disk is not full.',
  UNRECORDED: 'Nothing is stored twice: the next pass learns the same ID again.',
  HOOK_UNWRITABLE:
    'Run it as the user that runs the ACME client, and see that the disk is not full or read-only.',
  SETUP_UNWRITABLE: 'Run it as root: sudo certferry setup. See that the disk is not full or read-only.',
  DAEMON_DOWN: 'See what it said last: `journalctl -u certferry -n 20`.',

  // telling people
  NOTICE_UNSENT:
    'Try the command or webhook of [notify] by hand; what was to be told is told with the next news.',

  // the way there
  NETWORK: 'Check the network, DNS and proxy of this machine.',
  TLS: "Check the endpoint's name and this machine's clock; for a CA of your own set NODE_EXTRA_CA_CERTS.",
  TIMEOUT: 'Check the network and proxy; the next pass tries again.',
  DEADLINE: 'The next pass tries again; --deadline gives a hook more time.',
  INTERRUPTED: 'What was not sent is sent by the next pass.',
  REPLY_UNREADABLE: 'Something between here and the service answered in its place: check proxy and endpoint.',

  // the service's own answers; core/apiCodes.ts maps each code to one of these
  API_THROTTLED: "Other clients share the account's limit: lower rate_per_second if this stays.",
  API_UNWELL: 'The service is unwell; the next pass tries again.',
  API_UNCLEAR: "Read the service's message; ask its support with the request ID if it stays.",
  API_CLOCK: "Set this machine's clock (timedatectl set-ntp true).",
  API_CREDENTIALS: 'Check SecretId and SecretKey; `certferry check` says which are in use.',
  API_FORBIDDEN: 'Grant this key the CAM policy QcloudSSLFullAccess, or the action ssl:UploadCertificate.',
  API_PROJECT: 'Correct project_id, or grant this key access to the project.',
  API_ACCOUNT: "Settle this with the account in Tencent Cloud's console.",
  API_REJECTED:
    'It is not sent again until the certificate or its settings change. To send the same again: sync --force --only NAME.',
  API_EXISTS: 'The service has this certificate but names no ID; find it in the console.',

  // our credentials
  PAUSED: 'Mend what is named; new credentials or a reload (SIGHUP) end the pause at once.',
  CREDENTIALS_MISSING:
    'Set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or write /etc/tencentcloud/credentials.',
  CREDENTIALS_UNREADABLE: 'Correct the file or variable named above.',

  // ourselves
  BUG: 'This is an error in certferry: please report it with the lines above.',
} as const
