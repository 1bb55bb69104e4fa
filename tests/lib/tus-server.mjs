// SPDX-License-Identifier: LGPL-2.1-or-later
// The tus server of node packages: tus-server.mjs PACKAGES DIRECTORY PORT [CERTIFICATE KEY]
import {closeSync, ftruncateSync, openSync, readFileSync, writeSync} from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import {createRequire} from 'node:module'
import {join} from 'node:path'

const [packages, directory, port, certificate, key] = process.argv.slice(2)
const require = createRequire(packages + '/')
const {Server} = require('@tus/server')
const {FileStore} = require('@tus/file-store')

// Zeros make holes, so that a large upload costs no disk.
class SparseStore extends FileStore {
  async write(readable, id, offset) {
    const fd = openSync(join(this.directory, id), 'r+')
    try {
      for await (const chunk of readable) {
        if (!chunk.equals(Buffer.alloc(chunk.length)))
          writeSync(fd, chunk, 0, chunk.length, offset)
        offset += chunk.length
      }
    } finally {
      ftruncateSync(fd, offset)
      closeSync(fd)
    }
    return offset
  }
}

const tus = new Server({
  path: '/files',
  datastore: new SparseStore({directory}),
  // By itself it says http, whatever it was asked by.
  generateUrl: (request, {host, path, id}) =>
    `${certificate ? 'https' : 'http'}://${host}${path}/${id}`,
})
const handle = (request, response) => tus.handle(request, response)
const server = certificate
  ? https.createServer({cert: readFileSync(certificate), key: readFileSync(key)}, handle)
  : http.createServer(handle)
server.requestTimeout = 0
server.listen(Number(port), '127.0.0.1')
