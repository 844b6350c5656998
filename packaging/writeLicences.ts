/** `npm run licences`: writes docs/licences.md anew, after a package came, went or changed. */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { licencesPage } from './licences.ts'
import { ROOT } from './paths.ts'

await writeFile(resolve(ROOT, 'docs/licences.md'), await licencesPage())
