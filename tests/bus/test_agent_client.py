#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry-agent, `ferry login` and `ferry logout`, with the real keyring. ferryd is played by the test."""

import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from gi.repository import GLib  # noqa: E402
from lib import cases  # noqa: E402
from lib.client import ERROR, NAME, ROOT, BusError, options, signal_args  # noqa: E402
from lib.process import wait_until  # noqa: E402
from lib.session import KEYRING_PASSWORD, Session  # noqa: E402
from lib.terminal import Terminal  # noqa: E402
from lib.world import SOURCE, World  # noqa: E402

AGENT = NAME + '.SecretAgent'
AGENT_PATH = '/org/ferry/Transfer1/SecretAgent'
ACCESS_DENIED = 'org.freedesktop.DBus.Error.AccessDenied'
NOT_FOUND = ERROR + 'NotFound'
HOST = 'files.example'
SECRET = 'swordfish'


def interface(name):
    with open(os.path.join(SOURCE, 'dbus', name + '.xml'), encoding='utf-8') as xml:
        return xml.read()


class AgentCase(cases.WorldCase):
    """A bus without ferryd, whose name the test has as user ferry; a session for each case."""

    @classmethod
    def setUpClass(cls):
        cls.world = None
        cls.world = World(polkit=False).start(ferryd=False)

    def setUp(self):
        super().setUp()
        if not self.world.root:
            self.skipTest('needs root to be ferryd, too')
        self.session = Session(self.world, self.user)
        self.session.__enter__()
        self.addCleanup(self.session.__exit__)
        self.session.start_keyring()
        self.number = 0
        self.service = self.world.client('ferry')
        self.addCleanup(self.service.close)
        self.service.serve(ROOT, interface(NAME + '.AgentManager'))

    def agent_log_size(self):
        """All agents of a world have one log."""
        path = os.path.join(self.world.logs, 'ferry-agent.log')
        return os.path.getsize(path) if os.path.exists(path) else 0

    def evidence(self):
        return self.agent.log() if hasattr(self, 'agent') else ''

    def own(self, service):
        reply = service.call('/org/freedesktop/DBus', 'org.freedesktop.DBus', 'RequestName', '(su)',
                             NAME, 4, destination='org.freedesktop.DBus')
        self.assertEqual(reply, 1)

    def start_agent(self, **extra):
        """Starts it and waits until it has registered."""
        if self.world.name_owner(NAME) != self.service.unique_name:
            self.own(self.service)
        heard = len(self.service.find_signals('RegisterAgent'))
        self.agent = self.session.start_agent(**extra)
        self.addCleanup(self.end, self.agent)
        self.address, self.capabilities = self.registered(self.service, heard + 1)

    def end(self, agent):
        """It has ended, or ends, without complaint."""
        self.assertEqual(agent.stop(), 0)

    @staticmethod
    def registered(service, count=1):
        """Who registered for the count-th time, and with what."""
        call = service.wait_signal('RegisterAgent', count=count)[count - 1]
        return call['sender'], signal_args(call)[1]

    def ask(self, service=None, seconds=30, **changes):
        """GetCredentials; returns the answer, or the error."""
        self.number += 1
        self.request = changes.pop('request', 'request{}'.format(self.number))
        query = dict(Job='job', Target='server', Scheme='https', Host=HOST, Port=443, Realm='Files',
                     Path='/dir/file', AuthSchemes=['digest', 'basic'], Attempt=1, Interactive=False)
        query.update(changes)
        try:
            return (service or self.service).call(
                AGENT_PATH, AGENT, 'GetCredentials', '(sa{sv})', self.request, options(query),
                destination=self.address, seconds=seconds)
        except BusError as error:
            return error

    def assert_none(self, answer, name=NOT_FOUND):
        self.assertIsInstance(answer, BusError)
        self.assertEqual(answer.name, name)

    def tell(self, member, *args):
        self.service.call(AGENT_PATH, AGENT, member, '(' + 's' * len(args) + ')', *args,
                          destination=self.address)

    def save(self, secret=SECRET, **changes):
        """As a program of GNOME does it; None takes an attribute away."""
        attributes = dict(user='alice', server=HOST, protocol='https', port='443')
        attributes.update(changes)
        self.session.save(secret, **{k: v for k, v in attributes.items() if v is not None})

    def ferry(self, *args, text='', status=0):
        done = self.session.run([os.path.join(self.world.build, 'client/ferry'), *args], text)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual(bool(done.stderr), status != 0, done.stderr)
        return done

    def login(self, url='https://' + HOST, user='alice', text=SECRET + '\n', *more):
        self.ferry('login', url, '--user', user, '--password-file', '-', *more, text=text)


