/** An upload by the official SDK's common client, loaded as sparingly as it can be: sdk.cjs CHAIN KEY ALIAS. */
const { readFileSync } = require('node:fs')
const { Agent } = require('node:http')
const { CommonClient } = require('tencentcloud-sdk-nodejs-common/tencentcloud/common/common_client')

const [chain, key, alias] = process.argv.slice(2)
const { protocol, port } = new URL(process.env.CERTFERRY_ENDPOINT)
// the SDK reads the product's name off the host; this one leads to loopback without a name server
const agent = new Agent({ lookup: (_, __, found) => found(null, [{ address: '127.0.0.1', family: 4 }]) })
const client = new CommonClient('ssl.tencentcloudapi.com', '2019-12-05', {
  credential: {
    secretId: process.env.TENCENTCLOUD_SECRET_ID,
    secretKey: process.env.TENCENTCLOUD_SECRET_KEY,
  },
  profile: { httpProfile: { protocol: `${protocol}//`, endpoint: `ssl.localhost:${port}`, agent } },
})
client
  .request('UploadCertificate', {
    CertificatePublicKey: readFileSync(chain, 'utf8'),
    CertificatePrivateKey: readFileSync(key, 'utf8'),
    CertificateType: 'SVR',
    Alias: alias,
    Repeatable: false,
  })
  .then(({ CertificateId }) => process.stdout.write(`${CertificateId}\n`))
