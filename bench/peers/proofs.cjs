/** The least that a first look can be: files read, certificates hashed, pairs verified: proofs.cjs LIVE… */
const { createHash, createPrivateKey, X509Certificate } = require('node:crypto')
const { readdirSync, readFileSync } = require('node:fs')

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

const seen = []
for (const live of process.argv.slice(2)) {
  for (const name of readdirSync(live)) {
    const chain = readFileSync(`${live}/${name}/fullchain.pem`, 'utf8')
    const key = createPrivateKey(readFileSync(`${live}/${name}/privkey.pem`))
    const certificates = chain.match(CERTIFICATE).map(pem => new X509Certificate(pem))
    const hash = createHash('sha256')
    for (const { raw } of certificates) hash.update(raw)
    if (!certificates[0].checkPrivateKey(key)) throw new Error(`${name}: the key does not fit`)
    seen.push(hash.digest('hex'))
  }
}
