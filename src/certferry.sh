#!/bin/sh
# Starts certferry with the Node that npm ci installed beside it, from wherever a link to this file stands.
here=$(dirname "$(readlink -f "$0")")
node=$here/../node_modules/.bin/node
[ -x "$node" ] || node=node
exec "$node" "$here/main.js" "$@"
