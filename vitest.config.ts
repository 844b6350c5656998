/** Three suites: `unit` and `faults` need nothing but this repository and Linux; `e2e` needs certbot and pebble. */
import { env, hrtime } from 'node:process'
import { defineConfig } from 'vitest/config'
import { ClosingLine } from './test/fixtures/closingLine.ts'

/** Nets for what never ends, and no measure of speed: a test waits for what it needs, however busy the machine is. */
const NETS = {
  testTimeout: 240_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
} as const

/** One for a run, so that any row that is printed tells how to repeat all. */
const FAULT_SEED = env.FAULT_SEED ?? `${hrtime.bigint() % 1_000_000n}`

export default defineConfig({
  test: {
    // vitest keeps one processor free, which on two leaves one: many tests wait for a process or a socket
    maxWorkers: '100%',
    reporters: ['default', new ClosingLine()],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/faults/**'],
          ...NETS,
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
          include: ['test/e2e/**/*.test.ts'],
          ...NETS,
          testTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
