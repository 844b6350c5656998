/** Loaded before the program, under strace: drafts get their names in a row, so that strace can be told of each. */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

let count = 0

Object.assign(crypto, {
  randomBytes: (size: number) => {
    count += 1
    return Buffer.from(count.toString(16).padStart(size * 2, '0'), 'hex')
  },
})
syncBuiltinESMExports()
