/** The least that a look at unchanged lineages can be: stats of the files and a reading of the receipts: stats.cjs RECEIPTS LIVE… */
const { readdirSync, readFileSync, statSync } = require('node:fs')

const [kept, ...folders] = process.argv.slice(2)
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
for (const name of readdirSync(kept)) {
  receipts += JSON.parse(readFileSync(`${kept}/${name}`, 'utf8')).certificate_id ? 1 : 0
}
if (receipts * 2 !== seen.length) throw new Error(`${receipts} receipts for ${seen.length} files`)
