/** What a release weighs. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { RELEASE } from '../programs.ts'
import type { Figure } from '../verdict.ts'

export async function packages(): Promise<readonly Figure[]> {
  const names = existsSync(RELEASE) ? readdirSync(RELEASE).filter(name => name.endsWith('.deb')) : []
  const sizes = names.map(name => statSync(resolve(RELEASE, name)).size / 1e6)
  if (!sizes.length) throw new Error('no Debian package: dpkg-deb is not here')
  const says = names.map((name, i) => `${name} ${sizes[i]?.toFixed(1)} MB`).join(', ')
  return [{ id: 'package-size', value: Math.max(...sizes), says }]
}
