/** What the program is made of: fixed by the lockfile, few, each for a reason, on free terms, and nothing runs at installation. */
import { access, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { bundle } from '../../packaging/bundle.ts'
import { ALLOWED, licencesPage, reasons, terms } from '../../packaging/licences.ts'
import { unpackNode } from '../../packaging/otherNode.ts'
import { heldFor, readLockfile, runtimePackages } from '../../packaging/packages.ts'
import { sbom } from '../../packaging/sbom.ts'

const lockfile = await readLockfile()
const locked = Object.entries(lockfile.packages).filter(([path]) => path)
const packages = runtimePackages(lockfile)
/** Node for another processor is not there. */
const installed = heldFor(process.arch, packages)
const manifestOf = async (path: string) => JSON.parse(await readFile(join(path, 'package.json'), 'utf8'))

describe('the lockfile', () => {
  test('fixes the content of every package, the development’s too, by its SHA-512', () => {
    expect(locked.length).toBeGreaterThan(100)
    for (const [path, { integrity }] of locked) expect(integrity, path).toMatch(/^sha512-[\w+/]{86}==$/)
  })

  test('names no place to fetch from: each comes from the registry of the one who installs', async () => {
    const text = await readFile('package-lock.json', 'utf8')
    expect(text).not.toMatch(/"resolved"|"link"|git\+|github:|file:|https?:\/\/[^"]*\.tgz/)
  })

  test('has no package that wants to run something when it is installed', () => {
    expect(locked.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([])
  })
})

describe('the packages that the program needs', () => {
  test('are those that are installed, and none runs a script or compiles anything', async () => {
    for (const { path, name, version } of installed) {
      const { scripts = {}, ...manifest } = await manifestOf(path)
      expect([manifest.name, manifest.version]).toEqual([name, version])
      for (const script of ['preinstall', 'install', 'postinstall'])
        expect(scripts[script], path).toBeUndefined()
      await expect(access(join(path, 'binding.gyp')), path).rejects.toThrow('ENOENT')
    }
  })

  test('are fewer than fifty, and each that the program asks for has its reason in the architecture page', async () => {
    expect(packages.length).toBeLessThan(50)
    const direct = packages.filter(each => each.direct).map(({ name }) => name)
    expect([...(await reasons()).keys()].toSorted()).toEqual(direct.toSorted())
  })

  test('are on terms that ask for nothing but to be named, and bring them along', async () => {
    for (const { licence, name } of packages) expect(ALLOWED, name).toContain(licence)
    const text = await terms(installed)
    for (const { name, version, licence } of installed)
      expect(text).toContain(`\n${name} ${version} (${licence})\n`)
  })

  test('stand in docs/licences.md as they are now (npm run licences)', async () => {
    expect(await readFile('docs/licences.md', 'utf8')).toBe(await licencesPage())
  })
})

test('Node for another processor is what the lockfile names, or nothing is made of it', async () => {
  const archive = 'node_modules/.cache/node-linux-test-1.2.3.tgz'
  await mkdir('node_modules/.cache', { recursive: true })
  await writeFile(archive, 'another')
  onTestFinished(async () => {
    await rm(archive)
    await rm('node_modules/.cache/node-linux-test-1.2.3', { recursive: true })
  })
  const wanted = { name: 'node-linux-test', version: '1.2.3', sha512: 'one', licence: 'MIT', path: '' }
  await expect(unpackNode({ ...wanted, needs: [], direct: true })).rejects.toThrow(
    'is not what package-lock.json names; delete it',
  )
})

describe('the bill of materials', () => {
  const contents = { version: '1.2.3', epoch: 1_700_000_000, node: process.versions, packages: installed }
  const document = JSON.parse(sbom(contents))
  let bundled: readonly string[]
  beforeAll(async () => {
    const { sources } = await bundle('1.2.3')
    const names = sources.flatMap(path => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])
    bundled = [...new Set(names)]
  })

  test('names every package of which a file is in the program', () => {
    const named = document.components.map(({ name }: { name: string }) => name)
    expect(bundled).toContain('valibot')
    for (const name of bundled) expect(named).toContain(name)
  })

  test('names Node and what Node is made of, by the names under which weaknesses are reported', () => {
    const [node] = document.components
    const { node: version, openssl } = process.versions
    expect(node).toMatchObject({
      name: 'node',
      version,
      cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    })
    expect(node.components).toContainEqual(
      expect.objectContaining({
        name: 'openssl',
        version: openssl,
        cpe: expect.stringContaining(`:${openssl}:`),
      }),
    )
  })

  test('says who needs whom, and refers to nothing that it does not name', () => {
    const refs = new Set(document.components.map((each: { 'bom-ref': string }) => each['bom-ref']))
    expect(refs.size).toBe(document.components.length)
    const wanted = document.dependencies.flatMap(({ dependsOn }: { dependsOn: string[] }) => dependsOn)
    expect(new Set(wanted)).toEqual(refs)
  })

  test('is the same for the same release, and another for another', () => {
    expect(sbom(contents)).toBe(sbom(contents))
    const numbers = [contents, { ...contents, version: '1.2.4' }].map(
      each => JSON.parse(sbom(each)).serialNumber,
    )
    expect(new Set(numbers).size).toBe(2)
    for (const number of numbers)
      expect(number).toMatch(/^urn:uuid:[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/)
  })
})

test('every package is asked for by its version, and the lockfile is the only one', async () => {
  const { dependencies, optionalDependencies, devDependencies } = await manifestOf('.')
  for (const wanted of Object.values({ ...dependencies, ...optionalDependencies, ...devDependencies }))
    expect(wanted).toMatch(/^\^?\d+\.\d+\.\d+(-[\w.]+)?$/)
  const others = (await readdir('.')).filter(name => /^(npm-shrinkwrap|yarn|pnpm|bun)/.test(name))
  expect(others).toEqual([])
})
