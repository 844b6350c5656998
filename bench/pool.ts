/** Certificates for a run, made before anything is measured: real ones, each another, of one authority. */
import { issue, type Pair } from '../test/fixtures/certificates.ts'

export interface Pool {
  /** So many that nobody has had yet. */
  readonly fresh: (count: number) => Promise<readonly Pair[]>
}

export function openPool(): Pool {
  let made = 0
  return {
    fresh: async count => {
      const pairs: Pair[] = []
      while (pairs.length < count) pairs.push(await issue({ names: [`host${made++}.example.com`] }))
      return pairs
    },
  }
}
