/**
 * Loaded before the program by codeCache.ts: at its end, writes the compiled code of each part that was loaded, with the functions
 * that were called in this run and in the runs before it. Two builds have to write the same.
 */
const { writeFileSync } = require('node:fs')
const { relative } = require('node:path')
const { setFlagsFromString } = require('node:v8')
const vm = require('node:vm')

const scripts = new Map()

// a function has a mark where optimizing it was tried, which is a matter of time; V8 takes code that was made by the same flags
const setOptimizing = isOn => {
  for (const name of ['sparkplug', 'maglev', 'opt']) setFlagsFromString(`--${isOn ? '' : 'no-'}${name}`)
}

// the file's name is in the code; a slice would bring the whole path with it
const copyOf = text => Buffer.from(text).toString()

setOptimizing(false)

vm.Script = class extends vm.Script {
  constructor(code, options) {
    setOptimizing(true)
    super(code, { ...options, filename: copyOf(relative(__dirname, options.filename)) })
    setOptimizing(false)
    scripts.set(options.filename, this)
  }
}

// on a slow machine, long timers would end in one build and not in another
const { setTimeout } = globalThis
globalThis.setTimeout = (call, ms, ...values) => setTimeout(call, ms > 300 ? 1 << 30 : ms, ...values)

process.on('exit', () => {
  setOptimizing(true)
  for (const [file, script] of scripts) writeFileSync(`${file}.cache`, script.createCachedData())
})
