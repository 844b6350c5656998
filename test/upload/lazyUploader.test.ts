import { spawnSync } from 'node:child_process'
import { execPath } from 'node:process'
import { expect, test } from 'vitest'

/** Opens the uploader while every file that this process may have is open, and again when they are closed. */
const SCRIPT = `
import { closeSync, openSync } from 'node:fs'
import { lazyUploader } from '${new URL('../../src/upload/lazyUploader.ts', import.meta.url)}'
import { resolveSettings } from '${new URL('../../src/config/settings.ts', import.meta.url)}'
const carrier = lazyUploader({ settings: resolveSettings({}, {}, {}), env: {}, home: '/', version: '0', log: console, now: Date.now, signal: AbortSignal.abort() })
const taken = []
try { for (;;) taken.push(openSync('/dev/null')) } catch {}
const first = await carrier.uploader().then(() => 'opened', ({ code, retry }) => [code, retry])
carrier.halt(new Error('halted while there is none'))
for (const file of taken) closeSync(file)
const second = await carrier.uploader().then(() => 'opened', ({ code }) => code)
await carrier.renew()
console.log(JSON.stringify([first, second]))
`

test('an uploader that could not be opened for want of files is opened by the next upload', () => {
  const { stdout, stderr, status } = spawnSync(
    'sh',
    ['-c', 'ulimit -n 100; exec "$0" --input-type=module-typescript --eval "$SCRIPT"', execPath],
    { env: { SCRIPT }, encoding: 'utf8' },
  )
  expect([stderr, status]).toEqual(['', 0])
  expect(JSON.parse(stdout)).toEqual([['TOO_MANY_OPEN_FILES', 'backoff'], 'opened'])
})
