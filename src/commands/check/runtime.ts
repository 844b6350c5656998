/** Which Node runs this, where it came from, and as whom. */
import { type Finding, ok } from '../../core/finding.ts'
import type { CheckContext } from './scene.ts'

export async function runtime({ world, machine }: CheckContext): Promise<readonly Finding[]> {
  const { node, main } = world.program
  const { name, uid } = machine.user()
  const whose =
    main === undefined ? `in ${node}` : node.includes('/node_modules/') ? 'installed beside certferry' : node
  return [
    ok(
      'runtime',
      `Node ${world.nodeVersion}, ${whose}; running as ${name}${uid === 0 ? '' : ` (uid ${uid})`}`,
    ),
  ]
}
