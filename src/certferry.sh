#!/bin/sh
# Starts certferry with the Node that npm ci installed beside it, from wherever a link to this file stands.

# what other programs of this machine want of Node: a debugger, a script loaded first, certificate checks switched off
unset NODE_OPTIONS NODE_TLS_REJECT_UNAUTHORIZED NODE_DEBUG NODE_PATH NODE_COMPILE_CACHE NODE_V8_COVERAGE
unset NODE_REDIRECT_WARNINGS
# a dump of the process would hold private keys
# shellcheck disable=SC3045 # a sh that knows no -c goes on without
ulimit -c 0 2>/dev/null || :

# a program that need not be asked is not started: each takes a millisecond or two
self=$0
[ -h "$self" ] && self=$(readlink -f "$self")
case $self in
*/*) here=${self%/*} ;;
*) here=. ;;
esac
# a run over thousands keeps less of what it has done with: without this V8's young generation grows to 64 MiB, kept twice
young=--max-semi-space-size=16
# npm 11 links it into .bin; older ones leave it in its package
for node in "$here"/../node_modules/.bin/node "$here"/../node_modules/node-linux-*/bin/node; do
  [ -x "$node" ] && exec "$node" $young "$here/main.js" "$@"
done
exec node $young "$here/main.js" "$@"
