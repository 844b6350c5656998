import { expect } from 'vitest'
import { type Message, messagesFor } from '../../src/notify/message.ts'
import type { Notification } from '../../src/notify/notification.ts'

export const notification = (changes: Partial<Notification> = {}): Notification => ({
  event: 'uploaded',
  lineage: 'certbot:shop',
  names: ['shop.example.com'],
  certificateId: 'a92b1Z1i',
  supersedes: 'old12345',
  notAfter: '2027-01-06T00:00:00.000Z',
  reason: null,
  advice: null,
  key: 'uploaded certbot:shop a92b1Z1i',
  again: null,
  ...changes,
})

export const messageFor = (...notifications: readonly Notification[]): Message =>
  messagesFor(notifications, 'web1')[0] ?? expect.unreachable()
