/** The built program under strace: every byte that it and its children hand on, and to whom. */
import { readFile } from 'node:fs/promises'
import { type Ended, type Started, start } from '../machine/child.ts'

/** What takes bytes or names out of a process. `-v` shows the whole environment of a program that is started. */
const HANDING_ON = 'write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,%file'
const WHOLE = ['-f', '-v', '-yy', '-s', '1048576', '-e', 'signal=none', '-e', `trace=${HANDING_ON}`]

export interface Heard extends Ended {
  /** Calls that send to the service. */
  readonly toService: readonly string[]
  /** All other calls: files, pipes, sockets, names, programs with their words and environment. */
  readonly elsewhere: readonly string[]
}

export interface Listening extends Started {
  readonly heard: Promise<Heard>
}

export interface Wire {
  /** Program and words. */
  readonly words: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Where strace writes. */
  readonly output: string
  /** Of the service, on this machine. */
  readonly port: string
}

/** The tracer stands aside (`-D`), so that a signal to what is started here reaches the program. */
export function listenIn({ words, env, output, port }: Wire): Listening {
  const started = start(['strace', '-D', ...WHOLE, '-o', output, ...words], env)
  const heard = started.ended.then(async ended => {
    const calls = await callsIn(output)
    const socket = new RegExp(`^\\d+ +(?:write|send)\\w*\\(\\d+<TCP:\\[[\\d.:]+->127\\.0\\.0\\.1:${port}\\]>`)
    const isService = (call: string) => socket.test(call)
    // how the test started it, with the secrets in its environment, is not the program's doing
    const isStart = (call: string) => call.includes(' execve(') && call.includes(`"${words[1]}"`)
    return {
      ...ended,
      toService: calls.filter(isService),
      elsewhere: calls.filter(call => !isService(call) && !isStart(call)),
    }
  })
  return { ...started, heard }
}

/** The tracer may outlive the program by a moment: its file is whole with the line that says how the first process ended. */
async function callsIn(output: string): Promise<readonly string[]> {
  for (;;) {
    const text = await readFile(output, 'utf8')
    const [first = ''] = /^\d+/.exec(text) ?? []
    if (new RegExp(`^${first} +\\+\\+\\+ `, 'm').test(text)) return text.split('\n').map(unescaped)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** As it was before strace wrote it as a C string. */
const unescaped = (call: string) => call.replaceAll('\\n', '\n').replaceAll('\\"', '"').replaceAll('\\/', '/')
