/** The machine of a run, in one line: figures without it say nothing. */
import { execFileSync } from 'node:child_process'
import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { median } from './pairs.ts'

export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly kernel: string
  readonly node: string
  readonly fileSystem: string
  /** Milliseconds that a small file and its name take to be on disk: every receipt waits for that. */
  readonly sync: number
  /** Of the minute before the run: other work beside it makes the figures worse. */
  readonly load: number
}

export function machineNow(): Machine {
  const [, system = 'Linux'] = /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? []
  const type = execFileSync('stat', ['-f', '-c', '%T', tmpdir()], { encoding: 'utf8' }).trim()
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system,
    kernel: release(),
    node: process.versions.node,
    fileSystem: type,
    sync: syncTime(),
    load: loadavg()[0] ?? 0,
  }
}

const TRIES = 21

function syncTime(): number {
  const folder = mkdtempSync(join(tmpdir(), 'certferry-bench-'))
  const held = openSync(folder, 'r')
  const times = Array.from({ length: TRIES }, (_, i) => {
    const start = performance.now()
    const file = openSync(join(folder, String(i)), 'w')
    writeSync(file, 'x'.repeat(700))
    fsyncSync(file)
    closeSync(file)
    fsyncSync(held)
    return performance.now() - start
  })
  closeSync(held)
  rmSync(folder, { recursive: true })
  return median(times)
}

export const machineText = (of: Machine): string =>
  `${of.processor}, ${of.cores} cores, ${of.memoryGiB} GiB; ${of.system}, Linux ${of.kernel}, ${of.fileSystem}; ` +
  `Node ${of.node}; fsync of file and folder ${of.sync.toFixed(1)} ms; load ${of.load.toFixed(1)} at the start`
