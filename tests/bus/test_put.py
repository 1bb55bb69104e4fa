#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`ferry put`, and what the other commands make of uploads, against the real service."""

import json
import os
import re
import shlex
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import badserver, cases, content  # noqa: E402
from lib.cli import ID, CliCase, receive  # noqa: E402
from lib.process import wait_until  # noqa: E402
from lib.uploads import BitsServer  # noqa: E402

STARTS_OVER = 'This server cannot continue an interrupted upload.'
RESUMABLE = 'require-resumable-uploads-above'


class PutCase(CliCase):
    """A file of 200000 bytes, and a place at the server that takes a PUT."""

    def setUp(self):
        super().setUp()
        self.body = content.pattern(200000, 7)
        self.source = self.make('thesis.pdf', self.body)

    def make(self, name, data):
        """A file of the user; returns its path."""
        path = self.path(name)
        content.write(path, data)
        os.chmod(path, 0o644)
        return path

    def take(self, name='/up/thesis.pdf', event=None):
        return self.world.http.add(name, b'', receive(event))

    def held(self, name='/up/thesis.pdf'):
        """A PUT that is taken in part, until self.event is set."""
        return self.take(name, self.event)

    def bits(self, **settings):
        return BitsServer.of(self, settings)

    def put(self, *args, **kwargs):
        return self.ferry('put', *args, **kwargs)


