/** Asks a daemon for its pages through a Unix socket. */
import { request } from 'node:http'

export const ask = (socketPath: string, path: string) =>
  new Promise<string>((resolve, reject) => {
    request({ socketPath, path }, response => {
      let text = ''
      response.on('data', data => (text += data)).on('end', () => resolve(text))
    })
      .on('error', reject)
      .end()
  })
