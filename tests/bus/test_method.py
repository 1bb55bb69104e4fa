#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""HttpMethod: what goes out, and that what must not be sent twice is sent once for each Resume."""

import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from gi.repository import GLib  # noqa: E402
from lib import cases, content  # noqa: E402
from lib.badserver import (Drop, drop_after, hang, hang_body, normal, redirect,  # noqa: E402
                           retry_after, status)
from lib.cli import CliCase  # noqa: E402
from lib.client import (ERROR, INVALID_ARGS, BusError, Job, options,  # noqa: E402
                        signal_args)

SIZE = 400000
CUT = 150000


def read_body(request, stream, most=None):
    """What comes with the request, or its beginning."""
    left = int(request.get('Content-Length') or 0)
    if most is not None:
        left = min(left, most)
    taken = b''
    while len(taken) < left:
        block = stream.file.read1(min(left - len(taken), 1 << 16))
        if not block:
            raise Drop()
        taken += block
    return taken


def take(code=200, headers=()):
    """Takes the body, which the route then has."""
    def behave(route, request, stream):
        route.body = read_body(request, stream)
        status(code, headers=[('X-Taken', len(route.body)), *headers])(route, request, stream)
    return behave


def drop_upload(count):
    """The connection breaks after so many bytes of what is sent."""
    def behave(_route, request, stream):
        read_body(request, stream, count)
        raise Drop()
    return behave


def hang_upload(count):
    """... or nothing more happens."""
    def behave(_route, request, stream):
        read_body(request, stream, count)
        stream.server.hold(None)
    return behave


class MethodCase(cases.WorldCase):
    """A route that counts, and a job that asks by a method."""

    def serve(self, *script, path='/file', **kwargs):
        return self.world.http.add(path, content.pattern(SIZE, 1), *script, **kwargs)

    def get(self, method, url=None, name='got', **properties):
        properties.setdefault('MinimumRetryDelay', 5)
        job = self.client.create(HttpMethod=method, **properties)
        job.add_file(url or self.world.http.url('/file'), self.path(name))
        job.resume()
        return job

    def put(self, method, url=None, **properties):
        path = self.path('source')
        if not os.path.exists(path):
            content.write(path, content.pattern(SIZE, 2))
            os.chmod(path, 0o644)
        properties.setdefault('MinimumRetryDelay', 5)
        job = self.client.create(job_type='upload', HttpMethod=method, **properties)
        job.add_file(url or self.world.http.url('/file'), path)
        job.resume()
        return job

    def asked(self, route):
        return [r.method for r in route.requests]

    def fails(self, job, name='ConnectionClosed', message='may have carried'):
        error = job.wait_for(lambda v: v['State'] == 'error', 40, 'the error')['Error']
        self.assertEqual(error['Name'], ERROR + name)
        self.assertIn(message, error['Message'])
        return error

    def finish(self, job, body=None):
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(self.path('got')),
                         content.pattern(SIZE, 1) if body is None else body)

    def header(self, job, name):
        """Of the last answer."""
        for line in job.file()['ResponseHeaders']:
            if line.lower().startswith(name.lower() + ': '):
                return line.split(': ', 1)[1]
        return None


