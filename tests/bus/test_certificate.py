#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Client certificates against a real Apache: from files and from a token, with passwords given, asked for and wrong."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content, isolate, session  # noqa: E402
from lib.client import ERROR, Job, options  # noqa: E402
from lib.guards import CertificateGuard  # noqa: E402
from lib.terminal import Terminal  # noqa: E402
from lib.uploads import needs  # noqa: E402

PASSWORD = 'Mark-key-x9'
PIN = '987654'
MODULE = '/usr/lib/softhsm/libsofthsm2.so'
CONFIG = '/etc/softhsm/softhsm2.conf'


class CertificateCase(cases.WorldCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not cls.world.root:
            return
        cls.body = content.pattern(500_000, 3)
        tls = cls.world.nginx.tls
        cls.ca = os.path.dirname(tls[0])
        cls.servers = [CertificateGuard.of(cls, tls, versions) for versions in ('TLSv1.3', 'TLSv1.2')]
        cls.optional = CertificateGuard.of(cls, tls, wanted='optional')
        for server in cls.servers:
            content.write(server.file('file'), cls.body)

    def setUp(self):
        self.needs_root()       # only root can have this namespace trust the server
        super().setUp()
        self.user = self.client.user
        self.place = os.path.dirname(self.path('a'))

    def openssl(self, *args):
        subprocess.run(['openssl', *args], check=True, cwd=self.place, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def make(self, name='alice'):
        """name.crt and name.key, and of both name.pem, name.enc.pem and name.p12 with PASSWORD."""
        self.openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', name + '.key', '-out', name + '.csr',
                     '-subj', '/CN=' + name)
        self.openssl('x509', '-req', '-in', name + '.csr', '-CA', self.ca + '/ca.crt', '-CAkey',
                     self.ca + '/ca.key', '-set_serial', '7', '-out', name + '.crt', '-days', '2')
        self.openssl('pkcs8', '-topk8', '-in', name + '.key', '-passout', 'pass:' + PASSWORD, '-out',
                     name + '.enc')
        self.openssl('pkcs12', '-export', '-in', name + '.crt', '-inkey', name + '.key', '-passout',
                     'pass:' + PASSWORD, '-out', name + '.p12')
        for ending, key in (('.pem', '.key'), ('.enc.pem', '.enc')):
            content.write(self.path(name + ending), content.read(self.path(name + '.crt')) +
                          content.read(self.path(name + key)))
        for file in os.listdir(self.place):
            os.chown(self.path(file), self.user.pw_uid, self.user.pw_gid)
            os.chmod(self.path(file), 0o600)

    def job(self, certificate, password=None, server=None, **properties):
        job = self.client.create(**{'NoProgressTimeout': 0, 'ClientCertificate': certificate, **properties})
        job.add_file((server or self.servers[0]).url('file'), self.path('a'))
        if password is not None:
            self.give(job, password)
        job.resume()
        return job

    def give(self, job, password):
        job.call('SetCredentials', '(ssa{sv})', 'certificate', 'password', options({'Password': password}))

    def arrives(self, job):
        job.wait_for(lambda v: v['State'] == 'transferred', what='the file')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(self.path('a')), self.body)
        os.unlink(self.path('a'))

    def refused(self, job, error, words, reasons=()):
        values = job.wait_state('error')
        self.assertEqual(values['Error']['Name'], ERROR + error)
        self.assertIn(words, values['Error']['Message'])
        self.assertEqual(values['WaitReasons'], list(reasons))
        self.assertNotIn(PASSWORD, str(values))
        return values


