/** Which addresses secrets may be sent to. Pure. */

export const DEFAULT_ENDPOINT = 'https://ssl.tencentcloudapi.com'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

export const isLoopback = (url: URL) => LOOPBACK.test(url.hostname)

/** What is wrong with an endpoint, or nothing. Plain http would show the signature and the private key to the network. */
export function endpointProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (!url) return 'expected a URL such as "https://ssl.tencentcloudapi.com"'
  if (url.protocol === 'http:' && !isLoopback(url))
    return 'http:// is refused except to this machine itself: use https://'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'expected an https:// URL'
  if (url.username || url.password) return 'expected no user name or password in the URL'
  if (url.pathname !== '/' || url.search || url.hash)
    return 'expected only scheme and host: the service lives at /'
  return undefined
}

export function proxyProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    return 'expected a URL such as "http://proxy.example.com:3128"'
  return undefined
}

/** A webhook's address is secret in itself, and what it is told is nobody else's business. */
export function webhookProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (!url) return 'expected one URL'
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return undefined
  return 'expected an https:// URL; http:// only to this machine itself'
}
