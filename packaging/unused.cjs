/**
 * Stands in the bundle for modules that pino loads and certferry never uses: its own files, transports in worker threads,
 * and what they need. certferry gives pino its destination.
 */
module.exports = class Unused {
  constructor() {
    throw new Error('this part of pino is not in the bundle')
  }
}