class Files(CertificateCase):
    def test_files(self):
        self.make()
        for server in self.servers:
            for name, password in (('alice.pem', None), ('alice.enc.pem', PASSWORD), ('alice.p12', PASSWORD)):
                with self.subTest(name=name, server=server.versions):
                    self.arrives(self.job(self.path(name), password, server))

    def test_wrong_password(self):
        """It says so, and goes on with the right one."""
        self.make()
        for name in ('alice.enc.pem', 'alice.p12'):
            for password, words in ((None, 'a key with a password'), ('wrong', 'a key with another password')):
                job = self.job(self.path(name), password)
                self.refused(job, 'AuthenticationFailed', words, ['credentials'])
                self.give(job, PASSWORD)
                self.arrives(job)

    def test_agent(self):
        """Asked for the key's password; told what became of it; asked again when it was wrong."""
        self.make()
        agent = self.world.client(self.user.pw_name)
        self.addCleanup(agent.close)
        agent.become_agent("{'Password': <'%s'>}" % PASSWORD)
        job = self.job(self.path('alice.enc.pem'))
        asked = agent.wait_signal('GetCredentials')[0]
        self.assertIn("'Target': <'certificate'>", str(asked))
        self.arrives(job)
        agent.wait_signal('CredentialsAccepted')

    def test_unusable(self):
        self.make()
        self.refused(self.job(self.path('absent')), 'NoFileAccess', 'No such file')
        self.refused(self.job('/etc/shadow'), 'NoFileAccess', 'Permission denied')
        self.refused(self.job(self.path('alice.crt')), 'TlsError', 'no private key')
        self.refused(self.job('/etc/passwd'), 'TlsError', 'neither in PEM nor in PKCS #12')
        self.refused(self.job('pkcs11:token=nothing'), 'NoFileAccess', 'The token has no such')

    def test_none(self):
        """The server wants one."""
        for server in self.servers:
            self.refused(self.job('', server=server), 'TlsError', 'wants a client certificate')

    def test_of_nobody(self):
        """It says that it is alice's; nobody else says so."""
        self.openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key', '-out', 'crt', '-days',
                     '2', '-subj', '/CN=alice')
        content.write(self.path('both'), content.read(self.path('crt')) + content.read(self.path('key')))
        os.chown(self.path('both'), self.user.pw_uid, self.user.pw_gid)
        for server in self.servers:
            self.refused(self.job(self.path('both'), server=server), 'TlsError',
                         'does not take the client certificate')

    def test_of_somebody_else(self):
        self.make('eve')
        self.refused(self.job(self.path('eve.pem')), 'Forbidden', '403')

    def test_elsewhere(self):
        """A server to which another one leads sees none."""
        self.make()
        job = self.client.create(NoProgressTimeout=0, ClientCertificate=self.path('alice.pem'),
                                 TlsFlags=[])
        url = self.world.nginx.secure_url('away-tls/?port={}'.format(self.servers[0].port))
        job.add_file(url, self.path('a'))
        job.resume()
        self.refused(job, 'TlsError', 'wants a client certificate')

    def test_kept_connection(self):
        """What another server leads here does not go out on it; nor does a job's own on one without."""
        self.make()
        url = self.world.nginx.secure_url('away-tls/?port={}'.format(self.optional.port))
        content.write(self.optional.file('file'), self.body)

        def away():
            job = self.client.create(NoProgressTimeout=0, ClientCertificate=self.path('alice.pem'))
            job.add_file(url, self.path('a'))
            job.resume()
            return job
        self.refused(away(), 'Forbidden', '403')
        self.arrives(self.job(self.path('alice.pem'), server=self.optional))
        self.refused(away(), 'Forbidden', '403')

    def test_nobody_else_uses_the_connection(self):
        self.make()
        self.arrives(self.job(self.path('alice.pem')))
        self.refused(self.job(''), 'TlsError', 'wants a client certificate')

    def test_not_asked_for(self):
        """Who takes one and needs none gets what it asks for, and no more."""
        self.make()
        self.world.nginx.add('file', self.body)
        job = self.client.create(ClientCertificate=self.path('alice.pem'), NoProgressTimeout=0)
        job.add_file(self.world.nginx.secure_url('file'), self.path('a'))
        job.resume()
        self.arrives(job)

    def test_taken(self):
        """With the job goes its certificate."""
        self.make()
        job = self.client.create(ClientCertificate=self.path('alice.pem'))
        root = self.world.client('root')
        self.addCleanup(root.close)
        taken = Job(root, root.manager('TakeOwnership', '(s)', job.id))
        self.assertEqual(taken.get('ClientCertificate'), '')


