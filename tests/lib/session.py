# SPDX-License-Identifier: LGPL-2.1-or-later
"""A user's session in small: a session bus, and the real gnome-keyring-daemon on it.

Nothing is started by the bus: what the session has is what a case has started.
"""

import contextlib
import json
import os
import pwd
import subprocess
import threading

from lib.process import Process, wait_until

KEYRING_PASSWORD = 'opens the keyring'
SCHEMA = 'org.gnome.keyring.NetworkPassword'

BUS_CONFIG = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="false"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
'''


class Session:
    """A session of `user` in `world`, with its own home. Usable as a context manager."""

    def __init__(self, world, user):
        self.world = world
        self.user = user
        self.entry = pwd.getpwnam(user) if user else pwd.getpwuid(os.geteuid())
        self.home = world.home(user or 'me')
        self.stack = contextlib.ExitStack()
        self.address = 'unix:path=' + os.path.join(self.home, 'bus')
        self.prompts = []           # what dialogs said
        self.bus = self.keyring = None

    def __enter__(self):
        self.bus = self._start_bus()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def env(self, **extra):
        """The environment of programs in the session."""
        return {'HOME': self.home, 'XDG_RUNTIME_DIR': self.home, 'LC_ALL': 'C.UTF-8',
                'DBUS_SESSION_BUS_ADDRESS': self.address, **extra}

    def run(self, argv, text='', **extra):
        """Runs a program with text on its standard input; returns what it printed."""
        with self.world.spawn(argv, self.user, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, **self.env(**extra)) as child:
            out, err = child.communicate(text, timeout=60)
        return subprocess.CompletedProcess(argv, child.returncode, out, err)

    def start(self, name, argv, **extra):
        """Starts a program that goes on, with its log."""
        program = Process(name, argv, self.world.logs, self.world.env(**self.env(**extra)),
                          self.entry)
        self.stack.callback(program.kill)
        return program.start()

    def start_agent(self, **extra):
        """The one of the build; it ends with the session."""
        return self.start('ferry-agent', [os.path.join(self.world.build, 'client/agent/ferry-agent')], **extra)

    def has_name(self, name):
        return 'true' in self.call('org.freedesktop.DBus', '/org/freedesktop/DBus',
                                   'org.freedesktop.DBus.NameHasOwner', name)

    def call(self, name, path, method, *args):
        done = self.run(['gdbus', 'call', '--session', '--dest', name, '--object-path', path,
                         '--method', method, *args])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _start_bus(self):
        config = os.path.join(self.home, 'bus.conf')
        with open(config, 'w', encoding='utf-8') as out:
            out.write(BUS_CONFIG.format(socket=os.path.join(self.home, 'bus')))
        bus = self.start('session-bus', ['dbus-daemon', '--nofork', '--nopidfile', '--nosyslog',
                                         '--config-file=' + config])
        wait_until(lambda: os.path.exists(os.path.join(self.home, 'bus')), 20, 'the session bus')
        return bus

    # -- the keyring

    def start_keyring(self):
        """The daemon, with the user's keyring open; the first time it makes one."""
        reader, writer = os.pipe()
        os.write(writer, KEYRING_PASSWORD.encode())
        os.close(writer)
        self.keyring = Process('keyring', ['gnome-keyring-daemon', '--foreground', '--unlock',
                                           '--components=secrets'],
                               self.world.logs, self.world.env(**self.env()), self.entry,
                               stdin=reader)
        self.stack.callback(self.keyring.kill)
        self.keyring.start()
        os.close(reader)
        wait_until(lambda: self.has_name('org.freedesktop.secrets'), 20, 'the keyring')

    def lock(self):
        self.call('org.freedesktop.secrets', '/org/freedesktop/secrets',
                  'org.freedesktop.Secret.Service.Lock',
                  "['/org/freedesktop/secrets/aliases/default']")

    def save(self, secret, **attributes):
        """As a program of GNOME saves a password."""
        words = [word for pair in attributes.items() for word in pair]
        done = self.run(['secret-tool', 'store', '--label=Saved by GNOME', 'xdg:schema', SCHEMA,
                         *words], secret)
        assert done.returncode == 0, done.stderr

    def saved(self, **attributes):
        """The secret that has these attributes, or None."""
        words = [word for pair in attributes.items() for word in pair]
        done = self.run(['secret-tool', 'lookup', 'xdg:schema', SCHEMA, *words])
        return done.stdout if done.returncode == 0 else None

    # -- the dialogs

    def start_prompter(self, *answers):
        """What shows dialogs: answers each with the next (text or None, whether to save)."""
        child = self.world.spawn(['/usr/bin/python3', '-B',
                                  os.path.join(self.world.lib, 'prompter.py'), json.dumps(answers)],
                                 self.user, stdout=subprocess.PIPE, **self.env())

        def read():
            for line in child.stdout:
                self.prompts.append(json.loads(line))

        def end():
            child.kill()
            reader.join()
            child.stdout.close()
            child.wait()
        reader = threading.Thread(target=read)
        reader.start()
        self.stack.callback(end)
        wait_until(lambda: self.has_name('org.gnome.keyring.SystemPrompter'), 20, 'the prompter')

    def prompt(self, number):
        """What that dialog said, from 0; its words may come a moment after its answer."""
        wait_until(lambda: len(self.prompts) > number, 20, 'dialog {}'.format(number))
        return self.prompts[number]
