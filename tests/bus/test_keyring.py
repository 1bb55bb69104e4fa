#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a password in the real keyring, by ferry-agent and ferryd, to a guarded server: nobody types anything."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import badserver, cases, content  # noqa: E402
from lib.client import ERROR  # noqa: E402
from lib.session import Session  # noqa: E402

SIZE = 300000


class KeyringCase(cases.WorldCase):
    """A session with its keyring, and an agent in it."""

    def setUp(self):
        super().setUp()
        self.needs_root()
        self.session = Session(self.world, self.user)
        self.session.__enter__()
        self.addCleanup(self.session.__exit__)
        self.session.start_keyring()

    def guard(self, *passwords, **how):
        """A file that each next request needs the next password for; the last one stays."""
        route = self.world.http.add('/guarded', content.pattern(SIZE, 1))
        guards = [badserver.guarded('alice', password, **how) for password in passwords]
        route.then(*guards, *guards[-1:] * 20)
        return route

    def save(self, password):
        self.session.save(password, user='alice', server='127.0.0.1', protocol='http',
                          port=str(self.world.http.port))

    def download(self):
        return self.client.submit([(self.world.http.url('/guarded'), self.path('a'))])

    def arrives(self, job):
        job.wait_for(lambda v: v['State'] == 'transferred', what='the file')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(self.path('a')), content.pattern(SIZE, 1))

    def waits(self, job):
        values = job.wait_state('error')
        self.assertEqual(values['Error']['Name'], ERROR + 'AuthenticationFailed')
        self.assertEqual(values['WaitReasons'], ['credentials'])


class Saved(KeyringCase):
    def test_open(self):
        self.guard('sesame')
        self.save('sesame')
        self.session.start_agent()
        self.arrives(self.download())

    def test_agent_comes_later(self):
        self.guard('sesame')
        self.save('sesame')
        job = self.download()
        self.waits(job)
        self.session.start_agent()
        self.arrives(job)

    def test_locked(self):
        """It waits, and says so; once the keyring is open it goes on."""
        self.guard('sesame')
        self.save('sesame')
        self.session.lock()
        self.session.start_agent()
        job = self.download()
        self.waits(job)
        self.session.keyring.kill()
        self.session.start_keyring()
        self.arrives(job)

    def test_login(self):
        """What `ferry login` saves lets a job go on that waits."""
        self.guard('sesame')
        self.session.start_agent()
        job = self.download()
        self.waits(job)
        done = self.session.run([os.path.join(self.world.build, 'client/ferry'), 'login',
                                 self.world.http.url('/'), '--user', 'alice', '--password-file',
                                 '-'], 'sesame\n')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.arrives(job)

    def test_restart_in_the_middle(self):
        route = self.guard('sesame', rate=100000)
        self.save('sesame')
        self.session.start_agent()
        job = self.download()
        job.wait_bytes(50000)
        self.world.kill_workers()
        self.world.kill_ferryd()
        route.then(*[badserver.guarded('alice', 'sesame')] * 20)
        self.world.start_ferryd()
        self.arrives(job)

    def test_wrong(self):
        """What is rejected is not tried again and again."""
        route = self.guard('sesame')
        self.save('wrong')
        self.session.start_agent()
        self.waits(self.download())
        self.assertEqual([r.get('Authorization') is None for r in route.requests], [True, False])


if __name__ == '__main__':
    cases.main()
