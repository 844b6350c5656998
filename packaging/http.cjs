/**
 * Stands in the bundle for node:http, of which undici wants two things: the default of an option, and the class of requests to a
 * server, none of which is ever sent on. Node's own loads its client, its server and its parser.
 */
exports.maxHeaderSize = 16_384
exports.IncomingMessage = class IncomingMessage {}