class Put(PutCase):
    def test_nothing_on_stdout(self):
        route = self.take()
        done = self.put(self.source, self.url('/up/thesis.pdf'))
        self.assertEqual(done.stdout, '')
        self.assertEqual(route.body, self.body)
        self.assertEqual(self.left_over(), ['thesis.pdf'])
        self.assertEqual(self.jobs(), [])

    def test_reply(self):
        server = self.bits(reply='json')
        done = self.put(self.source, server.url('thesis.pdf'), '--reply', self.path('receipt'))
        self.assertEqual(done.stdout, self.path('receipt') + '\n')
        told = json.loads(content.read(self.path('receipt')))
        self.assertEqual(told['sha256'], content.sha256(self.body))
        self.assertEqual(server.sha256('thesis.pdf'), content.sha256(self.body))
        self.assertEqual(self.left_over(), ['receipt', 'thesis.pdf'])
        self.assertEqual(server.sessions(), [])

    def test_reply_is_as_private_as_the_umask_wants(self):
        server = self.bits(reply='json')
        done = self.world.run(['sh', '-c', 'umask 077; exec "$@"', 'sh', self.program, 'put', self.source,
                               server.url('thesis.pdf'), '--reply', self.path('receipt')], self.user)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.stat(self.path('receipt')).st_mode & 0o7777, 0o600)

    def test_attended_job_is_foreground_and_impatient(self):
        self.held()
        child = self.start('put', self.source, self.url('/up/thesis.pdf'))
        wait_until(self.jobs, 20, 'a job')
        job = self.jobs()[0]
        self.assertEqual((job['Type'], job['Priority'], job['MinimumRetryDelay'],
                          job['NoProgressTimeout'], job['AutoComplete'], job['DisplayName'],
                          job['UploadProtocol']),
                         ('upload', 'foreground', 5, 300, True, 'thesis.pdf', 'auto'))
        files = self.job(job['Id'])['Files']
        self.assertEqual([(f['LocalPath'], f['RemoteUrl']) for f in files],
                         [(self.source, self.url('/up/thesis.pdf'))])
        self.event.set()
        self.finish(child)

    def test_detached_job_has_the_defaults(self):
        route = self.held()
        ident = self.put('--detach', '--protocol', 'put', self.source,
                         self.url('/up/thesis.pdf')).stdout.strip()
        self.assertRegex(ident, ID)
        job = self.job(ident)
        self.assertEqual((job['Priority'], job['MinimumRetryDelay'], job['NoProgressTimeout'],
                          job['AutoComplete'], job['UploadProtocol']),
                         ('normal', 600, 1209600, True, 'put'))
        self.event.set()
        self.ferry('wait', '--timeout', '60', ident)
        self.assertEqual(route.body, self.body)

    def test_relative_path_and_link(self):
        route = self.take('/up/link')
        os.symlink('thesis.pdf', self.path('link'))
        done = self.world.run(['sh', '-c', 'cd "$1" && exec "$2" put --json ./link "$3"', 'sh',
                               self.home, self.program, self.url('/up/link')], self.user)
        self.assertEqual(done.returncode, 0, done.stderr)
        # The link is not resolved: it is what the person named.
        last = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual(last['Files'][0]['LocalPath'], self.path('link'))
        self.assertEqual(last['State'], 'acknowledged')
        self.assertEqual(route.body, self.body)

    def test_url_of_a_directory(self):
        self.make('a b.txt', b'hello')
        route = self.take('/up/a%20b.txt')
        self.put('--protocol', 'put', self.path('a b.txt'), self.url('/up/'))
        self.assertEqual(route.body, b'hello')
        # With auto it may be the address that a protocol wants.
        taken = self.take('/up/')
        self.put(self.path('a b.txt'), self.url('/up/'))
        self.assertEqual(taken.body, b'hello')

    def test_refused_before_anybody_is_asked(self):
        url = self.url('/up/nobody-asks')
        secret = self.make('secret', b'')
        os.chmod(secret, 0)
        os.mkfifo(self.path('fifo'))
        os.chmod(self.path('fifo'), 0o644)
        for args in (('-', url), ('', url), (self.source,), (self.source, 'not a url'),
                     (self.source, url, url), (self.source, url, '--protocol', 'gopher'),
                     (self.source, url, '--priority', 'urgent'), (self.source, url, '--timeout', '-1'),
                     (self.source, url, '--reply', '-'), (self.source, url, '--reply', self.home),
                     (self.source, url, '-H', 'none')):
            done = self.put(*args, status=2)
            self.assertEqual(done.stdout, '')
        for path in (self.path('absent'), self.home, secret, self.path('fifo')):
            done = self.put(path, url, status=1)
            self.assertTrue(done.stderr.startswith('ferry: NoFileAccess: '), done.stderr)
        done = self.put(self.source, url, '--reply', self.path('no/such/reply'), status=1)
        self.assertTrue(done.stderr.startswith('ferry: NoFileAccess: '), done.stderr)
        self.assertEqual(self.jobs(), [])

    def test_headers_are_sent(self):
        route = self.take()
        secrets = self.make('secrets', b'Authorization: Bearer one\n')
        self.put('-H', 'Accept: text/x-test', '-H', '@' + secrets, self.source,
                 self.url('/up/thesis.pdf'))
        sent = [r for r in route.requests if r.method == 'PUT'][-1]
        self.assertEqual(sent.get('Accept'), 'text/x-test')
        self.assertEqual(sent.get('Authorization'), 'Bearer one')

    def test_password_in_url(self):
        route = self.take('/up/x')
        url = self.url('/up/x').replace('http://', 'http://me:sesame@')
        done = self.put(self.source, url)
        self.assertNotIn('sesame', done.stderr)
        self.assertEqual({r.get('Authorization') for r in route.requests}, {'Basic bWU6c2VzYW1l'})

    def test_no_uploads_here(self):
        self.world.http.add('/up/thesis.pdf', b'', badserver.status(405))
        done = self.put(self.source, self.url('/up/thesis.pdf'), status=1)
        self.assertTrue(done.stderr.startswith('ferry: UploadNotSupported: '), done.stderr)
        self.assertEqual(self.jobs(), [])

    def test_reply_path_is_taken(self):
        """Said before anything is sent."""
        server = self.bits(reply='json')
        self.make('receipt', b'precious')
        done = self.put(self.source, server.url('thesis.pdf'), '--reply', self.path('receipt'),
                        status=1)
        self.assertTrue(done.stderr.startswith('ferry: TargetExists: '), done.stderr)
        self.assertEqual(content.read(self.path('receipt')), b'precious')
        self.assertEqual(self.jobs(), [])
        self.assertEqual(server.log('create'), [])


