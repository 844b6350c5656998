/** How acme.sh writes: always into the file that is there, emptied first, never by rename. Touches the disk. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pair } from './certificates.ts'
import { newKey, pkcs8, traditional } from './keys.ts'
import { type Step, step, written } from './steps.ts'

export interface AcmeIssue {
  /** Elliptic keys, acme.sh's default, live in a directory of their own beside the RSA ones. */
  readonly ecc?: boolean
}

export interface AcmeRenewal extends AcmeIssue {
  /** Le_ForceNewDomainKey: without it acme.sh goes on using the key it has. */
  readonly rotateKey?: boolean
}

interface Tree {
  readonly home: string
  readonly domain: string
  readonly directory: string
  readonly file: (name: string) => string
}

function treeOf(home: string, domain: string, ecc: boolean): Tree {
  const directory = join(home, ecc ? `${domain}_ecc` : domain)
  return { home, domain, directory, file: name => join(directory, name) }
}

const quoted = (values: Readonly<Record<string, string>>) =>
  Object.entries(values)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join('')

function conf({ domain, directory }: Tree, pair: Pair): Record<string, string> {
  return {
    Le_Domain: domain,
    Le_Alt: pair.names.filter(name => name !== domain).join(',') || 'no',
    Le_Webroot: 'no',
    Le_PreHook: '',
    Le_PostHook: '',
    Le_RenewHook: '',
    Le_API: 'https://acme.example.org/directory',
    Le_Keylength: directory.endsWith('_ecc') ? 'ec-256' : '2048',
  }
}

function dates(pair: Pair): Record<string, string> {
  const created = Math.floor(pair.notBefore.getTime() / 1000)
  const next = Math.floor(pair.notAfter.getTime() / 1000) - 30 * 86_400
  return {
    Le_LinkCert: 'https://acme.example.org/certificate/1',
    Le_CertCreateTime: String(created),
    Le_CertCreateTimeStr: new Date(created * 1000).toISOString(),
    Le_NextRenewTimeStr: new Date(next * 1000).toISOString(),
    Le_NextRenewTime: String(next),
  }
}

interface Put {
  readonly label: string
  readonly file: string
  readonly text: string
  readonly mode?: number
}

const put = (tree: Tree, { label, file, text, mode = 0o666 }: Put) =>
  written({ file: label, path: () => tree.file(file), text: () => text, mode })

const putConf = (tree: Tree, label: string, values: Readonly<Record<string, string>>) =>
  put(tree, { label, file: `${tree.domain}.conf`, text: quoted(values), mode: 0o600 })

const putKey = (tree: Tree, pair: Pair) =>
  put(tree, { label: 'key', file: `${tree.domain}.key`, text: traditional(pair.key), mode: 0o600 })

/** The server's answer goes whole into the leaf's file, is copied to fullchain.cer, and then cut down. */
function download(tree: Tree, pair: Pair): readonly Step[] {
  const leafFile = `${tree.domain}.cer`
  const fullchain = put(tree, { label: 'fullchain', file: 'fullchain.cer', text: pair.chain })
  // A copy under way may stand at the end of a block: good PEM, and yet not the whole chain.
  const half = step('write half of fullchain', () => writeFile(tree.file('fullchain.cer'), pair.leaf))
  return [
    ...put(tree, { label: 'cer with chain', file: leafFile, text: pair.chain }),
    ...fullchain.slice(0, 1),
    half,
    ...fullchain.slice(1),
    ...put(tree, { label: 'cer', file: leafFile, text: pair.leaf }),
    ...put(tree, { label: 'ca', file: 'ca.cer', text: pair.intermediate }),
    ...putConf(tree, 'conf with dates', { ...conf(tree, pair), ...dates(pair) }),
  ]
}

/** What else lies in acme.sh's home: nothing of it is a lineage. */
async function furnish(home: string): Promise<void> {
  const account = join(home, 'ca', 'acme.example.org', 'directory')
  await mkdir(home, { recursive: true, mode: 0o700 })
  await mkdir(account, { recursive: true })
  await writeFile(join(home, 'account.conf'), "AUTO_UPGRADE='0'\n", { mode: 0o600 })
  await writeFile(join(home, 'http.header'), 'HTTP/1.1 200 OK\n')
  await writeFile(join(account, 'account.key'), traditional(pkcs8(newKey())), { mode: 0o600 })
}

export function acmeIssue(
  home: string,
  domain: string,
  pair: Pair,
  { ecc = true }: AcmeIssue = {},
): readonly Step[] {
  const tree = treeOf(home, domain, ecc)
  return [
    step('home', () => furnish(home)),
    step('directory', async () => {
      await mkdir(tree.directory, { recursive: true })
    }),
    ...putConf(tree, 'conf', conf(tree, pair)),
    // Long before the rest: the order and its challenges, minutes of DNS perhaps, lie in between.
    ...putKey(tree, pair),
    ...download(tree, pair),
  ]
}

/** Without `rotateKey` the pair has to be issued for the key that is there. */
export function acmeRenew(
  home: string,
  domain: string,
  pair: Pair,
  { ecc = true, rotateKey = false }: AcmeRenewal = {},
): readonly Step[] {
  const tree = treeOf(home, domain, ecc)
  return [...(rotateKey ? putKey(tree, pair) : []), ...download(tree, pair)]
}