class Saved(AgentCase):
    def test_saved_by_gnome(self):
        self.start_agent()
        self.save(domain='Files', authtype='Basic')
        self.assertEqual(self.ask(), {'AuthScheme': 'basic', 'UserName': 'alice', 'Password': SECRET,
                                      'AllowHttp': False})

    def test_never_another_place(self):
        self.start_agent()
        self.save(port='8443')
        self.save(protocol='http')
        self.save(server='other.example')
        self.save(domain='Another realm')
        self.save(object='/elsewhere')
        self.save(authtype='ntlm')
        self.assert_none(self.ask())
        self.assertEqual(self.ask(Port=8443)['Password'], SECRET)
        self.assertIs(self.ask(Scheme='http')['AllowHttp'], True)

    def test_the_closest_is_meant(self):
        self.start_agent()
        self.save('any', port=None)
        self.assertEqual(self.ask()['Password'], 'any')
        self.assertEqual(self.ask()['AuthScheme'], 'digest')
        self.assert_none(self.ask(Port=8443))
        self.save('path', object='/dir')
        self.assertEqual(self.ask()['Password'], 'path')
        self.save('realm', domain='Files')
        self.assertEqual(self.ask()['Password'], 'realm')
        self.assertEqual(self.ask(Realm='')['Password'], 'path')

    def test_proxy(self):
        self.start_agent()
        self.save(protocol='http', server='proxy.example', port='3128', object='Proxy realm',
                  authtype='proxy')
        proxy = dict(Scheme='http', Host='Proxy.Example', Port=3128, Realm='Proxy realm', Path='')
        self.assertEqual(self.ask(Target='proxy', **proxy)['UserName'], 'alice')
        self.assert_none(self.ask(**proxy))

    def test_token(self):
        self.start_agent()
        self.ferry('login', 'https://' + HOST, '--scheme', 'bearer', '--password-file', '-',
                   text='t0ken\n')
        self.assert_none(self.ask())
        self.assertEqual(self.ask(AuthSchemes=['basic', 'bearer']),
                         {'AuthScheme': 'bearer', 'Token': 't0ken', 'AllowHttp': False})

    def test_locked(self):
        self.session.start_prompter([KEYRING_PASSWORD, False])
        self.start_agent()
        self.save()
        self.session.lock()
        # Nobody may be asked: the person, who would open it, is not.
        self.assert_none(self.ask())
        self.assertEqual(self.ask(Interactive=True)['Password'], SECRET)

    def test_keyring_started_again(self):
        self.start_agent()
        self.save()
        self.assertEqual(self.ask()['Password'], SECRET)
        self.session.keyring.stop()
        self.assert_none(self.ask())
        self.session.start_keyring()
        self.assertEqual(self.ask()['Password'], SECRET)

    def test_garbage(self):
        self.start_agent()
        for changes in (dict(Scheme='ftp'), dict(Host=''), dict(Port=0), dict(Port=65536),
                        dict(AuthSchemes=GLib.Variant('as', []))):
            self.assert_none(self.ask(**changes), 'org.freedesktop.DBus.Error.InvalidArgs')


class News(AgentCase):
    """A new registration lets jobs go on."""

    def test_saved(self):
        self.start_agent()
        self.login()
        self.registered(self.service, 2)

    def test_unlocked(self):
        self.session.start_prompter([KEYRING_PASSWORD, False])
        self.login()
        self.session.lock()
        self.start_agent()
        heard = len(self.service.find_signals('RegisterAgent'))
        self.ferry('logout', 'https://' + HOST)
        self.registered(self.service, heard + 1)


