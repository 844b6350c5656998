/** Every recorded client, ready to get a certificate and to renew it. */
import { env } from 'node:process'
import type { Client } from '../fixtures/recording.ts'
import { acmeShIn, findAcmeSh } from './acmesh.ts'
import { caddyIn } from './caddy.ts'
import { certbotIn } from './certbot.ts'
import type { Ended, Runner } from './child.ts'
import { dehydratedIn } from './dehydrated.ts'
import { legoIn } from './lego.ts'
import type { Pebble } from './pebble.ts'
import type { Scene } from './recorder.ts'
import { uacmeIn, whyNoUacme } from './uacme.ts'

export const DOMAIN = 'app.test.example'

export interface Stand {
  readonly scene: Scene
  readonly issue: () => Promise<Ended>
  readonly renew: () => Promise<Ended>
  readonly close: () => Promise<void>
}

interface Setting {
  readonly directory: string
  readonly pebble: Pebble
  readonly runner: Runner
}

const nothingToClose = async () => {}

const acmeSh =
  (newKeys: boolean) =>
  async ({ directory, pebble, runner }: Setting) => {
    const { home, issue, renew } = acmeShIn(directory, findAcmeSh(env) ?? '', pebble, runner)
    return {
      scene: { root: home, name: DOMAIN, folders: [`${DOMAIN}_ecc`] },
      issue: () => issue(DOMAIN, { newKeys }),
      renew: () => renew(DOMAIN),
      close: nothingToClose,
    }
  }

const STANDS: Readonly<Record<Client, (setting: Setting) => Promise<Stand>>> = {
  certbot: async ({ directory, pebble, runner }) => {
    const { config, issue, renew } = certbotIn(directory, pebble, runner)
    return {
      scene: { root: config, name: DOMAIN, folders: ['live', 'archive'] },
      issue: () => issue(DOMAIN, [DOMAIN]),
      renew: () => renew(DOMAIN),
      close: nothingToClose,
    }
  },
  'acme.sh': acmeSh(false),
  'acme.sh-new-keys': acmeSh(true),
  lego: async ({ directory, pebble, runner }) => {
    const { root, issue, renew } = legoIn(directory, pebble, runner)
    return {
      scene: { root, name: DOMAIN, folders: ['certificates'] },
      issue: () => issue(DOMAIN),
      renew: () => renew(DOMAIN),
      close: nothingToClose,
    }
  },
  dehydrated: async ({ directory, pebble, runner }) => {
    const { root, issue, renew, close } = await dehydratedIn(directory, pebble, { runner })
    return {
      scene: { root, name: DOMAIN, folders: ['certs'] },
      issue: () => issue(DOMAIN),
      renew: () => renew(DOMAIN),
      close,
    }
  },
  caddy: async ({ directory, pebble, runner }) => {
    const { root, issue, renew } = caddyIn(directory, pebble, runner)
    return {
      scene: { root, name: DOMAIN, folders: ['certificates'] },
      issue: () => issue(DOMAIN),
      renew: () => renew(DOMAIN),
      close: nothingToClose,
    }
  },
  uacme: async ({ directory, pebble, runner }) => {
    const { root, issue, renew, close } = await uacmeIn(directory, pebble, runner)
    return {
      scene: { root, name: DOMAIN, folders: [DOMAIN, `private/${DOMAIN}`] },
      issue: () => issue(DOMAIN),
      renew: () => renew(DOMAIN),
      close,
    }
  },
}

export const openStand = (client: Client, setting: Setting): Promise<Stand> => STANDS[client](setting)

/** Said where the tests of a client are skipped; undefined where they can run. */
export function whyNot(client: Client): string | undefined {
  if (client === 'uacme') return whyNoUacme()
  if (client.startsWith('acme.sh') && !findAcmeSh(env)) return 'none is on the PATH and ACME_SH names none'
  return undefined
}
