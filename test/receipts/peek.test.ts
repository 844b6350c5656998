import { chmod, cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { peek } from '../../src/receipts/peek.ts'
import type { Receipt } from '../../src/receipts/receipt.ts'
import { fileName, openReceiptStore } from '../../src/receipts/store.ts'
import { receiptWith, upload } from '../fixtures/samples.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const LINEAGES = ['certbot:a', 'certbot:*.a', 'certbot:_.a', `pem:${'x'.repeat(300)}`]

async function stage() {
  const dir = join(await temporaryDirectory(), 'state')
  const receipts = openReceiptStore(
    dir,
    () => {},
    () => new Date(),
  )
  await receipts.prepare()
  for (const lineage of LINEAGES)
    await receipts.record(lineage, () => ({ ...receiptWith({ uploaded: upload() }), lineage }) as Receipt)
  return { dir, receipts }
}

const seen = (dir: string, lineage: string) => peek(dir, recall => recall(lineage))

test('finds each receipt as it was recorded, also of lineages whose names look alike', async () => {
  const { dir, receipts } = await stage()
  for (const lineage of LINEAGES) expect(seen(dir, lineage)).toEqual(await receipts.recall(lineage))
  expect(seen(dir, 'certbot:b')).toBeUndefined()
})

test('where a copy lies beside a receipt, it does not decide which of them counts', async () => {
  const { dir } = await stage()
  const own = join(dir, fileName('certbot:a'))
  await cp(own, own.replace(/[0-9a-f]{32}/, 'f'.repeat(32)))
  expect(seen(dir, 'certbot:a')).toBeUndefined()
})

test('changes nothing, whatever it meets: damage, links, a directory that is none or that all may write to', async () => {
  const { dir } = await stage()
  await writeFile(join(dir, fileName('certbot:a')), '{')
  expect(seen(dir, 'certbot:a')).toBeUndefined()
  await mkdir(join(dir, fileName('certbot:folder')))
  expect(seen(dir, 'certbot:folder')).toBeUndefined()
  await symlink(join(dir, fileName('certbot:*.a')), join(dir, fileName('certbot:link')))
  expect(seen(dir, 'certbot:link')).toBeUndefined()
  expect(seen(join(dir, 'missing'), 'certbot:a')).toBeUndefined()
  await chmod(dir, 0o777)
  expect(seen(dir, 'certbot:_.a')).toBeUndefined()
})

test('an error of whoever looks is not taken for one of the directory', async () => {
  const { dir } = await stage()
  const failing = () =>
    peek(dir, () => {
      throw new RangeError('mine')
    })
  expect(failing).toThrow('mine')
})
