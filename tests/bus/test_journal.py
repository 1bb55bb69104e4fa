#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the journal is told of jobs, field by field, and what it is not."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import badserver, cases, content, isolate  # noqa: E402
from lib.journal import Journal  # noqa: E402
from lib.world import SANITIZER, World  # noqa: E402

MARK = 'Mark-q5'


class Events(cases.WorldCase):
    @classmethod
    def setUpClass(cls):
        cls.world = None
        world = World()         # skips where there are no namespaces
        if world.isolated:
            isolate.tmpfs('/run')
            cls.journal = Journal()
        cls.world = world.start(ferryd=False)
        if world.isolated:
            cls.world.ferryd.stderr = cls.journal.stream()
        cls.world.start_ferryd()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        if cls.world.isolated:
            assert not SANITIZER.search(cls.journal.text.decode()), cls.journal.text.decode()

    def setUp(self):
        super().setUp()
        self.needs_root()

    def events(self, job, last):
        """Words of what is told of a job, from its first to the last one."""
        entries = self.journal.wait(lambda e: e.get('FERRY_JOB') == job.id and
                                    e.get('FERRY_EVENT') == last)
        entries = [e for e in entries if e.get('FERRY_JOB') == job.id]
        for entry in entries:
            self.assertEqual(entry['FERRY_UID'], str(self.client.user.pw_uid))
            self.assertTrue(re.fullmatch('[0-9a-f]{32}', entry['MESSAGE_ID']), entry)
            self.assertIn(entry['PRIORITY'], ('5', '6'))
            self.assertIn(job.id, entry['MESSAGE'])
        self.assertEqual(len({e['MESSAGE_ID'] for e in entries}),
                         len({e['FERRY_EVENT'] for e in entries}))
        return [e['FERRY_EVENT'] for e in entries], entries

    def serve(self, name, *script):
        return self.world.http.add('/' + MARK + name, content.pattern(50000, 1), *script)

    def url(self, name):
        return self.world.http.url('/' + MARK + name)

    def submit(self, name, **properties):
        return self.client.submit([(self.url(name), self.path(MARK))], name=MARK,
                                  CustomHeaders=['X-Secret: ' + MARK], Description=MARK,
                                  RequestHeaders=['X-Plain: ' + MARK], **properties)

    def tearDown(self):
        for entry in self.journal.entries:
            self.assertNotIn(MARK, repr(entry))
            self.assertNotIn(self.home, repr(entry))
            self.assertNotIn('127.0.0.1', repr(entry))
        self.assertNotIn(MARK.encode(), self.journal.text)

    def test_a_life(self):
        self.serve('a', badserver.drop_after(20000), badserver.normal())
        job = self.submit('a', MinimumRetryDelay=5)
        job.wait_state('transferred')
        job.complete()
        self.assertEqual(self.events(job, 'job-completed')[0],
                         ['job-created', 'job-resumed', 'job-interrupted', 'job-transferred',
                          'job-completed'])

    def test_a_failure(self):
        job = self.submit('absent')
        job.wait_for(lambda v: v['State'] == 'error', what='the error')
        names, entries = self.events(job, 'job-failed')
        self.assertEqual(names, ['job-created', 'job-resumed', 'job-failed'])
        self.assertEqual(entries[-1]['FERRY_ERROR'], 'NotFound')
        self.assertEqual(entries[-1]['PRIORITY'], '5')
        job.cancel()
        names, entries = self.events(job, 'job-cancelled')
        self.assertEqual(entries[-1]['FERRY_BY'], 'owner')

    def test_a_restart(self):
        route = self.serve('b', badserver.drop_after(20000), badserver.normal())
        route.etag = route.modified = None
        job = self.submit('b', MinimumRetryDelay=5)
        job.wait_state('transferred')
        _, entries = self.events(job, 'job-transferred')
        restarted = [e for e in entries if e['FERRY_EVENT'] == 'file-restarted']
        self.assertEqual([(e['FERRY_FILE'], e['FERRY_REASON']) for e in restarted],
                         [('0', 'no-validator')])

    def test_a_worker(self):
        self.serve('c', badserver.hang_body(10000), badserver.normal())
        job = self.submit('c')
        job.wait_bytes(10000)
        self.world.kill_workers()
        entries = self.journal.wait(lambda e: e.get('FERRY_EVENT') == 'worker-failed')
        failed = [e for e in entries if e.get('FERRY_EVENT') == 'worker-failed']
        self.assertEqual(failed[-1]['FERRY_UID'], str(self.client.user.pw_uid))
        self.assertIn('signal 9', failed[-1]['MESSAGE'])
        job.wait_state('transferred')


if __name__ == '__main__':
    cases.main()
