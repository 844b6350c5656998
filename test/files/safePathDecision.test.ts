import { describe, expect, test } from 'vitest'
import { type Step, unsafeStep } from '../../src/files/safePath.ts'

const US = 1000
const OTHER = 1001

const step = (path: string, mode: number, more: Partial<Step> = {}): Step => ({
  path,
  kind: 'folder',
  uid: 0,
  gid: 0,
  mode,
  ...more,
})
const TOP = step('/', 0o755)
const TMP = step('/tmp', 0o1777)
const file = (mode: number, more: Partial<Step> = {}) => step('/etc/c.toml', mode, { kind: 'other', ...more })
const link = (more: Partial<Step> = {}) => step('/etc/link', 0o777, { kind: 'link', ...more })

describe('a path is decided by root and this user alone', () => {
  test.each([
    ['all of it root’s', [TOP, step('/etc', 0o755), file(0o644)]],
    [
      'the last of it ours',
      [TOP, step('/home', 0o755), step('/home/us', 0o700, { uid: US }), file(0o600, { uid: US })],
    ],
    [
      'in a folder such as /tmp, where others cannot rename or remove what is not theirs',
      [TMP, file(0o600, { uid: US })],
    ],
    ['a link, which has no permissions of its own', [TOP, link(), link({ uid: US }), file(0o644)]],
    ['what a group may read', [TOP, file(0o640, { gid: 50 })]],
    ['what root’s own group may write', [TOP, step('/etc', 0o775), file(0o660)]],
  ])('%s', (_, steps) => {
    expect(unsafeStep(steps, US)).toBeUndefined()
  })
})

describe('another user decides', () => {
  const open = 'may be written by every user of this machine'
  test.each<[string, readonly Step[], string, string, string]>([
    ['by a file', [TOP, file(0o602)], '/etc/c.toml', open, 'chmod o-w /etc/c.toml'],
    ['by its folder', [TOP, step('/a b', 0o777), file(0o600)], '/a b', open, "chmod o-w '/a b'"],
    ['two levels up', [TOP, step('/a', 0o703), step('/a/b', 0o700), file(0o600)], '/a', open, 'chmod o-w /a'],
    ['by the folder of a link', [TOP, step('/a', 0o777), link(), file(0o600)], '/a', open, 'chmod o-w /a'],
    [
      'as one of a group, and as any',
      [TOP, file(0o666, { gid: 50 })],
      '/etc/c.toml',
      open,
      'chmod go-w /etc/c.toml',
    ],
    [
      'as one of a group',
      [TOP, step('/srv', 0o2775, { gid: 50 }), file(0o600)],
      '/srv',
      'may be written by its group (gid 50)',
      'chmod g-w /srv',
    ],
    [
      'who owns a folder',
      [TOP, step('/home/x', 0o700, { uid: OTHER }), file(0o600)],
      '/home/x',
      'belongs to another user (uid 1001)',
      'chown root /home/x, or use another place',
    ],
    [
      'who owns the file',
      [TOP, file(0o600, { uid: OTHER })],
      '/etc/c.toml',
      'belongs to another user (uid 1001)',
      'chown root /etc/c.toml, or use another place',
    ],
    [
      'who left a link in a folder such as /tmp',
      [TOP, TMP, link({ uid: OTHER }), file(0o600)],
      '/etc/link',
      'is a link that belongs to another user (uid 1001)',
      'rm /etc/link, or name what it leads to',
    ],
    [
      'who owns a folder such as /tmp',
      [step('/x', 0o1777, { uid: OTHER }), file(0o600)],
      '/x',
      'belongs to another user (uid 1001)',
      'chown root /x, or use another place',
    ],
  ])('%s', (_, steps, path, says, advice) => {
    expect(unsafeStep(steps, US)).toEqual({ path, says, advice })
  })

  test('this user is another to root', () => {
    const steps = [TOP, file(0o600, { uid: US })]
    expect(unsafeStep(steps, 0)).toMatchObject({ path: '/etc/c.toml' })
  })
})
