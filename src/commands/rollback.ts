/** `certferry rollback`: puts the previous certificate back, and holds it until the next renewal. */
import type { CommandLine } from '../config/commandLine.ts'
import type { ProcessContext } from '../processContext.ts'
import { runForOne } from './replace.ts'

export const run = (context: ProcessContext, line: CommandLine): Promise<number> =>
  runForOne(context, line, async (app, lineage) => (await app.replacer()).rollBack(lineage))
