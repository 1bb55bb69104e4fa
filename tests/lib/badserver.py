# SPDX-License-Identifier: LGPL-2.1-or-later
"""An HTTP/1.1 server on a raw socket that misbehaves as it is told.

A route has content, validators and a script: one behaviour for each request, then the last one for
ever. Everything asked and everything sent is recorded, so that a test can say which bytes were
fetched a second time.
"""

import email.utils
import base64
import gzip
import re
import socket
import struct
import threading
import time

from lib import content

OLD = 1_600_000_000      # a Last-Modified that is strong: long before any Date


class Request:
    """What a client asked; `start` is the first byte of its Range, None without one."""

    def __init__(self, method, target, headers):
        self.method = method
        self.target = target
        self.path = target.split('?', 1)[0]
        self.headers = headers      # list of (name, value) as sent
        self.time = time.monotonic()
        self.sent = 0               # body bytes sent in answer
        self.first = 0              # offset in the file of the first of them
        match = re.match(r'bytes=(\d+)-(\d*)$', self.get('Range') or '')
        self.start = int(match.group(1)) if match else None
        self.end = int(match.group(2)) if match and match.group(2) else None

    def get(self, name):
        """A header's value, or None."""
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    def __repr__(self):
        return '<{} {} Range={} If-Range={} sent={}>'.format(
            self.method, self.target, self.get('Range'), self.get('If-Range'), self.sent)


class Drop(Exception):
    """Ends the connection; `reset` with RST instead of FIN."""

    def __init__(self, reset=False):
        super().__init__()
        self.reset = reset


class Route:
    """One path: what it serves and how."""

    def __init__(self, path, body, etag='"v1"', modified=OLD, ranges=True, script=(),
                 content_type='application/octet-stream'):
        self.path = path
        self.body = body
        self.etag = etag
        self.modified = modified
        self.ranges = ranges
        self.script = list(script) or [normal()]
        self.content_type = content_type
        self.requests = []
        self.lock = threading.Condition()

    @property
    def sha256(self):
        return content.sha256(self.body)

    def behaviour(self):
        """The next of the script; the last one stays."""
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def replace(self, body=None, etag=None, modified=None):
        """Another version of the file from now on."""
        if body is not None:
            self.body = body
        if etag is not None:
            self.etag = etag or None
        if modified is not None:
            self.modified = modified or None

    def then(self, *script):
        """From the next request on."""
        self.script = list(script)
        return self

    @property
    def sent(self):
        """Body bytes sent in all."""
        return sum(r.sent for r in self.requests)

    def fetched(self):
        """(first, one past last) of the bytes that each request was sent."""
        return [(r.first, r.first + r.sent) for r in self.requests if r.sent]

    def wait_requests(self, count, seconds=30):
        """Waits until so many requests have come."""
        with self.lock:
            if not self.lock.wait_for(lambda: len(self.requests) >= count, seconds):
                raise AssertionError('{} requests within {} s, not {}'.format(
                    len(self.requests), seconds, count))
            return self.requests[count - 1]

    def validators(self):
        """Headers that name this version."""
        lines = []
        if self.etag:
            lines.append(('ETag', self.etag))
        if self.modified:
            lines.append(('Last-Modified', email.utils.formatdate(self.modified, usegmt=True)))
        return lines

    def matches(self, if_range):
        """Whether an If-Range names this version, strongly."""
        if if_range is None:
            return True
        if if_range.startswith('"'):
            return if_range == self.etag
        return self.modified is not None and if_range == email.utils.formatdate(self.modified,
                                                                                usegmt=True)


