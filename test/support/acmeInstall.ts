/** How acme.sh --install-cert copies a renewed certificate to where a server reads it. Touches the disk. */
import type { Pair } from './certificates.ts'
import { traditional } from './keys.ts'
import { type Step, written } from './steps.ts'

export interface Places {
  readonly cert?: string
  readonly ca?: string
  readonly key?: string
  readonly fullchain?: string
}

/** In place and in this order, each into the file that is there: a symlink stays one, an owner stays owner. */
export function acmeInstall(places: Places, pair: Pair): readonly Step[] {
  const order = [
    { file: 'cert', text: pair.leaf, mode: 0o666 },
    { file: 'ca', text: pair.intermediate, mode: 0o666 },
    { file: 'key', text: traditional(pair.key), mode: 0o600 },
    { file: 'fullchain', text: pair.chain, mode: 0o666 },
  ] as const
  return order.flatMap(({ file, text, mode }) => {
    const path = places[file]
    return path === undefined ? [] : written({ file, path: () => path, text: () => text, mode })
  })
}
