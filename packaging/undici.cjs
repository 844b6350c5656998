/**
 * The part of undici that the program uses; the bundle has it in place of the whole package, which would add fetch, web
 * sockets, a cache and mocks. bundle.ts leaves out more: `UNUSED_UNDICI`.
 */
const Dispatcher = require('undici/lib/dispatcher/dispatcher.js')

// undici's own index adds the methods in the same way; a proxy needs connect
Dispatcher.prototype.request = require('undici/lib/api/api-request.js')
Dispatcher.prototype.connect = require('undici/lib/api/api-connect.js')

exports.Agent = require('undici/lib/dispatcher/agent.js')
exports.Pool = require('undici/lib/dispatcher/pool.js')
exports.EnvHttpProxyAgent = require('undici/lib/dispatcher/env-http-proxy-agent.js')
