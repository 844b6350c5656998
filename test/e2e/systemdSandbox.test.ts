/** What the units do not allow, tried from inside; reading by group; and a second account. */
import { chmod, chown, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { eventually } from './container.ts'
import { type Machine, startMachine, why } from './systemdFixture.ts'

let machine: Machine

const probes = new Map<string, ReturnType<typeof runProbe>>()

/** What systemdProbe.ts finds in the sandbox of the unit, in which it runs once. */
function probe(unit: string) {
  const found = probes.get(unit) ?? runProbe(unit)
  probes.set(unit, found)
  return found
}

async function runProbe(unit: string) {
  await machine.systemctl('start', unit)
  return JSON.parse((await machine.run('cat', `/run/${unit}.service.json`)).stdout)
}

const every = (names: readonly string[], code: unknown) => Object.fromEntries(names.map(name => [name, code]))
const CAPABILITIES = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']
const PRIVATE = [
  '/root/private',
  '/home/somebody/private',
  '/proc/1/status',
  '/proc/sys/kernel/hostname',
  '/dev/kmsg',
]
/** The unit as it is, and as it is with group.conf. */
const UNITS = ['probe', 'probe-group']
/** The error for a family that is not allowed. */
const EAFNOSUPPORT = 97
const KEYS = [
  '/etc/letsencrypt/live/first/privkey.pem',
  '/root/.acme.sh/acme.example.com_ecc/acme.example.com.key',
]

/** As `chgrp -R ssl-cert` and `chmod -R g+rX` do it. */
async function openToGroup(directory: string): Promise<void> {
  const { stdout } = await machine.run('getent', 'group', 'ssl-cert')
  const names = await readdir(directory, { recursive: true, withFileTypes: true })
  const entries = names.filter(entry => !entry.isSymbolicLink())
  const group = Number(stdout.split(':')[2])
  const open = async (path: string, isDirectory: boolean) => {
    await chown(path, 0, group)
    await chmod(path, isDirectory ? 0o750 : 0o640)
  }
  await open(directory, true)
  for (const entry of entries) await open(join(entry.parentPath, entry.name), entry.isDirectory())
}

describe.skipIf(why)('the sandbox', () => {
  beforeAll(async () => {
    machine = await startMachine(await temporaryDirectory())
    await machine.run('groupadd', '--force', '--system', 'ssl-cert')
  })

  afterAll(() => machine?.close())

  test.each([
    ['certferry.service', 'probe', '0000000000000004', 'done'],
    ['certferry.service with group.conf', 'probe-group', '0000000000000000', 'EACCES'],
  ])(
    "%s reads root's keys by its capability alone, and no home, process or device",
    async (_, unit, capability, keys) => {
      const found = await probe(unit)
      expect(found.user).not.toContain(0)
      expect(found.capabilities).toEqual(every(CAPABILITIES, capability))
      expect(found.reading).toEqual({ ...every(KEYS, keys), ...every(PRIVATE, 'ENOENT') })
      expect([found.homes, found.processes]).toEqual([['.acme.sh'], 1])
    },
  )

  test.each(UNITS)('%s can write to its state and its own /tmp alone', async unit => {
    const found = await probe(unit)
    expect(found.ownState).toBe('done')
    for (const [directory, code] of Object.entries(found.writing))
      expect(code, `writing to ${directory}`).toMatch(/^(EROFS|EACCES)$/)
    expect(found.openFolders.toSorted()).toEqual([
      // for the daemon's notifications while its state directory cannot be written
      '/run/private/certferry',
      '/tmp',
      '/var/lib/private/certferry',
      '/var/tmp',
    ])
  })

  test.each(UNITS)('%s has no address family but IP and Unix', async unit => {
    const { sockets } = await probe(unit)
    const { inet, inet6, unix, ...others } = sockets
    expect([inet, inet6, unix]).toEqual([0, 0, 0])
    for (const [family, exit] of Object.entries(others)) expect(exit, family).toBe(EAFNOSUPPORT)
    for (const family of ['16', '17']) {
      const { code } = await machine.run('perl', '-e', 'exit(socket(my $s, shift, 3, 0) ? 0 : $!)', family)
      expect(code, `family ${family} outside`).toBe(0)
    }
  })

  test.each(UNITS)('%s cannot gain privileges', async unit => {
    const found = await probe(unit)
    expect([found.noNewPrivileges, found.filtered]).toEqual(['1', '2'])
    expect([found.becomingRoot, found.makingSetuid, found.signallingInit]).toEqual([
      'EPERM',
      'EPERM',
      'EPERM',
    ])
    expect(found.setuidProgram).toBe(String(found.user[0]))
    for (const exit of [
      found.newNamespace,
      found.mounting,
      found.settingTheClock,
      found.namingTheHost,
      found.makingADevice,
      found.rawSocket,
    ])
      expect(exit).toBeGreaterThan(0)
  })

  test.each(UNITS)('%s leaves no core dump, which would hold private keys', async unit => {
    expect((await probe(unit)).coreDump).toEqual(['0', '0'])
  })

  test('a daemon that reads by group has no capability, and uploads', async () => {
    await machine.run('mkdir', '-p', '/etc/systemd/system/certferry.service.d')
    await machine.run(
      'cp',
      '/etc/systemd/system/probe-group.service.d/group.conf',
      '/etc/systemd/system/certferry.service.d',
    )
    await machine.systemctl('daemon-reload')
    await openToGroup(machine.letsencrypt)
    await machine.systemctl('start', 'certferry')
    await machine.uploaded(1)
    const { MainPID } = await machine.show('certferry')
    expect((await machine.run('cat', `/proc/${MainPID}/status`)).stdout).toMatch(/^CapEff:\s+0{16}$/m)
    expect(await machine.journal('emulator')).toContain('UploadCertificate  OK')
    await machine.systemctl('stop', 'certferry')
  })

  test('a second account has its own configuration, credentials and state', async () => {
    await machine.systemctl('start', 'certferry@second')
    await machine.uploaded(2)
    // the receipt is recorded after the upload
    const database = () =>
      machine.run('grep', '-c', 'second.example.com', '/var/lib/certferry-second/state.db')
    await eventually('its receipt', async () => (await database()).code === 0)
    await machine.systemctl('stop', 'certferry@second')
  })
})
