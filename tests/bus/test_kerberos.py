#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Scheme negotiate against a real KDC and Apache: the user's own ticket, or a name and a password."""

import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content, isolate  # noqa: E402
from lib.client import ERROR, options  # noqa: E402
from lib.guards import KerberosGuard  # noqa: E402
from lib.kerberos import Realm  # noqa: E402
from lib.process import wait_until  # noqa: E402
from lib.proxies import Squid  # noqa: E402


class Kerberos(cases.WorldCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not cls.world.root:
            return
        cls.body = content.pattern(500_000, 3)
        cls.realm = Realm(cls.world)
        cls.realm.set_password('eve', 'evil')
        cls.servers = [KerberosGuard.of(cls, cls.realm),
                       KerberosGuard.of(cls, cls.realm, cls.world.nginx.tls)]
        for server in cls.servers:
            content.write(server.file('file'), cls.body)

    def setUp(self):
        self.needs_root()       # only root can have this namespace know the realm
        super().setUp()
        self.world.kill_workers()       # what was refused is not tried again at once
        self.realm.set_password('alice', 'sesame')
        self.user = self.client.user
        self.tickets = os.path.join(self.realm.tickets, str(self.user.pw_uid))
        self.addCleanup(self.logout)

    def logout(self):
        if os.path.exists(self.tickets):
            os.unlink(self.tickets)

    def login(self, name='alice', password='sesame'):
        self.realm.login(self.user.pw_name, name, password)

    def job(self, server, given=None, **properties):
        """A running one; `given` is what SetCredentials gets."""
        job = self.client.create(**{'NoProgressTimeout': 0, **properties})
        job.add_file(server.url('file', 'localhost'), self.path('a'))
        if given is not None:
            self.give(job, **given)
        job.resume()
        return job

    def give(self, job, **given):
        job.call('SetCredentials', '(ssa{sv})', 'server', 'negotiate', options(given))

    def arrives(self, job):
        job.wait_for(lambda v: v['State'] == 'transferred', what='the file')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(self.path('a')), self.body)
        os.unlink(self.path('a'))

    def refused(self, job, *words, status=0, reason='credentials'):
        values = job.wait_state('error')
        self.assertEqual(values['Error']['Name'], ERROR + 'AuthenticationFailed')
        self.assertEqual(values['Error'].get('HttpStatus', 0), status)
        for word in words:
            self.assertIn(word, values['Error']['Message'])
        self.assertEqual(values['WaitReasons'], [reason])
        return values

    def test_ticket_given(self):
        """The job says so: over plain http too."""
        self.login()
        for server in self.servers:
            self.arrives(self.job(server, {}))

    def test_ticket_asked_for(self):
        """His own, where he told nothing: over https only, and it survives ferryd."""
        self.login()
        self.arrives(self.job(self.servers[1]))
        self.refused(self.job(self.servers[0]), '401', 'only sent over https', status=401)

    def test_not_for_others(self):
        """Who chose the URL is somebody else."""
        self.login()
        self.refused(self.job(self.servers[1], RedirectPolicy='report'), '401', status=401)

    def test_redirected(self):
        """Elsewhere nothing is proved, though the server asks."""
        self.login()
        url = self.world.nginx.url('away/?port={}'.format(self.servers[0].port))
        job = self.client.create(NoProgressTimeout=0)
        job.add_file(url.replace('127.0.0.1', 'localhost'), self.path('a'))
        self.give(job)
        job.resume()
        self.refused(job, '401', status=401)

    def test_name_of_another(self):
        """DNS says that a host is another one: there is no ticket to that one for it."""
        if not os.path.exists('/etc/hosts'):
            self.skipTest('this machine has no /etc/hosts that could be another')
        hosts = os.path.join(self.world.dir, 'hosts')
        content.write(hosts, b'127.0.0.1 localhost evil.ferry.test\n')
        os.chmod(hosts, 0o644)
        isolate.bind(hosts, '/etc/hosts')
        self.addCleanup(subprocess.run, ['umount', '-l', '/etc/hosts'], check=False)
        self.login()
        self.arrives(self.job(self.servers[0], {}))
        job = self.client.create(NoProgressTimeout=0)
        job.add_file(self.servers[0].url('file', 'evil.ferry.test'), self.path('a'))
        self.give(job)
        job.resume()
        self.refused(job, 'HTTP/evil.ferry.test')

    def test_kept_connection(self):
        """What another server leads here is not taken for the user's on a connection of his."""
        self.login()
        self.arrives(self.job(self.servers[1], {}))
        url = self.world.nginx.secure_url('away-tls/?port={}'.format(self.servers[1].port))
        job = self.client.create(NoProgressTimeout=0)
        job.add_file(url, self.path('a'))
        job.resume()
        self.refused(job, '401', status=401)

    def test_expired(self):
        """A ticket that is of no use does not hide one that is."""
        self.realm.login(self.user.pw_name, 'alice', 'sesame', self.tickets, '1s')
        wait_until(lambda: self.realm.is_expired(self.tickets), 20, 'its end')
        path = '/tmp/krb5cc_{}_ferry{}'.format(self.user.pw_uid, os.getpid())
        self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))
        self.refused(self.job(self.servers[1]), 'Kerberos has no ticket', status=401)
        self.realm.login(self.user.pw_name, 'alice', 'sesame', path)
        self.arrives(self.job(self.servers[1]))

    def test_many_files(self):
        """A wrong password is tried once: accounts lock."""
        job = self.client.create(NoProgressTimeout=0)
        for number in range(8):
            job.add_file(self.servers[0].url('file?{}'.format(number), 'localhost'), self.path(str(number)))
        before = self.realm.failures()
        self.give(job, UserName='alice', Password='wrong')
        job.resume()
        self.refused(job, 'Kerberos has no ticket')
        self.assertEqual(self.realm.failures() - before, 1)

    def test_without(self):
        self.refused(self.job(self.servers[0], {}), 'Kerberos has no ticket')
        job = self.job(self.servers[1])
        self.refused(job, '401', 'Kerberos has no ticket', status=401)
        self.login()
        job.resume()
        self.arrives(job)

    def test_somebody_else(self):
        self.login('eve', 'evil')
        self.refused(self.job(self.servers[1], {}), status=401)

    def test_of_a_login(self):
        """pam_krb5 and sssd choose a new name for each login; what others put there is overlooked."""
        path = '/tmp/krb5cc_{}_ferry{}'.format(self.user.pw_uid, os.getpid())
        self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))
        self.realm.login(self.user.pw_name, 'alice', 'sesame', path)
        self.arrives(self.job(self.servers[1]))
        os.chmod(path, 0o644)
        self.refused(self.job(self.servers[1]), 'Kerberos has no ticket', status=401)

    def test_password(self):
        for server in self.servers:
            self.arrives(self.job(server, {'UserName': 'alice', 'Password': 'sesame'}))
            job = self.job(server, {'UserName': 'alice', 'Password': 'wrong'})
            self.refused(job, 'Kerberos has no ticket')
            self.give(job, UserName='alice', Password='sesame')
            self.arrives(job)
            self.refused(self.job(server, {'UserName': 'nobody', 'Password': 'x'}),
                         'Kerberos has no ticket')

    def test_password_changed(self):
        server = self.servers[1]
        job = self.job(server, {'UserName': 'alice', 'Password': 'sesame'})
        job.wait_for(lambda v: v['State'] == 'transferred', what='the file')
        self.realm.set_password('alice', 'another')
        job.call('SetFileValid', '(ub)', 0, False)
        job.resume()
        self.refused(job, 'Kerberos has no ticket')
        self.give(job, UserName='alice', Password='another')
        self.arrives(job)

    def test_agent(self):
        """Asked where there is no ticket."""
        agent = self.world.client(self.user.pw_name)
        self.addCleanup(agent.close)
        agent.become_agent("{'UserName': <'alice'>, 'Password': <'sesame'>}")
        self.arrives(self.job(self.servers[0]))
        agent.wait_signal('CredentialsAccepted')

    def test_kdc_away(self):
        """That can pass, whoever wanted the ticket."""
        self.login()
        for given in ({}, None, {'UserName': 'alice', 'Password': 'sesame'}):
            with self.subTest(given=given):
                self.realm.kdc.kill()
                self.addCleanup(self.realm.start)
                job = self.job(self.servers[1], given, NoProgressTimeout=600)
                values = job.wait_state('transient-error')
                self.assertEqual(values['Error']['Name'], ERROR + 'ConnectFailed')
                self.assertIn('Kerberos does not answer', values['Error']['Message'])
                self.realm.start()
                job.resume()
                self.arrives(job)
                self.logout()
                self.login()

    def test_kdc_silent(self):
        """Nobody waits with it: the job stops while Kerberos' library still does."""
        self.realm.kdc.kill()
        self.addCleanup(self.realm.start)
        with socket.create_server(('127.0.0.1', self.realm.port)) as silent:
            job = self.job(self.servers[1], {'UserName': 'alice', 'Password': 'sesame'})
            connection = silent.accept()[0]
            with connection:
                job.call('Suspend')
                job.wait_state('suspended')
                wait_until(lambda: connection.recv(65536, socket.MSG_DONTWAIT), 10, 'its question')
                self.assertRaises(BlockingIOError, connection.recv, 1, socket.MSG_DONTWAIT)
        self.realm.start()
        job.resume()
        self.arrives(job)

    def test_ferryd_killed(self):
        """In mid-job: what was given is gone, the ticket is there."""
        self.login()
        job = self.job(self.servers[1])
        job.wait_for(lambda v: v['State'] == 'transferred', what='the file')
        job.call('SetFileValid', '(ub)', 0, False)
        self.world.kill_ferryd()
        self.world.start_ferryd()
        job.resume()
        self.arrives(job)

    def test_proxy(self):
        """Squid wants a ticket, before a tunnel too; without one it says so."""
        squid = Squid.of(self, keytab=self.realm.keytab)
        proxy = {'ProxyUsage': 'override', 'ProxyUri': 'http://localhost:{}'.format(squid.port)}
        self.world.nginx.add('file', self.body)

        def job(url, given):
            job = self.client.create(NoProgressTimeout=0, **proxy)
            job.add_file(url, self.path('a'))
            if given is not None:
                job.call('SetCredentials', '(ssa{sv})', 'proxy', 'negotiate', options(given))
            job.resume()
            return job
        for url in (self.world.nginx.url('file'), self.world.nginx.secure_url('file')):
            with self.subTest(url=url):
                self.refused(job(url, {}), 'Kerberos has no ticket', status=407)
                self.login()
                self.refused(job(url, None), 'localhost:{}'.format(squid.port), '407', status=407)
                self.arrives(job(url, {}))
                self.logout()
                self.arrives(job(url, {'UserName': 'alice', 'Password': 'sesame'}))
        self.assertIn('alice@FERRY.TEST', squid.served())

    def test_kdc_away_from_proxy(self):
        """That can pass, too."""
        squid = Squid.of(self, keytab=self.realm.keytab)
        self.world.nginx.add('file', self.body)
        for url in (self.world.nginx.url('file'), self.world.nginx.secure_url('file')):
            with self.subTest(url=url):
                self.logout()
                self.login()
                self.realm.kdc.kill()
                self.addCleanup(self.realm.start)
                job = self.client.create(ProxyUsage='override',
                                         ProxyUri='http://localhost:{}'.format(squid.port))
                job.add_file(url, self.path('a'))
                job.call('SetCredentials', '(ssa{sv})', 'proxy', 'negotiate', options({}))
                job.resume()
                values = job.wait_state('transient-error')
                self.assertEqual(values['Error']['Name'], ERROR + 'ConnectFailed')
                self.assertIn('Kerberos does not answer', values['Error']['Message'])
                self.realm.start()
                job.resume()
                self.arrives(job)

    def test_no_trace(self):
        """The server's proof is in no property."""
        self.login()
        job = self.job(self.servers[1])
        job.wait_for(lambda v: v['State'] == 'transferred', what='the file')
        headers = job.file()['ResponseHeaders']
        self.assertTrue(headers)
        self.assertFalse([h for h in headers if 'Negotiate' in h])
        job.cancel()


if __name__ == '__main__':
    cases.main()
