/** The state directory, or one receipt in it, is another user's. */
import { chmod, chown } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isRoot } from '../../fixtures/asNobody.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { ended } from './child.ts'
import { openLedger } from './results.ts'
import { openGround } from './stateDirFixture.ts'
import { plantTrees } from './trees.ts'

const NOBODY = 65_534

const ids = ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups']

/** A service that reads root's keys, as systemd starts it: without root's other rights. */
const AS_SERVICE = ['setpriv', ...ids, '--inh-caps', '+dac_read_search', '--ambient-caps', '+dac_read_search']

// only root can be somebody else
test.skipIf(!isRoot)('nothing is lost where the state is another user’s, and 0 means done', async () => {
  const root = await temporaryDirectory()
  const trees = await plantTrees(join(root, 'trees'))
  await chmod(root, 0o755)
  const ledger = openLedger('State directory or database of another user', 'chown, setpriv')
  const asService = (words: readonly string[]) => [...AS_SERVICE, ...words]

  const roots = await openGround({ folder: join(root, 'roots'), trees })
  const refused = await ended(asService(roots.words('sync')), roots.env)
  expect(refused.code).toBe(74)
  await ledger.enter({ what: "root's directory, a service", ground: roots, command: 'sync', made: refused })

  const services = await openGround({ folder: join(root, 'services'), trees, owner: NOBODY })
  const given = await services.run('sync')
  expect(given.code).toBe(0)
  await ledger.enter({ what: "a service's directory, root", ground: services, command: 'sync', made: given })

  const mixed = await openGround({ folder: join(root, 'mixed'), trees, owner: NOBODY })
  await chown(join(mixed.stateDir, 'state.db'), 0, 0)
  const kept = await ended(asService(mixed.words('sync')), mixed.env)
  await ledger.enter({
    what: "a service's directory, the database root's",
    ground: mixed,
    command: 'sync',
    made: kept,
  })
  ledger.close()
})
