/** The built program with files and a local SSL API of its own, and a list of the features that it was used with. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execPath, kill } from 'node:process'
import { expect, onTestFinished } from 'vitest'
import { parseToml } from '../../src/config/toml.ts'
import { DEMO_CREDENTIALS, type EmulatorOptions, startEmulator } from '../../src/emulator/server.ts'
import { type Ended, type Running, run, start } from '../e2e/child.ts'
import { MAIN } from '../e2e/program.ts'
import { issue, type Pair, type Wish } from '../fixtures/certificates.ts'
import { all, certbotIssue } from '../fixtures/producers.ts'
import { QUICK_CLOCK, quickClock, quickTime } from '../fixtures/quickClock.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

export const KEYS = {
  TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
  TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
}

type Env = Readonly<Record<string, string>>

export type BuiltProgram = Awaited<ReturnType<typeof openBuiltProgram>>

export interface BuiltOptions {
  readonly emulator?: EmulatorOptions | undefined
  /** Minutes of program and service pass in a second: the program is dist/main.js, without its launcher. */
  readonly isQuick?: boolean | undefined
}

/** `program` is a path; nothing of this machine's configuration is seen. */
export async function openBuiltProgram(program: string, { emulator: options, isQuick }: BuiltOptions = {}) {
  const folder = await temporaryDirectory()
  const clock = isQuick ? quickClock() : undefined
  const now = clock ? quickTime(clock) : Date.now
  const emulator = await startEmulator({
    ...{ rate: Number.POSITIVE_INFINITY, ...options },
    ...(clock && { now, timeScale: 1 }),
  })
  onTestFinished(() => emulator.close())
  const used = new Set<string>()
  const at = (...path: readonly string[]) => join(folder, ...path)
  const usual: Env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: folder,
    TZ: 'UTC',
    CERTFERRY_STATE_DIR: at('state'),
    CERTFERRY_ENDPOINT: emulator.url,
    ...(clock && { QUICK_CLOCK: JSON.stringify(clock) }),
  }
  const [file, ...first] = clock ? [execPath, '--import', QUICK_CLOCK, MAIN] : [program]

  const note = (words: readonly string[], env: Env) => {
    const [command = '', ...rest] = words
    used.add(command)
    for (const [i, word] of rest.entries()) {
      if (word.startsWith('--')) used.add(`${command} ${word}`)
      if (rest[i - 1] === '--source') used.add(`source ${word.split('=', 1)[0]}`)
    }
    if (command === 'install-hook') used.add(`install-hook ${rest[0]}`)
    for (const name of Object.keys(env)) used.add(name)
  }
  const type = (words: readonly string[], env: Env = KEYS): Promise<Ended> => {
    note(words, env)
    return run(file, [...first, ...words], { ...usual, ...env })
  }
  const put = async (path: string, text: string, mode = 0o600) => {
    await mkdir(dirname(at(path)), { recursive: true })
    await writeFile(at(path), text, { mode })
    return at(path)
  }
  return {
    folder,
    emulator,
    now,
    used,
    at,
    type,
    put,
    read: (path: string) => readFile(at(path), 'utf8'),
    /** As `type`, where it has to end with 0. */
    typed: async (words: readonly string[], env?: Env): Promise<string> => {
      const { code, stdout, stderr } = await type(words, env)
      expect({ code, said: code ? stdout + stderr : '' }, words.join(' ')).toEqual({ code: 0, said: '' })
      return stdout
    },
    /** A command that goes on until it is ended. */
    begin: (
      words: readonly string[],
      env: Env = KEYS,
    ): Running & { readonly signal: (name: NodeJS.Signals) => void } => {
      note(words, env)
      const running = start(file, [...first, ...words], { ...usual, ...env })
      onTestFinished(running.end)
      const signal = (name: NodeJS.Signals) => {
        used.add(name)
        kill(running.pid(), name)
      }
      return { ...running, signal }
    },
    /** A configuration; what stands in it counts as used. */
    configure: async (text: string, name = 'config.toml') => {
      for (const [table, value] of Object.entries(parseToml(text).value)) {
        const title = Array.isArray(value) ? `[[${table}]]` : `[${table}]`
        for (const entry of [value].flat())
          for (const [key, of] of Object.entries(entry as object)) {
            used.add(`${title} ${key}`)
            if (key === 'kind') used.add(`source ${of}`)
          }
      }
      return put(name, text)
    },
    pair: async (stem: string, wish: Wish = {}): Promise<Pair> => {
      const pair = await issue({ names: [`${stem}.example.com`], ...wish })
      await put(`${stem}/chain.pem`, pair.chain)
      await put(`${stem}/key.pem`, pair.key)
      return pair
    },
    /** In certbot's tree at `letsencrypt`. */
    certbot: async (name: string, wish: Wish = {}): Promise<Pair> => {
      const pair = await issue({ names: [name], ...wish })
      await all(certbotIssue(at('letsencrypt'), name, pair))
      return pair
    },
    /** What counts as used without having been typed. */
    did: (...features: readonly string[]) => {
      for (const feature of features) used.add(feature)
    },
  }
}
