#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`ferry`, the command line, against the real service."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import badserver, cases, content, world  # noqa: E402
from lib.process import wait_until  # noqa: E402

ID = re.compile('^[0-9a-f]{32}$')
ERROR_LINE = re.compile(r'^ferry: [A-Z][A-Za-z]*: .+$')
COMMANDS = ('get', 'put', 'list', 'show', 'watch', 'wait', 'suspend', 'resume', 'complete', 'cancel',
            'take', 'set', 'add', 'remove', 'url', 'header', 'policy', 'help')


def trickle(event):
    """Sends a little, slowly enough to be seen, then waits for the event, then sends the rest."""
    def behave(route, request, stream):
        status, first, data, extra = badserver.plan(route, request)
        stream.head(status, badserver.REASONS[status],
                    [('Content-Length', len(data)), ('Accept-Ranges', 'bytes'),
                     *route.validators(), *extra])
        request.first = first
        done = 0
        while done < len(data):
            step = len(data) - done if event.is_set() else 10000
            stream.raw(data[done:done + step])
            done += step
            request.sent = done
            if done >= 50000:
                stream.server.hold(event)
                if not event.is_set():
                    raise badserver.Drop()
            else:
                stream.server.pause(0.06)
    return behave


class CliCase(cases.WorldCase):
    """What the cases below share."""

    def setUp(self):
        super().setUp()
        self.event = threading.Event()
        self.addCleanup(self.event.set)
        # Its connection ends what a case leaves behind.
        self.assertTrue(self.client.unique_name)

    @property
    def program(self):
        return os.path.join(self.world.build, 'client/ferry')

    def serve(self, name='/file', size=200000, *script, **kwargs):
        return self.world.http.add(name, content.pattern(size), *script, **kwargs)

    def url(self, name='/file'):
        return self.world.http.url(name)

    def held(self, name='/file', size=2000000):
        """A file that is served in part, until self.event is set."""
        return self.serve(name, size, trickle(self.event))

    def ferry(self, *args, user=None, status=0, **kwargs):
        """Runs it; checks the exit status and that stderr has error lines only."""
        done = self.world.ferry(*args, user=user or self.user, **kwargs)
        self.assertEqual(done.returncode, status, '{}\n{}{}'.format(args, done.stdout, done.stderr))
        for line in done.stderr.splitlines():
            self.assertRegex(line, ERROR_LINE)
        self.assertEqual(bool(done.stderr), status != 0, done.stderr)
        return done

    def start(self, *args, **kwargs):
        world.target('client/ferry')
        child = self.world.spawn([self.program, *args], self.user, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, **kwargs)

        def end():
            if child.poll() is None:
                child.kill()
            child.communicate()
        self.addCleanup(end)
        return child

    def finish(self, child, status=0, seconds=60):
        out, err = child.communicate(timeout=seconds)
        self.assertEqual(child.returncode, status, out + err)
        return out, err

    def detach(self, name='/file', **kwargs):
        """A job in the background; returns its id."""
        done = self.ferry('get', '--detach', self.url(name), '-d', self.home, **kwargs)
        self.assertRegex(done.stdout.strip(), ID)
        return done.stdout.strip()

    def jobs(self, user=None):
        return json.loads(self.ferry('list', '--json', user=user).stdout)

    def job(self, word):
        return json.loads(self.ferry('show', '--json', word).stdout)

    def wait_job(self, ident, predicate, what):
        wait_until(lambda: predicate(self.job(ident)), 30, what)

    def on_terminal(self, command, columns=100, answer='', **env):
        """Runs a shell line on a pseudo terminal; returns (status, what it showed)."""
        line = 'stty cols {} rows 24; {}'.format(columns, command)
        inner = ['script', '-qec', line, '/dev/null']
        argv = ['sh', '-c', 'printf %s {} | {}'.format(shlex.quote(answer), shlex.join(inner))] \
            if answer else inner
        env = {'TERM': 'xterm', 'LC_ALL': 'C.UTF-8', 'SHELL': '/bin/sh', **env}
        done = self.world.run(argv, self.user, **env)
        return done.returncode, done.stdout


