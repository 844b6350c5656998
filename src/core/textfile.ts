/** Where a textfile for node_exporter may stand. Pure. */

/** What is wrong with the path of a textfile, or nothing. */
export const textfileProblem = (path: string): string | undefined =>
  /[^/]\.prom$/.test(path) ? undefined : 'expected a path that ends in ".prom": node_exporter reads no other'
