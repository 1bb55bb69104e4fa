#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A worker is its user's property: whatever it says, another user is served and ferryd stays."""

import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import badserver, cases, content  # noqa: E402
from lib.client import ERROR, JOB, MANAGER, ROOT, BusError  # noqa: E402
from lib.process import rss_anon, wait_until  # noqa: E402

MEMORY = 100 << 20


class LyingWorker(cases.WorldCase):
    """nobody's worker lies; games is the other user."""

    world_options = {'worker': 'fake-worker', 'ferryd_env': {
        'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':quarantine_size_mb=8'}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not cls.world.root:
            cls.world.stop()
            raise unittest.SkipTest('needs root for a second uid')
        cls.real = os.path.join(cls.world.build, 'daemon/worker/ferry-worker')

    def write_orders(self, lie, uid, version):
        path = os.path.join(self.world.runtime, 'orders.json')
        with open(path + '.new', 'w', encoding='utf-8') as out:
            json.dump({'lie': lie, 'uid': uid, 'version': version, 'real': self.real,
                       'told': self.told}, out)
        os.chmod(path + '.new', 0o644)
        os.rename(path + '.new', path)

    def setUp(self):
        super().setUp()
        self.world.restart_ferryd()     # a worker that crashed is not started again at once
        self.pid = self.world.ferryd.pid
        self.told = os.path.join(self.world.home('nobody'), 'told')
        self.other = self.world.client('games')
        self.addCleanup(self.other.close)
        self.other_home = self.world.home('games')
        self.addCleanup(self.world.kill_workers)
        self.write_orders('none', 2 ** 32 - 2, '?')

    def lie(self, name):
        self.write_orders(name, self.client.user.pw_uid, self.client.get(ROOT, MANAGER, 'Version'))
        self.world.kill_workers(self.client.user.pw_uid)

    def start_lying(self, name, job_type='download', **keys):
        """A job of the liar; returns None when it was not even taken."""
        self.lie(name)
        self.world.http.add('/liar', content.pattern(1000, 1))
        job = self.client.create(job_type=job_type, **keys)
        try:
            job.call('AddFile', '(ssa{sv})', self.world.http.url('/liar'), self.path('liar'), {},
                     seconds=40)
        except BusError as error:
            self.assertIn(error.short, ('WorkerFailed', 'NoFileAccess'))
            return None
        job.resume()
        return job

    def other_user_is_served(self, name):
        """A whole job of the other user, with every call of his under a second."""
        route = self.world.http.add('/other', content.pattern(200000, 7), badserver.slow(10 ** 6))
        slowest = 0
        began = time.monotonic()
        job = self.other.submit([(self.world.http.url('/other'),
                                  os.path.join(self.other_home, name))])
        while True:
            before = time.monotonic()
            state = job.state
            slowest = max(slowest, time.monotonic() - before)
            if state == 'transferred':
                break
            self.assertIn(state, ('queued', 'connecting', 'transferring'), job.get('Error'))
            self.assertLess(time.monotonic() - began, 30)
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(os.path.join(self.other_home, name)), route.body)
        self.assertEqual(len(route.requests), 1, 'nobody meddled')
        self.assertEqual(self.other.find_signals('FileRestarted'), [])
        self.assertLess(slowest, 1)
        self.assertEqual(self.world.ferryd.pid, self.pid)
        self.assertTrue(self.world.ferryd.running)
        self.assertLess(rss_anon(self.pid), MEMORY)

    def was_told(self):
        wait_until(lambda: os.path.exists(self.told), 20, 'the lie')

    def round(self, name, **keys):
        """The other user's job runs while the lie is told, and another one afterwards."""
        running = self.world.http.add('/running', content.pattern(300000, 8),
                                      badserver.slow(200000))
        theirs = self.other.submit([(self.world.http.url('/running'),
                                     os.path.join(self.other_home, 'running'))])
        theirs.wait_bytes(1)
        job = self.start_lying(name, **keys)
        self.other_user_is_served(name)
        self.was_told()
        theirs.wait_state('transferred')
        theirs.complete()
        self.assertEqual(content.read(os.path.join(self.other_home, 'running')), running.body)
        os.unlink(os.path.join(self.other_home, 'running'))
        self.assertEqual(len(running.requests), 1)
        if job is not None:
            values = job.get_all()
            self.assertEqual(values['Owner'], self.client.user.pw_uid)
            return job, values
        return None, None

    def test_foreign_attempts(self):
        self.round('foreign')

    def test_absurd_sizes(self):
        self.round('absurd-sizes')

    def test_wrong_types(self):
        self.round('wrong-types')

    def test_wild_text(self):
        job, _ = self.round('wild-text')
        values = job.wait_for(lambda v: v['Error'], what='the error')
        message = values['Error']['Message']
        self.assertFalse([c for c in message if ord(c) < 32 or c == '\u202e'])
        self.assertLessEqual(len(message.encode()), 1024)
        self.assertRegex(values['Error']['Name'], r'^org\.ferry\.Transfer1\.Error\.[A-Za-z]+$')

    def test_large_resume(self):
        self.round('large-resume')

    def test_unasked_replies(self):
        self.round('unasked-reply')

    def test_flood(self):
        self.round('flood')

    def test_flood_of_restarts(self):
        self.round('restart-flood')

    def test_flood_of_checkpoints(self):
        self.round('checkpoint-flood')

    def test_words_of_an_upload(self):
        job, _ = self.round('upload-words', job_type='upload')
        values = job.wait_bytes(1000)
        self.assertEqual((values['BytesTransferred'], values['BytesTotal']), (1000, 1000))
        self.assertEqual((values['ResolvedUploadProtocol'], values['Resumable']), ('', False))
        job.cancel()

    def test_reply_at_no_url(self):
        job, _ = self.round('upload-reply-url', job_type='upload-reply')
        values = job.wait_for(lambda v: v['State'] == 'error', what='the error')
        self.assertEqual(values['Error']['Name'], ERROR + 'InvalidServerResponse')
        self.assertEqual(values['Error']['Context'], 'remote-application')
        self.assertNotIn('javascript', values['Error']['Message'])
        self.assertEqual(len(job.files()), 1)
        self.assertEqual(job.error('GetReplyData').name, ERROR + 'InvalidState')

    def test_flood_of_confirmations(self):
        job, _ = self.round('upload-confirm-flood', job_type='upload')
        job.cancel()
        self.assertEqual(job.state, 'cancelled')

    def test_hanging(self):
        job, _ = self.round('hang')
        job.cancel()
        self.assertEqual(job.state, 'cancelled')

    def test_mute(self):
        """Never answers check-targets: AddFile says so within its time."""
        self.lie('mute')
        job = self.client.create()
        pending = self.client.start_call(job.path, JOB, 'AddFile', '(ssa{sv})',
                                         self.world.http.url('/x'), self.path('x'), {},
                                         seconds=60)
        self.other_user_is_served('mute')
        self.was_told()
        with self.assertRaises(BusError) as caught:
            pending.result(60)
        self.assertIn(caught.exception.short, ('WorkerFailed', 'NoFileAccess'))
        self.assertEqual(job.files(), [])

    def test_never_satisfied_with_a_name(self):
        self.round('new-name')

    def test_dies_at_once(self):
        job, _ = self.round('die')
        values = job.wait_for(lambda v: v['State'] == 'transient-error', what='the error')
        self.assertEqual(values['Error']['Name'].rsplit('.', 1)[1], 'WorkerFailed')

    def test_ends_twice(self):
        self.round('twice')

    def test_early_lies(self):
        for lie in ('early-version', 'early-long-frame', 'early-garbage'):
            with self.subTest(lie):
                self.round(lie)

    def test_silent_connections(self):
        """500 connections that say nothing cost no threads and no memory."""
        with open('/proc/{}/status'.format(self.pid), encoding='utf-8') as status:
            before = [line for line in status if line.startswith('Threads')][0]
        self.start_lying('early-many-connections')
        self.other_user_is_served('silent')
        self.was_told()
        with open('/proc/{}/status'.format(self.pid), encoding='utf-8') as status:
            after = [line for line in status if line.startswith('Threads')][0]
        self.assertLessEqual(int(after.split()[1]), int(before.split()[1]) + 8)

    def test_done_without_doing(self):
        """It may cheat its own user; Complete then tells the truth about the files."""
        job, _ = self.round('done')
        job.wait_for(lambda v: v['State'] in ('transferred', 'error', 'transient-error'),
                     what='an end')
        wait_until(lambda: not os.path.exists(self.path('liar')), 1, 'no file')


if __name__ == '__main__':
    cases.main()