class Rejected(AgentCase):
    def test_foreign_item_stays_but_is_not_answered(self):
        self.start_agent()
        self.save()
        self.save('second', user='bob', port=None)
        self.assertEqual(self.ask()['UserName'], 'alice')
        self.tell('CredentialsRejected', self.request)
        self.assertEqual(self.ask(Attempt=2)['UserName'], 'bob')
        # Without a word of it, too, when the job asks again.
        self.assert_none(self.ask(Attempt=3))
        self.assert_none(self.ask(Job='another'))
        self.assertEqual(self.session.saved(user='alice'), SECRET)
        self.assertEqual(self.session.saved(user='bob'), 'second')
        self.save('better')
        self.assertEqual(self.ask()['Password'], 'better')

    def test_own_item_is_forgotten(self):
        self.start_agent()
        self.login()
        self.assertEqual(self.ask()['Password'], SECRET)
        self.tell('CredentialsAccepted', self.request)
        self.assertEqual(self.ask()['Password'], SECRET)
        self.tell('CredentialsRejected', self.request)
        wait_until(lambda: self.session.saved(user='alice') is None, 20, 'its removal')
        self.assert_none(self.ask())

    def test_own_item_that_was_corrected_stays(self):
        self.start_agent()
        self.login()
        self.assertEqual(self.ask()['Password'], SECRET)
        rejected = self.request
        self.login(text='correct\n')
        self.tell('CredentialsRejected', rejected)
        self.assertEqual(self.ask()['Password'], 'correct')
        # It ends when the rejection has had its effect.
        self.agent.stop()
        self.assertEqual(self.session.saved(user='alice'), 'correct')


class Asking(AgentCase):
    def test_typed_and_saved_once_accepted(self):
        self.session.start_prompter(['alice', False], [SECRET, True])
        self.start_agent()
        self.assertEqual(self.capabilities, {'Interactive': True})
        self.assert_none(self.ask())
        answer = self.ask(Interactive=True)
        self.assertEqual(answer, {'AuthScheme': 'digest', 'UserName': 'alice', 'Password': SECRET,
                                  'AllowHttp': False})
        self.assertIn('https://' + HOST, self.session.prompt(0)['description'])
        self.assertIn('alice', self.session.prompt(1)['message'])
        self.assertNotIn('not encrypted', self.session.prompt(0)['description'])
        self.assertIsNone(self.session.saved(user='alice'))
        self.tell('CredentialsAccepted', self.request)
        wait_until(lambda: self.session.saved(user='alice', domain='Files', port='443') == SECRET, 20,
                   'the password in the keyring')
        self.assertEqual(self.ask()['Password'], SECRET)

    def test_typed_and_not_to_be_saved(self):
        self.session.start_prompter(['alice', False], [SECRET, False])
        self.start_agent()
        self.assertTrue(self.ask(Interactive=True, Scheme='http', Port=80)['AllowHttp'])
        self.assertIn('not encrypted', self.session.prompt(1)['description'])
        self.tell('CredentialsAccepted', self.request)
        self.agent.stop()
        self.assertIsNone(self.session.saved(server=HOST))

    def test_user_of_what_was_rejected(self):
        self.session.start_prompter(['better', False])
        self.start_agent()
        self.save()
        self.ask()
        self.assertEqual(self.ask(Interactive=True, Attempt=2),
                         {'AuthScheme': 'digest', 'UserName': 'alice', 'Password': 'better',
                          'AllowHttp': False})

    def test_dismissed(self):
        self.session.start_prompter([None, False])
        self.start_agent()
        self.assert_none(self.ask(Interactive=True, AuthSchemes=['bearer']),
                         ERROR + 'AuthorizationDismissed')
        self.assertIn('Token', self.session.prompt(0)['message'])

    def test_taken_back(self):
        self.session.start_prompter()
        self.start_agent()
        pending = self.service.start_call(
            AGENT_PATH, AGENT, 'GetCredentials', '(sa{sv})', 'slow', options(dict(
                Scheme='https', Host=HOST, Port=443, AuthSchemes=['basic'], Interactive=True)),
            destination=self.address)
        wait_until(lambda: self.session.prompts, 20, 'the dialog')
        self.tell('CancelRequest', 'slow', 'timeout')
        with self.assertRaises(BusError):
            pending.result()
        wait_until(lambda: self.session.prompts[-1]['kind'] == 'closed', 20, 'its end')

    def test_nobody_to_ask(self):
        self.start_agent()
        self.assertEqual(self.capabilities, {'Interactive': False})
        self.assert_none(self.ask(Interactive=True))
        self.session.start_prompter(['alice', False], [SECRET, False])
        self.assertEqual(self.registered(self.service, 2)[1], {'Interactive': True})
        self.assertEqual(self.ask(Interactive=True)['Password'], SECRET)


