/** What a receipt's file is called: what a person can recognise, then enough of a digest to tell all lineages apart. Pure. */

export const fileStemOf = (lineage: string): string => lineage.replace(/[^A-Za-z0-9.-]/g, '_').slice(0, 80)

/** The title in such a name; undefined of any other file. */
export const fileStemIn = (name: string): string | undefined =>
  /^(.{1,80})-[0-9a-f]{32}\.json$/s.exec(name)?.[1]
