/** What is said when a source has to be polled. Pure. */
import type { LogEntry } from './report.ts'
import type { Source } from './settings.ts'

const OPEN_FILES =
  'Raise fs.inotify.max_user_instances (sysctl) or the limit of open files, and reload to have events again.'
const MEND: Readonly<Record<string, string>> = {
  ENOSPC: 'Raise fs.inotify.max_user_watches (sysctl) and reload to have events again.',
  EMFILE: OPEN_FILES,
  ENFILE: OPEN_FILES,
}

/** `why` is an error code of inotify or the name of a file system. */
export function pollingEntry(source: Source, why: string): LogEntry {
  const where = source.kind === 'pem' ? source.name : source.path
  const advice = MEND[why] ?? 'Nothing to do: changes are found within seconds all the same.'
  return {
    level: 'warn',
    fields: { event: 'polling', source: where, why, advice },
    message: `${where} is polled every five seconds instead of watched (${why})`,
  }
}
