/** The status page of the built daemon in a real browser: both schemes, a desk and a phone, read by axe-core, without scripts. */
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { env, stderr } from 'node:process'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { newReplacement } from '../../src/receipts/replacement.ts'
import { openBuiltProgram } from '../built/builtProgram.ts'
import { putReceipts, receiptsIn } from '../fixtures/state.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { launchBrowser, whyNoBrowser } from './browser.ts'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

const why = await whyNoBrowser()
// printed: a skipped test is easily taken for a passed one
if (why) stderr.write(`the status page in a browser: its tests are skipped, ${why}\n`)

const DAY = 86_400_000

/** A daemon with a certificate in place, one that is stale, one that is late, one that is broken, and one with a hostile name. */
async function openDaemon() {
  const built = await openBuiltProgram(join(import.meta.dirname, '../../dist/certferry'))
  const { certbot, at, configure, begin, put } = built
  for (const name of [
    'shop.example.com',
    'cdn.example.com',
    'a-name-as-long-as-those-of-large-companies.internal.example.co.uk',
  ])
    await certbot(name)
  const late = { notBefore: new Date(Date.now() - 75 * DAY), notAfter: new Date(Date.now() + 15 * DAY) }
  await certbot('late.example.com', late)
  await certbot('broken.example.com')
  await put('letsencrypt/live/broken.example.com/privkey.pem', 'nothing')
  await built.pair('strange')
  const config = await configure(
    `[http]\nlisten = "127.0.0.1:0"\n[[source]]\nkind = "certbot"\npath = "letsencrypt"\n[[source]]\nkind = "pem"\nname = "<img&src=x>"\nchain = "strange/chain.pem"\nkey = "strange/key.pem"\n`,
  )
  const daemon = begin(['watch', '--config', config, '--json'])
  await expect.poll(() => daemon.said().split('"event":"uploaded"').length - 1).toBe(5)
  await expect.poll(daemon.said).toContain('"event":"watching"')
  const [, address] = /listening on (127\.0\.0\.1:\d+)/.exec(daemon.said()) ?? []
  await putInPlace(at('state'))
  return `http://${address}/`
}

/** What a replacement would have left in the state. */
async function putInPlace(state: string) {
  const now = new Date()
  for (const receipt of await receiptsIn(state)) {
    const to = receipt.uploaded?.certificateId ?? ''
    const name = receipt.lineage.replace('certbot:', '')
    if (!/^(shop|cdn)/.test(name)) continue
    const isStale = name.startsWith('cdn')
    await putReceipts(state, {
      ...receipt,
      superseded: [
        {
          certificateId: 'older123',
          fingerprint: 'e'.repeat(64),
          notAfter: now.toISOString(),
          uploadedAt: now.toISOString(),
          supersededAt: now.toISOString(),
        },
      ],
      replacement: {
        ...newReplacement(to, now),
        state: isStale ? 'stale' : 'verified',
        resources: [
          {
            type: 'clb',
            region: 'ap-guangzhou',
            instance: 'lb-4mq1x2',
            domains: [name],
            certificateId: 'older123',
          },
        ],
        handshakes: [{ name, address: '203.0.113.7:443', leaf: isStale ? 'old' : 'new' }],
        replacedAt: now.toISOString(),
        ...(isStale && {
          reason: `${name} at 203.0.113.7:443 serves an older certificate`,
          advice: 'Look at that address.',
        }),
      },
    })
  }
}

/** Of what the browser refused to load or run, or failed to. */
function complaintsOf(page: Page) {
  const said: string[] = []
  page.on('console', message => said.push(message.text()))
  page.on('pageerror', error => said.push(String(error)))
  page.on('requestfailed', request => said.push(request.url()))
  return said
}

describe.skipIf(why)('the status page in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser?.close())

  const open = async (url: string, options: Parameters<Browser['newContext']>[0] = {}) => {
    const context = await browser.newContext(options)
    onTestFinished(() => context.close())
    const page = await context.newPage()
    const complaints = complaintsOf(page)
    await page.goto(url)
    return { page, complaints }
  }

  test('fits a desk and a phone, has nothing that axe-core finds wrong, loads only itself, and says what is to be seen', async () => {
    const url = await openDaemon()
    const folder = env.SCREENSHOTS ?? (await temporaryDirectory())
    for (const colorScheme of ['light', 'dark'] as const)
      for (const [width, where] of [
        [1280, 'desk'],
        [360, 'phone'],
      ] as const) {
        const viewport = { width, height: 900 }
        // scripts are off, as the page needs none
        const { page, complaints } = await open(url, { colorScheme, viewport, javaScriptEnabled: false })
        const requests: string[] = []
        page.on('request', request => requests.push(request.url()))
        await page.reload()
        await page.getByText('1 resource, 1 handshake').first().click()
        await writeFile(
          join(folder, `${where}-${colorScheme}.png`),
          await page.screenshot({ fullPage: true }),
        )
        expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(
          '6 certificates, 3 need attention',
        )
        expect(await page.getByRole('rowheader').allTextContents()).toContain(
          'pem:<img&src=x>strange.example.com',
        )
        expect(
          await page.getByText('cdn.example.com at 203.0.113.7:443: serves an older one').isVisible(),
        ).toBe(true)
        expect(requests.filter(one => !one.startsWith('data:'))).toEqual([url])
        expect(complaints).toEqual([])

        // axe-core is a script of the test's own, for which the policy is not in force
        const { page: read } = await open(url, { colorScheme, viewport, bypassCSP: true })
        await read.addScriptTag({ path: AXE })
        const found = await read.evaluate<{ id: string; nodes: { html: string }[] }[]>(
          '[...document.querySelectorAll("details")].forEach(one => { one.open = true }); axe.run().then(({ violations }) => violations)',
        )
        expect(found.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([])
        expect(await read.evaluate('document.documentElement.scrollWidth')).toBe(width)
      }
    const { page, complaints } = await open(url)
    await page.evaluate(
      'document.body.append(Object.assign(document.createElement("script"), { textContent: "window.ran = true" }))',
    )
    expect(await page.evaluate('window.ran')).toBeUndefined()
    expect(complaints.join()).toContain('Content Security Policy')
    await page.getByRole('link', { name: 'Load again every minute' }).click()
    await page.getByRole('link', { name: 'Stop loading it again' }).click()
    await page.getByRole('link', { name: 'Metrics' }).click()
    expect(await page.textContent('body')).toContain('certferry_build_info')
  })
})
