/** The machine of a run, in one line: figures without it say nothing. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem } from 'node:os'

export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly kernel: string
  readonly node: string
  readonly fileSystem: string
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
    load: loadavg()[0] ?? 0,
  }
}

export const machineText = (of: Machine): string =>
  `${of.processor}, ${of.cores} cores, ${of.memoryGiB} GiB; ${of.system}, Linux ${of.kernel}, ${of.fileSystem}; ` +
  `Node ${of.node}; load ${of.load.toFixed(1)} at the start`
