#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`ferry` on a terminal asks for the login that a job wants: real servers, a real proxy, a real keyring."""

import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import badserver, cases, content  # noqa: E402
from lib.cli import trickle  # noqa: E402
from lib.client import ERROR, NAME, Job, options  # noqa: E402
from lib.guards import ApacheGuard  # noqa: E402
from lib.process import wait_until  # noqa: E402
from lib.proxies import Tinyproxy  # noqa: E402
from lib.session import Session  # noqa: E402
from lib.terminal import Terminal  # noqa: E402
from lib.uploads import NginxDav  # noqa: E402

SECRET = 'sesame-x7'
SIZE = 300_000


class TerminalCase(cases.WorldCase):
    """/basic/ and /digest/ of Apache over https and plain http, for alice."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.body = content.pattern(SIZE, 3)
        cls.secure = ApacheGuard.of(cls, cls.world.nginx.tls)
        cls.plain = ApacheGuard.of(cls)
        for server in (cls.secure, cls.plain):
            for name in ('file', 'other'):
                content.write(server.file(name), cls.body)

    def setUp(self):
        self.needs_root()       # only root can have this namespace trust the server
        super().setUp()
        for server in (self.secure, self.plain):
            server.let_in('alice', SECRET)
        # Its connection ends what a case leaves behind.
        self.assertTrue(self.client.unique_name)

    @property
    def program(self):
        return os.path.join(self.world.build, 'client/ferry')

    def terminal(self, *args, **popen):
        return self.run_there([self.program, *args], **popen)

    def run_there(self, argv, **popen):
        there = Terminal(self.world, argv, self.user, **popen)
        self.addCleanup(there.close)
        return there

    def get(self, *urls, **popen):
        return self.terminal('get', *(urls or [self.url()]), '-d', self.home, **popen)

    def url(self, name='basic/file'):
        return self.secure.url(name)

    @property
    def place(self):
        return 'localhost:{} (https, "guarded")'.format(self.secure.port)

    def login(self, there, password=SECRET, user='alice'):
        there.answer('User name: ', user)
        there.wait_echo(False)
        there.answer('Password: ', password)

    def ends(self, there, status=0):
        self.assertEqual(there.finish(), status, there.lines)
        self.assertTrue(there.unchanged(), 'the terminal is not as it was')
        self.assertNotIn(SECRET, there.raw)

    def arrived(self, name='file'):
        self.assertEqual(content.read(self.path(name)), self.body)

    def find(self, state='error'):
        """The one job in that state."""
        def found():
            return [Job(self.client, path) for path in self.client.manager(
                'ListJobs', '(a{sv})', options({'States': [state]}))]
        wait_until(found, 30, 'a job in ' + state)
        return found()[0]


class Asked(TerminalCase):
    def test_right(self):
        for scheme in ('basic', 'digest'):
            with self.subTest(scheme=scheme):
                there = self.get(self.url(scheme + '/file'))
                self.login(there)
                self.ends(there)
                self.arrived()
                lines = [line for line in there.lines if line]
                self.assertEqual(lines[:3], [self.place + ' wants a login.', 'User name: alice',
                                             'Password:'])
                self.assertRegex(lines[3], r'^file +300.0 kB in')
                self.assertEqual(lines[4:], [self.path('file')])
                os.unlink(self.path('file'))

    def test_wrong_then_right(self):
        there = self.get()
        self.login(there, 'wrong')
        there.expect('That was not right. ' + self.place + ' wants a login.')
        there.answer('User name [alice]: ', '')
        there.answer('Password: ', SECRET)
        self.ends(there)
        self.arrived()

    def test_three_wrong(self):
        there = self.get()
        self.login(there, 'wrong1')
        for number in (2, 3):
            there.answer('User name [alice]: ', '')
            there.answer('Password: ', 'wrong{}'.format(number))
        self.ends(there, 1)
        self.assertIn('ferry: AuthenticationFailed: The server answered 401 Unauthorized',
                      there.lines)
        self.assertNotIn('wrong', there.raw)

    def test_dismissed(self):
        for typed in ('\n', '\x04', 'alice\n\x04'):
            with self.subTest(typed=typed):
                there = self.get()
                there.expect('User name: ')
                there.type(typed[:-1] if len(typed) > 1 else typed)
                if len(typed) > 1:
                    there.expect('Password: ')
                    there.type(typed[-1])
                self.ends(there, 1)
                self.assertIn('AuthenticationFailed', there.lines[-2])

    def test_odd_names(self):
        there = self.get()
        there.answer('User name: ', 'alice:x')
        there.expect('That is no user name: it must be text without a colon.')
        self.login(there)
        self.ends(there)

    def test_put(self):
        source = self.path('source')
        content.write(source, b'x' * 1000)
        os.chmod(source, 0o644)
        server = NginxDav.of(self, tls=self.world.nginx.tls,
                             guard=self.world.nginx.set_password('alice', SECRET))
        there = self.terminal('put', source, server.url('up/new'), '--protocol', 'put')
        self.login(there)
        self.ends(there)
        self.assertEqual(content.read(server.file('up/new')), b'x' * 1000)

    def test_token(self):
        """Only tokens are taken, and over plain http at that."""
        refuse = badserver.status(401, headers=[('WWW-Authenticate', 'Bearer realm="api"')])

        def behave(route, request, stream):
            right = request.get('Authorization') == 'Bearer ' + SECRET
            (badserver.normal() if right else refuse)(route, request, stream)
        self.world.http.add('/api', self.body, *[behave] * 10)
        for token, status in (('', 1), (SECRET, 0)):
            there = self.get(self.world.http.url('/api'))
            there.expect('127.0.0.1:{} (http, "api") wants a token.'.format(self.world.http.port))
            there.answer('Go on? [y/N] ', 'y')
            there.wait_echo(False)
            there.answer('Token: ', token)
            self.ends(there, status)
        self.arrived('api')

    def test_over_plain_http(self):
        url = self.plain.url('basic/file')
        words = 'It is sent unencrypted: everybody on the way could read it. Go on? [y/N] '
        there = self.get(url)
        there.answer(words, '')
        self.ends(there, 1)
        self.assertNotIn('User name', there.raw)
        there = self.get(url)
        there.answer(words, 'y')
        self.login(there)
        self.ends(there)
        self.arrived()
        os.unlink(self.path('file'))
        # A digest tells nobody.
        there = self.get(self.plain.url('digest/file'))
        self.login(there)
        self.ends(there)
        self.assertNotIn('unencrypted', there.raw)

    def test_proxy(self):
        proxy = Tinyproxy.of(self, ('alice', SECRET))
        there = self.get(self.world.nginx.url('file'), http_proxy='http://' + proxy.address)
        self.world.nginx.add('file', self.body)
        there.expect('The proxy {} (http'.format(proxy.address))
        self.login(there)
        self.ends(there)
        self.arrived()

    def test_several_files(self):
        """One place is asked for once, as other programs do."""
        there = self.get(self.url(), self.url('basic/other'))
        self.login(there, 'wrong')
        there.answer('User name [alice]: ', '')
        there.answer('Password: ', SECRET)
        self.ends(there)
        self.assertEqual(there.raw.count('Password: '), 2)
        self.arrived()
        self.arrived('other')

    def test_others_wait_with_their_words(self):
        """Nothing is written into a question."""
        event = threading.Event()
        self.addCleanup(event.set)
        self.world.http.add('/held', self.body, trickle(event))
        there = self.get(self.url(), self.world.http.url('/held'), stdout=subprocess.PIPE)
        self.addCleanup(there.child.stdout.close)
        there.expect('User name: ')
        before = len(there.raw)
        event.set()
        # What goes elsewhere does not wait, and tells that the rest was to be said.
        self.assertEqual(there.child.stdout.readline(), self.path('held') + '\n')
        there.type('alice\n')
        there.expect('Password: ')
        self.assertEqual(there.raw[before:], 'alice\r\nPassword: ')
        there.type(SECRET + '\n')
        self.ends(there)
        self.arrived()
        self.arrived('held')
        names = [line.split()[0] for line in there.lines if '300.0 kB in' in line]
        self.assertEqual(names, ['held', 'file'])

    def test_wait_for_one_that_failed(self):
        for command in ('wait', 'watch'):
            with self.subTest(command=command):
                job = self.client.submit([(self.url(), self.path(command))], AutoComplete=True)
                job.wait_state('error')
                there = self.terminal(command, job.id)
                self.login(there)
                self.ends(there)
                self.arrived(command)


class Interrupted(TerminalCase):
    def test_by_the_person(self):
        """The job stays in the service, and asks again where somebody attends it."""
        for question in ('User name: ', 'Password: '):
            with self.subTest(question=question):
                there = self.get()
                if question == 'Password: ':
                    there.answer('User name: ', 'alice')
                there.expect(question)
                there.type('half\x03')
                self.ends(there, 130)
                self.assertIn('ferry: Interrupted: job ', there.raw)
                job = self.find()
                there = self.terminal('wait', job.id)
                self.login(there)
                self.ends(there)
                self.arrived()
                os.unlink(self.path('file'))

    def test_by_a_timeout(self):
        there = self.get(self.url(), '--timeout', '2')
        there.expect('User name: ')
        self.ends(there, 6)

    def shell(self, after='', program=('bash', '--norc', '--noediting')):
        """One with job control, that was told to get the file."""
        there = self.run_there([*program, '-i'], PS1='sh> ', HOME=self.home)
        there.answer('sh> ', '{} get {} -d {}{}'.format(self.program, self.url(), self.home, after))
        return there

    def test_in_the_background(self):
        """The terminal is somebody else's: it does not ask, and says what to do."""
        there = self.shell(' &')
        there.expect('ferry login URL')
        there.type('\n')
        there.expect('sh> ')
        there.type('exit\n')
        there.finish()
        self.assertNotIn('User name', there.raw)

    def test_stopped_and_ended(self):
        there = self.shell()
        there.answer('User name: ', 'alice')
        there.expect('Password: ')
        there.type('\x1a')
        there.expect('Stopped')
        there.answer('sh> ', 'kill %1')
        there.expect('ferry: Interrupted: job ')
        there.wait_echo(True)

    def test_stopped_and_continued(self):
        """By ^Z, in a shell: the terminal is the shell's meanwhile, and asks again after."""
        # It leaves the terminal as it finds it.
        there = self.shell(program=['dash'])
        there.answer('User name: ', 'alice')
        there.expect('Password: ')
        there.wait_echo(False)
        there.type('\x1a')
        there.expect('Stopped')
        there.expect('sh> ')
        there.wait_echo(True)
        there.type('fg\n')
        there.expect('Password: ')
        there.wait_echo(False)
        there.type(SECRET + '\n')
        there.expect(self.path('file'))
        there.answer('sh> ', 'exit')
        there.finish()
        self.assertNotIn(SECRET, there.raw)
        self.arrived()

    def test_killed(self):
        """What nobody handles leaves no terminal without echo."""
        there = self.get()
        there.answer('User name: ', 'alice')
        there.expect('Password: ')
        there.wait_echo(False)
        there.type('\x1c')      # ^\
        there.finish()
        self.assertTrue(there.echoes)

    def test_given_by_another_program(self):
        there = self.get()
        there.answer('User name: ', 'alice')
        there.expect('Password: ')
        there.type('half')
        job = self.find('transient-error')
        job.call('SetCredentials', '(ssa{sv})', 'server', 'basic',
                 options({'UserName': 'alice', 'Password': SECRET}))
        there.expect('Not needed any more.')
        self.ends(there)
        self.arrived()

    def test_cancelled_by_another_program(self):
        there = self.get()
        there.expect('User name: ')
        self.find('transient-error').cancel()
        there.expect('Not needed any more.')
        self.ends(there, 1)

    def test_service_restarted(self):
        there = self.get()
        there.answer('User name: ', 'alice')
        there.expect('Password: ')
        self.world.restart_ferryd()
        there.expect('The service went away; it asks again when it is back.')
        self.login(there)
        self.ends(there)
        self.arrived()


