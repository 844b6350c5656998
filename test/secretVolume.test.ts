/** A TLS Secret of Kubernetes, as the kubelet lays it out and renews it: by swapping one link, `..data`. */
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { openBuiltProgram } from './built/builtProgram.ts'
import { issue } from './fixtures/certificates.ts'

/** https://github.com/kubernetes/kubernetes/blob/master/pkg/volume/util/atomic_writer.go has the steps. */
function secretVolume(folder: string) {
  let turn = 0
  return async (files: Readonly<Record<string, string>>) => {
    const [before, now] = [`..2026_11_30_0${turn}`, `..2026_11_30_0${turn + 1}`]
    await mkdir(join(folder, now), { recursive: true, mode: 0o755 })
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(folder, now, name), text, { mode: 0o400 })
      if (turn === 0) await symlink(`..data/${name}`, join(folder, name))
    }
    // every user may write to the folder of a Secret; its sticky bit keeps the files
    if (turn === 0) await chmod(folder, 0o1777)
    await symlink(now, join(folder, '..data_tmp'))
    await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    await rm(join(folder, before), { recursive: true, force: true })
    turn++
  }
}

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
