/** Loaded before a program: on its end, says which files of code and which parts of Node were loaded for it. */
import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { env } from 'node:process'
import { pathToFileURL } from 'node:url'
import vm from 'node:vm'

const { LOADED_FILE = '' } = env
const files: string[] = []
registerHooks({
  load: (url, context, next) => {
    files.push(url)
    return next(url, context)
  },
})
// the bundle's parts are compiled by the program itself
vm.Script = class extends vm.Script {
  constructor(code: string, options: vm.ScriptOptions) {
    super(code, options)
    files.push(pathToFileURL(options.filename ?? '').href)
  }
}

// not in the types: a list that Node keeps for its own tests
const { moduleLoadList } = process as unknown as { readonly moduleLoadList: readonly string[] }
process.on('exit', () => writeFileSync(LOADED_FILE, JSON.stringify({ files, parts: moduleLoadList })))