class Session(CertificateCase):
    """The key's password from the keyring, and from a person at a terminal."""

    def setUp(self):
        super().setUp()
        self.make()
        self.key = self.path('alice.enc.pem')
        self.session = session.Session(self.world, self.user.pw_name)
        self.session.__enter__()
        self.addCleanup(self.session.__exit__)
        self.session.start_keyring()

    def save(self, password, **attributes):
        self.session.save(password, server='localhost', protocol='https', port=str(self.servers[0].port),
                          **attributes)

    def test_keyring(self):
        """It knows the key's password from a login's."""
        self.save('login', user='alice')
        self.save('other', object='/elsewhere', authtype='password')
        self.save(PASSWORD, object=self.key, authtype='password')
        self.session.start_agent()
        self.arrives(self.job(self.key))

    def test_not_in_the_keyring(self):
        self.save('login', user='alice')
        self.save('other', object='/elsewhere', authtype='password')
        self.session.start_agent()
        self.refused(self.job(self.key), 'AuthenticationFailed', 'a key with a password', ['credentials'])

    def test_terminal(self):
        """`ferry get --cert` asks, and has it kept; the next one does not ask."""
        url = self.servers[0].url('file')
        argv = [os.path.join(self.world.build, 'client/ferry'), 'get', '--cert', self.key, url, '-o',
                self.path('a')]
        there = Terminal(self.world, argv, self.user.pw_name, **self.session.env())
        self.addCleanup(there.close)
        there.expect('wants a client certificate, whose key has a password.')
        there.answer('Password of {}: '.format(self.key), 'wrong')
        there.answer('[y/N] ', 'y')
        there.expect('That was not right.')
        there.answer(self.key + ': ', PASSWORD)
        self.assertEqual(there.finish(), 0, there.raw)
        self.assertNotIn(PASSWORD, there.raw)
        self.assertEqual(content.read(self.path('a')), self.body)
        os.unlink(self.path('a'))
        self.session.start_agent()
        self.arrives(self.job(self.key))


class Token(CertificateCase):
    """The key never leaves a token, which wants its PIN."""

    def setUp(self):
        super().setUp()
        needs('softhsm2-util', 'pkcs11-tool')
        self.make()
        tokens = self.path('tokens')
        os.mkdir(tokens)
        os.chown(tokens, self.user.pw_uid, self.user.pw_gid)
        place = os.path.dirname(CONFIG)
        isolate.tmpfs(place)        # root's alone, as it comes
        self.addCleanup(subprocess.run, ['umount', '-l', place], check=False)
        content.write(CONFIG, 'directories.tokendir = {}\n'.format(tokens).encode())
        self.openssl('x509', '-in', 'alice.crt', '-outform', 'der', '-out', 'alice.der')
        self.as_user('softhsm2-util', '--init-token', '--free', '--label', 'ferry', '--pin', PIN, '--so-pin', PIN)
        self.as_user('softhsm2-util', '--import', self.path('alice.key'), '--token', 'ferry', '--label', 'alice',
                     '--id', '01', '--pin', PIN)
        self.as_user('pkcs11-tool', '--module', MODULE, '--token-label', 'ferry', '--login', '--pin', PIN,
                     '--write-object', self.path('alice.der'), '--type', 'cert', '--label', 'alice', '--id', '01')
        self.uri = 'pkcs11:token=ferry;object=alice'
        self.world.kill_workers()       # to whom a token is open stays open

    def as_user(self, *argv):
        done = self.world.run(argv, self.user.pw_name, SOFTHSM2_CONF=CONFIG)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)

    def test_pin(self):
        for server in self.servers:
            self.arrives(self.job(self.uri, PIN, server))

    def test_pin_asked_for(self):
        job = self.job(self.uri)
        self.refused(job, 'AuthenticationFailed', 'wants a PIN', ['credentials'])
        agent = self.world.client(self.user.pw_name)
        self.addCleanup(agent.close)
        agent.become_agent("{'Password': <'%s'>}" % PIN)
        self.arrives(job)

    def test_pin_tried_once(self):
        """A token locks itself when it was wrong too often."""
        job = self.client.create(NoProgressTimeout=0, ClientCertificate=self.uri)
        for number in range(8):
            job.add_file(self.servers[number % 2].url('file?{}'.format(number)), self.path(str(number)))
        self.give(job, '1111')
        job.resume()
        self.refused(job, 'AuthenticationFailed', 'PIN of the client certificate\'s token', ['credentials'])
        # At the other server it is not tried.
        messages = sorted({file['Error']['Message'] for file in job.files()})
        self.assertEqual(len(messages), 2, messages)
        self.assertIn('is wrong', messages[0])
        self.assertIn('was wrong a moment ago', messages[1])
        self.give(job, PIN)
        job.wait_for(lambda v: v['State'] == 'transferred', what='the files')


if __name__ == '__main__':
    cases.main()
