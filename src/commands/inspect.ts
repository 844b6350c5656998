/** `certferry inspect FILE…`: shows what is in these PEM files, and whether it would be uploaded. */
import { join, resolve } from 'node:path'
import { inspect, inspectionText, verdictOf } from '../certificate/inspect.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { loadConfig } from '../config/load.ts'
import { Fault, faultJson } from '../errors.ts'
import { isFolder } from '../files/fileSystem.ts'
import { anyText, readTextFile } from '../files/readFile.ts'
import type { ProcessContext } from '../processContext.ts'
import type { Secret } from '../secret.ts'
import { readPassword, STILL } from '../sources/readPair.ts'
import { jsonLine } from '../terminal/text.ts'

export async function run(context: ProcessContext, line: CommandLine): Promise<number> {
  const { operands, json } = line
  if (!operands.length || operands.includes(''))
    throw new Fault(
      'USAGE',
      `inspect needs ${operands.length ? 'the names of files, not an empty word' : 'at least one file'}`,
      {
        advice: 'certferry inspect fullchain.pem privkey.pem',
      },
    )

  const read = await Promise.all(
    operands.map(path =>
      readTextFile(resolve(context.cwd, path)).then(
        file => ({ path, text: anyText(file), still: context.now() - file.writtenAt >= STILL }),
        asFault(path, context.cwd),
      ),
    ),
  )
  const files = read.map(file => ('fault' in file ? file : inspect(file.path, file.text, file.still)))
  const broken = files.find(file => file.fault)?.fault
  const verdict = broken
    ? { fault: broken }
    : verdictOf(
        read.filter(file => 'text' in file),
        {
          now: new Date(context.now()),
          password: await passwordOf(context, line),
          still: read.every(file => 'text' in file && file.still),
        },
      )
  const exit = 'fault' in verdict ? verdict.fault.exit : 0
  context.stdout.write(
    json
      ? jsonLine({
          files: files.map(({ fault, ...file }) => ({ ...file, ...(fault && { fault: faultJson(fault) }) })),
          verdict: 'fault' in verdict ? { fault: faultJson(verdict.fault) } : verdict,
          exit,
        })
      : inspectionText(files, verdict, new Date(context.now())),
  )
  return exit
}

/** The password that `[upload]` of the configuration names, for keys that are encrypted. */
async function passwordOf(context: ProcessContext, line: CommandLine): Promise<Secret | undefined> {
  const { config } = await loadConfig(line.config, context)
  const file = config.upload?.key_password_file
  return file === undefined ? undefined : readPassword(file)
}

const asFault = (path: string, cwd: string) => (error: unknown) => {
  if (!(error instanceof Fault)) throw error
  const isDirectory = error.code === 'FILE_INVALID' && isFolder(resolve(cwd, path))
  const advice = `It is a folder: name its files, such as ${join(path, 'fullchain.pem')} ${join(path, 'privkey.pem')}`
  const fault = isDirectory ? new Fault(error.code, error.message, { advice }) : error
  return { path, blocks: [], fault }
}
