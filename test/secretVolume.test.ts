/** A TLS Secret of Kubernetes as the source of a certificate: its swap is noticed. */
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { openBuiltProgram } from './built/builtProgram.ts'
import { issue } from './fixtures/certificates.ts'
import { secretVolume } from './fixtures/secretVolume.ts'

const generation = async () => {
  const { chain, key } = await issue({ names: ['shop.example.com'] })
  return { 'tls.crt': chain, 'tls.key': key }
}

async function openMounted() {
  const built = await openBuiltProgram(resolve('dist/certferry'))
  const mount = secretVolume(built.at('tls'))
  await mount(await generation())
  const config = await built.configure(
    `[[source]]\nkind = "pem"\nname = "shop"\nchain = "${built.at('tls/tls.crt')}"\nkey = "${built.at('tls/tls.key')}"\n`,
  )
  return { built, mount, config, stored: () => built.emulator.certificates().length }
}

test('sync uploads it, uploads its successor after a swap, and nothing between', async () => {
  const { built, mount, config, stored } = await openMounted()
  const sync = () => built.typed(['sync', '--config', config])
  for (const count of [1, 1]) {
    await sync()
    expect(stored()).toBe(count)
  }
  await mount(await generation())
  await sync()
  expect(stored()).toBe(2)
})

test('watch notices each of three swaps by itself', async () => {
  const { built, mount, config, stored } = await openMounted()
  const daemon = built.begin(['watch', '--config', config, '--log-level', 'warn'])
  await expect.poll(stored).toBe(1)
  for (const count of [2, 3, 4]) {
    await mount(await generation())
    await expect.poll(stored).toBe(count)
  }
  expect(daemon.said()).toBe('')
})
