/** A name server that fails for a while, and a command that runs the program with it as the only one. */
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pid } from 'node:process'
import { temporaryDirectory } from '../../fixtures/temporary.ts'

/** Whether a file can be bound over the system's. */
export const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0

/** An address of this machine for each test process, so that two name servers do not need the same port. */
const ADDRESS = `127.77.${(pid >> 8) & 0xff}.${pid & 0xff}`

export const RCODES = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const

const [HEADER, A, IN] = [12, 1, 1] as const

/** RFC 1035, section 4: the question again, with an answer where there is one. */
function replyTo(query: Buffer, rcode: number): Buffer {
  const end = query.indexOf(0, HEADER) + 5
  const question = query.subarray(HEADER, end)
  const wantsAddress = question.readUInt16BE(question.length - 4) === A
  const answers = rcode === 0 && wantsAddress ? 1 : 0
  const header = Buffer.from(query.subarray(0, HEADER))
  header.writeUInt16BE(0x8180 | rcode, 2)
  header.writeUInt16BE(answers, 6)
  header.writeUInt32BE(0, 8)
  // a pointer to the question's name, type, class, no time to live, four bytes of address
  const answer = Buffer.from([0xc0, HEADER, 0, A, 0, IN, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1])
  return Buffer.concat([header, question, answers ? answer : Buffer.alloc(0)])
}

interface NameServer {
  /** Before a command, makes this server the only one. */
  readonly prefix: readonly string[]
  readonly queries: () => number
  readonly close: () => void
}

/** Fails from the first query on for that long; without a reply where `rcode` is undefined. */
export async function startNameServer(
  rcode: number | undefined,
  milliseconds: number,
  options = 'timeout:1 attempts:1',
): Promise<NameServer> {
  const socket = createSocket('udp4')
  let queries = 0
  let until = Number.POSITIVE_INFINITY
  socket.on('message', (query, from) => {
    if (queries++ === 0) until = performance.now() + milliseconds
    const failing = performance.now() < until
    if (failing && rcode === undefined) return
    socket.send(replyTo(query, failing ? (rcode ?? 0) : 0), from.port, from.address)
  })
  socket.bind(53, ADDRESS)
  await once(socket, 'listening')
  const folder = await temporaryDirectory()
  const [resolver, order] = [join(folder, 'resolv.conf'), join(folder, 'nsswitch.conf')]
  await writeFile(resolver, `nameserver ${ADDRESS}\noptions ${options}\n`)
  await writeFile(order, 'hosts: dns\n')
  const script = `mount --bind ${resolver} /etc/resolv.conf && mount --bind ${order} /etc/nsswitch.conf && exec "$@"`
  return {
    prefix: ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'],
    queries: () => queries,
    close: () => socket.close(),
  }
}
