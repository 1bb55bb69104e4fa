#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sleep and shutdown: a checkpoint before, and on from there after."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content  # noqa: E402
from lib.badserver import hang_body, normal  # noqa: E402
from lib.fakes import Logind  # noqa: E402
from lib.process import wait_until  # noqa: E402

SIZE = 400000
CUT = 150000
BOTH = [('shutdown', 'delay'), ('sleep', 'delay')]


class Sleep(cases.WorldCase):
    def setUp(self):
        super().setUp()
        self.needs_root()
        self.logind = Logind(self.world.address)
        self.addCleanup(self.logind.close)
        self.route = self.world.http.add('/file', content.pattern(SIZE, 1), hang_body(CUT),
                                         normal())

    def start_job(self):
        job = self.client.submit([(self.world.http.url('/file'), self.path('got'))])
        job.wait_bytes(CUT)
        wait_until(lambda: self.logind.held() == BOTH, 20, 'the inhibitors')
        return job

    def prepare(self, job, signal):
        self.logind.announce(signal, True)
        wait_until(lambda: not self.logind.held(), 20, 'ferryd to let go')
        self.assertEqual(job.state, 'queued')
        self.assertEqual(job.get('BytesTransferred'), CUT)

    def finish(self, job):
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(self.path('got')), self.route.body)
        self.assertEqual([r.start for r in self.route.requests], [None, CUT])
        self.assertEqual(self.route.sent, SIZE)
        self.assertEqual(job.get('ErrorCount'), 0)

    def test_goes_on_after_sleep(self):
        self.assertEqual(self.logind.held(), [])
        job = self.start_job()
        self.prepare(job, 'PrepareForSleep')
        self.assertEqual(len(self.route.requests), 1)
        self.logind.announce('PrepareForSleep', False)
        self.finish(job)

    def test_power_goes_behind_the_checkpoint(self):
        job = self.start_job()
        self.prepare(job, 'PrepareForShutdown')
        self.world.kill_ferryd()
        self.world.kill_workers()
        self.logind.announce('PrepareForShutdown', False)
        self.world.start_ferryd()
        self.finish(job)


if __name__ == '__main__':
    cases.main()