class Life(AgentCase):
    def test_strangers_are_refused(self):
        self.start_agent()
        self.save()
        # This one is refused by the agent, the user's own connection by the bus.
        stranger = self.world.client('ferry')
        self.addCleanup(stranger.close)
        self.assert_none(self.ask(stranger), ACCESS_DENIED)
        self.assert_none(self.ask(self.client), ACCESS_DENIED)
        self.assertIn('Only the owner', self.ask(stranger).message)
        self.assertEqual(self.ask()['Password'], SECRET)

    def test_every_ferryd_hears_of_it(self):
        self.start_agent()
        second = self.world.client('ferry')
        self.addCleanup(second.close)
        second.serve(ROOT, interface(NAME + '.AgentManager'))
        self.service.close()
        self.own(second)
        self.assertEqual(self.registered(second)[0], self.address)
        self.save()
        self.assertEqual(self.ask(second)['Password'], SECRET)

    def test_it_waits_for_ferryd(self):
        agent = self.session.start_agent()
        wait_until(lambda: self.session.has_name(NAME + '.Agent'), 20, 'the agent')
        self.own(self.service)
        self.registered(self.service)
        agent.stop()

    def test_one_a_session(self):
        self.start_agent()
        done = self.session.run([os.path.join(self.world.build, 'client/agent/ferry-agent')])
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, '', ''))

    def test_end(self):
        self.start_agent()
        self.assertEqual(self.agent.stop(), 0)
        self.start_agent()
        self.session.bus.kill()
        self.assertEqual(self.agent.wait(), 0)

    def test_nothing_secret_is_logged(self):
        self.session.start_prompter(['alice', False], [SECRET, True])
        logged = self.agent_log_size()
        self.start_agent(G_MESSAGES_DEBUG='all', G_DBUS_DEBUG='all')
        self.ask(Interactive=True)
        self.tell('CredentialsAccepted', self.request)
        wait_until(lambda: self.session.saved(user='alice') == SECRET, 20, 'the saved password')
        self.assertEqual(self.ask()['Password'], SECRET)
        self.tell('CredentialsRejected', self.request)
        wait_until(lambda: self.session.saved(user='alice') is None, 20, 'its removal')
        self.assertEqual(os.stat('/proc/{}/environ'.format(self.agent.pid)).st_uid, 0,
                         'others of the user may read its memory')
        self.agent.stop()
        self.assertEqual(self.agent.log()[logged:], '')


