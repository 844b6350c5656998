/** Where an error happened, and not what it says: that may quote what was given, on as many lines as that had. Pure. */
export const traceOf = (error: unknown): readonly string[] =>
  error instanceof Error ? (error.stack ?? '').split('\n').filter(line => /^ +at /.test(line)) : []
