/** Directories of certbot and acme.sh to install hooks in, and the two clients' ways of calling them. */
import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cli } from '../../src/cli/run.ts'
import { recordedContext } from '../fixtures/context.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

/** Both clients' directories in one folder, and a program that only tells how it was called; `alone`, it has no main. */
export async function openHost({ program = 'opt', alone = false } = {}) {
  const folder = await temporaryDirectory()
  const certbot = join(folder, 'letsencrypt')
  const acme = join(folder, '.acme.sh')
  for (const directory of [certbot, acme, join(folder, program)]) await mkdir(directory, { recursive: true })
  const node = join(folder, program, 'node')
  const main = join(folder, program, 'main.js')
  const told =
    'printf "%s\\n" "$@" "RENEWED=$RENEWED_LINEAGE" "KEY=$CERT_KEY_PATH" "CHAIN=$CERT_FULLCHAIN_PATH" "PATH=$PATH"'
  await writeFile(node, `#!/bin/sh\n${told}\nexit "\${ENDS:-0}"\n`, { mode: 0o755 })
  await writeFile(main, '')
  const type = async (...words: readonly string[]) => {
    const recorded = recordedContext({ cwd: folder, program: { node, main: alone ? undefined : main } })
    const exit = await cli(['install-hook', ...words], recorded.context)
    // in one line: where a complaint is wrapped is not the hook's affair
    const said = () => `${recorded.out()}${recorded.err()}`.replace(/\s+/g, ' ')
    return { ...recorded, said, exit }
  }
  const files = {
    certbot: join(certbot, 'renewal-hooks/deploy/zz-certferry'),
    'acme.sh': join(acme, 'deploy/certferry.sh'),
  }
  const source = { certbot: ['--source', `certbot=${certbot}`], 'acme.sh': [] }
  return { folder, certbot, acme, node, main, type, files, source }
}

/** As certbot does it. */
export const run = (file: string, env: Readonly<Record<string, string>> = {}) => {
  const { status, stdout, stderr } = spawnSync(file, { env, encoding: 'utf8' })
  return { status, stderr, lines: stdout.split('\n') }
}

/** As acme.sh does it: sourced in its own shell, called with six words. */
export const deploy = (file: string, env: Readonly<Record<string, string>> = {}) => {
  const script = `PATH=/bin:/usr/bin; CERT_KEY_PATH=mine; . "$0"
    if certferry_deploy a.example /h/a.key /h/a.cer /h/ca.cer /h/fullchain.cer /h/a.pfx; then code=0; else code=$?; fi
    printf '%s\\n' "code=$code" "$CERT_KEY_PATH" "$PATH" "\${node-}\${main-}\${status-}"`
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', script, file], { env, encoding: 'utf8' })
  const lines = stdout.trimEnd().split('\n')
  return { status, stderr, lines, code: lines.find(line => line.startsWith('code=')) }
}
