/** `npm run build`: the program into dist/, beside the Node that npm ci has installed. */
import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { bundle, readVersion } from './bundle.ts'
import { withCodeCache } from './codeCache.ts'
import { ROOT } from './paths.ts'

const folder = resolve(ROOT, 'dist')
await rm(folder, { recursive: true, force: true })
const files = await withCodeCache(await bundle(await readVersion()))
// its own files are CommonJS, whatever the repository's are
for (const [path, content] of [...files, ['package.json', '{ "type": "commonjs" }\n'] as const]) {
  await mkdir(dirname(resolve(folder, path)), { recursive: true })
  await writeFile(resolve(folder, path), content)
}
await copyFile(resolve(ROOT, 'src/certferry.sh'), resolve(folder, 'certferry'))
await chmod(resolve(folder, 'certferry'), 0o755)
