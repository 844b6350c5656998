#!/bin/sh
# Starts certferry with the Node that npm ci installed beside it, from wherever a link to this file stands.
here=$(dirname "$(readlink -f "$0")")
# npm 11 links it into .bin; older ones leave it in its package
for node in "$here"/../node_modules/.bin/node "$here"/../node_modules/node-linux-*/bin/node; do
  [ -x "$node" ] && exec "$node" "$here/main.js" "$@"
done
exec node "$here/main.js" "$@"
