/** A way to the service that takes its time: what goes either way arrives half a round trip later. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Wire {
  readonly url: string
  readonly close: () => Promise<void>
}

export async function slowWire(to: URL, roundTrip: number): Promise<Wire> {
  const open = new Set<Socket>()
  const server = createServer({ noDelay: true }, near => {
    const far = connect({ host: to.hostname, port: Number(to.port), noDelay: true })
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from)
      // timers of equal length go off in the order in which they were set: nothing overtakes
      const later = (act: () => void) => void setTimeout(act, roundTrip / 2)
      from.on('data', data => later(() => void into.write(data)))
      from.on('end', () => later(() => into.end()))
      from.on('error', () => into.destroy())
      from.on('close', () => open.delete(from))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
