/** A process that only watches a source, prints what it is told until it has been told a few things, and closes. */
import { createWatcher } from '../../src/sources/watcher.ts'

const [, , path = '', wanted = '1'] = process.argv
const told: string[] = []
const enough = Promise.withResolvers<void>()
const tell = (what: string) => {
  if (told.at(-1) !== what) told.push(what)
  if (told.length >= Number(wanted)) enough.resolve()
}
const source = { kind: 'certbot', path, keys: {} } as const
const watcher = createWatcher(source, {
  onChange: () => tell('change'),
  onDeath: error => tell(`death: ${error}`),
  onPolling: why => tell(`polling: ${why}`),
  poll: async () => tell('poll'),
  compare: async () => false,
  pulse: 10,
})
await watcher.ready
if (told.length < Number(wanted)) await enough.promise
await watcher.close()
// nothing ends this process: a watcher or a timer that was left would keep it alive
process.stdout.write(`${told.join(', ')}\n`)
