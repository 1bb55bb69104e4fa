# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server for uploads by PUT, PUT with Content-Range and tus that misbehaves as it is told.

Below /tus/ it speaks tus 1.0, everywhere else it takes PUT. Files are in a directory, with holes for
zeros. Faults (faults.py) are `on` a method in lower case, `any`, or `last` (a body that makes the
file whole):
  drop, drop-after, cut, pause, pause-after, hang   as bits-server has them
  status    `status`, `headers`; with read=False before the body was read, with close=True it never is
  early     success before the body was read, none of which is kept; with close=True it ends then
  ack       it is done, but Upload-Offset (of HEAD: Content-Length too) is `offset`, or `by` another
"""

import os
import re
import ssl

from lib import content
from lib.badserver import BadServer, Drop
from lib.faults import Faults
from lib.process import wait_until

ACTIONS = ('drop', 'drop-after', 'cut', 'pause', 'pause-after', 'hang', 'status', 'early', 'ack')
REASONS = {200: 'OK', 201: 'Created', 204: 'No Content', 404: 'Not Found',
           405: 'Method Not Allowed', 409: 'Conflict'}
BLOCK = 1 << 18
ZEROS = bytes(BLOCK)


class Refused(Exception):
    """A status instead of what was asked for."""

    def __init__(self, status, headers=()):
        super().__init__(status)
        self.status, self.headers = status, list(headers)


class Exchange:
    """One request and what becomes of it."""

    def __init__(self, server, request, stream):
        self.server, self.request, self.stream = server, request, stream
        self.left = int(request.get('Content-Length') or 0)
        kinds = {request.method.lower(), 'any'}
        if self.left and self.makes_whole():
            kinds.add('last')
        self.fault = server.faults.take(kinds)
        request.received, request.status, request.state = 0, None, 'reading'

    def makes_whole(self):
        """Whether this body is the end of its file."""
        request = self.request
        if request.method == 'PATCH':
            upload = self.server.uploads.get(request.path)
            offset = request.get('Upload-Offset') or ''
            return bool(upload and offset.isdigit() and
                        int(offset) + self.left == upload['length'])
        span = self.span()
        return span is None or span[1] + 1 == span[2]

    def span(self):
        """(first, last, total) of a Content-Range, None without one."""
        match = re.fullmatch(r'bytes (\d+)-(\d+)/(\d+)', self.request.get('Content-Range') or '')
        return tuple(map(int, match.groups())) if match else None

    def do(self, action):
        return self.fault.get('do') == action

    def hold(self, state):
        self.request.state = state
        self.server.faults.hold()

    def read(self, limit=BLOCK):
        """The next of the body, b'' at its end."""
        block = self.stream.file.read1(min(limit, self.left, BLOCK)) if self.left else b''
        if self.left and not block:
            raise Drop()
        self.left -= len(block)
        self.request.received += len(block)
        return block

    def drain(self):
        while self.read():
            pass

    def answer(self, status, headers=(), length=0):
        if self.do('drop-after'):
            raise Drop()
        if self.do('pause-after'):
            self.hold('acted')
        # Noted first: who has the answer may ask for it.
        self.request.status, self.request.state = status, 'answered'
        headers = list(headers)
        if status != 204:
            headers.append(('Content-Length', length))
        self.stream.head(status, REASONS.get(status, 'Told to'), headers)

    def run(self):
        try:
            if self.do('drop'):
                raise Drop()
            if self.do('hang'):
                self.hold('hanging')
                raise Drop()
            if self.do('status'):
                raise Refused(self.fault['status'], self.fault.get('headers', {}).items())
            self.server.act(self)
            self.drain()
        except Refused as refused:
            early = self.do('status') and self.fault.get('read') is False
            if not early:
                self.drain()
            self.answer(refused.status, refused.headers)
            if early and not self.fault.get('close'):
                self.drain()
            if early:
                raise Drop() from None
        except (Drop, OSError):
            self.request.state = 'dropped'
            raise

    def early(self, status, headers=()):
        """Success, long before its time."""
        self.answer(status, headers)
        if self.fault.get('close'):
            raise Drop()
        self.drain()

    def receive(self, path, first, wipe=False):
        """The body into the file from there on; says what is kept when it breaks."""
        exists = os.path.exists(path)
        with open(path, 'w+b' if wipe or not exists else 'r+b') as out:
            at = self.fault.get('after', 0) if self.do('cut') or self.do('pause') else None
            position = first
            try:
                while self.left:
                    if at is not None and self.request.received >= at:
                        if self.do('cut'):
                            raise Drop()
                        at = None
                        self.hold('paused')
                    block = self.read(BLOCK if at is None else at - self.request.received)
                    if block != ZEROS[:len(block)]:
                        out.seek(position)
                        out.write(block)
                    position += len(block)
            finally:
                if self.left and 'keep' in self.fault:
                    position = min(position, first + self.fault['keep'])
                    out.truncate(position)
                size = os.fstat(out.fileno()).st_size
                out.truncate(max(size, position))
        return position


class BadUpload(BadServer):
    """`ranges` says what a PUT with Content-Range comes to: 'write' (in place, as Apache does),
    'ignore' (the part becomes the file) or 'refuse' (501). `partial` keeps what came of a broken
    plain PUT. `head` False answers 405 to HEAD of a file."""

    def __init__(self, directory, tls=None, ranges='ignore', partial=False, head=True,
                 relative=False, termination=True, max_size=0):
        self.directory = directory
        self.ranges, self.partial, self.head_allowed = ranges, partial, head
        self.relative, self.termination, self.max_size = relative, termination, max_size
        self.faults = Faults(ACTIONS)
        self.uploads = {}           # path of a tus upload: its length, offset and file
        self.deleted = []           # paths of those that were ended by DELETE
        self.requests = []
        self.count = 0
        self.tls = None
        if tls is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
        super().__init__()

    def url(self, path, host=None):
        url = super().url(path, host or ('localhost' if self.tls else None))
        return url.replace('http:', 'https:', 1) if self.tls else url

    def asked(self, method=None):
        """The requests so far, of that method."""
        with self.lock:
            return [r for r in self.requests if method in (None, r.method)]

    def wait_asked(self, method, count=1, seconds=30):
        """Waits for the count-th request of that method and returns it."""
        wait_until(lambda: len(self.asked(method)) >= count, seconds,
                   'request {} of {}'.format(count, method))
        return self.asked(method)[count - 1]

    def wait_state(self, method, state, seconds=30):
        """Waits until a request of that method is paused, acted, hanging, answered or dropped."""
        def found():
            return [r for r in self.asked(method) if r.state == state]
        return wait_until(found, seconds, 'a {} that is {}'.format(method, state))[-1]

    def fail(self, *faults):
        """These faults from now on."""
        self.faults.set(faults)

    def file(self, path):
        """Where the file of a URL path is."""
        if path in self.uploads:
            return self.uploads[path]['file']
        return os.path.join(self.directory, path.strip('/').replace('/', '_'))

    def sha256(self, path):
        """Of what is at that URL path, None when nothing is."""
        name = self.file(path)
        return content.file_sha256(name) if os.path.exists(name) else None

    def whole(self):
        """Digests of the tus uploads that are complete, in the order of their creation."""
        return [content.file_sha256(u['file']) for u in self.uploads.values()
                if u['offset'] == u['length']]

    def close(self):
        self.faults.set([])
        super().close()

    def _begin(self, sock):
        if not self.tls:
            return sock
        with self.lock:
            self.connections.discard(sock)
        sock = self.tls.wrap_socket(sock, server_side=True)
        with self.lock:
            self.connections.add(sock)
        return sock

    def _answer(self, request, stream):
        exchange = Exchange(self, request, stream)
        with self.lock:
            self.requests.append(request)
        exchange.run()

    def act(self, exchange):
        method = exchange.request.method
        tus = exchange.request.path.startswith('/tus')
        act = {'OPTIONS': self.options, 'POST': self.create if tus else None,
               'HEAD': self.offset if tus else self.head, 'PATCH': self.patch if tus else None,
               'DELETE': self.delete if tus else None, 'PUT': None if tus else self.put}.get(method)
        if act is None:
            raise Refused(405)
        act(exchange)

    def options(self, exchange):
        if not exchange.request.path.startswith('/tus'):
            raise Refused(405)
        extensions = 'creation,termination' if self.termination else 'creation'
        headers = [('Tus-Resumable', '1.0.0'), ('Tus-Version', '1.0.0'),
                   ('Tus-Extension', extensions)]
        if self.max_size:
            headers.append(('Tus-Max-Size', self.max_size))
        exchange.answer(204, headers)

    # -- PUT

    def head(self, exchange):
        if not self.head_allowed:
            raise Refused(405)
        path = self.file(exchange.request.path)
        if not os.path.exists(path):
            raise Refused(404)
        exchange.answer(200, length=self.told(exchange, os.stat(path).st_size))

    @staticmethod
    def told(exchange, offset):
        """The offset that is said, which a fault may make another."""
        if exchange.do('ack'):
            return exchange.fault.get('offset', offset + exchange.fault.get('by', 0))
        return offset

    def put(self, exchange):
        path = self.file(exchange.request.path)
        span = exchange.span()
        status = 204 if os.path.exists(path) else 201
        if exchange.do('early'):
            if span is None or self.ranges != 'write':
                open(path, 'wb').close()
            exchange.early(status)
            return
        if span is not None and self.ranges == 'refuse':
            raise Refused(501)
        if span is not None and self.ranges == 'write':
            exchange.receive(path, span[0])
        else:
            self.put_whole(exchange, path)
        exchange.answer(status)

    def put_whole(self, exchange, path):
        if self.partial:
            exchange.receive(path, 0, wipe=True)
            return
        with self.lock:
            self.count += 1
            temporary = '{}.{}.new'.format(path, self.count)
        try:
            exchange.receive(temporary, 0, wipe=True)
            os.rename(temporary, path)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)

    # -- tus

    TUS = [('Tus-Resumable', '1.0.0')]

    def create(self, exchange):
        length = int(exchange.request.get('Upload-Length'))
        if self.max_size and length > self.max_size:
            raise Refused(413, self.TUS)
        with self.lock:
            self.count += 1
            path = '/tus/{}'.format(self.count)
            name = os.path.join(self.directory, 'tus-{}'.format(self.count))
            open(name, 'wb').close()
            self.uploads[path] = {'length': length, 'offset': 0, 'file': name, 'busy': False}
        exchange.answer(201, [*self.TUS, ('Location', path if self.relative else self.url(path))])

    def find(self, exchange):
        upload = self.uploads.get(exchange.request.path)
        if upload is None:
            raise Refused(404, self.TUS)
        if upload['busy']:
            raise Refused(423, self.TUS)
        return upload

    def offset(self, exchange):
        upload = self.find(exchange)
        exchange.answer(200, [*self.TUS, ('Upload-Offset', self.told(exchange, upload['offset'])),
                              ('Upload-Length', upload['length']), ('Cache-Control', 'no-store')])

    def patch(self, exchange):
        upload = self.find(exchange)
        if int(exchange.request.get('Upload-Offset')) != upload['offset']:
            raise Refused(409, self.TUS)
        if exchange.do('early'):
            exchange.early(204, [*self.TUS, ('Upload-Offset', upload['offset'] + exchange.left)])
            return
        if upload['offset'] + exchange.left > upload['length']:
            raise Refused(413, self.TUS)
        upload['busy'] = True
        try:
            exchange.receive(upload['file'], upload['offset'])
        finally:
            upload['offset'] = os.stat(upload['file']).st_size
            upload['busy'] = False
        exchange.answer(204, [*self.TUS,
                              ('Upload-Offset', self.told(exchange, upload['offset']))])

    def delete(self, exchange):
        if not self.termination:
            raise Refused(405)
        self.find(exchange)
        with self.lock:
            del self.uploads[exchange.request.path]
            self.deleted.append(exchange.request.path)
        exchange.answer(204, self.TUS)
