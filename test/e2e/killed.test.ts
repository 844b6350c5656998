/** A real certbot killed between any two of its links: what it leaves is pending or whole, and its next run repairs it. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { certbotIn } from './certbot.ts'
import { type Runner, run } from './child.ts'
import { openAccount } from './emulatorAccount.ts'
import { startPebble } from './pebble.ts'
import { program, reportOf } from './program.ts'

/** Four that remember the old links, then the four themselves, each after the old one was removed. */
const LINKS = [1, 2, 3, 4, 5, 6, 7, 8]

const SLOW = { timeout: 600_000 }

/** Before its nth link is made, as a power cut would; strace 6.1 injects nothing with --seccomp-bpf. */
const killedAt =
  (n: number): Runner =>
  (file, args, env) => {
    const inject = ['-e', 'trace=symlink', '-e', `inject=symlink:signal=KILL:when=${n}`]
    return run('strace', ['-f', '-qq', '-o', '/dev/null', ...inject, file, ...args], env)
  }

test(
  'what certbot leaves when it is killed at any of its links is pending or uploaded, and its next run repairs it',
  SLOW,
  async () => {
    const directory = await temporaryDirectory()
    const pebble = await startPebble()
    const { emulator, options, credentials } = await openAccount(join(directory, 'state'))
    const certbot = certbotIn(directory, pebble)
    const words = ['sync', '--json', '--source', `certbot=${certbot.config}`, ...options]
    const sync = async () => {
      const { results, exit } = reportOf(await program(words, credentials))
      return { exit, outcome: results[0]?.outcome, code: results[0]?.fault?.code }
    }
    try {
      expect(await certbot.issue('app', ['app.test.example'])).toMatchObject({ code: 0 })
      expect(await sync()).toMatchObject({ exit: 0, outcome: 'uploaded' })
      const results = []
      for (const n of LINKS) {
        await expect(certbotIn(directory, pebble, killedAt(n)).renew('app')).rejects.toThrow('certbot')
        results.push((await sync()).code ?? 'whole')
        const stored = emulator.certificates().length
        expect(await certbot.renew('app')).toMatchObject({ code: 0 })
        expect(await sync()).toMatchObject({ exit: 0, outcome: 'uploaded' })
        expect(emulator.certificates()).toHaveLength(stored + 1)
      }
      // no key beside a new leaf; the old chain beside the new key; no chain
      expect(results).toEqual([
        ...Array(4).fill('whole'),
        'whole',
        'PAIR_INCOMPLETE',
        'KEY_MISMATCH',
        'PAIR_INCOMPLETE',
      ])
    } finally {
      await emulator.close()
      await pebble.close()
    }
  },
)
