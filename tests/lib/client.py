# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test's side of peer.py: calls as some user, and what that user hears."""

import json
import os
import pwd
import subprocess
import threading
import time

import gi
gi.require_version('Gio', '2.0')
from gi.repository import GLib  # noqa: E402

from lib.process import Deadline  # noqa: E402

NAME = 'org.ferry.Transfer1'
ROOT = '/org/ferry/Transfer1'
MANAGER = NAME + '.Manager'
JOB = NAME + '.Job'
POLICY = NAME + '.Policy'
AGENT_MANAGER = NAME + '.AgentManager'
SECRET_AGENT = NAME + '.SecretAgent'
PROPERTIES = 'org.freedesktop.DBus.Properties'
OBJECT_MANAGER = 'org.freedesktop.DBus.ObjectManager'
ERROR = NAME + '.Error.'
UNKNOWN_OBJECT = 'org.freedesktop.DBus.Error.UnknownObject'
INVALID_ARGS = 'org.freedesktop.DBus.Error.InvalidArgs'
NOT_SUPPORTED = 'org.freedesktop.DBus.Error.NotSupported'
LIMITS_EXCEEDED = 'org.freedesktop.DBus.Error.LimitsExceeded'
FINAL = ('acknowledged', 'cancelled')
SECRET_AGENT_XML = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../dbus',
                                SECRET_AGENT + '.xml')


class BusError(Exception):
    """An error reply; str() is "name: sentence"."""

    def __init__(self, name, message):
        super().__init__('{}: {}'.format(name, message))
        self.name = name
        self.message = message

    @property
    def short(self):
        """The last part of the name."""
        return self.name.rsplit('.', 1)[-1]


class Pending:
    """A call that was sent; result() waits for its reply."""

    def __init__(self, client, ident):
        self.client = client
        self.ident = ident

    def done(self):
        with self.client.condition:
            return self.ident in self.client.replies

    def result(self, seconds=30):
        return self.client.reply(self.ident, seconds)


