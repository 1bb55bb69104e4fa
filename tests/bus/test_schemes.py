#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each scheme against real servers: right, wrong, changed in the middle; given by the owner, and by an agent."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import badserver, cases, content  # noqa: E402
from lib.client import ERROR, options  # noqa: E402
from lib.guards import ApacheGuard, NtlmGuard  # noqa: E402

SIZE = 2_000_000
# With which of them everybody on the way can read the password, or find it.
SCHEMES = {'basic': True, 'digest': False, 'ntlm': True}
NAMES = {'ntlm': 'FERRY\\alice'}


class Apache(cases.WorldCase):
    """Each over http and https; the agent is asked for what the server offers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.body = content.pattern(SIZE, 3)
        tls = cls.world.nginx.tls
        guards = {'basic': ApacheGuard, 'digest': ApacheGuard, 'ntlm': NtlmGuard}
        cls.guards = [(guards[scheme].of(cls, *way), scheme) for scheme in SCHEMES for way in ((), (tls,))]
        for server, _ in cls.guards:
            content.write(server.file('file'), cls.body)

    def setUp(self):
        super().setUp()
        for server, _ in self.guards:
            server.let_in('alice', 'sesame')

    def cells(self):
        """(server, scheme, whether a password goes over plain http)"""
        for server, scheme in self.guards:
            plain = server.tls is None and SCHEMES[scheme]
            with self.subTest(scheme=scheme, https=server.tls is not None):
                yield server, scheme, plain

    def job(self, server, scheme):
        job = self.client.create()
        job.add_file(server.url(scheme + '/file'), self.path('a'))
        return job

    def give(self, job, scheme, password, plain):
        job.call('SetCredentials', '(ssa{sv})', 'server', scheme, options(
            {'UserName': NAMES.get(scheme, 'alice'), 'Password': password, 'AllowHttp': plain}))

    def arrives(self, job):
        job.wait_for(lambda v: v['State'] == 'transferred', what='the file')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(self.path('a')), self.body)
        os.unlink(self.path('a'))

    def refused(self, job, status=401):
        values = job.wait_state('error')
        self.assertEqual(values['Error']['Name'], ERROR + 'AuthenticationFailed')
        self.assertEqual(values['Error'].get('HttpStatus', 0), status)
        self.assertEqual(values['WaitReasons'], ['credentials'])

    def test_right(self):
        for server, scheme, plain in self.cells():
            job = self.job(server, scheme)
            self.give(job, scheme, 'sesame', plain)
            job.resume()
            self.arrives(job)

    def test_wrong(self):
        """It says so, and goes on with the right one."""
        for server, scheme, plain in self.cells():
            job = self.job(server, scheme)
            self.give(job, scheme, 'wrong', plain)
            job.resume()
            self.refused(job)
            self.give(job, scheme, 'sesame', plain)
            self.arrives(job)

    def test_not_allowed(self):
        """A password is not for everybody on the way."""
        for server, scheme, plain in self.cells():
            if plain:
                job = self.job(server, scheme)
                self.give(job, scheme, 'sesame', False)
                job.resume()
                self.refused(job, 0)
                job.cancel()

    def test_elsewhere(self):
        """A server to which another one leads is told nothing, whatever it asks for, and not by whom."""
        for server, scheme, plain in self.cells():
            if server.tls is not None:
                continue
            asks = badserver.status(401, headers=[('WWW-Authenticate', '{} realm="x", nonce="y"'.format(
                scheme.capitalize()) if scheme != 'ntlm' else 'NTLM')])
            target = self.world.http.add('/target-' + scheme, b'x').then(asks)
            home = self.world.http.add('/home-' + scheme, b'x').then(
                badserver.redirect(self.world.http.url('/target-' + scheme).replace('127.0.0.1', 'localhost')))
            job = self.client.create(NoProgressTimeout=0)
            job.add_file(self.world.http.url('/home-' + scheme), self.path('b'))
            self.give(job, scheme, 'sesame', True)
            job.resume()
            self.refused(job)
            self.assertEqual(len(home.requests), 1)
            self.assertEqual([r.get('Authorization') for r in target.requests], [None])

    def test_many_files(self):
        """A wrong password is not tried with each file of a job: accounts lock."""
        route = self.world.http.add('/many', b'x').then(badserver.guarded('alice', 'sesame'))
        job = self.client.create(NoProgressTimeout=0)
        for number in range(40):
            job.add_file(self.world.http.url('/many'), self.path('m{}'.format(number)))
        job.add_file(self.world.nginx.url('open'), self.path('open'))
        self.world.nginx.add('open', self.body)
        self.give(job, 'basic', 'wrong', True)
        job.resume()
        self.refused(job)
        self.assertLess(len(route.requests), 10)
        self.assertEqual({f['State'] for f in job.files()[:40]}, {'failed'})
        self.assertEqual(job.files()[40]['State'], 'transferred')
        self.give(job, 'basic', 'sesame', True)
        job.wait_for(lambda v: v['State'] == 'transferred', what='the files')

    def test_odd_challenge(self):
        """A server that asks again and again hears one answer."""
        asks = badserver.status(401, headers=[('WWW-Authenticate', 'NTLM')])
        route = self.world.http.add('/odd', b'x').then(asks)
        job = self.client.create(NoProgressTimeout=600)
        job.add_file(self.world.http.url('/odd'), self.path('b'))
        self.give(job, 'ntlm', 'sesame', True)
        job.resume()
        self.refused(job)
        self.assertLessEqual(len(route.requests), 3)

    def test_password_beyond_ascii(self):
        server = [s for s, scheme in self.guards if scheme == 'ntlm' and s.tls is not None][0]
        job = self.job(server, 'ntlm')
        self.give(job, 'ntlm', 's\u00e9same', False)
        job.resume()
        self.refused(job, 0)

    def test_changed(self):
        for server, scheme, plain in self.cells():
            server.let_in('alice', 'sesame')
            job = self.job(server, scheme)
            self.give(job, scheme, 'sesame', plain)
            job.resume()
            job.wait_for(lambda v: v['State'] == 'transferred', what='the file')
            server.stop()       # by NTLM a connection stays open to who was let in
            server.let_in('alice', 'another')
            server.start()
            job.call('SetFileValid', '(ub)', 0, False)
            job.resume()
            self.refused(job)
            self.give(job, scheme, 'another', plain)
            self.arrives(job)

    def test_agent(self):
        for server, scheme, plain in self.cells():
            agent = self.world.client(self.client.user.pw_name)
            try:
                agent.become_agent("{{'UserName': <{!r}>, 'Password': <'sesame'>, 'AllowHttp': <{}>}}"
                                   .format(NAMES.get(scheme, 'alice'), str(plain).lower()))
                job = self.job(server, scheme)
                job.resume()
                self.arrives(job)
                agent.wait_signal('CredentialsAccepted')
            finally:
                agent.close()


if __name__ == '__main__':
    cases.main()
