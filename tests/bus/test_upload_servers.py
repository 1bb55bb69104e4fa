#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The servers that uploads are tested against, without Ferry: each takes a file and gives it back,
and each fault is what it says."""

import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content  # noqa: E402
from lib.badupload import BadUpload  # noqa: E402
from lib.process import wait_until  # noqa: E402
from lib.uploads import (ApacheDav, BitsServer, Chezdav, LighttpdDav, NginxDav,  # noqa: E402
                         TusServer)
from lib.web import make_certificate  # noqa: E402

GUID = '{7df0354d-249b-430f-820d-3d2a9bef4931}'
BODY = content.pattern(300000, 7)
GONE = (http.client.RemoteDisconnected, http.client.BadStatusLine, ConnectionError)


class Answer:
    """Status, headers and body of an answer."""

    def __init__(self, answer):
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()

    def get(self, name):
        return self.headers.get(name)


def ask(server, method, path, headers=None, body=None, connection=None):
    """One request, on a connection of its own unless one is given."""
    own = connection or connect(server)
    try:
        own.request(method, path, body, headers or {})
        return Answer(own.getresponse())
    finally:
        if connection is None:
            own.close()


def connect(server):
    if server.tls:
        return http.client.HTTPSConnection('127.0.0.1', server.port, timeout=20,
                                           context=ssl._create_unverified_context())
    return http.client.HTTPConnection('127.0.0.1', server.port, timeout=20)


def promise(server, method, path, headers, sent):
    """A connection on which only so much of the body was sent."""
    connection = connect(server)
    connection.putrequest(method, path)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(sent)
    return connection


class Upload:
    """A BITS client as small as can be; `offset` is what the server told last."""

    def __init__(self, server, path='/file', body=BODY, step=100000):
        self.server, self.path, self.body, self.step = server, path, body, step
        self.session, self.offset, self.last = None, 0, None

    def post(self, packet, headers=None, body=b''):
        headers = dict({'BITS-Packet-Type': packet}, **(headers or {}))
        if self.session:
            headers['BITS-Session-Id'] = self.session
        self.last = ask(self.server, 'BITS_POST', self.path, headers, body)
        return self.last

    def create(self):
        self.session = None
        answer = self.post('Create-Session', {'BITS-Supported-Protocols': GUID})
        self.session = answer.get('BITS-Session-Id')
        return answer

    def headers(self, first, last):
        return {'Content-Range': 'bytes {}-{}/{}'.format(first, last, len(self.body))}

    def fragment(self, first=None, last=None):
        first = self.offset if first is None else first
        last = min(first + self.step, len(self.body)) - 1 if last is None else last
        answer = self.post('Fragment', self.headers(first, last), self.body[first:last + 1])
        told = answer.get('BITS-Received-Content-Range')
        if told is not None:
            self.offset = int(told)
        return answer

    def cut(self, first, last, sent):
        """Sends the beginning of a fragment and goes away."""
        promise(self.server, 'BITS_POST', self.path, dict(
            {'BITS-Packet-Type': 'Fragment', 'BITS-Session-Id': self.session,
             'Content-Length': str(last - first + 1)}, **self.headers(first, last)),
                self.body[first:first + sent]).close()

    def send_all(self):
        while self.offset < len(self.body):
            before = self.offset
            answer = self.fragment()
            assert self.offset > before, (answer.status, before)
        return self.last

    def close(self):
        return self.post('Close-Session')


class BitsCase(unittest.TestCase):
    """A server of its own for each case."""

    def serve(self, **settings):
        self.server = BitsServer.of(self, {k.replace('_', '-'): v for k, v in settings.items()})
        return Upload(self.server)

    def begun(self, offset=0, **settings):
        """An upload that has so much at the server."""
        upload = self.serve(**settings)
        self.assertEqual(upload.create().status, 200)
        if offset:
            self.assertEqual(upload.fragment(0, offset - 1).status, 200)
        return upload

    def arrived(self, path='/file', body=BODY):
        self.assertEqual(self.server.sha256(path), content.sha256(body))

    def no_answer(self, act, *args):
        with self.assertRaises(GONE):
            act(*args)


class Bits(BitsCase):
    def test_a_file_goes_and_comes_back(self):
        upload = self.serve()
        self.assertEqual(upload.post('Ping').get('BITS-Packet-Type'), 'Ack')
        answer = upload.create()
        self.assertEqual(answer.get('BITS-Protocol'), GUID)
        self.assertEqual(answer.get('Content-Length'), '0')
        self.assertEqual(upload.send_all().get('BITS-Received-Content-Range'), str(len(BODY)))
        self.assertIsNone(self.server.sha256('/file'), 'not before Close-Session')
        self.assertEqual(upload.close().status, 200)
        self.arrived()
        self.assertEqual(ask(self.server, 'GET', '/file').body, BODY)
        self.assertEqual(self.server.sessions(), [])
        self.assertEqual([e['packet'] for e in self.server.log() if e['packet']],
                         ['ping', 'create', 'fragment', 'fragment', 'fragment', 'close'])
        self.assertEqual(sum(e['received'] for e in self.server.log('fragment')), len(BODY))

    def test_https(self):
        place = tempfile.mkdtemp(dir=os.environ.get('FERRY_TEST_TMP', '/var/tmp'))
        self.addCleanup(shutil.rmtree, place)
        self.server = BitsServer.of(self, tls=make_certificate(place))
        upload = Upload(self.server)
        upload.create()
        upload.send_all()
        upload.close()
        self.arrived()

    def test_published_at_the_last_fragment(self):
        upload = self.begun(publish='last')
        upload.send_all()
        self.arrived()
        self.assertEqual(upload.close().status, 200)
        self.arrived()

    def test_empty_file(self):
        upload = self.begun()
        upload.close()
        self.arrived(body=b'')
        upload = self.begun(empty='no')
        upload.close()
        self.assertIsNone(self.server.sha256('/file'))

    def test_closing_early_and_cancelling_leave_nothing(self):
        for packet in ('Close-Session', 'Cancel-Session'):
            upload = self.begun(1000)
            self.assertEqual(upload.post(packet).status, 200)
            self.assertIsNone(self.server.sha256('/file'))
            self.assertEqual(self.server.sessions(), [])

    def test_cancelling_what_is_whole_leaves_it(self):
        upload = self.begun(reply='json')
        upload.send_all()
        self.assertEqual(upload.post('Cancel-Session').status, 200)
        self.arrived()

    def test_sessions_outlive_the_server(self):
        upload = self.begun(100000)
        self.server.kill()
        self.server.start()
        upload.send_all()
        upload.close()
        self.arrived()

    def test_holes_cost_nothing(self):
        upload = self.serve()
        upload.body, upload.step = bytes(20 << 20) + b'end', 8 << 20
        upload.create()
        upload.send_all()
        upload.close()
        self.arrived(body=upload.body)
        self.assertLess(os.stat(self.server.file('/file')).st_blocks * 512, 1 << 20)

    def test_overlaps(self):
        for overlap, status in (('trim', 200), ('strict', 416)):
            upload = self.begun(100000, overlap=overlap)
            answer = upload.fragment(50000, 149999)
            self.assertEqual(answer.status, status)
            self.assertEqual(upload.offset, 150000 if status == 200 else 100000)
            self.assertEqual(upload.fragment(200000, 299999).status, 416, 'a gap')
            upload.send_all()
            upload.close()
            self.arrived()

    def test_half_of_a_cut_fragment(self):
        for cut, kept in (('drop', 0), ('half', 25000), ('keep', 50000)):
            upload = self.begun(100000, cut=cut, overlap='strict')
            upload.cut(100000, 199999, 50000)
            self.server.wait_log('fragment', state='dropped')
            answer = upload.fragment(99999, 199999)
            self.assertEqual(answer.status, 416)
            self.assertEqual(upload.offset, 100000 + kept)
            upload.send_all()
            upload.close()
            self.arrived()

    def test_fragment_too_large(self):
        upload = self.begun(fragment_max=50000)
        self.assertEqual(upload.fragment().status, 413)
        upload.step = 50000
        upload.send_all()
        upload.close()
        self.arrived()
        upload = self.begun(size_max=1000)
        answer = upload.fragment()
        self.assertEqual((answer.status, answer.get('BITS-Error-Code')), (500, '0x80200020'))

    def test_lost_sessions(self):
        for how, status, code in (('bits', 500, '0x8020001F'), ('gobits', 400, '0')):
            upload = self.begun(100000, unknown_session=how)
            self.server.order(forget=True)
            answer = upload.fragment(100000)
            self.assertEqual((answer.status, answer.get('BITS-Error-Code')), (status, code))
        upload = self.begun(unknown_session='silent')
        self.server.fail({'on': 'fragment', 'at': 2, 'do': 'lose'})
        upload.fragment()
        self.no_answer(upload.fragment)

    def test_misspelt(self):
        upload = self.begun(100000, misspell='yes', overlap='strict')
        answer = upload.fragment(0)
        self.assertEqual(answer.get('BITS-Recieved-Content-Range'), '100000')
        self.assertIsNone(answer.get('BITS-Received-Content-Range'))

    def test_authorization(self):
        upload = self.serve(authorization='Basic abc')
        answer = upload.post('Ping')
        self.assertEqual((answer.status, answer.get('WWW-Authenticate')[:5]), (401, 'Basic'))
        self.assertEqual(upload.post('Ping', {'Authorization': 'Basic abc'}).status, 200)
        upload = self.begun(100000, authorization='Basic abc', authorization_from=1)
        self.assertEqual(upload.fragment().status, 401)

    def test_errors_of_the_protocol(self):
        upload = self.begun(1000)
        answer = upload.post('Fragment', {'Content-Range': 'bytes 1000-1009/99'}, b'0123456789')
        self.assertEqual((answer.status, answer.get('BITS-Error-Code')), (400, '0x80070057'))
        self.assertEqual(upload.post('Dance').status, 400)
        content.write(self.server.file('/there'), b'old')
        self.server.set(overwrite=False)
        answer = Upload(self.server, '/there').create()
        self.assertEqual((answer.status, answer.get('BITS-Error-Code')), (403, '0x80070005'))
        self.assertEqual(Upload(self.server, '/no/such').create().status, 404)
        self.assertEqual(Upload(self.server, '/../up').create().status, 400)
        self.assertEqual(ask(self.server, 'PUT', '/x', body=b'a').status, 405)

    def test_ping(self):
        upload = self.serve(ping='off')
        answer = upload.post('Ping')
        self.assertEqual((answer.status, answer.get('BITS-Packet-Type')), (501, 'Ack'))
        self.server.set(ping='nginx')
        answer = upload.post('Ping')
        self.assertEqual((answer.status, answer.get('BITS-Packet-Type')), (405, None))

    def test_host_id(self):
        answer = self.begun(host_id='other.example', host_id_timeout=60).last
        self.assertEqual(answer.get('BITS-Host-Id'), 'other.example')
        self.assertEqual(answer.get('BITS-Host-Id-Fallback-Timeout'), '60')

    def test_orders_that_make_no_sense(self):
        self.serve()
        for orders in ({'settings': {'colour': 'red'}}, {'faults': [{'on': 'ping', 'do': 'x'}]},
                       {'dance': True}):
            answer = ask(self.server, 'POST', '/-/control', body=json.dumps(orders))
            self.assertEqual(answer.status, 400)
            self.assertIn(b'no such', answer.body)

    def test_help(self):
        done = subprocess.run([self.serve().server.process.argv[2], '--help'], check=True,
                              stdout=subprocess.PIPE, text=True)
        for word in ('overlap', 'reply-absent', 'drop-after', '--directory'):
            self.assertIn(word, done.stdout)


class BitsReply(BitsCase):
    def test_reply(self):
        for how in ('relative', 'absolute'):
            upload = self.begun(reply='json', reply_url=how)
            url = upload.send_all().get('BITS-Reply-URL')
            self.assertEqual('\\' in url, how == 'relative')
            path = url.replace('\\', '/') if how == 'relative' else '/' + url.split('/', 3)[3]
            answer = ask(self.server, 'GET', '/' + path.lstrip('/'))
            self.assertEqual(json.loads(answer.body), {
                'name': 'file', 'size': len(BODY), 'sha256': content.sha256(BODY)})
            part = ask(self.server, 'GET', '/' + path.lstrip('/'), {'Range': 'bytes=5-'})
            self.assertEqual((part.status, part.body), (206, answer.body[5:]))
            self.assertEqual(upload.fragment(200000).get('BITS-Reply-URL'), url, 'once more')
            upload.close()
            self.assertEqual(ask(self.server, 'GET', '/' + path.lstrip('/')).status, 404)
            self.arrived()

    def test_reply_of_a_size(self):
        upload = self.begun(reply='text', reply_size=5000)
        path = '/' + upload.send_all().get('BITS-Reply-URL').replace('\\', '/')
        self.assertEqual(len(ask(self.server, 'GET', path).body), 5000)

    def test_absent_and_failing(self):
        upload = self.begun(reply='json', reply_absent=1)
        self.assertIsNone(upload.send_all().get('BITS-Reply-URL'))
        path = '/' + upload.fragment(200000).get('BITS-Reply-URL').replace('\\', '/')
        self.server.fail({'on': 'reply', 'do': 'status', 'status': 503})
        self.assertEqual(ask(self.server, 'GET', path).status, 503)
        self.assertEqual(ask(self.server, 'GET', path).status, 200)


class BitsFaults(BitsCase):
    def test_lost_answers(self):
        upload = self.serve(overlap='strict')
        for packet in ('create', 'last-fragment', 'close'):
            for do in ('drop', 'drop-after'):
                with self.subTest(packet=packet, do=do):
                    self.server.order(forget=True, clear=True)
                    upload.offset = 0
                    if packet != 'create':
                        upload.create()
                        upload.fragment()
                        upload.fragment()
                    if packet == 'close':
                        upload.fragment()
                    self.server.fail({'on': packet, 'do': do})
                    self.no_answer({'create': upload.create, 'last-fragment': upload.fragment,
                                    'close': upload.close}[packet])
                    self.said(packet, do, upload)

    def said(self, packet, do, upload):
        """What the server holds after the lost answer."""
        if packet == 'create':
            self.assertEqual(len(self.server.sessions()), int(do == 'drop-after'))
        elif packet == 'close':
            self.assertEqual(len(self.server.sessions()), int(do == 'drop'))
        else:
            self.assertEqual(upload.fragment().status, 200 if do == 'drop' else 416)
            self.assertEqual(upload.offset, len(BODY))

    def test_cut(self):
        upload = self.begun(100000, overlap='strict')
        self.server.fail({'on': 'fragment', 'do': 'cut', 'after': 60000, 'keep': 12345})
        self.no_answer(upload.fragment)
        self.assertEqual(upload.fragment(100000).status, 416)
        self.assertEqual(upload.offset, 112345)
        upload.send_all()
        upload.close()
        self.arrived()

    def test_pauses(self):
        upload = self.begun()
        for do, state in (('pause', 'paused'), ('pause-after', 'acted')):
            self.server.order(clear=True)
            self.server.fail({'on': 'fragment', 'do': do, 'after': 1000})
            thread = threading.Thread(target=upload.fragment)
            thread.start()
            entry = self.server.wait_log('fragment', state=state)
            self.assertEqual(entry['received'], 1000 if do == 'pause' else 100000)
            self.server.release()
            thread.join(20)
            self.assertEqual(upload.last.status, 200)
        self.server.fail({'on': 'ping', 'do': 'hang'})
        thread = threading.Thread(target=self.no_answer, args=(upload.post, 'Ping'))
        thread.start()
        self.server.wait_log('ping', state='hanging')
        self.server.release()
        thread.join(20)
        self.assertFalse(thread.is_alive())

    def test_options_that_hang(self):
        self.serve(options='hang')
        connection = promise(self.server, 'OPTIONS', '/file', {}, b'')
        self.addCleanup(connection.close)
        self.server.wait_log(None, state='hanging')

    def test_statuses(self):
        upload = self.begun(1000)
        self.server.fail({'on': 'fragment', 'at': 2, 'do': 'status', 'status': 500,
                          'hresult': '0x80070112', 'context': '0x7'})
        self.assertEqual(upload.fragment().status, 200)
        answer = upload.fragment()
        self.assertEqual((answer.status, answer.get('BITS-Error-Code'),
                          answer.get('BITS-Error-Context')), (500, '0x80070112', '0x7'))
        self.assertEqual(upload.fragment().status, 200, 'once only')
        self.server.fail({'on': 'fragment', 'times': 0, 'do': 'status', 'status': 503,
                          'read': False, 'headers': {'Retry-After': '7'}})
        connection = promise(self.server, 'BITS_POST', '/file', dict(
            {'BITS-Packet-Type': 'Fragment', 'BITS-Session-Id': upload.session,
             'Content-Length': '1000'}, **upload.headers(0, 999)), b'')
        answer = Answer(connection.getresponse())
        connection.close()
        self.assertEqual((answer.status, answer.get('Retry-After')), (503, '7'))

    def test_lies(self):
        upload = self.begun()
        self.server.fail({'on': 'fragment', 'do': 'ignore', 'times': 2})
        for _ in range(2):
            self.assertEqual(upload.fragment(0).status, 200)
            self.assertEqual(upload.offset, 0)
        for keys, told in (({'offset': 10 ** 9}, 10 ** 9), ({'by': -5}, 199995)):
            self.server.fail(dict({'on': 'fragment', 'do': 'ack'}, **keys))
            upload.fragment(len(self.server.log('fragment')) * 100000 - 200000)
            self.assertEqual(upload.offset, told)
        upload = self.begun()
        self.server.fail({'on': 'fragment', 'do': 'early'})
        connection = promise(self.server, 'BITS_POST', '/file', dict(
            {'BITS-Packet-Type': 'Fragment', 'BITS-Session-Id': upload.session,
             'Content-Length': '1000'}, **upload.headers(0, 999)), b'')
        self.assertEqual(Answer(connection.getresponse()).get('BITS-Received-Content-Range'),
                         '1000')
        connection.close()
        self.server.fail({'on': 'ping', 'do': 'plain'})
        self.assertIsNone(upload.post('Ping').get('BITS-Packet-Type'))
        self.assertEqual(upload.post('Ping').get('BITS-Packet-Type'), 'Ack')


class Put(unittest.TestCase):
    """The real servers: plain PUT, and what they make of Content-Range."""

    PART = {'Content-Range': 'bytes 5-9/20'}

    def put_and_get(self, server, path='/up/file'):
        self.assertIn(ask(server, 'PUT', path, body=BODY).status, (201, 204))
        self.assertEqual(server.sha256(path), content.sha256(BODY))
        answer = ask(server, 'HEAD', path)
        self.assertEqual(answer.get('Content-Length'), str(len(BODY)))
        self.assertEqual(ask(server, 'GET', path).body, BODY)

    def part(self, server, path='/up/part'):
        """Puts 5 bytes into the middle of 10; returns the status and what is there then."""
        ask(server, 'PUT', path, body=b'0123456789')
        answer = ask(server, 'PUT', path, self.PART, b'abcde')
        return answer.status, ask(server, 'GET', path).body

    def test_nginx(self):
        server = NginxDav.of(self, limit='1m')
        self.put_and_get(server)
        self.assertEqual(self.part(server), (501, b'0123456789'))
        self.assertEqual(ask(server, 'OPTIONS', '/up/file').status, 405)
        self.assertEqual(ask(server, 'PUT', '/up/no/file', body=b'x').status, 500)
        self.assertEqual(promise(server, 'PUT', '/up/f', {'Content-Length': str(1 << 21)}, b'')
                         .getresponse().status, 413)

    def test_nginx_before_a_bits_server(self):
        bits = BitsServer.of(self)
        server = NginxDav.of(self, behind=bits.port, limit='100k')
        upload = Upload(server, '/bits/file')
        upload.create()
        upload.step = 102401
        self.assertEqual(upload.fragment().status, 413)
        upload.step = 102400
        upload.send_all()
        upload.close()
        self.assertEqual(bits.sha256('/file'), content.sha256(BODY))

    def test_nginx_https(self):
        place = tempfile.mkdtemp(dir=os.environ.get('FERRY_TEST_TMP', '/var/tmp'))
        self.addCleanup(shutil.rmtree, place)
        self.put_and_get(NginxDav.of(self, tls=make_certificate(place)))

    def test_apache(self):
        server = ApacheDav.of(self)
        self.put_and_get(server)
        self.assertEqual(self.part(server), (204, b'01234abcde'))
        self.assertIn('1', ask(server, 'OPTIONS', '/up/').get('DAV'))

    def test_apache_https(self):
        place = tempfile.mkdtemp(dir=os.environ.get('FERRY_TEST_TMP', '/var/tmp'))
        self.addCleanup(shutil.rmtree, place)
        self.put_and_get(ApacheDav.of(self, tls=make_certificate(place)))

    def test_lighttpd(self):
        server = LighttpdDav.of(self)
        self.put_and_get(server)
        self.assertEqual(self.part(server), (400, b'0123456789'))
        server = LighttpdDav.of(self, ranged=True)
        self.put_and_get(server)
        self.assertEqual(self.part(server), (204, b'01234abcde'))

    def test_chezdav(self):
        server = Chezdav.of(self)
        self.put_and_get(server, '/file')
        self.assertEqual(self.part(server, '/part'), (200, b'abcde'), 'it destroys the file')

    def test_over_a_restart(self):
        for server in (NginxDav.of(self), ApacheDav.of(self), LighttpdDav.of(self)):
            self.put_and_get(server)
            server.stop()
            server.start()
            self.assertEqual(ask(server, 'GET', '/up/file').body, BODY)


TUS = {'Tus-Resumable': '1.0.0'}


class TusCase(unittest.TestCase):
    def create(self, server, path, length):
        answer = ask(server, 'POST', path, dict(TUS, **{'Upload-Length': str(length)}))
        self.assertEqual(answer.status, 201)
        return urllib.parse.urlsplit(answer.get('Location')).path

    def patch(self, server, place, offset, data):
        return ask(server, 'PATCH', place, dict(TUS, **{
            'Upload-Offset': str(offset), 'Content-Type': 'application/offset+octet-stream'}),
            data)

    def offset(self, server, place):
        """As soon as nobody else holds the upload."""
        def head():
            answer = ask(server, 'HEAD', place, TUS)
            self.assertIn(answer.status, (200, 423))
            return answer if answer.status == 200 else None
        return int(wait_until(head, 20, 'the end of the lock').get('Upload-Offset'))

    def whole_life(self, server, path):
        """Two parts, a wrong offset, a cut, and a cancellation."""
        answer = ask(server, 'OPTIONS', path)
        self.assertIn('1.0.0', answer.get('Tus-Version'))
        self.assertIn('creation', answer.get('Tus-Extension'))
        place = self.create(server, path, len(BODY))
        self.assertEqual(self.patch(server, place, 0, BODY[:100000]).status, 204)
        self.assertEqual(self.patch(server, place, 5, BODY[5:10]).status, 409)
        promise(server, 'PATCH', place, dict(TUS, **{
            'Upload-Offset': '100000', 'Content-Type': 'application/offset+octet-stream',
            'Content-Length': '200000'}), BODY[100000:150000]).close()

        def go_on():
            offset = self.offset(server, place)
            return self.patch(server, place, offset, BODY[offset:]).status == 204
        wait_until(go_on, 20, 'the rest')       # the broken one may still end meanwhile
        self.assertEqual(self.offset(server, place), len(BODY))
        self.assertEqual(server.whole(), [content.sha256(BODY)])
        other = self.create(server, path, 10)
        self.assertEqual(ask(server, 'DELETE', other, TUS).status, 204)
        self.assertIn(ask(server, 'HEAD', other, TUS).status, (404, 410))


class Tus(TusCase):
    def test_whole_life(self):
        self.whole_life(TusServer.of(self), '/files')

    def test_https(self):
        place = tempfile.mkdtemp(dir=os.environ.get('FERRY_TEST_TMP', '/var/tmp'))
        self.addCleanup(shutil.rmtree, place)
        self.whole_life(TusServer.of(self, tls=make_certificate(place)), '/files')

    def test_over_a_restart(self):
        server = TusServer.of(self)
        place = self.create(server, '/files', len(BODY))
        self.patch(server, place, 0, BODY[:100000])
        server.kill()
        server.start()
        self.assertEqual(self.offset(server, place), 100000)
        self.patch(server, place, 100000, BODY[100000:])
        self.assertEqual(server.whole(), [content.sha256(BODY)])

    def test_holes_cost_nothing(self):
        server = TusServer.of(self)
        body = bytes(20 << 20) + b'end'
        place = self.create(server, '/files', len(body))
        self.patch(server, place, 0, body)
        self.assertEqual(server.whole(), [content.sha256(body)])
        name = server.file(place.rsplit('/', 1)[1])
        self.assertLess(os.stat(name).st_blocks * 512, 4 << 20)


class Bad(TusCase):
    """The server in this process."""

    def serve(self, **options):
        place = tempfile.mkdtemp(dir=os.environ.get('FERRY_TEST_TMP', '/var/tmp'))
        self.addCleanup(shutil.rmtree, place)
        server = BadUpload(place, **options)
        self.addCleanup(server.close)
        return server

    def test_put(self):
        server = self.serve()
        self.assertEqual(ask(server, 'HEAD', '/f').status, 404)
        self.assertEqual(ask(server, 'PUT', '/f', body=BODY).status, 201)
        self.assertEqual(ask(server, 'PUT', '/f', body=BODY).status, 204)
        self.assertEqual(ask(server, 'HEAD', '/f').get('Content-Length'), str(len(BODY)))
        self.assertEqual(server.sha256('/f'), content.sha256(BODY))
        self.assertEqual(ask(server, 'BITS_POST', '/f').status, 405)
        self.assertEqual(ask(server, 'OPTIONS', '/f').status, 405)
        self.assertEqual([r.status for r in server.asked('PUT')], [201, 204])

    def test_https(self):
        place = tempfile.mkdtemp(dir=os.environ.get('FERRY_TEST_TMP', '/var/tmp'))
        self.addCleanup(shutil.rmtree, place)
        server = self.serve(tls=make_certificate(place))
        self.assertEqual(ask(server, 'PUT', '/f', body=BODY).status, 201)
        self.assertEqual(server.sha256('/f'), content.sha256(BODY))

    def test_ranges(self):
        for ranges, status, there in (('write', 204, b'01234abcde'), ('ignore', 204, b'abcde'),
                                      ('refuse', 501, b'0123456789')):
            server = self.serve(ranges=ranges)
            ask(server, 'PUT', '/f', body=b'0123456789')
            answer = ask(server, 'PUT', '/f', {'Content-Range': 'bytes 5-9/10'}, b'abcde')
            self.assertEqual((answer.status, content.read(server.file('/f'))), (status, there))

    def test_broken_puts(self):
        for options, kept in (({}, None), ({'partial': True}, 1000)):
            server = self.serve(**options)
            promise(server, 'PUT', '/f', {'Content-Length': '5000'}, BODY[:1000]).close()
            server.wait_state('PUT', 'dropped')
            name = server.file('/f')
            self.assertEqual(os.stat(name).st_size if os.path.exists(name) else None, kept)

    def test_faults_of_put(self):
        server = self.serve()
        server.fail({'on': 'put', 'do': 'status', 'status': 503, 'headers': {'Retry-After': 9}})
        answer = ask(server, 'PUT', '/f', body=BODY)
        self.assertEqual((answer.status, answer.get('Retry-After')), (503, '9'))
        for do, there in (('drop', None), ('cut', None), ('drop-after', content.sha256(BODY))):
            server.fail({'on': 'last', 'do': do, 'after': 1000})
            with self.assertRaises(GONE):
                ask(server, 'PUT', '/' + do, body=BODY)
            self.assertEqual(server.sha256('/' + do), there)
        server.fail({'on': 'put', 'do': 'early'})
        connection = promise(server, 'PUT', '/early', {'Content-Length': '10'}, b'')
        self.assertEqual(connection.getresponse().status, 201)
        connection.close()
        self.assertEqual(os.stat(server.file('/early')).st_size, 0)
        server.fail({'on': 'put', 'do': 'status', 'status': 307, 'read': False,
                     'headers': {'Location': '/there'}})
        connection = promise(server, 'PUT', '/here', {'Content-Length': '10'}, b'')
        self.assertEqual(connection.getresponse().headers['Location'], '/there')
        connection.close()
        for method, do in (('BITS_POST', 'hang'), ('OPTIONS', 'hang')):
            server.fail({'on': method.lower(), 'do': do})
            connection = promise(server, method, '/f', {}, b'')
            server.wait_state(method, 'hanging')
            connection.close()

    def test_tus(self):
        self.whole_life(self.serve(), '/tus')
        self.whole_life(self.serve(relative=True), '/tus')
        answer = ask(self.serve(max_size=5), 'POST', '/tus', dict(TUS, **{'Upload-Length': '6'}))
        self.assertEqual(answer.status, 413)
        server = self.serve(termination=False)
        self.assertEqual(ask(server, 'DELETE', self.create(server, '/tus', 5), TUS).status, 405)

    def test_faults_of_tus(self):
        server = self.serve()
        place = self.create(server, '/tus', len(BODY))
        server.fail({'on': 'patch', 'do': 'status', 'status': 423, 'times': 2})
        for status in (423, 423, 204):
            self.assertEqual(self.patch(server, place, 0, BODY[:1000]).status, status)
        server.fail({'on': 'patch', 'do': 'cut', 'after': 5000, 'keep': 700})
        with self.assertRaises(GONE):
            self.patch(server, place, 1000, BODY[1000:])
        self.assertEqual(self.offset(server, place), 1700)
        server.fail({'on': 'head', 'do': 'ack', 'offset': 10 ** 9})
        self.assertEqual(self.offset(server, place), 10 ** 9)
        server.fail({'on': 'last', 'do': 'drop-after'})
        self.assertEqual(self.patch(server, place, 1700, BODY[1700:2000]).status, 204)
        with self.assertRaises(GONE):
            self.patch(server, place, 2000, BODY[2000:])
        self.assertEqual(server.whole(), [content.sha256(BODY)])
        server.fail({'on': 'post', 'do': 'drop-after'})
        with self.assertRaises(GONE):
            ask(server, 'POST', '/tus', dict(TUS, **{'Upload-Length': '5'}))
        self.assertEqual(len(server.uploads), 2)


if __name__ == '__main__':
    cases.main()
