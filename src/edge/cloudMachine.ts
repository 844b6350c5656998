/** Whether this machine is one of Tencent Cloud's, and the way from it to its own host and to nobody else. */
import { lookup as lookUpName } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Fault } from '../core/fault.ts'
import { readTextFile } from './fileText.ts'

/** Where the firmware tells who made the machine; every user may read it, and nobody on the network writes it. */
const MAKER_FILE = '/sys/class/dmi/id/sys_vendor'
/** As kernels print it on such machines ("Hardware name: Tencent Cloud CVM"); older ones have the second. */
const MAKERS: readonly string[] = ['Tencent Cloud', 'Smdbmds']

export const isCloudMachine = (file = MAKER_FILE): Promise<boolean> =>
  readTextFile(file).then(
    ({ text }) => MAKERS.includes(text.trim()),
    () => false,
  )

/** RFC 3927: addresses that no router passes on. */
const isLinkLocal = ({ address }: { readonly address: string }) => address.startsWith('169.254.')

/** Looks a name up and lets only link-local addresses through: a resolver may be anybody's, the own link is the host's. */
export const linkLocalLookup =
  (lookUp: typeof lookUpName = lookUpName): LookupFunction =>
  (name, options, done) => {
    lookUp(name, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, '')
      const near = addresses.filter(isLinkLocal)
      const [first] = near
      if (!first) return done(strayed(name, addresses[0]?.address), '')
      return options.all ? done(null, near) : done(null, first.address, first.family)
    })
  }

const strayed = (name: string, address = 'nowhere') =>
  new Fault('CREDENTIALS_UNREADABLE', `${name} leads to ${address}, and not to this machine's own host`, {
    advice: 'See whose resolver /etc/resolv.conf names; [tencent] role = true asks all the same.',
  })
