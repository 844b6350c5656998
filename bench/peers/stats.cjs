/** The least that a look at unchanged lineages can be: stats of the files and a reading of the receipts: stats.cjs STATE LIVE… */
const { readdirSync, readFileSync, statSync } = require('node:fs')

const [state, ...folders] = process.argv.slice(2)
const seen = []
for (const live of folders) {
  for (const name of readdirSync(live)) {
    for (const file of ['fullchain.pem', 'privkey.pem']) {
      const { dev, ino, size, ctimeNs } = statSync(`${live}/${name}/${file}`, { bigint: true })
      seen.push(`${dev}:${ino}:${size}:${ctimeNs}`)
    }
  }
}
let receipts = 0
for (const name of readdirSync(state)) {
  if (!name.endsWith('.json')) continue
  receipts += JSON.parse(readFileSync(`${state}/${name}`, 'utf8')).certificateId ? 1 : 0
}
if (receipts * 2 !== seen.length) throw new Error(`${receipts} receipts for ${seen.length} files`)
