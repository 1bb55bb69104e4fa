#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 of ferryd, of the worker, of both, at any moment: nothing acknowledged is lost, and no
byte before the checkpoint is fetched again."""

import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from gi.repository import GLib  # noqa: E402
from lib import cases, content  # noqa: E402
from lib.badserver import hang_body, slow  # noqa: E402
from lib.client import BusError, options, signal_args  # noqa: E402
from lib.process import wait_until  # noqa: E402

SEED = int(os.environ.get('FERRY_TEST_SEED', '20261122'))
ROUNDS = int(os.environ.get('FERRY_TEST_KILLS', '100'))


class KillCase(cases.WorldCase):
    """Ways to kill."""

    def kill(self, what):
        """`what` is ferryd, worker or both; ferryd runs again when this returns."""
        if what in ('worker', 'both'):
            self.world.kill_workers()
        if what in ('ferryd', 'both'):
            self.world.kill_ferryd()
            self.world.start_ferryd()

    def go_on(self, job):
        """A worker that died makes its files wait; the owner need not wait as long."""
        def moving(values):
            return values['State'] not in ('error', 'cancelled')
        self.assertTrue(moving(job.get_all()), job.get('Error'))
        if job.state == 'transient-error':
            job.suspend()
            job.resume()


class RandomMoments(KillCase):
    """The same number of rounds for each kind; a failure names its seed."""

    def rounds(self, what, count):
        for number in range(count):
            seed = '{}:{}:{}'.format(SEED, what, number)
            with self.subTest(seed=seed):
                self.one_round(what, random.Random(seed), number)

    def one_round(self, what, chance, number):
        """Three files that take about half a second; killed somewhere in it, then awaited."""
        bodies = [content.pattern(chance.randrange(20000, 200000), number * 10 + i)
                  for i in range(3)]
        files = []
        for index, body in enumerate(bodies):
            name = '/r{}-{}'.format(number, index)
            self.world.http.add(name, body, slow(400000))
            files.append((self.world.http.url(name), self.path(name.strip('/'))))
        routes = [self.world.http.routes['/r{}-{}'.format(number, i)] for i in range(3)]
        self.client.manager('ListJobs', '(a{sv})', {})
        job = self.client.submit(files, MinimumRetryDelay=5)
        moment = chance.random() * 0.6
        wait_until_moment(moment)
        durable = {}
        if chance.random() < 0.5:
            # A checkpoint that was acknowledged binds: suspend writes one.
            job.suspend()
            job.wait_for(lambda v: v['State'] in ('suspended', 'transferred'), what='suspended')
            durable = {f['Index']: f['BytesTransferred'] for f in job.files()}
            asked = [len(r.requests) for r in routes]
            if job.state == 'suspended':
                job.resume()
        self.kill(what)
        self.client.manager('ListJobs', '(a{sv})', {})
        self.go_on(job)
        job.wait_state('transferred', seconds=30)
        for index, first in durable.items():
            for request in routes[index].requests[asked[index]:]:
                self.assertGreaterEqual(request.first, first if request.sent else 0,
                                        'bytes before the checkpoint were fetched again')
        restarts = [signal_args(s) for s in self.client.find_signals('FileRestarted', job.path)]
        self.assertEqual(sum(f['Restarts'] for f in job.files()), len(restarts),
                         'the owner was told of every restart')
        self.assertEqual(restarts, [], 'the server allows to go on')
        self.assertEqual(job.complete(), (3, 0))
        for (_, path), body in zip(files, bodies):
            self.assertEqual(content.read(path), body)
            os.unlink(path)
        self.assertEqual(self.left_over(), [])

    def test_ferryd(self):
        self.rounds('ferryd', ROUNDS // 3 + ROUNDS % 3)

    def test_worker(self):
        self.rounds('worker', ROUNDS // 3)

    def test_both(self):
        self.rounds('both', ROUNDS // 3)


def wait_until_moment(seconds):
    """A random moment is the subject here, not something to wait for."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= end, seconds + 5, 'the moment')


