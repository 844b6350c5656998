/**
 * Of undici what the program uses: stands in its place in the bundle. Whole it brings fetch, web sockets, a cache and mocks,
 * which take as long to load as a bare Node to start.
 */
const Dispatcher = require('undici/lib/dispatcher/dispatcher.js')
const api = require('undici/lib/api/index.js')

// as undici's own index does it: a dispatcher has its methods from here
Object.assign(Dispatcher.prototype, api)

exports.Agent = require('undici/lib/dispatcher/agent.js')
exports.Pool = require('undici/lib/dispatcher/pool.js')
exports.EnvHttpProxyAgent = require('undici/lib/dispatcher/env-http-proxy-agent.js')
