/** Debian's chromium, driven by playwright. */
import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const BROWSER = '/usr/bin/chromium'

/** Without these it looks for hosts of its maker's. */
const QUIET = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

export const whyNoBrowser = (): Promise<string | undefined> =>
  access(BROWSER).then(
    () => undefined,
    () => `${BROWSER} is not there: apt-get install chromium`,
  )

/** `network` are words that start a program on another network than this machine's. */
export async function launchBrowser(network: readonly string[] = []): Promise<Browser> {
  const program = join(await temporaryDirectory(), 'browser')
  await writeFile(program, `#!/bin/sh\nexec ${[...network, BROWSER].join(' ')} "$@"\n`, { mode: 0o755 })
  return chromium.launch({ executablePath: program, args: QUIET })
}