class Again(PutCase):
    """Interruptions, and the same put again."""

    def test_joined(self):
        route = self.held()
        url = self.url('/up/thesis.pdf')
        ident = self.put('--detach', self.source, url).stdout.strip()
        self.ferry('suspend', ident)
        child = self.start('put', self.source, url)
        self.wait_job(ident, lambda job: job['State'] == 'transferring', 'the job going on')
        self.assertEqual([job['Id'] for job in self.jobs()], [ident])
        self.event.set()
        self.finish(child)
        self.assertEqual(route.body, self.body)

    def test_not_joined(self):
        """Another type, another file and the other direction are other jobs."""
        self.held('/up/a')
        server = self.bits(reply='json')
        server.fail({'on': 'any', 'times': 100, 'do': 'hang'})
        url = server.url('x')
        for args in ((self.source, url), (self.source, url, '--reply', self.path('receipt')),
                     (self.make('other', b'x'), url), (self.source, self.url('/up/a'))):
            self.put('--detach', *args)
        self.ferry('get', '--detach', url, '-o', self.path('fetched'))
        self.assertEqual(len(self.jobs()), 5)
        self.put('--detach', self.source, url)
        self.assertEqual(len(self.jobs()), 5)
        done = self.put('--detach', self.source, url, '--reply', self.path('elsewhere'), status=1)
        self.assertIn(self.path('receipt'), done.stderr)
        done = self.put('--detach', self.source, url, '--protocol', 'tus', status=1)
        self.assertIn('another protocol', done.stderr)

    def test_interrupted(self):
        route = self.held()
        child = self.start('put', self.source, self.url('/up/thesis.pdf'))
        wait_until(self.jobs, 20, 'a job')
        ident = self.jobs()[0]['Id']
        child.send_signal(signal.SIGINT)
        out, err = self.finish(child, 130)
        self.assertEqual(out, '')
        self.assertIn(ident, err)
        self.assertIn('ferry watch ', err)
        self.event.set()
        self.ferry('wait', '--timeout', '60', ident)
        self.assertEqual(route.body, self.body)

    def test_timeout(self):
        self.held()
        done = self.put('--timeout', '1', self.source, self.url('/up/thesis.pdf'), status=6)
        self.assertIn(self.jobs()[0]['Id'], done.stderr)


class Shown(PutCase):
    """What people see of uploads."""

    def test_on_a_terminal(self):
        self.world.http.add('/up/thesis.pdf', b'', receive(rate=400000))
        status, shown = self.on_terminal(shlex.join(
            [self.program, 'put', self.source, self.url('/up/thesis.pdf')]), NO_COLOR='1')
        self.assertEqual(status, 0, shown)
        self.assertEqual(shown.count(STARTS_OVER), 1, shown)
        self.assertRegex(shown, r'thesis\.pdf  200\.0 kB in 0:0\d  .*by put')
        server = self.bits()
        status, shown = self.on_terminal(shlex.join(
            [self.program, 'put', self.source, server.url('x')]), NO_COLOR='1')
        self.assertEqual(status, 0, shown)
        self.assertNotIn(STARTS_OVER, shown)
        self.assertRegex(shown, r'thesis\.pdf  200\.0 kB .*by bits')

    def test_waiting_for_a_reply_on_a_terminal(self):
        server = self.bits(reply='json')
        server.fail({'on': 'last-fragment', 'do': 'delay', 'seconds': 2})
        status, shown = self.on_terminal(shlex.join(
            [self.program, 'put', self.source, server.url('x'), '--reply', self.path('receipt')]),
            NO_COLOR='1')
        self.assertEqual(status, 0, shown)
        self.assertRegex(shown, r'thesis\.pdf  sent; waits: the reply')
        self.assertIn(self.path('receipt'), shown)

    def test_list_and_show(self):
        self.held()
        ident = self.put('--detach', '--protocol', 'put', self.source,
                         self.url('/up/thesis.pdf')).stdout.strip()
        self.wait_job(ident, lambda job: job['State'] == 'transferring', 'the upload')
        self.assertRegex(self.ferry('list', LC_ALL='C.UTF-8').stdout, r'↑ transferring .* thesis\.pdf')
        self.assertRegex(self.ferry('list', LC_ALL='C').stdout, r'up transferring .* thesis\.pdf')
        shown = self.ferry('show', ident).stdout
        self.assertRegex(shown, r'Sent +.* of 200\.0 kB')
        self.assertRegex(shown, r'Protocol +put\n')
        self.assertRegex(shown, r'Resumable +no: ')
        self.assertRegex(shown, r'from +' + re.escape(self.source))
        self.assertRegex(shown, r'to +' + re.escape(self.url('/up/thesis.pdf')))
        self.assertIs(self.job(ident)['Resumable'], False)
        self.ferry('suspend', ident)
        for columns in (40, 60, 80):
            status, text = self.on_terminal(shlex.join([self.program, 'list']), columns=columns)
            self.assertEqual(status, 0, text)
            for line in text.splitlines():
                self.assertLessEqual(len(line), columns, text)
        self.assertIn('which starts again from the beginning', text.replace('\r\n    ', ' '))

    def test_downloads_show_nothing_of_it(self):
        self.world.http.add('/file', content.pattern(1000), badserver.hang(self.event))
        ident = self.ferry('get', '--detach', self.url(), '-d', self.home).stdout.strip()
        shown = self.ferry('show', ident).stdout
        for word in ('Protocol', 'Resumable', 'Reply'):
            self.assertNotIn(word, shown)

    def test_complete(self):
        self.held()
        ident = self.put('--detach', self.source, self.url('/up/thesis.pdf')).stdout.strip()
        for args in ((ident,), ('--discard-unfinished', ident)):
            done = self.ferry('complete', *args, status=1)
            self.assertTrue(done.stderr.startswith('ferry: InvalidState: '), done.stderr)
            self.assertIn('ferry cancel ', done.stderr)
            self.assertNotIn('--discard', done.stderr)
        self.ferry('set', ident, 'AutoComplete=false')
        self.event.set()
        self.ferry('wait', '--timeout', '60', ident)
        self.assertIn('ferry complete ', self.ferry('list').stdout)
        self.assertEqual(self.ferry('complete', ident).stdout, '')
        self.assertEqual(self.jobs(), [])
        self.assertEqual(content.read(self.source), self.body)

    def test_complete_prints_the_reply(self):
        server = self.bits(reply='json')
        self.client.create('form', 'upload-reply')
        self.ferry('add', 'form', server.url('form'), self.source)
        self.ferry('set', 'form', 'UploadProtocol=bits', 'reply-path=' + self.path('receipt'))
        self.ferry('resume', 'form')
        self.ferry('wait', '--timeout', '60', 'form')
        self.assertRegex(self.ferry('show', 'form').stdout, r'Reply fetched +\d+ B of \d+ B')
        self.assertEqual(self.ferry('complete', 'form').stdout, self.path('receipt') + '\n')

    def test_add(self):
        self.client.create('one', 'upload')
        self.ferry('add', 'one', self.url('/up/a'), self.path('absent'), status=1)
        self.ferry('add', '--force', 'one', self.url('/up/a'), self.source, status=2)
        self.ferry('add', 'one', self.url('/up/a'), self.source)
        done = self.ferry('add', 'one', self.url('/up/b'), self.source, status=3)
        self.assertTrue(done.stderr.startswith('ferry: TooManyFiles: '), done.stderr)
        self.assertIn('ferry put', done.stderr)

    def test_broken_put_says_what_it_costs(self):
        def broken(route, request, stream):
            if request.method == 'PUT':
                raise badserver.Drop()
            receive()(route, request, stream)
        self.world.http.add('/up/thesis.pdf', b'', broken)
        ident = self.put('--detach', '--protocol', 'put', self.source,
                         self.url('/up/thesis.pdf')).stdout.strip()
        self.wait_job(ident, lambda job: job['ErrorCount'], 'a broken upload')
        self.ferry('set', ident, 'NoProgressTimeout=0')
        self.ferry('resume', ident)
        self.wait_job(ident, lambda job: job['State'] == 'error', 'the end of it')
        self.assertIn('ferry resume {} starts again from the beginning'.format(ident[:4]),
                      self.ferry('list').stdout)