class Stream:
    """The connection as a behaviour sees it."""

    def __init__(self, server, sock):
        self.server = server
        self.socket = sock
        self.file = sock.makefile('rb')

    def read_request(self):
        line = self.file.readline(65536)
        if not line.strip():
            return None
        method, target, _ = line.decode('latin-1').split(' ', 2)
        headers = []
        while True:
            line = self.file.readline(65536)
            if line in (b'\r\n', b'\n', b''):
                break
            name, value = line.decode('latin-1').split(':', 1)
            headers.append((name.strip(), value.strip()))
        return Request(method, target, headers)

    def raw(self, data):
        self.socket.sendall(data)

    def head(self, status, reason, headers, date=True):
        """Status line and headers; values may be str or bytes."""
        lines = [b'HTTP/1.1 %d ' % status + (reason if isinstance(reason, bytes)
                                             else reason.encode('latin-1'))]
        if date:
            headers = [('Date', email.utils.formatdate(usegmt=True)), *headers]
        for name, value in headers:
            lines.append(name.encode('latin-1') + b': ' +
                         (value if isinstance(value, bytes) else str(value).encode('latin-1')))
        self.raw(b'\r\n'.join(lines) + b'\r\n\r\n')

    def body(self, request, data, first=0, rate=None, stop_after=None):
        """Sends data, counting; `rate` in bytes a second; drops after stop_after bytes."""
        request.first = first
        step = 65536 if rate is None else max(1, rate // 50)
        view = memoryview(data if stop_after is None else data[:stop_after])
        for offset in range(0, len(view), step):
            block = view[offset:offset + step]
            self.raw(block)
            request.sent += len(block)
            if rate is not None:
                self.server.pause(len(block) / rate)
        if stop_after is not None and stop_after < len(data):
            raise Drop()


# -- behaviours: functions of (route, request, stream)

def plan(route, request, honour_range=True, check_if_range=True):
    """What RFC 9110 wants: (status, first, data, extra headers)."""
    total = len(route.body)
    if not (honour_range and route.ranges) or request.start is None:
        return 200, 0, route.body, []
    if check_if_range and not route.matches(request.get('If-Range')):
        return 200, 0, route.body, []
    if request.start >= total:
        return 416, 0, b'', [('Content-Range', 'bytes */{}'.format(total))]
    last = total - 1 if request.end is None else min(request.end, total - 1)
    return 206, request.start, route.body[request.start:last + 1], [
        ('Content-Range', 'bytes {}-{}/{}'.format(request.start, last, total))]


REASONS = {200: 'OK', 206: 'Partial Content', 416: 'Range Not Satisfiable'}


def answer(route, request, stream, status, first, data, extra, **how):
    stream.head(status, REASONS[status], [
        ('Content-Type', route.content_type), ('Content-Length', len(data)),
        *([('Accept-Ranges', 'bytes')] if route.ranges else []), *route.validators(), *extra])
    if request.method != 'HEAD':
        stream.body(request, data, first, **how)


def normal(**how):
    """As it should be; `rate` makes it slow, `stop_after` drops the connection after that many."""
    def behave(route, request, stream):
        answer(route, request, stream, *plan(route, request), **how)
    return behave


def guarded(user, password, **how):
    """Only for who knows the password (RFC 7617)."""
    wanted = 'Basic ' + base64.b64encode('{}:{}'.format(user, password).encode()).decode()
    refuse = status(401, headers=[('WWW-Authenticate', 'Basic realm="guarded"')])

    def behave(route, request, stream):
        right = request.get('Authorization') == wanted
        (normal(**how) if right else refuse)(route, request, stream)
    return behave


def slow(rate):
    return normal(rate=rate)


def drop_after(count):
    """The connection breaks after so many bytes of the body."""
    return normal(stop_after=count)


def whole(**how):
    """Always 200 with the whole file, whatever was asked."""
    def behave(route, request, stream):
        answer(route, request, stream, *plan(route, request, honour_range=False), **how)
    return behave


def ignore_if_range(**how):
    """206 although the validator has changed: two versions would be joined."""
    def behave(route, request, stream):
        answer(route, request, stream, *plan(route, request, check_if_range=False), **how)
    return behave


def partial(offset=0, total=0, etag=None, shorter=None, no_content_range=False):
    """A 206 that differs from what was asked by so much."""
    def behave(route, request, stream):
        status, first, data, _ = plan(route, request, check_if_range=False)
        if status != 206:
            answer(route, request, stream, status, first, data, [])
            return
        if offset:
            first = max(0, first + offset)
            data = route.body[first:]
        if shorter is not None:
            data = data[:shorter]
        known = len(route.body) + total
        headers = [('Content-Type', route.content_type), ('Content-Length', len(data))]
        if not no_content_range:
            headers.append(('Content-Range', 'bytes {}-{}/{}'.format(
                first, first + len(data) - 1, known)))
        validators = route.validators() if etag is None else [('ETag', etag)]
        stream.head(206, 'Partial Content', headers + validators)
        stream.body(request, data, first)
    return behave


def unasked_partial(count=100):
    """206 for a request without Range."""
    def behave(route, request, stream):
        data = route.body[:count]
        stream.head(206, 'Partial Content', [
            ('Content-Length', len(data)),
            ('Content-Range', 'bytes 0-{}/{}'.format(count - 1, len(route.body))),
            *route.validators()])
        stream.body(request, data)
    return behave


def multipart():
    """multipart/byteranges for one range."""
    def behave(route, request, stream):
        status, first, data, extra = plan(route, request)
        if status != 206:
            answer(route, request, stream, status, first, data, extra)
            return
        part = ('--frontier\r\nContent-Type: text/plain\r\nContent-Range: {}\r\n\r\n'.format(
            extra[0][1]).encode() + data + b'\r\n--frontier--\r\n')
        stream.head(206, 'Partial Content', [
            ('Content-Type', 'multipart/byteranges; boundary=frontier'),
            ('Content-Length', len(part)), *route.validators()])
        stream.raw(part)
    return behave


def range_refused(total=True):
    """416 for every range, with or without the total; without a Range all is well."""
    def behave(route, request, stream):
        if request.start is None:
            normal()(route, request, stream)
            return
        extra = [('Content-Range', 'bytes */{}'.format(len(route.body)))] if total else []
        stream.head(416, 'Range Not Satisfiable', [('Content-Length', '0'), *route.validators(),
                                                   *extra])
    return behave


def chunked(cut=None, at=None, size=8192, close=False, reset=False):
    """A chunked body; `cut` is None, 'between' (two chunks) or 'inside' (a chunk), `at` bytes in."""
    def behave(route, request, stream):
        status, first, data, extra = plan(route, request)
        if status == 416:
            answer(route, request, stream, status, first, data, extra)
            return
        stream.head(status, REASONS[status], [
            ('Transfer-Encoding', 'chunked'), *route.validators(), *extra])
        limit = len(data) if cut is None or at is None else min(at, len(data))
        request.first = first
        for offset in range(0, limit, size):
            block = data[offset:min(offset + size, limit)]
            if cut == 'inside' and offset + len(block) >= limit:
                stream.raw(b'%x\r\n' % (len(block) + 1) + block)
            else:
                stream.raw(b'%x\r\n' % len(block) + block + b'\r\n')
            request.sent += len(block)
        if cut is not None:
            raise Drop(reset)
        stream.raw(b'0\r\n\r\n')
        if close:
            raise Drop(reset)
    return behave


def until_close(reset=False, stop_after=None):
    """A body without a length that ends with the connection: FIN, or RST."""
    def behave(route, request, stream):
        status, first, data, extra = plan(route, request)
        stream.head(status, REASONS[status], [('Connection', 'close'), *route.validators(),
                                              *extra])
        stream.body(request, data if stop_after is None else data[:stop_after], first)
        raise Drop(reset)
    return behave


def lying_length(difference):
    """Content-Length is wrong by so much; the connection closes after the real body."""
    def behave(route, request, stream):
        status, first, data, extra = plan(route, request)
        stream.head(status, REASONS[status], [
            ('Content-Length', len(data) + difference), ('Connection', 'close'),
            *route.validators(), *extra])
        stream.body(request, data, first)
        raise Drop()
    return behave


def hang(event=None):
    """Reads the request and says nothing until the event (or the server's end)."""
    def behave(route, request, stream):
        stream.server.hold(event)
        if event is None or not event.is_set():
            raise Drop()
        normal()(route, request, stream)
    return behave


def hang_body(count, event=None):
    """Sends so many bytes, then waits for the event, then the rest."""
    def behave(route, request, stream):
        status, first, data, extra = plan(route, request)
        stream.head(status, REASONS[status], [('Content-Length', len(data)),
                                              ('Accept-Ranges', 'bytes'), *route.validators(),
                                              *extra])
        request.first = first
        stream.raw(data[:count])
        request.sent = min(count, len(data))
        stream.server.hold(event)
        if event is None or not event.is_set():
            raise Drop()
        stream.raw(data[count:])
        request.sent = len(data)
    return behave


def status(code, reason='Told to', headers=(), body=b'no\n'):
    """Just that answer; Retry-After goes into headers."""
    def behave(_route, request, stream):
        stream.head(code, reason, [('Content-Length', len(body)), *headers])
        if request.method != 'HEAD':
            stream.raw(body)
    return behave


def retry_after(seconds, code=503, as_date=False):
    value = email.utils.formatdate(time.time() + seconds, usegmt=True) if as_date else str(seconds)
    return status(code, 'Later', [('Retry-After', value)])


def redirect(location, code=302):
    """Location may be absolute, relative or nonsense."""
    return status(code, 'Elsewhere', [('Location', location)])


def encoded():
    """A gzip body with Content-Encoding, whatever was accepted; it is to be stored as it is."""
    def behave(route, request, stream):
        data = gzip.compress(route.body, mtime=0)
        stream.head(200, 'OK', [('Content-Encoding', 'gzip'), ('Content-Length', len(data)),
                                *route.validators()])
        stream.body(request, data)
    return behave


def headers_too_large(size=1 << 20):
    def behave(route, request, stream):
        stream.head(200, 'OK', [('X-Large', 'a' * size), ('Content-Length', len(route.body))])
        stream.body(request, route.body)
    return behave


def odd_headers():
    """Bytes that are not UTF-8 and control characters in the reason, the ETag and a header."""
    def behave(route, request, stream):
        stream.head(200, b'\xff\xfe odd \x1b[31m\x07', [
            ('Content-Length', len(route.body)), ('ETag', b'"\xe4\xff\x01"'),
            ('X-Odd', b'\xc3\x28 \x1b]0;title\x07 \xe2\x80\xae')])
        stream.body(request, route.body)
    return behave


def garbage(data=b'this is not HTTP\r\n\r\n'):
    def behave(_route, _request, stream):
        stream.raw(data)
        raise Drop()
    return behave


class BadServer:
    """Threads on loopback; close() ends them all."""

    def __init__(self, host='127.0.0.1'):
        self.host = host
        self.routes = {}
        self.unknown = []           # requests for paths that no route has
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.connections = set()
        self.accepted = 0
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, 0))
        self.listener.listen(256)
        self.port = self.listener.getsockname()[1]
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def add(self, path, body=b'', *script, **route_options):
        """A new route (an old one at that path is replaced)."""
        route = Route(path, body, script=script, **route_options)
        with self.lock:
            self.routes[path] = route
        return route

    def url(self, path, host=None):
        return 'http://{}:{}{}'.format(host or self.host, self.port,
                                       path if path.startswith('/') else '/' + path)

    def pause(self, seconds):
        """For behaviours that are slow on purpose; ends early with the server."""
        if self.over.wait(seconds):
            raise Drop()

    def hold(self, event):
        """Waits for the event or the end of the server."""
        while not self.over.is_set():
            if event is not None and event.wait(0.05):
                return
            if event is None and self.over.wait(1):
                return

    def close(self):
        self.over.set()
        self.listener.close()
        self.drop_all()
        self.acceptor.join(5)

    def drop_all(self, reset=False):
        """Breaks every connection there is."""
        with self.lock:
            connections = list(self.connections)
        for sock in connections:
            self._end(sock, reset)

    @staticmethod
    def _end(sock, reset=False):
        try:
            if reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            else:
                sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        sock.close()

    def _accept(self):
        self.listener.settimeout(0.2)
        while not self.over.is_set():
            try:
                sock, _ = self.listener.accept()
            except socket.timeout:
                continue
            except OSError:
                return
            sock.settimeout(None)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections.add(sock)
                self.accepted += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _begin(self, sock):
        """What is spoken over a connection: over TLS that is another socket."""
        return sock

    def _answer(self, request, stream):
        with self.lock:
            route = self.routes.get(request.path)
        if route is None:
            self.unknown.append(request)
            status(404, 'Not Found')(None, request, stream)
            return
        with route.lock:
            behave = route.behaviour()
            route.requests.append(request)
            route.lock.notify_all()
        behave(route, request, stream)

    def _serve(self, sock):
        stream = None
        reset = False
        try:
            sock = self._begin(sock)
            stream = Stream(self, sock)
            while not self.over.is_set():
                request = stream.read_request()
                if request is None:
                    break
                self._answer(request, stream)
                if (request.get('Connection') or '').lower() == 'close':
                    break
        except Drop as drop:
            reset = drop.reset
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.connections.discard(sock)
            try:
                if stream is not None:
                    stream.file.close()
            except OSError:
                pass
            self._end(sock, reset)