class Client:
    """One connection of one user."""

    def __init__(self, argv, user=None, env=None, log=None):
        identity = {}
        if user is not None and os.geteuid() == 0:
            identity = {'user': user.pw_uid, 'group': user.pw_gid, 'extra_groups': []}
        self.user = user or pwd.getpwuid(os.geteuid())
        self.child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=log, text=True, cwd='/', env=env, **identity)
        self.condition = threading.Condition()
        self.replies = {}
        self.signals = []
        self.last_id = 0
        self.ended = False
        self.unique_name = None
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        with self.condition:
            if not self.condition.wait_for(lambda: self.unique_name or self.ended, 20) or self.ended:
                raise Deadline('the client process of {} did not connect'.format(
                    self.user.pw_name))

    def _read(self):
        for line in self.child.stdout:
            message = json.loads(line)
            with self.condition:
                if 'signal' in message:
                    self.signals.append(message)
                elif 'ready' in message:
                    self.unique_name = message['ready']
                else:
                    self.replies[message['id']] = message
                self.condition.notify_all()
        with self.condition:
            self.ended = True
            self.condition.notify_all()

    def close(self):
        """Ends the process; the connection goes with it."""
        if self.child.poll() is None:
            self.child.stdin.close()
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.reader.join(5)
        self.child.stdout.close()

    def send(self, op, **fields):
        """Sends a command to the process; returns what waits for its reply."""
        with self.condition:
            self.last_id += 1
            ident = self.last_id
        self.child.stdin.write(json.dumps(dict(fields, op=op, id=ident)) + '\n')
        self.child.stdin.flush()
        return Pending(self, ident)

    def reply(self, ident, seconds):
        with self.condition:
            if not self.condition.wait_for(lambda: ident in self.replies or self.ended, seconds):
                raise Deadline('no reply within {} s'.format(seconds))
            message = self.replies.pop(ident, None)
        if message is None:
            raise Deadline('the client process ended before the reply')
        if 'error' in message:
            raise BusError(message['error'], message['message'])
        return GLib.Variant.parse(None, message['value'], None, None).unpack()

    def start_call(self, path, interface, member, signature='()', *args, destination=NAME,
                   seconds=30, interactive=False):
        """Sends a method call without waiting."""
        variant = GLib.Variant(signature, args) if signature != '()' else None
        return self.send('call', destination=destination, path=path, interface=interface,
                         member=member, args=variant.print_(True) if variant else None,
                         timeout=int(seconds * 1000), interactive=interactive)

    def call(self, path, interface, member, signature='()', *args, seconds=30, **options):
        """Calls and waits; returns the tuple of the reply, or its only member."""
        value = self.start_call(path, interface, member, signature, *args, seconds=seconds,
                                **options).result(seconds + 5)
        return value[0] if len(value) == 1 else value

    def error(self, *args, **options):
        """Calls and wants an error; returns it."""
        try:
            value = self.call(*args, **options)
        except BusError as error:
            return error
        raise AssertionError('no error, but {!r}'.format(value))

    def manager(self, member, signature='()', *args, **options):
        return self.call(ROOT, MANAGER, member, signature, *args, **options)

    def get(self, path, interface, name):
        return self.call(path, PROPERTIES, 'Get', '(ss)', interface, name)

    def add_match(self, rule):
        """Asks the bus for more than what is sent to us."""
        return self.call('/org/freedesktop/DBus', 'org.freedesktop.DBus', 'AddMatch', '(s)', rule,
                         destination='org.freedesktop.DBus')

    def ping_bus(self):
        """One round trip: what the bus sent us before has been recorded when this returns."""
        self.call('/org/freedesktop/DBus', 'org.freedesktop.DBus', 'GetId',
                  destination='org.freedesktop.DBus')

    def serve(self, path, xml):
        """An object of ours that takes every call to the interface in xml; each is recorded like a signal."""
        self.send('serve', path=path, xml=xml).result(20)

    def reconnect(self):
        self.unique_name = self.send('reconnect').result(20)[0]

    def become_agent(self, *answers, path='/agent', interactive=False):
        """Implements SecretAgent, and registers; see do_agent() of peer.py."""
        with open(SECRET_AGENT_XML, encoding='utf-8') as xml:
            self.send('agent', path=path, interface=SECRET_AGENT, answers=list(answers),
                      xml=xml.read()).result()
        self.register_agent(path, interactive)

    def register_agent(self, path='/agent', interactive=False):
        self.call(ROOT, AGENT_MANAGER, 'RegisterAgent', '(oa{sv})', path,
                  options({'Interactive': interactive}))

    def create(self, name='test', job_type='download', **properties):
        """CreateJob; properties are GVariants or str/bool/int (as u)."""
        path = self.manager('CreateJob', '(ssa{sv})', name, job_type, options(properties))
        return Job(self, path)

    def submit(self, files, name='test', job_type='download', **properties):
        """SubmitJob; files are (url, path) or (url, path, options)."""
        path = self.manager('SubmitJob', '(ssa(ssa{sv})a{sv})', name, job_type,
                            [(f[0], f[1], options(f[2] if len(f) > 2 else {})) for f in files],
                            options(properties))
        return Job(self, path)

    def find_signals(self, member, path=None):
        with self.condition:
            return [s for s in self.signals if s['signal'] == member and
                    (path is None or s['path'] == path)]

    def wait_signal(self, member, path=None, seconds=30, count=1):
        """Waits for the count-th signal of that name; returns all there are."""
        def enough():
            return len([s for s in self.signals if s['signal'] == member and
                        (path is None or s['path'] == path)]) >= count
        with self.condition:
            if not self.condition.wait_for(lambda: enough() or self.ended, seconds):
                raise Deadline('{} of {} was not heard within {} s; heard: {}'.format(
                    member, path, seconds, [s['signal'] for s in self.signals][-20:]))
        return self.find_signals(member, path)


