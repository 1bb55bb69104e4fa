#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Ferry costs: nothing when idle, few syncs for a small job."""

import os
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import badserver, cases, content  # noqa: E402
from lib.client import MANAGER, ROOT  # noqa: E402
from lib.process import wait_until  # noqa: E402
from lib.world import World  # noqa: E402

IDLE = 60       # seconds after the last call


class Idle(unittest.TestCase):
    """Several worlds wait at the same time, so that this takes one minute and not three."""

    def world_with(self, prepare):
        world = World()
        self.addCleanup(world.stop)
        world.start()
        client = world.client('nobody' if world.root else None)
        home = world.home('nobody' if world.root else 'me')
        prepare(world, client, home)
        client.manager('ListJobs', '(a{sv})', {})
        return world

    @staticmethod
    def with_suspended(_world, client, _home):
        client.create('kept')

    @staticmethod
    def with_waiting(world, client, home):
        world.http.add('/a', content.pattern(1000, 1), badserver.status(503))
        job = client.submit([(world.http.url('/a'), os.path.join(home, 'a'))],
                            MinimumRetryDelay=600)
        job.wait_state('transient-error')

    @staticmethod
    def with_secret(_world, client, _home):
        client.create('secretive', CustomHeaders=['X-Token: geheim'])

    def test_exits_when_nothing_is_to_be_done_and_only_then(self):
        leaves = [self.world_with(lambda *_: None), self.world_with(self.with_suspended)]
        stays = [self.world_with(self.with_waiting), self.world_with(self.with_secret)]
        for world in leaves:
            self.assertTrue(world.ferryd.running)
            self.assertEqual(world.ferryd.wait(IDLE + 20), 0)
        for world in stays:
            self.assertTrue(world.ferryd.running)
        kept = leaves[1]
        kept.start_ferryd()
        client = kept.client('nobody' if kept.root else None)
        self.assertEqual(len(client.manager('ListJobs', '(a{sv})', {})), 1)


class Syncs(cases.WorldCase):
    """Counted where they happen: in the kernel's calls of ferryd and of its worker."""

    def setUp(self):
        super().setUp()
        self.needs_root()
        self.world.http.add('/a', content.pattern(65536, 1))

    def trace(self, pid):
        """Begins to count; returns a function that ends it and returns the syncs."""
        path = os.path.join(self.world.logs, 'strace.{}'.format(pid))
        tracer = subprocess.Popen(['strace', '-f', '-q', '-e', 'trace=fsync,fdatasync,syncfs',
                                   '-o', path, '-p', str(pid)],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(tracer.wait)
        self.addCleanup(tracer.send_signal, signal.SIGINT)

        def traced():
            with open('/proc/{}/status'.format(pid), encoding='utf-8') as text:
                return 'TracerPid:\t{}\n'.format(tracer.pid) in text.read()
        wait_until(traced, 10, 'strace')

        def finish():
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
            with open(path, encoding='utf-8') as lines:
                return [line for line in lines if re.search(r'\b(fsync|fdatasync|syncfs)\(', line)]
        return finish

    def submit(self, name, **properties):
        return self.client.submit([(self.world.http.url('/a'), self.path(name))], **properties)

    def test_a_small_job(self):
        self.client.get(ROOT, MANAGER, 'Version')
        finish = self.trace(self.world.ferryd.pid)
        job = self.submit('a')
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        syncs = finish()
        self.assertLessEqual(len(syncs), 6, ''.join(syncs))
        self.assertGreaterEqual(len(syncs), 2, 'what is acknowledged is on disk')

    def test_the_worker_of_a_job_that_completes_itself(self):
        """The file once, with its final mode, and its directory once, with its final name."""
        self.submit('first', AutoComplete=True).wait_state('acknowledged')
        finish = self.trace(self.world.workers()[0][0])
        self.submit('second', AutoComplete=True).wait_state('acknowledged')
        self.assertEqual(os.stat(self.path('second')).st_mode & 0o777, 0o644)
        syncs = finish()
        self.assertEqual(len(syncs), 2, ''.join(syncs))


if __name__ == '__main__':
    cases.main()
