/** The container image, its compose file and its Kubernetes manifest: accepted by the schemas, and run as they say. */
import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stderr } from 'node:process'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { DEMO_CREDENTIALS, startEmulator } from '../../src/emulator/server.ts'
import { issue } from '../fixtures/certificates.ts'
import { all, certbotIssue, certbotRenew } from '../fixtures/producers.ts'
import { secretVolume } from '../fixtures/secretVolume.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { release } from './debianFixture.ts'
import { buildImage, type Image, type Mount, whyNoImage } from './image.ts'
import { type Pod, readManifests } from './manifests.ts'

const manifests = await readManifests(await temporaryDirectory())
const { compose, kubernetes } = manifests

test("the compose file is one by the compose specification's schema, which knows no other keys", () => {
  expect(manifests.composeMistakes(compose)).toEqual([])
  const { certferry } = compose.services
  expect(
    manifests.composeMistakes({ services: { certferry: { ...certferry, readonly: true } } }),
  ).toHaveLength(1)
})

test('the Kubernetes manifest is one by the types of the API, which know no other members', async () => {
  expect(await manifests.kubernetesMistakes(kubernetes)).toBe('')
  const wrong = JSON.parse(JSON.stringify(kubernetes).replace('"mountPath"', '"path"'))
  expect(await manifests.kubernetesMistakes(wrong)).toMatch(/'"path"' does not exist/)
})

const why = await whyNoImage()
if (why) stderr.write(`image: the container image is not built, ${why}\n`)

const CREDENTIALS = `[default]\nsecret_id = ${DEMO_CREDENTIALS.secretId}\nsecret_key = ${DEMO_CREDENTIALS.secretKey}\n`

describe.skipIf(why)('the image', () => {
  let image: Image

  beforeAll(async () => {
    image = await buildImage(await temporaryDirectory(), await release())
  }, 900_000)

  const openFolder = async () => {
    const folder = await temporaryDirectory()
    const emulator = await startEmulator({ rate: Number.POSITIVE_INFINITY })
    onTestFinished(() => emulator.close())
    const shared = { usesNetwork: true, env: { CERTFERRY_ENDPOINT: emulator.url } }
    return { folder, shared, stored: () => emulator.certificates().length }
  }

  test('the demo runs in it without root, without a network, and with nothing to write to but /tmp', async () => {
    const { code, stdout, stderr } = await image.run({ user: 65532, words: ['demo'], memory: ['/tmp'] })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('stores 4 certificates')
  })

  test('as the compose file has it, it uploads what a certbot outside renews, and ends when it is asked to', async () => {
    const { folder, shared, stored } = await openFolder()
    const { certferry } = compose.services
    expect(certferry).toMatchObject({ read_only: true, cap_drop: ['ALL'], command: ['watch'] })
    const outside = join(folder, 'letsencrypt')
    await all(certbotIssue(outside, 'shop', await issue({ names: ['shop.example.com'] })))
    await writeFile(join(folder, 'credentials'), CREDENTIALS, { mode: 0o600 })
    await mkdir(join(folder, 'state'), { mode: 0o700 })
    const mounts = [
      { from: outside, to: '/etc/letsencrypt', isReadOnly: true },
      { from: join(folder, 'credentials'), to: '/etc/tencentcloud/credentials', isReadOnly: true },
      { from: join(folder, 'state'), to: '/var/lib/certferry' },
    ]
    const words = certferry.command
    const running = await image.start({ user: 0, words, mounts, ...shared })
    try {
      await expect.poll(stored).toBe(1)
      await all(certbotRenew(outside, 'shop', await issue({ names: ['shop.example.com'] })))
      await expect.poll(stored).toBe(2)
    } finally {
      await running.end()
    }
    expect(await image.left()).toBe('')
    expect(running.said()).not.toMatch(/"level":"(warn|error)"/)
  })

  test('as a job of the manifest, it uploads a mounted TLS Secret and its successor, once each', async () => {
    const { folder, shared, stored } = await openFolder()
    const pod = kubernetes.find(({ kind }) => kind === 'CronJob')?.spec?.jobTemplate.spec.template.spec as Pod
    const { runAsUser: user, fsGroup: group } = pod.securityContext
    const [{ args: words, volumeMounts }] = pod.containers
    const pair = async () => {
      const { chain, key } = await issue({ names: ['shop.example.com'] })
      return { 'tls.crt': chain, 'tls.key': key }
    }
    const volume = (name: string, options = {}) => secretVolume(join(folder, name), { group, ...options })
    const renew = volume('shop')
    await renew(await pair())
    await volume('api-key')({ credentials: CREDENTIALS })
    const config = kubernetes.find(({ kind }) => kind === 'ConfigMap')?.data ?? {}
    await volume('config', { mode: 0o644, folderMode: 0o777 })(config)
    await mkdir(join(folder, 'state'))
    await chown(join(folder, 'state'), 0, group)
    await chmod(join(folder, 'state'), 0o2775)
    const mounts = volumeMounts.map(
      ({ name, mountPath, subPath = '', readOnly = false }): Mount => ({
        from: join(folder, name, subPath),
        to: mountPath,
        isReadOnly: readOnly,
      }),
    )
    const sync = async () => {
      const { code, stderr } = await image.run({ user, words, mounts, ...shared })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    }
    for (const count of [1, 1]) {
      await sync()
      expect(stored()).toBe(count)
    }
    await renew(await pair())
    await sync()
    expect(stored()).toBe(2)
    expect(await readdir(join(folder, 'state'))).not.toEqual([])
  })
})