class Policy(PutCase):
    def setUp(self):
        super().setUp()
        self.needs_root()

    def test_off_is_a_word(self):
        self.assertRegex(self.ferry('policy').stdout, RESUMABLE + r' +off +default')
        self.assertEqual(self.ferry('policy', 'get', RESUMABLE).stdout, 'off\n')
        self.assertIsNone(json.loads(self.ferry('policy', '--json').stdout)[RESUMABLE]['Value'])
        self.addCleanup(self.ferry, 'policy', 'reset', RESUMABLE, user='root')
        self.ferry('policy', 'set', RESUMABLE, '268435456', user='root')
        self.assertEqual(self.ferry('policy', 'get', RESUMABLE).stdout, '268435456\n')
        self.assertRegex(self.ferry('policy').stdout, RESUMABLE + r' +268435456 bytes +bus')
        self.ferry('policy', 'set', RESUMABLE, 'off', user='root')
        self.assertEqual(self.ferry('policy', 'get', RESUMABLE).stdout, 'off\n')
        self.ferry('policy', 'set', 'max-jobs-per-user', 'off', user='root', status=2)

    def test_large_files(self):
        self.addCleanup(self.ferry, 'policy', 'reset', RESUMABLE, user='root')
        self.ferry('policy', 'set', RESUMABLE, '199999', user='root')
        route = self.take()
        done = self.put(self.source, self.url('/up/thesis.pdf'), status=1)
        self.assertTrue(done.stderr.startswith('ferry: UploadNotSupported: '), done.stderr)
        self.assertEqual([r for r in route.requests if r.method == 'PUT'], [])


if __name__ == '__main__':
    cases.main()
