/** The README's terminal session: taken from a run of the demo, and compared without what changes at every run. Pure. */

const BEGIN = '<!-- recorded by: npm run session -->\n```\n'
const END = '```\n<!-- recorded -->'

/** The first four steps of the demo: issued, unchanged, half renewed, live. */
export const sessionOf = (demo: string): string => {
  const [first, fifth] = [demo.indexOf('\n1. '), demo.indexOf('\n5. ')]
  if (first < 0 || fifth < 0) throw new Error('the demo no longer numbers its steps')
  return `${demo.slice(first, fifth).trim()}\n`
}

/** @throws if the README has no place for it. */
export function sessionIn(readme: string): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)]
  if (begin < 0 || end < 0)
    throw new Error(`README.md has no ${JSON.stringify(BEGIN)} … ${JSON.stringify(END)}`)
  return readme.slice(begin + BEGIN.length, end)
}

export const withSession = (readme: string, session: string): string =>
  readme.replace(BEGIN + sessionIn(readme) + END, () => BEGIN + session + END)

/** Without times, dates, IDs and durations, however its lines are broken, and in whatever order two uploads ended. */
export const steady = (session: string): string =>
  session
    .replace(/\d\d:\d\d:\d\d/g, 'TIME')
    .replace(/\d{4}-\d\d-\d\d/g, 'DATE')
    .replace(/(uploaded as|replaces|by|putting|in place of|shows:)(\s+)\w{8}\b/g, '$1$2ID')
    .replace(/\w{8}(\s+)is(\s+)(in\s+place|served)/g, 'ID$1is$2$3')
    .replace(/record(\s+)\d+/g, 'record$1NUMBER')
    .replace(/(in |\()[\d.]+ m?s/g, '$1DURATION')
    .split('\n\n')
    .map(step =>
      step
        .replace(/\s+/g, ' ')
        .trim()
        .split(/ (?=TIME )/)
        .sort()
        .join('\n'),
    )
    .join('\n\n')