class Nobody(TerminalCase):
    """Who is not asked."""

    def fails(self, done):
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn('AuthenticationFailed', done.stderr)
        self.assertNotIn('User name', done.stdout + done.stderr)
        self.assertIn('ferry login URL', done.stderr)

    def test_without_a_terminal(self):
        self.fails(self.world.ferry('get', self.url(), '-d', self.home, user=self.user))
        job = self.client.submit([(self.url(), self.path('file'))])
        job.wait_state('error')
        self.fails(self.world.ferry('wait', job.id, user=self.user))
        there = self.get(stdin=subprocess.DEVNULL)
        self.ends(there, 1)
        self.assertNotIn('User name', there.raw)
        self.assertIn('ferry login', there.raw)

    def test_json_and_detach(self):
        there = self.get(self.url(), '--json')
        self.ends(there, 1)
        self.assertNotIn('User name', there.raw)
        there = self.get(self.url(), '--detach')
        self.ends(there)
        self.find()
        self.assertNotIn('User name', there.raw)

    def test_one_agent_too_many(self):
        """The service does not take it: that is no failure of its own."""
        agent = self.world.client(self.user)
        self.addCleanup(agent.close)
        agent.become_agent(ERROR + 'NotFound')
        for number in range(7):
            agent.register_agent('/agent/{}'.format(number))
        there = self.get()
        self.ends(there, 1)
        self.assertNotIn('User name', there.raw)
        self.assertIn('ferry login URL', there.raw)
        self.assertNotIn('LimitsExceeded', there.raw)

    def test_for_another_job(self):
        """Of the same user, by somebody else: it fails, and nobody hears of it here."""
        there = self.get()
        there.expect('User name: ')
        other = self.client.submit([(self.url('basic/other'), self.path('other'))])
        values = other.wait_state('error')
        self.assertEqual(values['WaitReasons'], ['credentials'])
        there.type('alice\n')
        there.answer('Password: ', SECRET)
        self.ends(there)
        self.assertEqual(there.raw.count('wants a login'), 1)
        self.assertEqual(other.get('State'), 'error')

    def test_while_watching_all(self):
        there = self.terminal('watch')
        job = self.client.submit([(self.url(), self.path('file'))])
        job.wait_state('error')
        there.expect('waits: credentials')
        there.type('\x03')
        there.finish()
        self.assertNotIn('User name', there.raw)

    def test_strangers_are_refused(self):
        """Only the service may ask."""
        there = self.get()
        there.expect('User name: ')
        stranger = self.world.client('ferry')
        self.addCleanup(stranger.close)
        names = [name for name in self.client.call(
            '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'ListNames',
            destination='org.freedesktop.DBus') if name.startswith(':')]
        refused = []
        for name in names:
            error = stranger.error('/org/ferry/Transfer1/SecretAgent', NAME + '.SecretAgent',
                                   'GetCredentials', '(sa{sv})', 'r', options(dict(
                                       Scheme='https', Host='h', Port=443, AuthSchemes=['basic'],
                                       Interactive=True)), destination=name)
            refused.append('Only the owner' in error.message)
        self.assertEqual(refused.count(True), 1)
        there.type('\x03')
        self.ends(there, 130)


