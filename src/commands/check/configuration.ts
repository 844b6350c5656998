/** The configuration: which file, and everything wrong in it, in the environment and in options. */
import { Fault } from '../../core/fault.ts'
import { type Finding, failure, ok } from '../../core/finding.ts'
import { quoteShell } from '../../core/shellWord.ts'
import type { CheckContext } from './scene.ts'

export async function configuration({ configuration }: CheckContext): Promise<readonly Finding[]> {
  const { file, complaints } = configuration
  if (!complaints.length) return [ok('configuration', file ?? 'no file: environment, options and defaults')]
  return complaints.map(({ text, line, advice, code = 'CONFIG_INVALID' }) => {
    const fault = new Fault(code, text, advice === undefined ? {} : { advice })
    return line === undefined || file === undefined
      ? failure('configuration', fault)
      : failure('configuration', fault, { command: `sudo editor +${line} ${quoteShell(file)}` })
  })
}
