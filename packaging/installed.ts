/** What the Debian and the RPM package install, below the root that the staging directory is. */
import { gzipSync } from 'node:zlib'
import type { Made } from './archive.ts'
import { completionFiles, documents, filesOf, manualPages, unitFor } from './contents.ts'
import type { Staging } from './stagingDir.ts'

export const DOCUMENTS = 'usr/share/doc/certferry'

/** Where the two systems keep the same things. */
export interface Places {
  readonly units: string
  /** By the path below share in which the completion has it. */
  readonly completion: (path: string) => string
}

export async function stageInstalled(
  { write, writeAll, copy }: Staging,
  { version, executable, terms }: Made,
  { units, completion }: Places,
): Promise<void> {
  await copy(executable, 'usr/bin/certferry', 0o755)
  for (const [name, text] of await filesOf('systemd', /^[^/]+\.(service|timer)$/))
    await write(`${units}/${name}`, unitFor(text))
  await writeAll(`${DOCUMENTS}/examples`, await filesOf('systemd', /\.conf$/))
  for (const [path, text] of completionFiles()) await write(`usr/share/${completion(path)}`, text)
  for (const [path, text] of await manualPages(version)) await write(`usr/share/man/${path}.gz`, packed(text))
  for (const [path, text] of await documents()) await write(`${DOCUMENTS}/${path}`, atPlace(text))
  await write(`${DOCUMENTS}/third-party.txt.gz`, packed(terms))
}

/** A configuration that is copied from the example has its schema where the package puts it. */
const atPlace = (text: string) =>
  text.replace('#:schema ./schema.json', `#:schema file:///${DOCUMENTS}/config/schema.json`)

/** lintian asks it of man pages and change logs; level 9 without a time is the same every time. */
export const packed = (text: string): Buffer => gzipSync(text, { level: 9 })