class Command(AgentCase):
    def test_login_and_logout(self):
        self.start_agent()
        self.login('https://Files.Example:443/dir/')
        self.assertEqual(self.ask()['UserName'], 'alice')
        self.login(user='bob', text='other')
        self.assertIsNone(self.session.saved(user='alice'))
        self.assertEqual(self.ask()['Password'], 'other')
        self.login('https://{}:8443'.format(HOST))
        self.save('kept', user='carol')
        done = self.ferry('logout', 'https://{}/x'.format(HOST))
        self.assertIn('removed  bob at https://' + HOST, done.stdout)
        self.assertIn('kept     carol at https://' + HOST, done.stdout)
        self.assertIn('Saved by GNOME', done.stdout)
        self.assertEqual(self.session.saved(user='carol'), 'kept')
        self.assertEqual(self.session.saved(user='alice', port='8443'), SECRET)
        self.assertIsNone(self.session.saved(user='bob'))
        done = self.ferry('logout', 'https://' + HOST, status=1)
        self.assertIn('ferry: NotFound: Ferry has no login at https://' + HOST, done.stderr)

    def test_password_file(self):
        path = os.path.join(self.session.home, 'password')
        with open(path, 'w', encoding='utf-8') as out:
            out.write(SECRET + '\r\nnot this\n')
        os.chmod(path, 0o644)
        self.ferry('login', 'http://[::1]:8080/', '--user', 'alice', '--scheme', 'digest',
                   '--password-file', path)
        self.assertEqual(self.session.saved(server='::1', port='8080', protocol='http',
                                            authtype='digest'), SECRET)
        done = self.ferry('login', 'http://h', '--user', 'a', '--password-file', path + '-',
                          status=1)
        self.assertIn('ferry: FileSystemError: ', done.stderr)

    def test_what_is_not_taken(self):
        for args, text, words in (
                (['https://alice:{}@h/'.format(SECRET)], '', '--password-file'),
                (['ftp://h/'], '', 'http or https'),
                (['nonsense'], '', 'not a URL'),
                (['https://h', '--user', 'a'], '', 'without a terminal'),
                (['https://h', '--password-file', '-'], SECRET, 'without a terminal'),
                (['https://h', '--user', '', '--password-file', '-'], SECRET, 'empty'),
                (['https://h', '--user', 'a:b', '--password-file', '-'], SECRET, 'colon'),
                (['https://h', '--scheme', 'ntlm'], '', 'basic, digest or bearer'),
                (['https://h', '--scheme', 'bearer', '--user', 'a'], '', 'no user'),
                (['https://h', '--user', 'a', '--password-file', '-'], '\n', 'empty'),
                (['https://h', '--user', 'a', '--password-file', '-'], 'x' * 20000, 'longer')):
            done = self.ferry('login', *args, text=text, status=2)
            self.assertRegex(done.stderr, '^ferry: InvalidArgs: .*' + re.escape(words))
            self.assertNotIn(SECRET, done.stderr)
        self.ferry('logout', 'https://alice@h/', status=2)

    def test_no_keyring(self):
        self.session.keyring.stop()
        for command in (['logout', 'https://h'],
                        ['login', 'https://h', '--user', 'a', '--password-file', '-']):
            done = self.ferry(*command, text=SECRET, status=1)
            self.assertIn('ferry: Failed: the keyring of the session cannot be used: ', done.stderr)

    def test_locked_keyring_without_dialogs(self):
        self.login()
        self.session.lock()
        done = self.ferry('logout', 'https://' + HOST, status=3)
        self.assertIn('ferry: NotAuthorized: ', done.stderr)
        done = self.ferry('login', 'https://' + HOST, '--user', 'bob', '--password-file', '-',
                          text=SECRET, status=3)
        self.assertIn('ferry: NotAuthorized: ', done.stderr)

    def on_terminal(self, dialogue, *args):
        """Runs it on a terminal: waits for each question, then types; returns (status, all that was shown)."""
        there = Terminal(self.world, [os.path.join(self.world.build, 'client/ferry'), *args],
                         self.user, **self.session.env())
        self.addCleanup(there.close)
        for question, typed in dialogue:
            there.expect(question)
            if isinstance(typed, str):
                there.type(typed)
            else:
                there.child.send_signal(typed)
        status = there.finish()
        self.assertTrue(there.unchanged(), 'the terminal is not as it was')
        return status, there.raw

    def test_on_a_terminal(self):
        status, shown = self.on_terminal([('User name at https://h: ', 'alice\n'),
                                          ('Password of alice at https://h: ', SECRET + '\n')],
                                         'login', 'https://h')
        self.assertEqual(status, 0, shown)
        self.assertNotIn(SECRET, shown)
        self.assertEqual(self.session.saved(server='h', user='alice'), SECRET)
        status, shown = self.on_terminal([('Token for https://h: ', signal.SIGTERM)],
                                         'login', 'https://h', '--scheme', 'bearer')
        self.assertEqual(status, -signal.SIGTERM, shown)


if __name__ == '__main__':
    cases.main()
