/** The built daemon over a ground: started, and ready for what is to happen to it. */
import { expect } from 'vitest'
import { type Ended, type Started, start } from './child.ts'
import type { Ground } from './stateDirFixture.ts'

export interface Daemon extends Started {
  /** Waits until it has said this. */
  readonly saying: (text: string) => Promise<void>
  /** Asks it to end. */
  readonly end: () => Promise<Ended>
}

/** Everything a test waits for comes within this time, or the test fails. */
const BOUND = { timeout: 40_000, interval: 50 }

export async function startDaemon(
  ground: Ground,
  env: Readonly<Record<string, string>> = {},
  prefix: readonly string[] = [],
): Promise<Daemon> {
  const started = start([...prefix, ...ground.words('watch')], { ...ground.env, ...env })
  const saying = (text: string) => expect.poll(started.said, BOUND).toContain(text)
  await saying('"event":"watching"')
  return {
    ...started,
    saying,
    end: () => {
      started.child.kill('SIGTERM')
      return started.ended
    },
  }
}

/** Waits until every lineage is stored and recorded as it is now. */
export const allCarried = ({ undone }: Ground) => expect.poll(() => undone('watch'), BOUND).toEqual([])
