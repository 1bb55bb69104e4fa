#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers and networks that misbehave: always the right bytes, or an error that says why."""

import gzip
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from gi.repository import GLib  # noqa: E402
from lib import badserver, cases, content, isolate  # noqa: E402
from lib.badserver import (chunked, drop_after, encoded, garbage, hang_body,  # noqa: E402
                           headers_too_large, ignore_if_range, lying_length, multipart, normal,
                           odd_headers, partial, range_refused, redirect, retry_after, status,
                           unasked_partial, until_close, whole)
from lib.client import ERROR, INVALID_ARGS, signal_args  # noqa: E402

SIZE = 400000
CUT = 150000


class TroubleCase(cases.WorldCase):
    """A route, a job that is interrupted at CUT, and what must be true in the end."""

    def serve(self, *script, body=None, path='/file', **kwargs):
        body = content.pattern(SIZE, 1) if body is None else body
        return self.world.http.add(path, body, *script, **kwargs)

    def job(self, path='/file', name='got', **keys):
        properties = dict({'MinimumRetryDelay': 5}, **keys.pop('properties', {}))
        job = self.client.create(**properties)
        job.add_file(self.world.http.url(path), self.path(name), **keys)
        job.resume()
        return job

    def interrupted(self, route_kwargs=None, **keys):
        """A job that has CUT bytes on disk and is suspended; the route is normal from now on."""
        route = self.serve(hang_body(CUT), normal(), **(route_kwargs or {}))
        job = self.job(**keys)
        job.wait_bytes(CUT)
        job.suspend()
        job.wait_state('suspended')
        return route, job

    def restarts(self, job):
        """Reasons of the FileRestarted signals that the owner heard."""
        self.client.ping_bus()
        return [signal_args(s)[1] for s in self.client.find_signals('FileRestarted', job.path)]

    def finish(self, job, body, name='got', seconds=40):
        job.wait_state('transferred', seconds=seconds)
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.sha256(content.read(self.path(name))), content.sha256(body))

    def fails(self, job, *names, seconds=40):
        values = job.wait_for(lambda v: v['State'] == 'error', seconds, 'the error')
        self.assertIn(values['Error']['Name'].rsplit('.', 1)[1], names, values['Error'])
        self.assertTrue(values['Error']['Message'])
        return values

    def transient(self, job, *names, seconds=40):
        """The job met this error and will try again by itself."""
        values = job.wait_for(lambda v: v['State'] in ('transient-error', 'error'), seconds,
                              'the interruption')
        self.assertEqual(values['State'], 'transient-error', values['Error'])
        self.assertIn(values['Error']['Name'].rsplit('.', 1)[1], names, values['Error'])
        self.assertGreater(values['NextAttemptTime'], 0)
        self.assertTrue(values['WaitReasons'])
        return values


