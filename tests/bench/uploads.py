# SPDX-License-Identifier: LGPL-2.1-or-later
"""A large file sent, beside curl."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import uploads  # noqa: E402

MIB = 1 << 20


class Sending:
    """A source of random bytes in the user's home, and servers that take it."""

    def __init__(self, bench, size):
        self.bench = bench
        self.source = bench.path('to-send')
        with open(self.source, 'wb') as out:
            for _ in range(size):
                out.write(os.urandom(MIB))
        os.chmod(self.source, 0o644)
        self.size = size * MIB
        self.put_server = uploads.NginxDav().start()
        self.tus_server = uploads.TusServer().start()

    def close(self):
        self.put_server.close()
        self.tus_server.close()
        os.unlink(self.source)

    def rival(self, directory, send):
        """(run, clean) of something that has the server put all of the file into a directory."""
        def run():
            send()
            sizes = [os.path.getsize(os.path.join(directory, name))
                     for name in os.listdir(directory)]
            assert self.size in sizes, sizes

        def clean():
            for name in os.listdir(directory):
                os.unlink(os.path.join(directory, name))
        return run, clean

    def put(self, send):
        return self.rival(self.put_server.file('up'),
                          lambda: send(self.put_server.url('up/large')))

    def tus(self, send):
        return self.rival(self.tus_server.directory, lambda: send(self.tus_server.url()))

    def ferry(self, protocol):
        """Sends by `ferry put`."""
        return lambda url: self.bench.ferry('put', self.source, url, '--protocol', protocol)

    def curl(self, url):
        self.bench.tool('curl', '-sS', '-f', '-o', '/dev/null', '-T', self.source, url)

    def curl_tus(self, url):
        """The two requests of a tus upload that meets no trouble."""
        self.bench.tool('/bin/sh', '-c', CURL_TUS, 'sh', url, self.source, str(self.size))


CURL_TUS = '''
place=$(curl -sS -f -o /dev/null -w '%header{location}' -X POST -H 'Tus-Resumable: 1.0.0' \\
  -H "Upload-Length: $3" -H 'Content-Length: 0' "$1") || exit
exec curl -sS -f -o /dev/null -X PATCH -H 'Tus-Resumable: 1.0.0' -H 'Upload-Offset: 0' \\
  -H 'Content-Type: application/offset+octet-stream' -H 'Expect:' -T "$2" "$place"
'''