class Downloads(MethodCase):
    def test_post(self):
        route = self.serve()
        job = self.get('POST')
        self.assertEqual(job.get('HttpMethod'), 'POST')
        self.finish(job)
        self.assertEqual(self.asked(route), ['POST'])
        request = route.requests[0]
        self.assertEqual((request.get('Content-Length'), request.get('Range')), ('0', None))

    def test_get_is_the_default(self):
        route = self.serve(hang_body(CUT), normal())
        job = self.get('GET')
        job.wait_bytes(CUT)
        job.suspend()
        job.wait_state('suspended')
        job.resume()
        self.finish(job)
        self.assertEqual(self.asked(route), ['GET', 'GET'])
        self.assertEqual(route.requests[1].start, CUT)

    def test_break(self):
        route = self.serve(drop_after(CUT), normal())
        job = self.get('POST')
        self.fails(job)
        self.assertEqual(self.asked(route), ['POST'])
        job.resume()
        self.finish(job)
        self.assertEqual(self.asked(route), ['POST', 'POST'])
        self.assertEqual([r.get('Range') for r in route.requests], [None, None])
        self.client.ping_bus()
        reasons = [signal_args(s)[1] for s in self.client.find_signals('FileRestarted', job.path)]
        self.assertEqual(reasons, ['not-resumable'])

    def test_suspend(self):
        route = self.serve(hang_body(CUT), normal())
        job = self.get('POST')
        job.wait_bytes(CUT)
        job.suspend()
        job.wait_state('suspended')
        self.assertEqual(self.asked(route), ['POST'])
        job.resume()
        self.finish(job)
        self.assertEqual(self.asked(route), ['POST', 'POST'])

    def test_propfind_starts_over(self):
        route = self.serve(drop_after(CUT), drop_after(CUT), normal())
        job = self.get('PROPFIND')
        self.finish(job)
        self.assertEqual(self.asked(route), ['PROPFIND'] * 3)
        self.assertEqual([r.get('Range') for r in route.requests], [None] * 3)

    def test_other_success(self):
        self.serve(status(207, body=b'<multistatus/>'))
        self.finish(self.get('PROPFIND'), b'<multistatus/>')

    def test_refused_connection_is_tried_again(self):
        with socket.socket() as listener:
            listener.bind(('127.0.0.1', 0))
            port = listener.getsockname()[1]
        job = self.get('POST', 'http://127.0.0.1:{}/file'.format(port))
        values = job.wait_for(lambda v: v['ErrorCount'] >= 2, what='a second try')
        self.assertEqual(values['Error']['Name'], ERROR + 'ConnectFailed')
        route = self.serve()
        files = job.files()
        self.assertEqual(files[0]['State'], 'pending')
        job.call('SetRemoteUrl', '(us)', 0, self.world.http.url('/file'))
        self.finish(job)
        self.assertEqual(self.asked(route), ['POST'])

    def test_busy_server_is_tried_again(self):
        route = self.serve(retry_after(1), normal())
        self.finish(self.get('POST'))
        self.assertEqual(self.asked(route), ['POST', 'POST'])

    def test_server_error_is_final(self):
        route = self.serve(status(502, headers=[('X-Gate', 'shut')]), normal())
        job = self.get('POST')
        error = self.fails(job, 'HttpError')
        self.assertEqual(error['HttpStatus'], 502)
        self.assertEqual(self.header(job, 'X-Gate'), 'shut')
        self.assertEqual(self.asked(route), ['POST'])

    def test_credentials(self):
        def guarded(route, request, stream):
            answer = normal() if request.get('Authorization') else status(
                401, headers=[('WWW-Authenticate', 'Basic realm="x"')])
            answer(route, request, stream)
        route = self.serve(guarded)
        job = self.get('POST')
        self.fails(job, 'AuthenticationFailed', '401')
        job.call('SetCredentials', '(ssa{sv})', 'server', 'basic',
                 options({'UserName': 'u', 'Password': 'p', 'AllowHttp': True}))
        self.finish(job)
        self.assertEqual(self.asked(route), ['POST', 'POST'])

    def test_redirects(self):
        for code, then in ((303, 'GET'), (302, 'GET'), (307, 'POST')):
            with self.subTest(code=code):
                first = self.serve(redirect('/there', code))
                second = self.serve(path='/there')
                job = self.get('POST', name='got')
                self.finish(job)
                os.unlink(self.path('got'))
                self.assertEqual((self.asked(first), self.asked(second)), (['POST'], [then]))

    def test_taken_over(self):
        """The method is no secret; that it was asked is the former owner's affair, and Resume is the new one's."""
        self.needs_root()
        root = self.world.client('root')
        self.addCleanup(root.close)
        os.chmod(self.home, 0o777)
        route = self.serve(drop_after(CUT), normal())
        job = self.get('POST')
        self.fails(job)
        taken = Job(root, root.manager('TakeOwnership', '(s)', job.id))
        self.assertEqual((taken.state, taken.get('HttpMethod')), ('suspended', 'POST'))
        self.assertEqual(self.asked(route), ['POST'])
        taken.resume()
        self.finish(taken)
        self.assertEqual(self.asked(route), ['POST', 'POST'])

    def test_ranges(self):
        route = self.serve()
        job = self.client.create(HttpMethod='POST')
        job.add_file(self.world.http.url('/file'), self.path('got'), Ranges=[(5, 10)])
        job.resume()
        self.fails(job, 'InsufficientRangeSupport', 'only be fetched with GET')
        self.assertEqual(route.requests, [])

    def test_response_headers(self):
        """Of the last answer, whatever it says and whichever way the file goes."""
        ways = {'down': lambda: self.get(''), 'up': lambda: self.put('', UploadProtocol='put')}
        for way, make in ways.items():
            for code in (200, 404):
                with self.subTest(way=way, code=code):
                    self.serve(take(code, [('X-Case', '{}-{}'.format(way, code))]))
                    job = make()
                    job.wait_state('transferred' if code == 200 else 'error')
                    self.assertEqual(self.header(job, 'X-Case'), '{}-{}'.format(way, code))
                    self.assertEqual(job.file()['HttpStatus'], code)
                    job.cancel()


