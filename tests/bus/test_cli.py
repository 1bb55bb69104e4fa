#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`ferry`, the command line, against the real service: getting files, verbs, a service that goes away."""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import badserver, cases, content  # noqa: E402
from lib.cli import ID, CliCase  # noqa: E402
from lib.process import wait_until  # noqa: E402


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
        """It is taken out, and given to the server alone."""
        route = self.serve()
        url = self.url().replace('http://', 'http://me:sesame@')
        done = self.ferry('get', '--json', url, '-d', self.home)
        self.assertEqual(route.requests[0].get('Authorization'), 'Basic bWU6c2VzYW1l')
        self.assertNotIn('sesame', done.stderr + done.stdout)
        ident = self.ferry('get', '--detach', self.url(), '-o', self.path('b'),
                           http_proxy='http://me:sesame@127.0.0.1:9/').stdout.strip()
        self.assertEqual(self.job(ident)['ProxyUri'], 'http://127.0.0.1:9/')
        self.ferry('cancel', ident)
        job = self.client.create('x')
        self.ferry('add', 'x', url, self.path('a'))
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(route.requests[-1].get('Authorization'), 'Basic bWU6c2VzYW1l')

    def test_scheme(self):
        done = self.ferry('get', 'ftp://files.example/x', '-d', self.home, status=1)
        self.assertTrue(done.stderr.startswith('ferry: UnsupportedScheme: The URL '), done.stderr)
        self.assertNotIn('remote_url', done.stderr)

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
        self.assertIn('1 second passed', done.stderr)
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
        self.assertIn('ferry wait ' + job.id[:8], done.stderr)
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

    def failed_pair(self):
        """A job of two files, the second of which the server does not have."""
        self.serve('/a')
        self.serve('/b', 0, badserver.status(404))
        job = self.client.submit([(self.url('/a'), self.path('a')), (self.url('/b'), self.path('b'))],
                                 name='pair')
        job.wait_state('error')
        return job

    def test_failed_file_is_named(self):
        job = self.failed_pair()
        self.assertTrue(self.ferry('wait', 'pair', status=1).stderr.startswith('ferry: NotFound: b: '))
        self.assertTrue(self.ferry('watch', 'pair', status=1).stderr.startswith('ferry: NotFound: b: '))
        self.assertTrue(self.ferry('wait', 'pair', 'pair', status=1).stderr.startswith(
            'ferry: NotFound: pair: b: '))
        self.assertIn('failed: NotFound: b: ', self.ferry('list').stdout)
        self.assertIn('failed: NotFound: b: ', self.ferry('show', 'pair').stdout)
        # In JSON the properties are as they came.
        self.assertEqual(self.jobs()[0]['Error']['Message'], job.get('Error')['Message'])

    def test_failed_file_is_named_once(self):
        self.failed_pair()
        content.write(self.path('a'), b'precious')
        self.ferry('complete', '--discard-unfinished', 'pair', status=1)
        shown = self.ferry('list').stdout
        self.assertIn('failed: TargetExists: {} exists'.format(self.path('a')), shown)

    def test_complete_after_a_failure(self):
        """Waiting cannot help any more; what can, is said and works."""
        job = self.failed_pair()
        done = self.ferry('complete', 'pair', status=1)
        self.assertNotIn('ferry wait', done.stderr)
        self.assertIn('ferry resume ' + job.id[:8], done.stderr)
        self.assertIn('--discard-unfinished', done.stderr)
        self.assertIn('ferry remove {} 1'.format(job.id[:8]), done.stderr)
        self.ferry('remove', job.id[:8], '1')
        self.assertEqual(self.ferry('complete', 'pair').stdout, self.path('a') + '\n')

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

    def test_name_of_ended_jobs(self):
        """One that goes on is meant before those that have ended, and of these the newest."""
        self.serve()
        for name in ('one', 'two'):
            job = self.client.submit([(self.url(), self.path(name))], name='same')
            job.wait_state('transferred')
            self.ferry('complete', 'same')
        self.assertEqual(self.job('same')['Id'], job.id)
        self.ferry('wait', 'same')
        self.assertEqual(self.job(self.client.create('same').id)['State'], self.job('same')['State'])

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


if __name__ == '__main__':
    cases.main()
