/** A log, and its lines as `level message`. */
export function recordedLog() {
  const logged: string[] = []
  const logAt = (level: string) => (_: unknown, text?: string) => void logged.push(`${level} ${text}`)
  return {
    logged,
    log: { debug: logAt('debug'), info: logAt('info'), warn: logAt('warn'), error: logAt('error') },
  }
}