class Uploads(MethodCase):
    def test_post(self):
        route = self.serve(take(201))
        job = self.put('POST')
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(self.asked(route), ['POST'])
        self.assertEqual(route.body, content.pattern(SIZE, 2))
        self.assertEqual(job.get('ResolvedUploadProtocol'), 'put')
        self.assertEqual(self.header(job, 'X-Taken'), str(SIZE))

    def test_put_is_that_of_the_protocol(self):
        route = self.serve(take(201), normal())
        self.put('PUT').wait_state('transferred')
        self.assertEqual(self.asked(route), ['PUT', 'HEAD'])

    def test_break(self):
        route = self.serve(drop_upload(CUT), take())
        job = self.put('POST')
        self.fails(job)
        self.assertEqual(self.asked(route), ['POST'])
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(self.asked(route), ['POST', 'POST'])
        self.assertEqual(route.body, content.pattern(SIZE, 2))

    def test_result_elsewhere(self):
        first = self.serve(take(303, [('Location', '/there')]))
        second = self.serve(path='/there')
        self.put('POST').wait_state('transferred')
        self.assertEqual((self.asked(first), self.asked(second)), (['POST'], ['GET']))

    def test_moved(self):
        """A GET in its place would be a success that nobody has the file of."""
        first = self.serve(take(301, [('Location', '/there')]))
        second = self.serve(path='/there')
        job = self.put('POST')
        self.fails(job, 'InvalidServerResponse', '301')
        self.assertEqual((self.asked(first), self.asked(second)), (['POST'], []))

    def test_cancel_tells_nobody(self):
        route = self.serve(hang_upload(CUT))
        job = self.put('PATCH')
        route.wait_requests(1)
        job.cancel()
        job.wait_state('cancelled')
        self.assertEqual(self.asked(route), ['PATCH'])

    def test_arguments(self):
        for method, properties in (('GET', {}), ('POST', {'UploadProtocol': 'tus'}),
                                   ('POST', {'UploadProtocol': 'bits'})):
            with self.subTest(method=method, **properties):
                with self.assertRaises(BusError) as caught:
                    self.client.create('x', 'upload', HttpMethod=method, **properties)
                self.assertEqual(caught.exception.name, INVALID_ARGS)
                self.assertIn('HttpMethod', str(caught.exception))

    def test_settled(self):
        route = self.serve(hang_upload(CUT))
        job = self.put('POST')
        route.wait_requests(1)
        job.wait_for(lambda v: v['ResolvedUploadProtocol'] == 'put', what='the protocol')
        with self.assertRaises(BusError) as caught:
            job.set('HttpMethod', GLib.Variant('s', 'PUT'))
        self.assertEqual(caught.exception.name, ERROR + 'InvalidState')


