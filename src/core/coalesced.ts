/** Many calls, few runs. Pure. */

/** One run at a time; a call during a run earns one more, because it may have come too late for this one. */
export function singleFlight(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let again = false
  const loop = async () => {
    try {
      do {
        again = false
        await run()
      } while (again)
    } finally {
      // here and not a turn later: a call in between would wait for a loop that has ended
      running = undefined
    }
  }
  return () => {
    again = running !== undefined
    running ??= loop()
    return running
  }
}
