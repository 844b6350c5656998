/** Answers http-01 challenges for clients that only write the answers down. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { basename, join } from 'node:path'

/** Serves the files of `folder`, whatever the path before their names. */
export async function serveWellKnown(
  folder: string,
  port: number,
): Promise<{ readonly close: () => Promise<void> }> {
  const server = createServer(({ url = '' }, response) => {
    readFile(join(folder, basename(url))).then(
      answer => response.end(answer),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(port, '127.0.0.1', resolve),
  )
  return {
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
