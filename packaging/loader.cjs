/**
 * Stands before the program's first lines. Its other parts are files beside this one, or assets where all is one executable;
 * most come with their compiled code, which Node takes where it was made by the same Node; else it compiles anew.
 */
const loaded = new Map()

/** A part by the name that another asks for it: `./parts/x.js` from main.js, `./x.js` from its like. */
// biome-ignore lint/correctness/noUnusedVariables: what follows in main.js calls it
function part(name) {
  if (LATER.has(name)) return later(name)
  if (!name.startsWith('.')) return require(name)
  const path = `parts/${name.slice(name.lastIndexOf('/') + 1)}`
  const known = loaded.get(path)
  if (known) return known.exports
  const module = { exports: {} }
  loaded.set(path, module)
  const { filename, code, cachedData } = sourceOf(path)
  const { Script } = require('node:vm')
  new Script(code, { filename, cachedData }).runInThisContext()(module.exports, part, module, __filename)
  return module.exports
}

/** Modules of Node that take a millisecond or more, and that many a start does not use. */
const LATER = new Set(['node:child_process', 'node:crypto', 'node:fs/promises', 'node:zlib'])

/** A module that is loaded when the first of its members is asked for. */
function later(name) {
  let found
  const load = () => {
    found ??= require(name)
    return found
  }
  return new Proxy(
    {},
    {
      get: (_, key) => load()[key],
      has: (_, key) => key in load(),
      ownKeys: () => Reflect.ownKeys(load()),
      // those of a proxy have to be configurable where its target has none
      getOwnPropertyDescriptor: (_, key) => {
        const descriptor = Reflect.getOwnPropertyDescriptor(load(), key)
        return descriptor && { ...descriptor, configurable: true }
      },
    },
  )
}

/** Asked for here and not above: an older Node, which knows no assets, must live to be told that it is too old. */
function sourceOf(path) {
  const { getAsset, getAssetKeys, getRawAsset, isSea } = require('node:sea')
  if (isSea()) {
    // an executable for another processor than the one it was built on has none
    const isCompiled = getAssetKeys().includes(`${path}.cache`)
    return {
      filename: path,
      code: getAsset(path, 'utf8'),
      cachedData: isCompiled ? Buffer.from(getRawAsset(`${path}.cache`)) : undefined,
    }
  }
  const { readFileSync } = require('node:fs')
  const filename = `${__dirname}/${path}`
  return { filename, code: readFileSync(filename, 'utf8'), cachedData: readFileSync(`${filename}.cache`) }
}