class Interruptions(TroubleCase):
    def test_connection_dropped_goes_on_where_it_was(self):
        route = self.serve(drop_after(CUT), normal())
        job = self.job()
        self.finish(job, route.body)
        self.assertEqual(route.requests[1].start, CUT)
        self.assertEqual(route.requests[1].get('If-Range'), '"v1"')
        self.assertEqual(route.sent, SIZE)
        self.assertEqual(self.restarts(job), [])
        self.assertEqual(job.get('ErrorCount'), 1)

    def test_dropped_again_and_again(self):
        route = self.serve(drop_after(SIZE // 4), drop_after(SIZE // 4), normal())
        job = self.job()
        self.finish(job, route.body, seconds=60)
        self.assertEqual(route.sent, SIZE, 'no byte was fetched twice')

    def test_reset_by_the_server(self):
        route = self.serve(until_close(reset=True, stop_after=CUT), normal())
        job = self.job()
        self.finish(job, route.body)

    def test_server_away_and_back(self):
        route, job = self.interrupted()
        port = self.world.http.port
        self.world.http.routes.pop('/file')
        job.call('SetRemoteUrl', '(us)', 0, 'http://127.0.0.1:1/file')
        job.resume()
        self.transient(job, 'ConnectFailed')
        job.suspend()
        job.call('SetRemoteUrl', '(us)', 0, 'http://127.0.0.1:{}/file'.format(port))
        self.world.http.routes['/file'] = route
        job.resume()
        self.finish(job, route.body)
        self.assertEqual(route.requests[-1].start, CUT)

    def test_name_that_does_not_resolve(self):
        job = self.client.submit([('http://no-such-host.invalid/a', self.path('a'))])
        self.transient(job, 'ResolveFailed')

    def test_hanging_server_can_be_left(self):
        route = self.serve(badserver.hang(), normal())
        job = self.job()
        route.wait_requests(1)
        job.suspend()
        job.wait_state('suspended')
        job.resume()
        self.finish(job, route.body)

    def test_no_progress_is_final(self):
        self.serve(status(503, 'Busy'))
        job = self.job(properties={'NoProgressTimeout': 0})
        self.fails(job, 'HttpError')

    def test_connection_closed_before_the_answer(self):
        route = self.serve(garbage(b''), normal())
        job = self.job()
        self.finish(job, route.body)

    def far_server(self, *answers):
        """A server on an address that is not loopback; its route, its URL by name and by address."""
        if not isolate.own_network():
            self.skipTest('this machine gives no network of its own')
        subprocess.run(['ip', 'address', 'replace', '192.0.2.1/32', 'dev', 'lo'], check=True)
        hosts = self.path('hosts')
        with open(hosts, 'w', encoding='utf-8') as out:
            out.write('127.0.0.1 localhost\n192.0.2.1 far.example\n')
        os.chmod(hosts, 0o644)
        isolate.bind(hosts, '/etc/hosts')
        self.addCleanup(subprocess.run, ['umount', '-l', '/etc/hosts'], check=False)
        server = badserver.BadServer('192.0.2.1')
        self.addCleanup(server.close)
        route = server.add('/file', content.pattern(SIZE, 1), *answers)
        return route, server.url('/file', 'far.example'), server.url('/file')

    def test_network_goes_and_comes(self):
        # A name is taken to be beyond the way out, which goes.
        route, url, _ = self.far_server(hang_body(CUT), normal())
        job = self.client.submit([(url, self.path('got'))])
        job.wait_bytes(CUT)
        isolate.network(False)
        try:
            values = job.wait_for(lambda v: 'network' in v['WaitReasons'], what='no network')
            self.assertIn(values['State'], ('queued', 'transient-error'))
            job.suspend()
            job.resume()
            job.wait_for(lambda v: 'network' in v['WaitReasons'], what='no network')
            self.assertEqual(len(route.requests), 1)
        finally:
            isolate.network(True)
        self.finish(job, route.body)
        self.assertEqual(route.sent, SIZE, 'a checkpoint was written when it went')

    def test_neighbours_without_a_way_out(self):
        route, _, url = self.far_server(normal())
        isolate.network(False)
        try:
            job = self.client.submit([(url, self.path('got'))])
            self.finish(job, route.body)
        finally:
            isolate.network(True)


class Bodies(TroubleCase):
    def test_chunked(self):
        route = self.serve(chunked())
        self.finish(self.job(), route.body)
        self.assertEqual(content.sha256(content.read(self.path('got'))), route.sha256)

    def test_chunked_cut_between_two_chunks(self):
        route = self.serve(chunked('between', CUT), chunked())
        job = self.job()
        self.finish(job, route.body)
        self.assertGreaterEqual(len(route.requests), 2)

    def test_chunked_cut_between_chunks_for_ever(self):
        self.serve(chunked('between', CUT), ranges=False, etag=None, modified=None)
        job = self.job(properties={'NoProgressTimeout': 0})
        self.fails(job, 'ConnectionClosed', 'RemoteFileChanged', 'NoProgress')
        self.assertNotIn('got', self.left_over())

    def test_chunked_cut_inside_a_chunk(self):
        route = self.serve(chunked('inside', CUT), chunked())
        self.finish(self.job(), route.body)

    def test_chunked_whole_then_closed(self):
        route = self.serve(chunked(close=True))
        self.finish(self.job(), route.body)

    def test_chunked_with_digest(self):
        route = self.serve(chunked(close=True), etag=None, modified=None)
        self.finish(self.job(Digest='sha256:' + route.sha256), route.body)

    def test_ended_by_close(self):
        route = self.serve(until_close())
        self.finish(self.job(), route.body)

    def test_ended_by_close_but_too_early_for_the_size(self):
        self.serve(until_close(stop_after=CUT), etag=None, modified=None)
        job = self.job(Size=SIZE, properties={'NoProgressTimeout': 0})
        self.fails(job, 'ConnectionClosed', 'SizeMismatch')

    def test_content_length_too_long(self):
        route = self.serve(lying_length(+1000), normal())
        self.finish(self.job(), route.body)

    def test_content_length_too_short_gives_no_wrong_file(self):
        self.serve(lying_length(-1000))
        job = self.job(Digest='sha256:' + content.sha256(content.pattern(SIZE, 1)))
        self.fails(job, 'DigestMismatch')
        self.assertNotIn('got', self.left_over())

    def test_encoded_body_is_stored_as_sent(self):
        route = self.serve(encoded())
        self.finish(self.job(), gzip.compress(route.body, mtime=0))
        self.assertEqual(route.requests[0].get('Accept-Encoding'), 'identity')

    def test_headers_too_large(self):
        self.serve(headers_too_large())
        job = self.job(properties={'NoProgressTimeout': 0})
        self.fails(job, 'InvalidServerResponse', 'HttpError', 'ConnectionClosed')

    def test_odd_bytes_in_headers(self):
        route = self.serve(odd_headers())
        job = self.job()
        job.wait_state('transferred')
        file = job.file()
        for text in file['ResponseHeaders'] + [file['Validator']]:
            self.assertFalse([c for c in text if ord(c) < 32 or c == '\u202e'], text)
        self.finish(job, route.body)

    def test_not_http(self):
        self.serve(garbage())
        job = self.job(properties={'NoProgressTimeout': 0})
        self.fails(job, 'InvalidServerResponse', 'ConnectionClosed')


class Resumption(TroubleCase):
    def test_server_without_ranges(self):
        route = self.serve(hang_body(CUT), normal(), ranges=False)
        job = self.job()
        job.wait_bytes(CUT)
        job.suspend()
        job.wait_state('suspended')
        job.resume()
        self.finish(job, route.body)

    def test_server_without_ranges_or_validator(self):
        route = self.serve(hang_body(CUT), normal(), ranges=False, etag=None, modified=None)
        job = self.job()
        job.wait_bytes(CUT)
        job.suspend()
        job.wait_state('suspended')
        job.resume()
        self.finish(job, route.body)
        self.assertEqual(len(self.restarts(job)), 1)
        self.assertEqual(job.file()['Restarts'], 1)

    def test_200_to_if_range_with_the_same_version(self):
        route, job = self.interrupted()
        route.then(whole())
        job.resume()
        self.finish(job, route.body)
        self.assertEqual(self.restarts(job), [], 'the bytes were skipped, not dropped')

    def test_replaced_file_of_equal_length(self):
        """Never two versions in one file, whatever the server says of them."""
        other = content.pattern(SIZE, 2)
        for kind, first, second in (
                ('strong', {'etag': '"v1"'}, {'etag': '"v2"'}),
                ('weak', {'etag': 'W/"v1"', 'modified': None}, {'etag': 'W/"v2"'}),
                ('weak and equal', {'etag': 'W/"v1"', 'modified': None}, {}),
                ('only a date', {'etag': None}, {'modified': badserver.OLD + 100}),
                ('no validator', {'etag': None, 'modified': None}, {})):
            with self.subTest(kind):
                name = kind.replace(' ', '-')
                route, job = self.interrupted(first, name=name)
                route.replace(other, **second)
                job.resume()
                self.finish(job, other, name)
                self.assertEqual(len(self.restarts(job)), 1, 'the owner is told')
                self.assertEqual(job.file()['Restarts'], 1)

    def test_server_that_ignores_if_range(self):
        """A 206 of another version: its validator gives it away."""
        other = content.pattern(SIZE, 2)
        route, job = self.interrupted()
        route.replace(other, etag='"v2"')
        route.then(ignore_if_range(), normal())
        job.resume()
        self.finish(job, other)
        self.assertEqual(len(self.restarts(job)), 1)

    def test_206_with_another_total(self):
        route, job = self.interrupted()
        route.then(partial(total=+5), normal())
        job.resume()
        self.finish(job, route.body)

    def test_206_at_another_offset(self):
        for offset in (-100, +100):
            with self.subTest(offset):
                name = 'offset{}'.format(offset)
                route, job = self.interrupted(name=name)
                route.then(partial(offset=offset), normal())
                job.resume()
                self.finish(job, route.body, name)

    def test_206_with_another_validator(self):
        route, job = self.interrupted()
        route.then(partial(etag='"other"'), normal())
        job.resume()
        self.finish(job, route.body)

    def test_206_shorter_than_asked(self):
        route, job = self.interrupted()
        route.then(partial(shorter=50000), normal())
        job.resume()
        self.finish(job, route.body)
        self.assertEqual(self.restarts(job), [])
        self.assertEqual(route.requests[-1].start, CUT + 50000)
        self.assertEqual(route.sent, SIZE)

    def test_206_without_content_range(self):
        route, job = self.interrupted()
        route.then(partial(no_content_range=True), normal())
        job.resume()
        values = job.wait_for(lambda v: v['State'] in ('error', 'transferred'), what='an end')
        if values['State'] == 'error':
            self.assertEqual(values['Error']['Name'], ERROR + 'InvalidServerResponse')
            job.resume()
        self.finish(job, route.body)

    def test_unasked_206(self):
        self.serve(unasked_partial())
        job = self.job(properties={'NoProgressTimeout': 0})
        self.fails(job, 'InvalidServerResponse')

    def test_multipart(self):
        route, job = self.interrupted()
        route.then(multipart())
        job.resume()
        self.fails(job, 'InvalidServerResponse')
        route.then(normal())
        job.resume()
        self.finish(job, route.body)

    def test_416_starts_over(self):
        for total in (True, False):
            with self.subTest(total):
                name = 'total-{}'.format(total)
                route, job = self.interrupted(name=name)
                route.then(range_refused(total))
                job.resume()
                self.finish(job, route.body, name)
                self.assertEqual(len(self.restarts(job)), 1)

    def test_416_at_the_end_is_the_end(self):
        """All bytes were there when the connection broke: `bytes */N` says that it was all."""
        route = self.serve(chunked('between', SIZE), normal())
        job = self.job()
        self.finish(job, route.body)
        self.assertEqual(route.requests[1].start, SIZE)
        self.assertEqual(self.restarts(job), [])
        self.assertEqual(route.sent, SIZE)

    def test_file_that_changes_for_ever(self):
        """More than five restarts without progress are an error, not a life's work."""
        route = self.serve(hang_body(CUT), normal())
        state = {'version': 1}

        def changing(route, request, stream):
            state['version'] += 1
            route.etag = '"v{}"'.format(state['version'])
            badserver.normal(stop_after=CUT)(route, request, stream)
        route.then(changing)
        job = self.job()
        self.fails(job, 'RemoteFileChanged', seconds=90)

    def test_digest_decides_when_there_is_no_strong_validator(self):
        route, job = self.interrupted({'etag': 'W/"v1"', 'modified': None},
                                      Digest='sha256:' + content.sha256(content.pattern(SIZE, 1)))
        job.resume()
        self.finish(job, route.body)
        self.assertEqual(self.restarts(job), [])
        self.assertEqual(route.sent, SIZE)

    def test_digest_finds_the_joined_file_and_starts_over_once(self):
        other = content.pattern(SIZE, 2)
        route, job = self.interrupted({'etag': 'W/"v1"', 'modified': None},
                                      Digest='sha256:' + content.sha256(other))
        route.replace(other)
        job.resume()
        self.finish(job, other)
        self.assertEqual(self.restarts(job), ['digest-mismatch'])

    def test_temporary_file_tampered_with(self):
        """Shorter than promised, or another file: it starts over under a new name."""
        for kind in ('truncated', 'replaced', 'removed', 'linked'):
            with self.subTest(kind):
                route, job = self.interrupted(name=kind)
                part = job.file()['TemporaryPath']
                if kind == 'truncated':
                    os.truncate(part, 1000)
                elif kind == 'replaced':
                    os.unlink(part)
                    content.write(part, b'x' * SIZE)
                    if self.world.root:
                        os.chown(part, self.client.user.pw_uid, self.client.user.pw_gid)
                elif kind == 'removed':
                    os.unlink(part)
                else:
                    os.link(part, self.path('second-link'))
                job.resume()
                self.finish(job, route.body, kind)
                self.assertEqual(len(self.restarts(job)), 1)


class Answers(TroubleCase):
    def test_final_statuses(self):
        for code, name in ((401, 'AuthenticationFailed'), (403, 'Forbidden'), (404, 'NotFound'),
                           (410, 'NotFound'), (400, 'HttpError')):
            with self.subTest(code):
                self.serve(status(code))
                job = self.job(name='s{}'.format(code))
                values = self.fails(job, name)
                self.assertEqual(values['Error']['HttpStatus'], code)
                self.assertEqual(job.file()['HttpStatus'], code)

    def test_transient_statuses(self):
        for code in (500, 502, 503, 504, 429, 408):
            with self.subTest(code):
                route = self.serve(status(code))
                job = self.job(name='s{}'.format(code))
                values = self.transient(job, 'HttpError', 'TimedOut')
                self.assertEqual(values['Error']['HttpStatus'], code)
                self.assertIn('retry', values['WaitReasons'])
                route.then(normal())
                job.suspend()
                job.resume()
                self.finish(job, route.body, 's{}'.format(code))

    def test_retry_after(self):
        for kwargs in ({'seconds': 3}, {'seconds': 4, 'as_date': True},
                       {'seconds': 3, 'code': 429}):
            with self.subTest(kwargs):
                name = '-'.join(str(v) for v in kwargs.values())
                route = self.serve(retry_after(**kwargs), normal())
                job = self.job(name=name, properties={'MinimumRetryDelay': 600})
                values = self.transient(job, 'HttpError')
                self.assertIn('retry-after', values['WaitReasons'])
                self.finish(job, route.body, name)
                waited = route.requests[1].time - route.requests[0].time
                self.assertGreater(waited, kwargs['seconds'] - 1.5)
                self.assertLess(waited, 60)

    def test_redirects(self):
        route = self.serve()
        for number in range(9):
            self.world.http.add('/hop{}'.format(number), b'',
                                redirect('/hop{}'.format(number + 1), (301, 302, 303, 307, 308)[
                                    number % 5]))
        self.world.http.add('/hop9', b'', redirect('file?signed=1'))
        job = self.job('/hop0')
        self.finish(job, route.body)
        self.assertNotIn('signed', repr(job.files()))
        self.assertTrue(job.file()['RemoteUrl'].endswith('/hop0'))

    def test_redirect_loop(self):
        self.serve(redirect('/file'))
        job = self.job(properties={'NoProgressTimeout': 0})
        self.fails(job, 'TooManyRedirects')

    def test_redirect_elsewhere_keeps_secrets_at_home(self):
        route = self.serve()
        away = self.world.http.url('/file', host='localhost')
        self.world.http.add('/start', b'', redirect(away))
        start = self.world.http.routes['/start']
        job = self.client.create(CustomHeaders=['Authorization: Bearer geheim', 'X-Token: geheim'])
        job.add_file(self.world.http.url('/start'), self.path('got'))
        job.resume()
        self.finish(job, route.body)
        self.assertEqual(start.requests[0].get('X-Token'), 'geheim')
        self.assertIsNone(route.requests[0].get('Authorization'))
        self.assertIsNone(route.requests[0].get('X-Token'))

    def test_redirect_with_a_password(self):
        self.serve(redirect('http://user:geheim@127.0.0.1:{}/other'.format(self.world.http.port)))
        other = self.serve(path='/other')
        job = self.job(properties={'NoProgressTimeout': 0})
        values = job.wait_for(lambda v: v['State'] in ('error', 'transferred'), what='an end')
        self.assertEqual(values['State'], 'error', 'refused')
        self.assertNotIn('geheim', repr(values) + repr(job.files()))
        self.assertEqual(other.requests, [])

    def test_redirect_to_another_scheme(self):
        for location in ('ftp://127.0.0.1/x', 'file:///etc/passwd', 'gopher://x', 'http://',
                         '\x01nonsense:'):
            with self.subTest(location):
                self.serve(redirect(location))
                job = self.job(name='r{}'.format(abs(hash(location))),
                               properties={'NoProgressTimeout': 0})
                self.fails(job, 'UnsupportedScheme', 'InvalidServerResponse', 'NotFound')

    def test_redirect_from_https_to_http(self):
        self.needs_root()
        target = self.serve()
        url = self.world.nginx.secure_url('away/?port={}'.format(self.world.http.port))
        job = self.client.submit([(url, self.path('got'))], NoProgressTimeout=0)
        self.fails(job, 'InvalidServerResponse', 'TlsError', 'UnsupportedScheme')
        self.assertEqual(target.requests, [])

    def test_redirected_download_resumes_from_its_own_url(self):
        route = self.serve(hang_body(CUT), normal())
        start = self.world.http.add('/start', b'', redirect('/file'))
        job = self.job('/start')
        job.wait_bytes(CUT)
        job.suspend()
        job.wait_state('suspended')
        job.resume()
        self.finish(job, route.body)
        self.assertEqual(len(start.requests), 2)
        self.assertEqual(route.requests[1].start, CUT)

    def test_proxy_with_a_password_is_refused(self):
        job = self.client.create()
        with self.assertRaises(Exception) as caught:
            job.set('ProxyUri', GLib.Variant('s', 'http://u:geheim@proxy:3128'))
        self.assertEqual(caught.exception.name, INVALID_ARGS)
        self.assertNotIn('geheim', str(caught.exception))


class Disk(TroubleCase):
    """A full disk and a read-only place, on a small file system of our own."""

    def small(self, megabytes):
        if not isolate.inside():
            self.skipTest('needs root to mount')
        place = self.path('disk')
        os.mkdir(place)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size={}m,mode=0777'.format(megabytes),
                        'tmpfs', place], check=True)
        self.addCleanup(subprocess.run, ['umount', '-l', place], check=True)
        return place

    def test_no_room_for_it(self):
        place = self.small(2)
        route = self.serve(body=content.pattern(4 << 20, 1))
        job = self.client.create()
        job.add_file(self.world.http.url('/file'), os.path.join(place, 'got'))
        job.resume()
        values = job.wait_for(lambda v: v['State'] in ('transient-error', 'error'), what='a stop')
        self.assertEqual(values['State'], 'transient-error', values['Error'])
        self.assertEqual(values['Error']['Name'], ERROR + 'DiskFull')
        self.assertIn('disk-space', values['WaitReasons'])
        subprocess.run(['mount', '-o', 'remount,size=16m', place], check=True)
        job.suspend()
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(os.path.join(place, 'got')), route.body)

    def test_read_only(self):
        place = self.small(8)
        self.serve()
        job = self.client.create()
        job.add_file(self.world.http.url('/file'), os.path.join(place, 'got'))
        subprocess.run(['mount', '-o', 'remount,ro', place], check=True)
        job.resume()
        values = job.wait_for(lambda v: v['State'] in ('transient-error', 'error'), what='a stop')
        self.assertIn(values['Error']['Name'].rsplit('.', 1)[1], ('FileSystemError',
                                                                 'NoFileAccess'))
        subprocess.run(['mount', '-o', 'remount,rw', place], check=True)
        job.suspend()
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))

    def test_unmounted_disk_is_waited_for(self):
        """Nothing is ever written under an empty mount point."""
        if not isolate.inside():
            self.skipTest('needs root to mount')
        place, disk = self.path('mnt'), self.small(8)
        os.mkdir(place)
        subprocess.run(['mount', '--bind', disk, place], check=True)
        route = self.serve(hang_body(CUT), normal())
        job = self.client.create()
        job.add_file(self.world.http.url('/file'), os.path.join(place, 'got'))
        job.resume()
        job.wait_bytes(CUT)
        job.suspend()
        job.wait_state('suspended')
        subprocess.run(['umount', '-l', place], check=True)
        os.chmod(place, 0o777)
        job.resume()
        values = job.wait_for(lambda v: 'destination' in v['WaitReasons'], what='destination')
        self.assertEqual(values['State'], 'transient-error')
        self.assertEqual(os.listdir(place), [])
        subprocess.run(['mount', '--bind', disk, place], check=True)
        self.addCleanup(subprocess.run, ['umount', '-l', place], check=True)
        job.suspend()
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(os.path.join(place, 'got')), route.body)
        self.assertEqual(route.sent, SIZE)


if __name__ == '__main__':
    cases.main()
