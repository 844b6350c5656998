/**
 * Stands in the bundle for node:assert, which undici calls some twenty times a request. Node's own, with the 27 modules that it
 * needs to describe a difference, is loaded where an assertion fails.
 */
module.exports = (value, message) => {
  if (!value) require('node:assert')(value, message)
}
