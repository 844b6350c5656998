/** Every byte that leaves the program and its children, in every weather, at every level: keys go to the service alone. */
import { readdir, readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { LEVELS } from '../../../src/config/values.ts'
import { seededDice } from '../../fixtures/dice.ts'
import { leaksIn } from '../../fixtures/leaks.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { PROGRAM } from '../machine/child.ts'
import { inLanes } from '../machine/parallel.ts'
import { hasStrace } from '../machine/strace.ts'
import { LONG, promised, SEED } from '../run.ts'
import { SCENES, type Scene } from './scenarios.ts'
import { type House, openHouse } from './secretFixtures.ts'
import { SECRETS, WEBHOOK_PATH } from './secrets.ts'
import { type Heard, type Listening, listenIn } from './tracedWrites.ts'

const BOUND = { timeout: 60_000, interval: 50 }

const COMMANDS: Readonly<Record<string, (house: House) => readonly string[]>> = {
  sync: ({ folder }) => ['sync', '--metrics-file', join(folder, 'certferry.prom')],
  'sync --json': () => ['sync', '--json', '--force'],
  hook: () => ['hook', '--deadline', '3'],
  watch: () => ['watch'],
  status: () => ['status', '--json'],
  check: () => ['check'],
  inspect: ({ live }) => ['inspect', join(live, 'fullchain.pem'), join(live, 'privkey.pem')],
  'config print': () => ['config', 'print'],
}

/** The daemon's pages, and what a page that is none says. */
async function pagesOf(socketPath: string): Promise<string> {
  const pages = ['/metrics', '/live', '/ready', '/', '/../etc/passwd'].map(
    path =>
      new Promise<string>((resolve, reject) => {
        request({ socketPath, path }, answer => resolve(text(answer)))
          .on('error', reject)
          .end()
      }),
  )
  return (await Promise.all(pages)).join('\n')
}

/** A daemon is asked for its pages, nudged, and ended when the service has been asked, where it is to be. */
async function attend(house: House, scene: Scene, run: Listening): Promise<string> {
  let over = false
  run.ended.then(() => (over = true))
  let pages = ''
  const look = async () => {
    pages = over ? pages : await pagesOf(house.socket).catch(() => '')
    return over || pages !== ''
  }
  await expect.poll(look, BOUND).toBe(true)
  run.child.kill('SIGUSR1')
  const isDone = () => over || !scene.arrives || house.asked() > 0
  await expect.poll(isDone, BOUND).toBe(true)
  await look()
  run.child.kill('SIGTERM')
  return pages
}

const filesIn = async (folder: string) => {
  const names = await readdir(folder).catch(() => [])
  return Promise.all(names.map(name => readFile(join(folder, name), 'utf8').catch(() => '')))
}

interface Trial {
  readonly scene: Scene
  readonly command: string
  readonly level: string
}

async function tried({ scene, command, level }: Trial, folder: string) {
  const house = await openHouse(folder, scene)
  const words = [
    ...PROGRAM,
    ...(COMMANDS[command]?.(house) ?? []),
    ...(command === 'inspect' ? [] : ['--config', house.config]),
    ...(hasLevel(command) ? ['--log-level', level] : []),
  ]
  const run = listenIn({ words, env: house.env, output: join(folder, 'calls'), port: house.ports.service })
  const pages = command === 'watch' ? await attend(house, scene, run) : ''
  const heard = await run.heard
  return { house, heard, leaks: await leaksOf(house, heard, pages) }
}

async function leaksOf({ keys, ports, folder }: House, heard: Heard, pages: string) {
  const toWebhook = (call: string) => call.includes(`->127.0.0.1:${ports.webhook}]>`)
  const all = [
    ...heard.elsewhere,
    heard.stdout,
    heard.stderr,
    pages,
    ...(await filesIn(join(folder, 'state'))),
  ]
  const told = all.join('\n')
  bytes += told.length
  const others = all.filter(each => !toWebhook(each)).join('\n')
  return [
    ...leaksIn(told, { keys, secrets: SECRETS }),
    ...leaksIn(others, { keys: [], secrets: [WEBHOOK_PATH] }).filter(leak => leak !== 'PRIVATE KEY-----'),
  ]
}

let bytes = 0

const dice = seededDice(SEED)
const oneOf = <T>(items: readonly T[]): T => items[Math.floor(dice() * items.length)] as T
const LOUD = ['sync', 'watch']
/** The rest says the same at every level. */
const hasLevel = (command: string) => !['status', 'inspect', 'config print'].includes(command)

/** In the long run everything; in the short one every scene once at its loudest, and the first with every command. */
function trialsOf(scene: () => Scene, isFirst: boolean): readonly Trial[] {
  const commands = Object.keys(COMMANDS).filter(name => !(scene().patient && name.startsWith('sync')))
  if (LONG)
    return commands.flatMap(command =>
      (hasLevel(command) ? LEVELS : ['trace']).map(level => ({ scene: scene(), command, level })),
    )
  if (isFirst) return commands.map(command => ({ scene: scene(), command, level: oneOf(LEVELS) }))
  return [{ scene: scene(), command: oneOf(commands.filter(name => LOUD.includes(name))), level: 'trace' }]
}

const trials = SCENES.flatMap((scene, i) => trialsOf(scene, i === 0))

test.skipIf(!hasStrace)(
  'keys and secrets go to the service and nowhere else: no output, file, page, message, program word or environment has them',
  async () => {
    const root = await temporaryDirectory()
    const broken: string[] = []
    const arrived = new Set<string>()
    await inLanes([...trials.entries()], async ([n, trial]) => {
      const { heard, house, leaks } = await tried(trial, join(root, String(n)))
      const what = `${trial.command} at ${trial.level}, ${trial.scene.name}`
      for (const leak of leaks) broken.push(`${what}: ${leak}`)
      if (heard.elsewhere.length < 50) broken.push(`${what}: next to nothing was heard (${heard.stderr})`)
      if (leaksIn(heard.toService.join('\n'), { keys: house.keys, secrets: [] }).length)
        arrived.add(trial.scene.name)
    })
    expect(broken).toEqual([])
    // what is not heard where it has to be would not be heard elsewhere
    for (const { scene } of trials) if (scene.arrives) expect(arrived).toContain(scene.name)
    process.stdout.write(`secrets: ${trials.length} runs, ${(bytes / 1e6).toFixed(0)} MB searched\n`)
    promised({
      fault: 'Secrets on their way',
      how: '`strace` on all that is handed on',
      runs: trials.length,
      lost: 0,
      duplicated: 0,
      leaked: broken.length,
    })
  },
  LONG ? 3_600_000 : 240_000,
)