def signal_args(message):
    """The arguments of a recorded signal."""
    return GLib.Variant.parse(None, message['args'], None, None).unpack()


def options(properties):
    """A dictionary of variants from plain values; ints become u, others must be GVariants."""
    result = {}
    for key, value in properties.items():
        if isinstance(value, GLib.Variant):
            result[key] = value
        elif isinstance(value, bool):
            result[key] = GLib.Variant('b', value)
        elif isinstance(value, str):
            result[key] = GLib.Variant('s', value)
        elif isinstance(value, int):
            result[key] = GLib.Variant('u' if value < 2 ** 32 else 't', value)
        elif isinstance(value, list) and all(isinstance(v, tuple) for v in value):
            ranges = all(len(item) == 2 for item in value)
            result[key] = GLib.Variant('a(tt)' if ranges else 'a(ssa{sv})', value)
        else:
            result[key] = GLib.Variant('as', value)
    return result


class Job:
    """A job as its owner sees it."""

    def __init__(self, client, path):
        self.client = client
        self.path = path
        self.id = path.rsplit('/', 1)[1]

    def call(self, member, signature='()', *args, **kwargs):
        return self.client.call(self.path, JOB, member, signature, *args, **kwargs)

    def error(self, member, signature='()', *args, **kwargs):
        return self.client.error(self.path, JOB, member, signature, *args, **kwargs)

    def get(self, name):
        return self.client.get(self.path, JOB, name)

    def get_all(self):
        return self.client.call(self.path, PROPERTIES, 'GetAll', '(s)', JOB)

    def set(self, name, value):
        return self.client.call(self.path, PROPERTIES, 'Set', '(ssv)', JOB, name, value)

    def add_file(self, url, path, **file_options):
        return self.call('AddFile', '(ssa{sv})', url, path, options(file_options))

    def files(self):
        return self.call('GetFiles', '(uu)', 0, 0)

    def file(self, index=0):
        return self.call('GetFiles', '(uu)', index, 1)[0]

    @property
    def state(self):
        return self.get('State')

    def resume(self):
        self.call('Resume')

    def suspend(self):
        self.call('Suspend')

    def cancel(self):
        self.call('Cancel')

    def complete(self):
        return tuple(self.call('Complete'))

    def wait_for(self, predicate, seconds=30, what='a change'):
        """Waits for properties that satisfy predicate; woken by PropertiesChanged.

        PropertiesChanged is coalesced, so what was read is believed, not what was signalled.
        """
        end = time.monotonic() + seconds
        while True:
            with self.client.condition:
                heard = len(self.client.signals)
            values = self.get_all()
            if predicate(values):
                return values
            left = end - time.monotonic()
            if left <= 0:
                raise Deadline('{} did not come within {} s; state {}, waits for {}, error {}'
                               .format(what, seconds, values['State'], values['WaitReasons'],
                                       values['Error']))
            with self.client.condition:
                self.client.condition.wait_for(
                    lambda: len(self.client.signals) > heard or self.client.ended,
                    min(left, 1))

    def wait_state(self, *states, seconds=30):
        """Waits for one of these states, and fails at once on an error nobody asked for."""
        def arrived(values):
            state = values['State']
            if state in states:
                return True
            if state == 'error' or state in FINAL:
                raise AssertionError('state {}, error {}, while waiting for {}'.format(
                    state, values['Error'], '/'.join(states)))
            return False
        return self.wait_for(arrived, seconds, 'state ' + '/'.join(states))

    def wait_bytes(self, count, seconds=30):
        """Waits until so many bytes were transferred."""
        return self.wait_for(lambda v: v['BytesTransferred'] >= count, seconds,
                             '{} bytes'.format(count))

    def exists(self):
        try:
            self.get('Id')
            return True
        except BusError as error:
            if error.name == UNKNOWN_OBJECT:
                return False
            raise