class Kept(TerminalCase):
    """With a session's keyring."""

    KEEP = 'Keep it in the keyring for next time? [y/N] '

    def setUp(self):
        super().setUp()
        self.session = Session(self.world, self.user)
        self.session.__enter__()
        self.addCleanup(self.session.__exit__)
        self.session.start_keyring()

    def get(self, *urls, **popen):
        return super().get(*urls, **self.session.env(**popen))

    def saved(self, user='alice'):
        return self.session.saved(user=user, server='localhost', port=str(self.secure.port),
                                  protocol='https', domain='guarded')

    def test_wished(self):
        there = self.get()
        self.login(there)
        there.answer(self.KEEP, 'y')
        self.ends(there)
        self.assertEqual(self.saved(), SECRET)

    def test_not_wished(self):
        there = self.get()
        self.login(there)
        there.answer(self.KEEP, '')
        self.ends(there)
        self.assertIsNone(self.saved())

    def test_only_what_was_right(self):
        there = self.get()
        self.login(there, 'wrong')
        there.answer(self.KEEP, 'y')
        there.answer('User name [alice]: ', '')
        there.answer('Password: ', 'wrong too')
        there.answer('User name [alice]: ', '')
        there.answer('Password: ', '')
        self.ends(there, 1)
        self.assertIsNone(self.saved())
        self.assertEqual(there.raw.count(self.KEEP), 1)
        there = self.get()
        self.login(there, 'wrong')
        there.answer(self.KEEP, 'y')
        there.answer('User name [alice]: ', '')
        there.answer('Password: ', SECRET)
        self.ends(there)
        self.assertEqual(self.saved(), SECRET)

    def test_not_asked_without_an_open_keyring(self):
        self.session.save('x', user='nobody')       # makes the keyring
        self.session.lock()
        there = self.get()
        self.login(there)
        self.ends(there)
        self.session.keyring.stop()
        there = self.get(self.url('basic/other'))
        self.login(there)
        self.ends(there)
        self.assertNotIn('keyring', there.raw)

    def test_the_keyring_knows(self):
        """Then nobody is asked."""
        agent = self.session.start_agent()
        wait_until(lambda: self.session.has_name(NAME + '.Agent'), 20, 'the agent')
        self.session.save(SECRET, user='alice', server='localhost', protocol='https',
                          port=str(self.secure.port))
        there = self.get()
        self.ends(there)
        self.assertNotIn('User name', there.raw)
        self.secure.let_in('bob', SECRET)
        os.unlink(self.path('file'))
        there = self.get()
        there.expect('What was known was not right. ' + self.place)
        self.login(there, user='bob')
        there.answer(self.KEEP, 'n')
        self.ends(there)
        self.assertEqual(agent.stop(), 0)


if __name__ == '__main__':
    cases.main()
