/** Ends a run that hangs, and says over what: synchronous work cannot be stopped from within its own thread. */
import { Worker } from 'node:worker_threads'

/** Far more than an input is allowed, so that it is told from a slow machine. In milliseconds. */
const PATIENCE = 60_000

const SCRIPT = `
  const { parentPort, workerData } = require('node:worker_threads')
  let timer
  parentPort.on('message', name => {
    clearTimeout(timer)
    if (name === null) return parentPort.close()
    timer = setTimeout(() => {
      process._rawDebug('no verdict within a minute: ' + name)
      process.kill(process.pid, 'SIGKILL')
    }, workerData)
  })
`

export interface Watchdog {
  /** The work of that name begins; whatever was before has ended. */
  readonly watch: (name: string) => void
  readonly end: () => void
}

export function openWatchdog(): Watchdog {
  const worker = new Worker(SCRIPT, { eval: true, workerData: PATIENCE })
  worker.unref()
  let told = 0
  return {
    // not more than a few times a second: a message costs as much as a small input
    watch: name => {
      if (Date.now() - told < 200) return
      told = Date.now()
      worker.postMessage(name)
    },
    end: () => worker.postMessage(null),
  }
}
