/** Three suites: `unit` (`npm test`) and `faults` need nothing but this repository and Linux; `e2e` needs certbot and pebble. */
import { availableParallelism } from 'node:os'
import { env, hrtime } from 'node:process'
import { defineConfig } from 'vitest/config'
import { ClosingLine } from './test/fixtures/closingLine.ts'

/** Nets for what never ends, and no measure of speed: a test waits for what it needs, however busy the machine is. */
const NETS = {
  testTimeout: 240_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
  setupFiles: ['test/fixtures/everyFile.ts'],
}

/** One for a run, so that any row that is printed tells how to repeat all. */
const FAULT_SEED = env.FAULT_SEED ?? `${hrtime.bigint() % 1_000_000n}`

/** Of the suites of faults what is quick. */
const QUICK_FAULTS = [
  'test/faults/service/proxy.test.ts',
  'test/faults/machine/stateDirectory.test.ts',
  'test/faults/hostile/records.test.ts',
  'test/faults/fleet/renewals.test.ts',
]

export default defineConfig({
  test: {
    // more than processors: many tests wait for a process, a socket or a second
    maxWorkers: availableParallelism() * 2,
    reporters: ['default', new ClosingLine()],
    projects: [
      {
        test: {
          name: 'unit',
          env: { FAULT_SEED },
          include: ['test/*.test.ts', 'test/!(e2e|faults)/**/*.test.ts', ...QUICK_FAULTS],
          ...NETS,
          // a process for each file would spend half of its time on loading what others have loaded
          isolate: false,
        },
      },
      {
        test: {
          name: 'faults',
          env: { FAULT_SEED },
          include: ['test/faults/**/*.test.ts'],
          ...NETS,
          testTimeout: env.FAULTS === 'long' ? 900_000 : 240_000,
        },
      },
      {
        test: {
          name: 'e2e',
          globalSetup: 'test/e2e/sharedFolder.ts',
          include: ['test/e2e/**/*.test.ts'],
          ...NETS,
          testTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
