/** A Node that has loaded what a daemon needs of other people's code, and does nothing: packages.mjs NAME… */
await Promise.all(process.argv.slice(2).map(name => import(name)))
process.stdout.write('loaded\n')
setInterval(() => undefined, 1 << 30)
