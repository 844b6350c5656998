/** Free ports on loopback. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/**
 * All are open at the same time before any is given back, so that no two are the same. Between then and their use
 * somebody else may take one; the system hands out others first, so that this has yet to be seen.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(server => once(server, 'listening')))
  const ports = servers.map(server => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(server => once(server.close(), 'close')))
  return ports
}
