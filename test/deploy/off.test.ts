/** With replacing off, the program sends what it sends without a [deploy] table: byte for byte, but for times and signatures. */
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cli } from '../../src/cli/run.ts'
import { KEYS } from '../commands/commandFixture.ts'
import { issue } from '../fixtures/certificates.ts'
import { recordedContext } from '../fixtures/context.ts'
import { all, certbotIssue, certbotRenew } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { listening } from '../http/httpServers.ts'

const DAY = 86_400_000

/** Differ from request to request, or with the port. */
const VARYING = ['authorization', 'x-tc-timestamp', 'host']

const OFF = `
[deploy]
replace = false
replaces = ["zzzzzzz9"]
verify = ["a.example.com:8443"]
types = ["cdn"]
allow_untrusted = true
retire = "delete"
grace_days = 0
keep = 0
`

const digest = (text: unknown) => createHash('sha256').update(String(text)).digest('hex')

/** An endpoint that knows each certificate by its digest, and keeps what it was sent. */
async function openEndpoint() {
  const requests: string[] = []
  const port = await listening(
    createServer(async (request, response) => {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part)
      const body = Buffer.concat(parts).toString('latin1')
      const headers = request.rawHeaders.flatMap((name, i, raw) =>
        i % 2 || VARYING.includes(name.toLowerCase()) ? [] : `${name}: ${raw[i + 1]}`,
      )
      requests.push([`${request.method} ${request.url}`, ...headers, '', digest(body)].join('\n'))
      const id = digest(JSON.parse(body).CertificatePublicKey).slice(0, 8)
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ Response: { CertificateId: id, RepeatCertId: '', RequestId: 'r' } }))
    }),
  )
  return { url: `http://127.0.0.1:${port}`, requests }
}

test('with replace = false every request is the same, byte for byte, as without a [deploy] table', async () => {
  const folder = await temporaryDirectory()
  const root = join(folder, 'letsencrypt')
  const runs = await Promise.all(
    ['', OFF, OFF.replace('replace = false\n', '')].map(async (text, i) => {
      const config = join(folder, `${i}.toml`)
      await writeFile(config, text)
      const endpoint = await openEndpoint()
      const options = [
        '--config',
        config,
        '--endpoint',
        endpoint.url,
        '--state-dir',
        join(folder, `state${i}`),
      ]
      const type = async (words: readonly string[]) => {
        const env = { ...KEYS, RENEWED_LINEAGE: join(root, 'live/a.example.com') }
        const { context } = recordedContext({ cwd: folder, env })
        return cli([...words, ...options], context)
      }
      return { endpoint, type }
    }),
  )
  const sync = ['sync', '--source', `certbot=${root}`]
  const steps = [sync, ['hook'], [...sync, '--force'], [...sync, '--dry-run'], [...sync, '--json']]
  for (const [i, words] of steps.entries()) {
    const pair = await issue({ names: ['a.example.com'], notAfter: new Date(Date.now() + (60 + i) * DAY) })
    await all((i ? certbotRenew : certbotIssue)(root, 'a.example.com', pair))
    for (const { type } of runs) expect(await type(words)).toBe(0)
  }
  const [without, ...others] = runs.map(({ endpoint }) => endpoint.requests)
  expect(without).toHaveLength(4)
  for (const request of without ?? []) expect(request).toContain('\nx-tc-action: UploadCertificate\n')
  expect(others).toEqual([without, without])
})
