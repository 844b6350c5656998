/** Where the daemon may answer over HTTP: to this machine itself and nobody else. Pure. */

export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string }

/** `localhost` is an address here, not a name: a hosts file or resolver could make it mean another machine's network. */
const HOSTS: Readonly<Record<string, string>> = {
  '127.0.0.1': '127.0.0.1',
  localhost: '127.0.0.1',
  '[::1]': '::1',
}

/** sun_path of unix(7) holds 108 bytes with its final zero. */
const LONGEST_PATH = 107

/** What is wrong with a value of `[http] listen`, or nothing. */
export function listenProblem(text: string): string | undefined {
  if (text.startsWith('unix:')) return pathProblem(text.slice('unix:'.length))
  const [, host = '', port = ''] = /^(.*):(\d{1,5})$/.exec(text) ?? []
  if (!port) return 'expected "127.0.0.1:PORT", "[::1]:PORT", "localhost:PORT" or "unix:/path/to/socket"'
  if (!Object.hasOwn(HOSTS, host))
    return 'only this machine itself may ask: expected 127.0.0.1, [::1], localhost or a Unix socket'
  return Number(port) > 65_535 ? 'expected a port from 0 to 65535' : undefined
}

function pathProblem(path: string): string | undefined {
  if (!path.startsWith('/') || path.endsWith('/'))
    return 'expected an absolute path, such as "unix:/run/certferry/http.sock"'
  if (/\p{Cc}/u.test(path)) return 'expected a path without control characters'
  return Buffer.byteLength(path) > LONGEST_PATH
    ? `expected a path of at most ${LONGEST_PATH} bytes`
    : undefined
}

/** The address in a text that has no problem. */
export function listenAddress(text: string): ListenAddress {
  if (text.startsWith('unix:')) return { path: text.slice('unix:'.length) }
  const colon = text.lastIndexOf(':')
  return { host: HOSTS[text.slice(0, colon)] ?? '127.0.0.1', port: Number(text.slice(colon + 1)) }
}