class Crashes(MethodCase):
    """kill -9 in the middle: no second request until the owner says so."""

    def killed(self, make, *script):
        for what in ('ferryd', 'worker', 'both'):
            with self.subTest(what=what):
                route = self.serve(*script)
                job = make('POST')
                route.wait_requests(1)
                job.wait_for(lambda v: v['State'] in ('connecting', 'transferring'), what='a turn')
                if what in ('worker', 'both'):
                    self.world.kill_workers()
                if what in ('ferryd', 'both'):
                    self.world.kill_ferryd()
                    self.world.start_ferryd()
                    self.client.manager('ListJobs', '(a{sv})', {})
                self.fails(job, message='was sent before')
                self.assertEqual(self.asked(route), ['POST'])
                # Not by the next start of the service either.
                self.world.restart_ferryd()
                self.client.manager('ListJobs', '(a{sv})', {})
                self.assertEqual(job.state, 'error')
                self.assertEqual(self.asked(route), ['POST'])
                job.resume()
                job.wait_state('transferred')
                self.assertEqual(self.asked(route), ['POST', 'POST'])
                job.cancel()

    def test_download(self):
        self.killed(self.get, hang_body(CUT), normal())

    def test_download_without_an_answer(self):
        self.killed(self.get, hang(), normal())

    def test_upload(self):
        self.killed(self.put, hang_upload(CUT), take())

    def test_idempotent(self):
        """What may be repeated is."""
        route = self.serve(hang_body(CUT), normal())
        job = self.get('PROPFIND')
        route.wait_requests(1)
        self.world.kill_ferryd()
        self.world.start_ferryd()
        self.finish(job)
        self.assertEqual(self.asked(route), ['PROPFIND', 'PROPFIND'])


class CommandLine(CliCase):
    def test_get(self):
        route = self.serve()
        done = self.ferry('get', '--method', 'POST', self.url(), '-o', self.path('got'))
        self.assertEqual(done.stdout, self.path('got') + '\n')
        self.assertEqual([r.method for r in route.requests], ['POST'])

    def test_put(self):
        path = self.path('source')
        content.write(path, content.pattern(SIZE, 2))
        os.chmod(path, 0o644)
        route = self.world.http.add('/up/', b'', take())
        self.ferry('put', '--method', 'POST', '--protocol', 'put', path, self.url('/up/'))
        self.assertEqual([r.method for r in route.requests], ['POST'])
        self.assertEqual(route.body, content.pattern(SIZE, 2))

    def test_refused(self):
        done = self.ferry('get', '--method', 'A B', self.url(), '-d', self.home, status=2)
        self.assertIn('HttpMethod', done.stderr)

    def test_set_and_show(self):
        self.held()
        ident = self.detach()
        self.assertNotIn('HttpMethod', self.ferry('show', ident).stdout)
        self.ferry('set', ident, 'HttpMethod=PROPFIND')
        self.assertRegex(self.ferry('show', ident).stdout, r'(?m)^  HttpMethod +PROPFIND$')
        self.assertEqual(self.job(ident)['HttpMethod'], 'PROPFIND')

    def test_another_method_is_another_job(self):
        self.held()
        ident = self.detach()
        done = self.ferry('get', '--method', 'POST', self.url(), '-d', self.home, status=1)
        self.assertIn('with another method', done.stderr)
        self.assertIn(ident[:4], done.stderr)
        again = self.ferry('get', '--detach', '--method', 'GET', self.url(), '-d', self.home)
        self.assertEqual(again.stdout.strip(), ident)


if __name__ == '__main__':
    cases.main()
