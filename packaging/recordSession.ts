/** `npm run session`: runs the demo and writes it into the README if more than times and IDs has changed. */
import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { stdout } from 'node:process'
import { ROOT } from './paths.ts'
import { sessionIn, sessionOf, steady, withSession } from './session.ts'

const file = resolve(ROOT, 'README.md')
const readme = await readFile(file, 'utf8')
const demo = execFileSync(resolve(ROOT, 'dist/certferry'), ['demo'], { encoding: 'utf8' })
const session = sessionOf(demo)
const same = steady(session) === steady(sessionIn(readme))
if (!same) await writeFile(file, withSession(readme, session))
stdout.write(same ? 'README.md shows what the demo does.\n' : 'README.md has the new session.\n')
