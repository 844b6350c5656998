/** The built program under one locale and another: Chinese names and messages come through, and nothing else changes. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { describe, expect, test } from 'vitest'
import { DEMO_CREDENTIALS, startEmulator } from '../src/emulator/server.ts'
import { issue } from './fixtures/certificates.ts'
import { all, certbotIssue } from './fixtures/producers.ts'
import { temporaryDirectory } from './fixtures/temporary.ts'

interface Ended {
  readonly code: number
  readonly out: string
}

/** As a machine is that has only these; what is not UTF-8 in what it prints is an error. */
const typed = (words: readonly string[], cwd: string, env: Readonly<Record<string, string>>) =>
  new Promise<Ended>((resolve, reject) => {
    const options = { cwd, env: { PATH: '/usr/bin:/bin', TZ: 'UTC', ...env }, encoding: 'buffer' as const }
    execFile(
      execPath,
      [join(import.meta.dirname, '../dist/main.js'), ...words],
      options,
      (error, out, err) => {
        const code = error ? error.code : 0
        if (typeof code !== 'number') return reject(error)
        resolve({ code, out: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat([out, err])) })
      },
    )
  })

async function openTown() {
  const folder = await temporaryDirectory()
  const emulator = await startEmulator()
  const pair = await issue({ names: ['xn--fiq228c.example', 'shop.example.com'] })
  await writeFile(join(folder, '证书.pem'), pair.chain)
  await writeFile(join(folder, '私钥.pem'), pair.key)
  await all(certbotIssue(join(folder, 'letsencrypt'), '例子.example', pair))
  await writeFile(
    join(folder, '配置.toml'),
    `[tencent]
endpoint = "${emulator.url}"
language = "zh-CN"
[state]
dir = "状态"
[upload]
alias = "证书 {domain}"
[[source]]
kind = "certbot"
path = "letsencrypt"
[[source]]
kind = "pem"
name = "内网"
chain = "证书.pem"
key = "私钥.pem"
`,
  )
  return { folder, emulator }
}

/** What differs from run to run. */
const steady = (text: string) =>
  text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/"(elapsedMs|requestId|lifeLeft)":("[^"]*"|[\d.]+)/g, '"$1":…')
    .replace(/in \d+(\.\d+)? m?s/g, 'in …')
    .replace(/\d+ of \d+ in use/g, '… in use')

const LOCALES = [{ LC_ALL: 'C' }, { LC_ALL: 'C.UTF-8' }, { LC_ALL: 'zh_CN.GB18030', LANG: 'zh_CN.GB18030' }]

describe('whatever the locale', () => {
  test('sync, status and check print Chinese names whole, and the same', async () => {
    const { folder, emulator } = await openTown()
    const keys = {
      HOME: folder,
      TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
      TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
    }
    const each = async (...words: readonly string[]) => {
      const config = ['--config', join(folder, '配置.toml')]
      const runs = await Promise.all(
        LOCALES.map(locale => typed([...words, ...config], folder, { ...keys, ...locale })),
      )
      expect(new Set(runs.map(({ code, out }) => `${code} ${steady(out)}`)).size).toBe(1)
      return runs[0] as Ended
    }
    try {
      const first = await typed(['sync', '--config', '配置.toml'], folder, { ...keys, LC_ALL: 'C' })
      expect(first.code).toBe(0)
      expect(emulator.certificates().map(({ alias }) => alias)).toEqual(['证书 xn--fiq228c.example'])

      expect((await each('sync')).out).toContain('2 unchanged')
      const status = await each('status')
      expect(status.out).toMatch(/^pem:内网 +ok /m)
      expect(status.out).toMatch(/^certbot:例子\.example +ok /m)
      expect((await each('status', '--json')).out).toContain('"lineage":"pem:内网"')
      const check = await each('check')
      expect([check.code, check.out]).toEqual([0, expect.stringContaining('配置.toml')])
      expect((await each('inspect', '证书.pem', '私钥.pem')).out).toContain('xn--fiq228c.example')
    } finally {
      await emulator.close()
    }
  })

  test("the service's own Chinese words are told as they came", async () => {
    const { folder, emulator } = await openTown()
    try {
      for (const locale of LOCALES) {
        const keys = {
          HOME: folder,
          TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
          TENCENTCLOUD_SECRET_KEY: 'x',
        }
        const { code, out } = await typed(['sync', '--config', '配置.toml'], folder, { ...keys, ...locale })
        expect(code).toBe(77)
        expect(out).toContain('请求签名验证失败，请检查您的签名计算是否正确。')
      }
    } finally {
      await emulator.close()
    }
  })
})