class Get(CliCase):
    def test_path_on_stdout_and_nothing_else(self):
        route = self.serve()
        done = self.ferry('get', self.url(), '-d', self.home)
        self.assertEqual(done.stdout, self.path('file') + '\n')
        self.assertEqual(content.read(self.path('file')), route.body)
        self.assertEqual(self.left_over(), ['file'])
        self.assertEqual(self.jobs(), [])

    def test_relative_target_and_umask(self):
        self.serve()
        done = self.world.run(['sh', '-c', 'cd "$1" && umask 027 && exec "$2" get -o sub/../out "$3"',
                               'sh', self.home, self.program, self.url()], self.user)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, self.path('out') + '\n')
        self.assertEqual(os.stat(self.path('out')).st_mode & 0o7777, 0o640)

    def test_attended_job_is_foreground_and_impatient(self):
        self.held()
        child = self.start('get', self.url(), '-d', self.home)
        wait_until(self.jobs, 20, 'a job')
        job = self.jobs()[0]
        self.assertEqual((job['Priority'], job['MinimumRetryDelay'], job['NoProgressTimeout'],
                          job['AutoComplete'], job['DisplayName']),
                         ('foreground', 5, 300, True, 'file'))
        self.event.set()
        self.finish(child)

    def test_detached_job_has_the_defaults(self):
        self.held()
        job = self.job(self.detach())
        self.assertEqual((job['Priority'], job['MinimumRetryDelay'], job['NoProgressTimeout'],
                          job['AutoComplete']), ('normal', 600, 1209600, True))
        self.event.set()
        self.ferry('wait', job['Id'])
        self.assertEqual(self.left_over(), ['file'])

    def test_several_and_a_list(self):
        for number in range(5):
            self.serve('/f{}'.format(number), 1000 + number)
        listing = self.path('list')
        content.write(listing, '# two\n{}\n\n  {}  \n{}\n'.format(
            self.url('/f1'), self.url('/f2'), self.url('/f0')).encode())
        os.chmod(listing, 0o644)
        done = self.ferry('get', self.url('/f0'), '-i', listing, '-d', self.home)
        self.assertEqual(sorted(done.stdout.split()), [self.path('f{}'.format(n)) for n in (0, 1, 2)])
        piped = self.world.run(['sh', '-c', 'printf "%s\\n" "$3" "$4" | "$2" get -i - -d "$1"', 'sh',
                                self.home, self.program, self.url('/f3'), self.url('/f4')],
                               self.user)
        self.assertEqual(piped.returncode, 0, piped.stderr)
        self.assertEqual(self.left_over(), ['f0', 'f1', 'f2', 'f3', 'f4', 'list'])

    def test_one_of_several_fails(self):
        self.serve('/good')
        self.serve('/bad', 0, badserver.status(404))
        done = self.ferry('get', self.url('/bad'), self.url('/good'), '-d', self.home, status=1)
        self.assertEqual(done.stdout, self.path('good') + '\n')
        self.assertIn('bad', done.stderr)
        self.assertEqual(self.left_over(), ['good'])

    def test_failure_without_bytes_leaves_nothing(self):
        self.serve('/bad', 0, badserver.status(404))
        done = self.ferry('get', self.url('/bad'), '-d', self.home, status=1)
        self.assertTrue(done.stderr.startswith('ferry: NotFound: '), done.stderr)
        self.assertEqual(done.stdout, '')
        self.assertEqual(self.jobs(), [])
        self.assertEqual(self.left_over(), [])

    def test_failure_with_bytes_is_kept(self):
        route = self.serve('/bad', 200000, badserver.drop_after(100000), badserver.status(404))
        done = self.ferry('get', self.url('/bad'), '-d', self.home, status=1)
        self.assertIn('ferry resume ', done.stderr)
        job = self.jobs()[0]
        self.assertEqual(job['State'], 'error')
        self.assertGreater(job['BytesTransferred'], 0)
        # The same get again goes on with it.
        route.then(badserver.normal())
        again = self.ferry('get', self.url('/bad'), '-d', self.home)
        self.assertEqual(again.stdout, self.path('bad') + '\n')
        self.assertEqual(content.read(self.path('bad')), route.body)

    def test_existing_target(self):
        self.serve()
        content.write(self.path('file'), b'precious')
        os.chmod(self.path('file'), 0o644)
        done = self.ferry('get', self.url(), '-d', self.home, status=1)
        self.assertTrue(done.stderr.startswith('ferry: TargetExists: '), done.stderr)
        self.assertEqual(content.read(self.path('file')), b'precious')
        self.ferry('get', '--force', self.url(), '-d', self.home)
        self.assertEqual(content.read(self.path('file')), content.pattern(200000))

    def test_digest(self):
        route = self.serve()
        self.ferry('get', '--digest', 'sha256:' + route.sha256, self.url(), '-o', self.path('right'))
        done = self.ferry('get', '--digest', 'sha256:' + '0' * 64, self.url(), '-o',
                          self.path('wrong'), status=1)
        self.assertTrue(done.stderr.startswith('ferry: DigestMismatch: '), done.stderr)
        self.assertEqual(self.left_over(), ['right'])

    def test_headers_are_sent(self):
        route = self.serve()
        secrets = self.path('secrets')
        content.write(secrets, b'Authorization: Bearer one\n')
        os.chmod(secrets, 0o644)
        self.held('/held')
        self.ferry('get', '-H', 'Accept: text/x-test', '-H', '@' + secrets, self.url(), '-o',
                   self.path('out'))
        self.assertEqual(route.requests[0].get('Accept'), 'text/x-test')
        self.assertEqual(route.requests[0].get('Authorization'), 'Bearer one')
        ident = self.ferry('get', '--detach', '-H', 'Accept: text/x-test', '-H', '@' + secrets,
                           self.url('/held'), '-d', self.home).stdout.strip()
        shown = self.ferry('show', '--json', ident).stdout
        self.assertIn('text/x-test', shown)
        self.assertNotIn('Bearer', shown)

    def test_password_in_url(self):
        self.serve()
        url = self.url().replace('http://', 'http://me:sesame@')
        done = self.ferry('get', url, '-d', self.home, status=1)
        self.assertTrue(done.stderr.startswith('ferry: NotSupported: '), done.stderr)
        self.assertNotIn('sesame', done.stderr)
        self.assertEqual(self.jobs(), [])

    def test_proxy_variables(self):
        self.held()
        ident = self.detach(http_proxy='http://127.0.0.1:9/', no_proxy='localhost, .example.org',
                            HTTP_PROXY='http://evil.example/')
        job = self.job(ident)
        self.assertEqual(job['ProxyUsage'], 'override')
        self.assertIn('127.0.0.1:9', job['ProxyUri'])
        self.assertEqual(job['ProxyBypass'], ['localhost', '.example.org'])
        other = self.ferry('get', '--detach', self.url(), '-o', self.path('other'),
                           HTTP_PROXY='http://evil.example/').stdout.strip()
        self.assertEqual(self.job(other)['ProxyUsage'], 'default')
        self.ferry('cancel', ident, other)

    def test_joined_not_doubled(self):
        route = self.held()
        first = self.start('get', self.url(), '-d', self.home)
        wait_until(self.jobs, 20, 'a job')
        second = self.start('get', self.url(), '-d', self.home)
        third = self.detach()
        self.assertEqual([job['Id'] for job in self.jobs()], [third])
        wait_until(lambda: self.jobs()[0]['BytesTransferred'] > 0, 20, 'bytes')
        self.event.set()
        for child in (first, second):
            out, _ = self.finish(child)
            self.assertEqual(out, self.path('file') + '\n')
        self.assertEqual(route.sent, len(route.body))

    def test_suspended_job_is_joined_and_resumed(self):
        self.held()
        ident = self.detach()
        self.ferry('suspend', ident)
        self.event.set()
        done = self.ferry('get', self.url(), '-d', self.home)
        self.assertEqual(done.stdout, self.path('file') + '\n')
        self.assertEqual(self.job(ident)['State'], 'acknowledged')

    def test_job_of_several_files_is_not_hijacked(self):
        self.serve('/a')
        self.serve('/b')
        job = self.client.create('both')
        job.add_file(self.url('/a'), self.path('a'))
        job.add_file(self.url('/b'), self.path('b'))
        done = self.ferry('get', self.url('/a'), '-d', self.home, status=1)
        self.assertIn(job.id[:8], done.stderr)
        self.assertEqual(job.state, 'suspended')
        self.assertFalse(job.get('AutoComplete'))

    def test_interrupted_job_goes_on(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.event.clear()
            self.held('/file{}'.format(int(number)))
            child = self.start('get', self.url('/file{}'.format(int(number))), '-d', self.home)
            wait_until(lambda: self.jobs() and self.jobs()[0]['BytesTransferred'], 20, 'bytes')
            job = self.jobs()[0]
            child.send_signal(number)
            out, err = self.finish(child, 130)
            self.assertEqual(out, '')
            self.assertIn(job['Id'], err)
            self.assertIn('ferry watch', err)
            self.assertIn('ferry cancel', err)
            self.event.set()
            self.ferry('wait', job['Id'])
            self.assertIn(job['DisplayName'], self.left_over())

    def test_timeout(self):
        self.held()
        done = self.world.ferry('get', '--timeout', '1', self.url(), '-d', self.home, user=self.user)
        self.assertEqual(done.returncode, 6, done.stderr)
        ident = self.jobs()[0]['Id']
        self.assertIn(ident, done.stderr)
        done = self.world.ferry('wait', '--timeout', '1', ident, user=self.user)
        self.assertEqual(done.returncode, 6, done.stderr)
        self.event.set()
        self.ferry('wait', ident)

    def test_json_lines(self):
        self.serve()
        done = self.ferry('get', '--json', self.url(), '-d', self.home)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(lines[-1]['State'], 'acknowledged')
        self.assertEqual(lines[-1]['Files'][0]['LocalPath'], self.path('file'))
        self.assertEqual(lines[-1]['BytesTransferred'], 200000)
        detached = self.ferry('get', '--json', '--detach', self.url(), '-o', self.path('other'))
        self.assertRegex(json.loads(detached.stdout)['Id'], ID)
        self.ferry('wait', json.loads(detached.stdout)['Id'])

    def test_cancelled_meanwhile(self):
        self.held()
        child = self.start('get', self.url(), '-d', self.home)
        wait_until(self.jobs, 20, 'a job')
        self.ferry('cancel', self.jobs()[0]['Id'])
        _, err = self.finish(child, 1)
        self.assertIn('cancelled', err)

    def test_two_urls_one_target(self):
        done = self.ferry('get', self.url('/a/x'), self.url('/b/x'), '-d', self.home, status=2)
        self.assertIn(self.path('x'), done.stderr)
        self.assertEqual(self.jobs(), [])

    def test_redirect_and_no_name(self):
        self.serve('/', 1000)
        self.world.http.add('/moved', b'', badserver.redirect(self.url('/')))
        self.ferry('get', self.url('/'), '-d', self.home)
        self.ferry('get', self.url('/moved'), '-d', self.home)
        self.assertEqual(self.left_over(), ['index.html', 'moved'])


class Service(CliCase):
    """ferryd goes away while the command waits."""

    def restart_in_the_middle(self, first, status=0):
        self.held()
        child = self.start(*first)
        wait_until(lambda: self.jobs() and self.jobs()[0]['BytesTransferred'], 20, 'bytes')
        self.world.kill_ferryd()
        self.assertIsNone(child.poll())
        self.event.set()
        self.world.start_ferryd()
        out, err = self.finish(child, status)
        self.assertEqual(err, '')
        return out

    def test_get_goes_on(self):
        out = self.restart_in_the_middle(('get', self.url(), '-d', self.home))
        self.assertEqual(out, self.path('file') + '\n')
        self.assertEqual(content.read(self.path('file')), content.pattern(2000000))

    def test_killed_around_the_submission(self):
        """Whether the answer was lost or not: one job, the right file, no false alarm."""
        for number in range(8):
            name = '/f{}'.format(number)
            route = self.serve(name, 100000, badserver.slow(1000000))
            child = self.start('get', self.url(name), '-d', self.home)
            self.world.http.pause(0.03 + 0.01 * number)
            self.world.kill_ferryd()
            self.world.start_ferryd()
            out, err = child.communicate(timeout=60)
            # It may not even have begun to talk when the service went.
            if child.returncode == 4:
                self.assertEqual(route.sent, 0, err)
                continue
            self.assertEqual((child.returncode, out), (0, self.path(name[1:]) + '\n'), err)
            self.assertEqual(content.read(self.path(name[1:])), route.body)
        self.assertFalse([n for n in self.left_over() if n.startswith('.')])
        self.assertEqual(self.jobs(), [])

    def test_wait_goes_on(self):
        self.held()
        ident = self.detach()
        out = self.restart_in_the_middle(('wait', ident))
        self.assertEqual(out, '')
        self.assertEqual(self.left_over(), ['file'])

    def test_no_service(self):
        self.world.stop_ferryd()
        try:
            for args in ((), ('list',), ('show', 'x'), ('get', self.url(), '-d', self.home),
                         ('wait', 'x'), ('policy',), ('cancel', '--all'), ('watch',)):
                done = self.ferry(*args, status=4)
                self.assertIn('ferryd', done.stderr)
        finally:
            self.world.start_ferryd()

    def test_no_bus(self):
        done = self.world.run(['env', 'DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent', self.program,
                               'list'], self.user)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn('bus', done.stderr)


class Verbs(CliCase):
    def test_suspend_resume_cancel_by_every_kind_of_id(self):
        self.held()
        ident = self.detach()
        for word in (ident, ident[:12], 'file'):
            self.ferry('suspend', word)
            self.assertEqual(self.job(word)['State'], 'suspended')
            self.ferry('resume', word)
            self.assertNotEqual(self.job(word)['State'], 'suspended')
        self.ferry('cancel', 'file')
        self.assertEqual(self.job(ident)['State'], 'cancelled')
        self.assertEqual(self.left_over(), [])
        # One that has ended is still found, and refuses.
        done = self.ferry('resume', ident, status=1)
        self.assertTrue(done.stderr.startswith('ferry: InvalidState: '), done.stderr)

    def test_complete_refuses_to_lose(self):
        self.serve('/a')
        self.held('/b')
        job = self.client.submit([(self.url('/a'), self.path('a')), (self.url('/b'), self.path('b'))],
                                 name='pair')
        job.wait_for(lambda values: values['FilesTransferred'] == 1, what='the first file')
        done = self.ferry('complete', 'pair', status=1)
        self.assertTrue(done.stderr.startswith('ferry: InvalidState: '), done.stderr)
        self.assertIn(self.path('b'), done.stderr)
        self.assertNotIn(self.path('a') + ',', done.stderr)
        self.assertEqual([n for n in self.left_over() if not n.startswith('.')], [])
        done = self.ferry('complete', '--discard-unfinished', 'pair')
        self.assertEqual(done.stdout, self.path('a') + '\n')
        self.assertEqual(self.left_over(), ['a'])

    def test_wait_and_complete(self):
        self.serve('/a')
        job = self.client.submit([(self.url('/a'), self.path('a'))], name='one')
        done = self.ferry('wait', 'one')
        self.assertEqual(done.stdout, '')
        self.assertEqual(job.state, 'transferred')
        text = self.ferry('list').stdout
        self.assertIn('waits for: ferry complete {}; deleted on 2'.format(job.id[:4]), text)
        done = self.ferry('complete', 'one')
        self.assertEqual(done.stdout, self.path('a') + '\n')

    def test_wait_for_failure(self):
        self.serve('/bad', 0, badserver.status(404))
        ident = self.detach('/bad')
        done = self.ferry('wait', ident, status=1)
        self.assertTrue(done.stderr.startswith('ferry: NotFound: '), done.stderr)

    def test_several_words_one_wrong(self):
        self.held('/a')
        self.held('/b')
        idents = [self.detach('/a'), self.detach('/b')]
        self.ferry('suspend', idents[0], 'nonsense', idents[1], status=5)
        self.assertEqual([job['State'] for job in self.jobs()], ['suspended', 'suspended'])

    def test_cancel_all_and_by_state(self):
        self.held('/a')
        self.held('/b')
        idents = [self.detach('/a'), self.detach('/b')]
        self.ferry('suspend', idents[0])
        self.ferry('cancel', '--all', '--state', 'suspended')
        self.assertEqual([job['Id'] for job in self.jobs()], [idents[1]])
        self.ferry('cancel', '--all')
        self.assertEqual(self.jobs(), [])

    def test_ambiguous(self):
        for number in range(2):
            self.client.create('twin')
        done = self.ferry('show', 'twin', status=2)
        for job in self.jobs():
            self.assertIn(job['Id'][:4], done.stderr)

    def test_set(self):
        job = self.client.create('x')
        self.ferry('set', job.id, 'Priority=low', 'minimum-retry-delay=77', 'AutoComplete=true',
                   'RequestHeaders=["Accept: a, b"]', 'DisplayName=a = b')
        values = job.get_all()
        self.assertEqual((values['Priority'], values['MinimumRetryDelay'], values['AutoComplete'],
                          values['RequestHeaders'], values['DisplayName']),
                         ('low', 77, True, ['Accept: a, b'], 'a = b'))
        before = job.get_all()
        for wrong in ('Priority=urgent', 'MinimumRetryDelay=soon', 'AutoComplete=perhaps', 'State=x',
                      'Priority'):
            done = self.ferry('set', job.id, 'Description=changed', wrong, status=2)
            self.assertIn(wrong.split('=')[0], done.stderr)
        self.assertEqual(job.get_all(), before)

    def test_files(self):
        self.serve('/a')
        self.serve('/b')
        job = self.client.create('x')
        self.ferry('add', 'x', self.url('/a'), self.path('a'))
        self.ferry('add', 'x', self.url('/nowhere'), self.path('b'))
        self.ferry('remove', 'x', '0')
        self.ferry('url', 'x', '1', self.url('/b'))
        files = self.job('x')['Files']
        self.assertEqual([(f['Index'], f['RemoteUrl'], f['LocalPath']) for f in files],
                         [(1, self.url('/b'), self.path('b'))])
        self.ferry('resume', 'x')
        self.ferry('wait', 'x')
        self.ferry('complete', 'x')
        self.assertEqual(self.left_over(), ['b'])
        self.assertEqual(job.state, 'acknowledged')

    def test_header(self):
        route = self.serve()
        self.client.create('x')
        self.ferry('add', 'x', self.url(), self.path('a'))
        self.ferry('header', 'x', 'Cookie: crumb=1')
        self.ferry('resume', 'x')
        self.ferry('wait', 'x')
        self.assertEqual(route.requests[0].get('Cookie'), 'crumb=1')
        done = self.ferry('header', 'x', 'Host: example.org', status=2)
        self.assertIn('Host', done.stderr)

    def test_put_says_that_it_cannot(self):
        done = self.ferry('put', '/etc/hostname', self.url(), status=1)
        self.assertTrue(done.stderr.startswith('ferry: NotSupported: '), done.stderr)


class Shown(CliCase):
    def test_json_forms(self):
        self.held('/held')
        ident = self.detach('/held')
        self.client.create('empty')
        jobs = self.jobs()
        self.assertEqual([job['DisplayName'] for job in jobs], ['held', 'empty'])
        self.assertEqual(set(jobs[0]), set(self.client.call(
            '/org/ferry/Transfer1/jobs/' + ident, 'org.freedesktop.DBus.Properties', 'GetAll', '(s)',
            'org.ferry.Transfer1.Job')))
        self.assertIsNone(jobs[0]['TransferCompletionTime'])
        self.assertGreater(jobs[0]['CreationTime'], 1_600_000_000_000_000)
        shown = self.job(ident)
        self.assertEqual(shown['Id'], ident)
        self.assertEqual(shown['Files'][0]['RemoteUrl'], self.url('/held'))

    def test_unknown_size_is_null(self):
        self.serve('/chunked', 100000, badserver.hang(self.event))
        ident = self.detach('/chunked')
        self.assertIsNone(self.job(ident)['BytesTotal'])
        self.assertIsNone(self.job(ident)['Files'][0]['BytesTotal'])

    def test_alone_it_lists(self):
        self.held()
        self.detach()
        first, second = self.ferry().stdout, self.ferry('list').stdout
        self.assertEqual(first.split('\n')[0], second.split('\n')[0])
        self.assertIn('file', first)

    def test_nothing_dangerous_on_a_terminal(self):
        self.client.create('evil \x1b[31m\x07 name\u202e')
        for args in ((), ('list',), ('show', self.jobs()[0]['Id']), ('list', '--json')):
            status, shown = self.on_terminal(shlex.join([self.program, *args]), NO_COLOR='1')
            self.assertEqual(status, 0, shown)
            self.assertNotIn('\x1b', shown)
            self.assertNotIn('\x07', shown)
            self.assertNotIn('\u202e', shown)
            self.assertIn('evil ', shown)

    def test_watch(self):
        self.held()
        ident = self.detach()
        child = self.start('watch', '--json', ident)
        first = json.loads(child.stdout.readline())
        self.assertEqual(first['Id'], ident)
        self.event.set()
        out, _ = self.finish(child)
        self.assertEqual(json.loads(out.splitlines()[-1])['State'], 'acknowledged')

    def test_watch_all_hears_of_new_jobs(self):
        self.serve()
        child = self.start('watch')
        self.client.create('early')
        self.assertIn('early', child.stdout.readline())
        self.client.create('late')
        self.assertIn('late', child.stdout.readline())
        child.send_signal(signal.SIGINT)
        self.finish(child, 130)

    def test_progress_on_a_terminal(self):
        self.serve('/some-file', 400000, badserver.slow(400000))
        status, shown = self.on_terminal(shlex.join(
            [self.program, 'get', self.url('/some-file'), '-d', self.home]))
        self.assertEqual(status, 0, shown)
        self.assertIn('some-file', shown)
        self.assertIn('▕', shown)
        self.assertIn('%', shown)
        self.assertRegex(shown, r'some-file\S*  400\.0 kB in 0:0\d  [0-9.]+ kB/s')
        self.assertIn('\x1b[36m', shown)
        status, shown = self.on_terminal(shlex.join(
            [self.program, 'get', self.url('/some-file'), '-o', self.path('other')]), columns=40,
            NO_COLOR='1', LC_ALL='C')
        self.assertEqual(status, 0, shown)
        self.assertTrue(shown.isascii(), shown)
        self.assertNotIn('\x1b[36m', shown)
        for line in re.split('[\r\n]+', re.sub(r'\x1b\[[0-9]*[A-Z]', '', shown)):
            if line != self.path('other'):
                self.assertLess(len(line), 40)

    def test_help(self):
        for command in COMMANDS:
            for args in (('help', command), (command, '--help')):
                done = self.ferry(*args)
                self.assertIn('ferry ' + command, done.stdout)
        self.assertEqual(self.ferry('--help').stdout, self.ferry('help').stdout)
        for command in COMMANDS:
            self.assertIn('\n  {} '.format(command), self.ferry('--help').stdout)
        self.assertRegex(self.ferry('--version').stdout, r'^ferry \d+\.\d+')

    def test_usage(self):
        for args in (('nonsense',), ('--nonsense',), ('get',), ('get', '--nonsense', 'x'),
                     ('get', 'not a url'), ('get', self.url(), '-o', '-'),
                     ('get', self.url(), '--priority', 'urgent'), ('get', self.url(), '--timeout', '-1'),
                     ('get', self.url(), '-o', 'a', '-d', 'b'), ('get', self.url('/a'), self.url('/b'),
                                                                 '-o', 'x'),
                     ('show',), ('list', 'x'), ('cancel',), ('cancel', '--all', 'x'),
                     ('cancel', '--all', '--state', 'odd'), ('remove', 'x', '-1'),
                     ('policy', 'get'), ('policy', 'nonsense', 'x'), ('help', 'nonsense')):
            done = self.ferry(*args, status=2)
            self.assertEqual(done.stdout, '')

    def test_no_such_job(self):
        for args in (('show', 'nonsense'), ('show', '0' * 32), ('wait', 'nonsense'),
                     ('suspend', 'nonsense'), ('set', 'nonsense', 'Priority=low'),
                     ('watch', '0' * 32)):
            done = self.ferry(*args, status=5)
            self.assertTrue(done.stderr.startswith('ferry: UnknownObject: '), done.stderr)

    def complete_words(self, *words):
        """What bash offers for the last of words."""
        script = '''
          for f in /usr/share/bash-completion/bash_completion; do [ -r $f ] && . $f; done
          . "$1"; shift; PATH=$1:$PATH; shift
          COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
          _ferry; printf '%s\\n' "${COMPREPLY[@]}"
        '''
        completion = os.path.join(self.home, 'completion')
        with open(os.path.join(world.SOURCE, 'data/completions/ferry'), 'rb') as source:
            content.write(completion, source.read())
        os.chmod(completion, 0o644)
        done = self.world.run(['bash', '-c', script, 'bash', completion,
                               os.path.dirname(self.program), 'ferry', *words], self.user)
        self.assertEqual(done.stderr, '')
        return done.stdout.split('\n')[:-1]

    def test_bash_completion(self):
        self.client.create('a $(touch pwned) name')
        ident = self.jobs()[0]['Id']
        self.assertEqual(set(self.complete_words('')) - {'--help', '--version'}, set(COMMANDS))
        self.assertEqual(self.complete_words('show', ident[:6]), [ident])
        self.assertEqual(self.complete_words('show', 'a'),
                         ['a\\ \\$\\(touch\\ pwned\\)\\ name'] +
                         ([ident] if ident.startswith('a') else []))
        self.assertEqual(self.complete_words('show', '"a $'), [''])
        self.assertIn('--discard-unfinished', self.complete_words('complete', '--'))
        self.assertIn('max-jobs-per-user', self.complete_words('policy', 'get', 'max'))
        # What it offers and what the program knows are the same.
        for command in COMMANDS:
            known = set(re.findall(r'--[a-z-]+', self.ferry(command, '--help').stdout))
            self.assertEqual(set(self.complete_words(command, '--')) - {''}, known, command)


class Rights(CliCase):
    """What others may do, and what policy refuses."""

    def setUp(self):
        super().setUp()
        self.needs_root()

    def test_foreign_jobs_are_refused(self):
        self.held()
        ident = self.detach()
        for user in ('games',):
            self.assertEqual(self.jobs(user), [])
            self.ferry('show', ident, user=user, status=5)
            for verb in ('suspend', 'resume', 'cancel', 'complete', 'take'):
                real = self.ferry(verb, ident, user=user, status=3)
                absent = self.ferry(verb, '0' * 32, user=user, status=3)
                self.assertEqual(real.stderr.replace(ident, '0' * 32), absent.stderr)
            self.ferry('list', '--all-users', user=user, status=3)
            self.ferry('policy', 'set', 'max-jobs-per-user', '9', user=user, status=3)

    def test_root_controls_all(self):
        self.held()
        ident = self.detach()
        self.ferry('suspend', ident, user='root')
        self.assertEqual(self.job(ident)['State'], 'suspended')
        self.ferry('resume', ident, user='root')
        listed = self.ferry('list', '--all-users', user='root').stdout
        self.assertIn(ident, listed)
        self.assertIn(self.user, listed)
        self.assertNotIn(self.url(), listed)
        done = self.ferry('complete', ident, user='root', status=1)
        self.assertIn('--discard-unfinished', done.stderr)
        self.ferry('cancel', '--all-users', '--user', 'games', user='root')
        self.assertNotEqual(self.job(ident)['State'], 'cancelled')
        self.ferry('cancel', '--user', self.user, '--state', 'suspended', user='root')
        self.assertNotEqual(self.job(ident)['State'], 'cancelled')
        self.ferry('cancel', '--user', self.user, user='root')
        job = self.job(ident)
        self.assertEqual(job['State'], 'cancelled')
        self.assertEqual(job['Error']['Name'], 'org.ferry.Transfer1.Error.CancelledByAdministrator')

    def test_take(self):
        # Root's worker has no right that its uid does not give it.
        os.chmod(self.home, 0o777)
        self.serve()
        self.client.create('mine')
        self.ferry('add', 'mine', self.url(), self.path('a'))
        ident = self.jobs()[0]['Id']
        self.ferry('take', ident[:8], user='root', status=2)
        taken = self.ferry('take', ident, user='root').stdout.strip()
        self.assertRegex(taken, ID)
        self.assertEqual(self.jobs(), [])
        self.assertEqual([job['Id'] for job in self.jobs('root')], [taken])
        self.ferry('cancel', taken, user='root')

    def test_limit(self):
        self.world.set_policy({'max-jobs-per-user': 'uint32 1'})
        self.addCleanup(self.world.set_policy, {})
        self.held('/a')
        self.held('/b')
        self.wait_policy('1')
        self.detach('/a')
        done = self.ferry('get', '--detach', self.url('/b'), '-d', self.home, status=3)
        self.assertTrue(done.stderr.startswith('ferry: TooManyJobsPerUser: '), done.stderr)

    def test_more_urls_than_jobs(self):
        """A list longer than the limit is worked off, not refused."""
        self.world.set_policy({'max-jobs-per-user': 'uint32 2'})
        self.addCleanup(self.world.set_policy, {})
        self.wait_policy('2')
        for number in range(7):
            self.serve('/f{}'.format(number), 1000)
        done = self.ferry('get', '-d', self.home, *[self.url('/f{}'.format(n)) for n in range(7)])
        self.assertEqual(len(done.stdout.split()), 7)

    def wait_policy(self, value):
        wait_until(lambda: self.ferry('policy', 'get', 'max-jobs-per-user').stdout.strip() == value,
                   20, 'the policy')

    def test_policy(self):
        self.wait_policy('60')
        text = self.ferry('policy').stdout
        self.assertRegex(text, r'max-jobs-per-user +60')
        values = json.loads(self.ferry('policy', '--json').stdout)
        self.assertEqual(values['max-jobs-per-user']['Value'], 60)
        self.ferry('policy', 'set', 'max-jobs-per-user', '70', user='root')
        self.assertEqual(self.ferry('policy', 'get', 'max-jobs-per-user').stdout, '70\n')
        self.assertEqual(json.loads(self.ferry('policy', 'get', 'max-jobs-per-user', '--json').stdout)
                         ['Source'], 'bus')
        self.ferry('policy', 'reset', 'max-jobs-per-user', user='root')
        self.assertEqual(self.ferry('policy', 'get', 'max-jobs-per-user').stdout, '60\n')
        for wrong in ('0', 'many', '-1', '99999999999'):
            self.ferry('policy', 'set', '--', 'max-jobs-per-user', wrong, user='root', status=2)
        self.ferry('policy', 'set', 'nonsense', '1', user='root', status=2)
        self.ferry('policy', 'get', 'nonsense', status=2)

    def test_locked_policy(self):
        self.world.set_policy({'max-jobs-per-user': 'uint32 5'}, locks=('max-jobs-per-user',))
        self.addCleanup(self.world.set_policy, {})
        self.wait_policy('5')
        self.assertRegex(self.ferry('policy').stdout, r'max-jobs-per-user +5.* locked')
        done = self.ferry('policy', 'set', 'max-jobs-per-user', '7', user='root', status=3)
        self.assertTrue(done.stderr.startswith('ferry: PolicyLocked: '), done.stderr)


class Precious(CliCase):
    """More than a gibibyte is not thrown away by a slip."""

    def test_cancel_asks_on_a_terminal(self):
        size = (1 << 30) + (64 << 20)
        self.world.nginx.add_sparse('huge', size)
        self.addCleanup(self.world.nginx.remove_all)
        job = self.client.submit([(self.world.nginx.url('huge'), self.path('huge'))], name='huge')
        job.wait_state('transferred', seconds=120)
        line = shlex.join([self.program, 'cancel', 'huge'])
        status, shown = self.on_terminal(line, answer='n\n')
        self.assertEqual(status, 1, shown)
        self.assertIn('1.1 GB', shown)
        self.assertEqual(job.state, 'transferred')
        status, shown = self.on_terminal(line, answer='y\n')
        self.assertEqual(status, 0, shown)
        self.assertEqual(job.state, 'cancelled')


if __name__ == '__main__':
    cases.main()