class Acknowledged(KillCase):
    """What was answered is on disk: kill -9 the moment the reply arrived, in every method."""

    def killed(self, change):
        """Makes the change with ferryd's death right behind the reply."""
        value = change()
        self.world.ferryd.child.kill()
        self.world.ferryd.wait()
        wait_until(lambda: self.world.name_owner('org.ferry.Transfer1') is None, 10, 'its end')
        self.world.start_ferryd()
        return value

    def test_create(self):
        for number in range(5):
            job = self.killed(lambda: self.client.create('made', Priority='high'))
            self.assertEqual(job.get('Priority'), 'high')

    def test_submit(self):
        self.world.http.add('/a', content.pattern(1000, 1))
        job = self.killed(lambda: self.client.submit(
            [(self.world.http.url('/a'), self.path('a'))]))
        job.wait_state('transferred')
        self.assertEqual(len(job.files()), 1)

    def test_changes(self):
        job = self.client.create()
        url = self.world.http.url('/a')
        self.killed(lambda: job.add_file(url, self.path('a'), Mode=0o600))
        self.assertEqual([f['LocalPath'] for f in job.files()], [self.path('a')])
        self.killed(lambda: job.add_file(url, self.path('b')))
        self.assertEqual(len(job.files()), 2)
        self.killed(lambda: job.call('RemoveFile', '(u)', 0))
        self.assertEqual([f['Index'] for f in job.files()], [1])
        self.killed(lambda: job.call('SetRemoteUrl', '(us)', 1, url + 'x'))
        self.assertEqual(job.file(1)['RemoteUrl'], url + 'x')
        self.killed(lambda: job.call('ReplaceRemotePrefix', '(ss)', url + 'x', url + 'y'))
        self.assertEqual(job.file(1)['RemoteUrl'], url + 'y')
        self.killed(lambda: job.set('DisplayName', GLib.Variant('s', 'renamed')))
        self.assertEqual(job.get('DisplayName'), 'renamed')
        self.killed(lambda: self.client.call(
            job.path, 'org.ferry.Transfer1.Job', 'AddFiles', '(a(ssa{sv}))',
            [(url, self.path('c'), {}), (url, self.path('d'), {})]))
        self.assertEqual(len(job.files()), 3)

    def test_states(self):
        route = self.world.http.add('/a', content.pattern(100000, 1), hang_body(50000))
        job = self.client.submit([(self.world.http.url('/a'), self.path('a'))])
        job.wait_bytes(50000)
        self.killed(job.suspend)
        self.assertEqual(job.state, 'suspended')
        self.killed(job.resume)
        job.wait_for(lambda v: v['State'] not in ('suspended',), what='running')
        route.then(slow(10 ** 7))
        self.go_on(job)
        job.wait_state('transferred')
        published = self.killed(job.complete)
        self.assertEqual(published, (1, 0))
        self.assertEqual(job.state, 'acknowledged')
        self.assertEqual(content.read(self.path('a')), route.body)
        self.assertEqual(self.left_over(), ['a'])

    def test_cancel(self):
        self.world.http.add('/a', content.pattern(100000, 1), hang_body(50000))
        job = self.client.submit([(self.world.http.url('/a'), self.path('a'))])
        job.wait_bytes(50000)
        self.killed(job.cancel)
        self.assertEqual(job.state, 'cancelled')
        wait_until(lambda: self.left_over() == [], 20, 'the removal of the temporary file')

    def test_unanswered_complete_is_all_or_goes_on(self):
        """Killed in the middle of Complete over many files: asked again, it ends what it began."""
        for number in range(6):
            bodies = {}
            files = []
            for index in range(12):
                name = 'c{}-{}'.format(number, index)
                bodies[name] = content.pattern(500 + index, index)
                self.world.http.add('/' + name, bodies[name])
                files.append((self.world.http.url('/' + name), self.path(name)))
            job = self.client.submit(files)
            job.wait_state('transferred')
            pending = self.client.start_call(job.path, 'org.ferry.Transfer1.Job', 'Complete')
            published = self.path('c{}-{}'.format(number, number * 2))
            wait_until(lambda: os.path.exists(published) or pending.done(), 20, 'publication')
            self.kill(('ferryd', 'worker', 'both')[number % 3])
            try:
                pending.result(10)
            except BusError:
                pass
            # The journal of an unfinished Complete is taken up by itself, or by asking again.
            def over():
                if job.state == 'acknowledged':
                    return True
                try:
                    job.complete()
                except BusError as error:
                    self.assertIn(error.short, ('InvalidState', 'WorkerFailed'), error)
                return job.state == 'acknowledged'
            wait_until(over, 30, 'the end of Complete')
            for name, body in bodies.items():
                self.assertEqual(content.read(self.path(name)), body)
            self.assertEqual(self.left_over(), sorted(
                n for n in os.listdir(self.home) if n.startswith('c')))

    def test_checkpoint_after_worker_death(self):
        """Suspend writes one; what lies before it is never asked for again."""
        route = self.world.http.add('/a', content.pattern(400000, 1), hang_body(150000),
                                    slow(10 ** 7))
        job = self.client.submit([(self.world.http.url('/a'), self.path('a'))])
        job.wait_bytes(150000)
        job.suspend()
        job.wait_state('suspended')
        self.kill('both')
        job.resume()
        job.wait_state('transferred')
        self.assertEqual([r.start for r in route.requests], [None, 150000])
        self.assertEqual(route.sent, 400000)


class ManyTimes(KillCase):
    def test_worker_that_dies_again_and_again(self):
        """It becomes a transient error with a time; the daemon stays and serves."""
        route = self.world.http.add('/a', content.pattern(100000, 1), hang_body(10))
        job = self.client.submit([(self.world.http.url('/a'), self.path('a'))])
        for number in range(3):
            route.wait_requests(number + 1)
            job.wait_for(lambda v: v['State'] in ('connecting', 'transferring'), what='its turn')
            self.assertEqual(self.world.kill_workers(), 1)
            values = job.wait_for(lambda v: v['State'] == 'transient-error', what='the error')
            self.assertTrue(values['Error']['Name'].endswith('.WorkerFailed'), values['Error'])
            self.assertGreater(values['NextAttemptTime'], 0)
            job.suspend()
            job.resume()
        self.client.manager('ListJobs', '(a{sv})', options({}))


if __name__ == '__main__':
    cases.main()
