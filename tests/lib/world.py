# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine in small: a system bus, polkit, dconf, web servers and ferryd, all private.

Run by root the test process is in namespaces of its own (isolate.py), so the real polkitd and the
real dconf read our files in the places where they always look. Without root there is one uid, no
polkit and no policy; what needs those is skipped, and says so.
"""

import contextlib
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import gi
gi.require_version('Gio', '2.0')
from gi.repository import Gio, GLib  # noqa: E402

from lib import isolate  # noqa: E402
from lib.badserver import BadServer  # noqa: E402
from lib.client import NAME, Client  # noqa: E402
from lib.lossy import Disk  # noqa: E402
from lib.process import (Deadline, Process, descendants, processes,  # noqa: E402
                         wait_pid_gone, wait_until)
from lib.web import Nginx  # noqa: E402

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get('FERRY_BUILD_DIR', os.path.join(SOURCE, '_build-test')))

BUS_CONFIG = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  {user}
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus"
           send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus"
           send_interface="org.freedesktop.DBus.Properties"/>
    <allow send_destination="org.freedesktop.login1"/>
    <allow send_destination="org.freedesktop.systemd1"/>
  </policy>
  <policy user="root">
    <allow own="org.freedesktop.login1"/>
    <allow own="org.freedesktop.systemd1"/>
    <allow send_destination="org.freedesktop.DBus"
           send_interface="org.freedesktop.DBus.Monitoring"/>
  </policy>
  {includes}
</busconfig>
'''

# Only for a world without root: the user who runs it plays the part of ferry.
BUS_CONFIG_OWN = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <policy context="default">
    <allow own="org.ferry.Transfer1"/>
    <allow send_destination="org.ferry.Transfer1"/>
  </policy>
</busconfig>
'''

SANITIZER = re.compile(r'ERROR: (?:Address|Leak|Undefined\w*)Sanitizer|runtime error: '
                       r'|CRITICAL \*\*|ERROR:[\w./-]+\.c:\d+')


class World:
    """All of it; parts are started by start() and ended by stop(), whatever happened between.

    Usable as a context manager. `root` says whether there are several uids, polkit and policy.
    `worker` is another worker program, beside this file or, with a slash, in the build. `disk`
    holds options of a Disk on which homes and state are then.
    """

    def __init__(self, polkit=True, ferryd_arguments=(), worker=None, ferryd_env=None,
                 needs_namespaces=True, disk=None):
        self.root = os.geteuid() == 0
        self.isolated = isolate.inside()
        if self.root and needs_namespaces and not self.isolated:
            raise unittest.SkipTest('this machine gives root no namespaces of his own')
        self.with_polkit = polkit and self.isolated
        self.ferryd_arguments = list(ferryd_arguments)
        self.ferryd_env = dict(ferryd_env or {})
        self.worker = worker
        self.disk_options = disk
        self.disk = None
        self.expected = None                    # a regular expression: what logs may well hold
        self.stack = contextlib.ExitStack()     # undoes everything, last first
        self.clients = []
        self.bus = self.connection = None
        self.polkitd = self.ferryd = None
        self._http = self._nginx = None
        self.dir = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    # -- the whole

    def start(self, ferryd=True):
        """Starts bus, polkit and, unless told otherwise, ferryd."""
        try:
            self._make_place()
            self._start_bus()
            if self.with_polkit:
                self._start_polkit()
            self._make_ferryd()
            if ferryd:
                self.start_ferryd()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        """Ends everything; ferryd politely, so that its leaks are found."""
        for client in self.clients:
            client.close()
        self.clients = []
        try:
            if self.ferryd is not None and self.ferryd.running:
                self.stop_ferryd()
        finally:
            self.stack.close()

    def _make_place(self):
        base = tempfile.mkdtemp(prefix='ferry-test-', dir=os.environ.get('FERRY_TEST_TMP',
                                                                        '/var/tmp'))
        self.stack.callback(shutil.rmtree, base, ignore_errors=True)
        os.chmod(base, 0o755)
        self.dir = base
        for name in ('logs', 'disk', 'runtime', 'etc', 'build', 'lib', 'ca'):
            self._make_directory(base, name)
        self.logs = os.path.join(base, 'logs')
        os.chmod(self.logs, 0o1777)
        self._make_disk()
        # The tree may stand in a place that other users cannot enter.
        if self.isolated:
            for source, name in ((BUILD, 'build'), (os.path.join(SOURCE, 'tests', 'lib'), 'lib')):
                where = os.path.join(base, name)
                isolate.bind(source, where)
                self.stack.callback(subprocess.run, ['umount', '-l', where], check=False)
            self.build, self.lib = os.path.join(base, 'build'), os.path.join(base, 'lib')
        else:
            self.build, self.lib = BUILD, os.path.join(SOURCE, 'tests', 'lib')

    @staticmethod
    def _make_directory(*parts):
        path = os.path.join(*parts)
        os.mkdir(path)
        os.chmod(path, 0o755)
        return path

    def _make_disk(self):
        place = os.path.join(self.dir, 'disk')
        if self.disk_options is not None:
            self.disk = Disk(BUILD, place, os.path.join(self.logs, 'disk.log'),
                             *self.disk_options)
            self.stack.callback(self.disk.stop)
        self.homes = self._make_directory(place, 'home')
        self.state = self._make_directory(place, 'state')

    def home(self, user, name=''):
        """A new directory that belongs to user and nobody else."""
        path = tempfile.mkdtemp(prefix=(name or user) + '-', dir=self.homes)
        os.chmod(path, 0o700)
        if self.root:
            entry = pwd.getpwnam(user)
            os.chown(path, entry.pw_uid, entry.pw_gid)
        return path

    # -- the bus

    def _start_bus(self):
        socket = os.path.join(self.dir, 'bus')
        config = os.path.join(self.dir, 'etc', 'bus.conf')
        self.address = 'unix:path=' + socket
        includes = []
        if self.root:
            includes.append('/usr/share/dbus-1/system.d/org.freedesktop.PolicyKit1.conf')
            includes.append(os.path.join(SOURCE, 'dbus', 'org.ferry.Transfer1.conf'))
        else:
            own = os.path.join(self.dir, 'etc', 'own.conf')
            with open(own, 'w', encoding='utf-8') as out:
                out.write(BUS_CONFIG_OWN)
            includes.append(own)
        copied = []
        for number, include in enumerate(includes):
            # dbus-daemon reads them as its own user, who may not reach the tree.
            copy = os.path.join(self.dir, 'etc', 'policy-{}.conf'.format(number))
            shutil.copyfile(include, copy)
            os.chmod(copy, 0o644)
            copied.append('<include>{}</include>'.format(copy))
        with open(config, 'w', encoding='utf-8') as out:
            out.write(BUS_CONFIG.format(socket=socket, includes='\n  '.join(copied),
                                        user='<user>messagebus</user>' if self.root else ''))
        os.chmod(config, 0o644)
        reader, writer = os.pipe()
        self.bus = Process('bus', ['dbus-daemon', '--nofork', '--nopidfile', '--nosyslog',
                                   '--config-file=' + config,
                                   '--print-address={}'.format(writer)], self.logs)
        self.bus.start(pass_fds=(writer,))
        self.stack.callback(self.bus.kill)
        os.close(writer)
        with os.fdopen(reader) as ready:
            if not ready.readline():
                raise Deadline('the bus did not start: ' + self.bus.log())
        flags = (Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
                 Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
        self.connection = Gio.DBusConnection.new_for_address_sync(self.address, flags, None, None)
        self.stack.callback(self._close_connection)

    def _close_connection(self):
        with contextlib.suppress(GLib.Error):
            self.connection.close_sync(None)

    def env(self, **extra):
        """The environment of programs on the private bus."""
        env = {k: v for k, v in os.environ.items()
               if not k.lower().endswith('_proxy') and not k.startswith(('DBUS_', 'XDG_', 'DCONF'))}
        env.update(DBUS_SYSTEM_BUS_ADDRESS=self.address, PATH='/usr/sbin:/usr/bin:/sbin:/bin',
                   **extra)
        return env

    def name_owner(self, name):
        """The unique name that owns name, or None."""
        try:
            reply = self.connection.call_sync(
                'org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                'GetNameOwner', GLib.Variant('(s)', (name,)), None, 0, 5000, None)
            return reply.unpack()[0]
        except GLib.Error:
            return None

    def wait_name(self, name, process=None, seconds=30, other_than=None):
        """Waits for an owner of name (NameOwnerChanged), or for the process to die first."""
        changed = []
        ident = self.connection.signal_subscribe(
            'org.freedesktop.DBus', 'org.freedesktop.DBus', 'NameOwnerChanged', None, name, 0,
            lambda *_: changed.append(True))
        end = time.monotonic() + seconds
        context = GLib.MainContext.default()
        wake = GLib.timeout_add(100, lambda: True)   # a dead process sends no signal
        try:
            while True:
                owner = self.name_owner(name)
                if owner and owner != other_than:
                    return owner
                if process is not None and not process.running:
                    raise Deadline('{} ended with {} before it owned {}:\n{}'.format(
                        process.name, process.child.returncode, name, process.log()[-4000:]))
                if time.monotonic() > end:
                    raise Deadline('nobody owned {} within {} s:\n{}'.format(
                        name, seconds, process.log()[-4000:] if process else ''))
                changed.clear()
                context.iteration(True)
        finally:
            GLib.source_remove(wake)
            self.connection.signal_unsubscribe(ident)

    # -- polkit

    def _start_polkit(self):
        actions = os.path.join(self.dir, 'etc', 'actions')
        shutil.copytree('/usr/share/polkit-1/actions', actions)
        shutil.copy(os.path.join(SOURCE, 'polkit', 'org.ferry.transfer1.policy'), actions)
        self._over('/usr/share/polkit-1/actions', actions)
        self.rules = os.path.join(self.dir, 'etc', 'rules')
        os.mkdir(self.rules)
        os.chmod(self.rules, 0o755)
        self._over('/etc/polkit-1/rules.d', self.rules)
        self.polkitd = Process('polkitd', ['/usr/lib/polkit-1/polkitd', '--no-debug'], self.logs,
                               env=self.env())
        self.stack.callback(self.polkitd.kill)
        self.start_polkit()

    def start_polkit(self):
        self.polkitd.start()
        self.wait_name('org.freedesktop.PolicyKit1', self.polkitd)

    def stop_polkit(self):
        self.polkitd.kill()
        wait_until(lambda: not self.name_owner('org.freedesktop.PolicyKit1'), 10,
                   'the end of polkitd')

    def set_rule(self, text, name='10-test.rules'):
        """Writes (None: removes) a polkit rule file and waits until polkitd has read it."""
        changed = []
        ident = self.connection.signal_subscribe(
            'org.freedesktop.PolicyKit1', 'org.freedesktop.PolicyKit1.Authority', 'Changed', None,
            None, 0, lambda *_: changed.append(True))
        self.name_owner('org.freedesktop.PolicyKit1')       # a round trip: now the bus knows
        path = os.path.join(self.rules, name)
        if text is None:
            os.unlink(path)
        else:
            with open(path + '.new', 'w', encoding='utf-8') as out:
                out.write(text)
            os.chmod(path + '.new', 0o644)
            os.rename(path + '.new', path)
        context = GLib.MainContext.default()

        def heard():
            while context.iteration(False):
                pass
            return bool(changed)
        try:
            wait_until(heard, 20, 'polkitd reading its rules')
        finally:
            self.connection.signal_unsubscribe(ident)

    def _over(self, place, source):
        """Shows source at place, in this namespace only."""
        os.makedirs(place, exist_ok=True)
        isolate.bind(source, place)
        self.stack.callback(subprocess.run, ['umount', '-l', place], check=False)

    # -- dconf

    def _make_dconf(self):
        etc = os.path.join(self.dir, 'etc', 'dconf')
        for name in ('profile', 'db/ferry.d/locks', 'db/machine.d/locks', 'db/local.d/locks'):
            os.makedirs(os.path.join(etc, name))
        shutil.copy(os.path.join(SOURCE, 'data', 'dconf', 'profile', 'ferry'),
                    os.path.join(etc, 'profile', 'ferry'))
        for folder, folders, names in os.walk(etc):
            os.chmod(folder, 0o755)
            for name in names:
                os.chmod(os.path.join(folder, name), 0o644)
        self._over('/etc/dconf', etc)
        self.dconf = etc

    def set_policy(self, values=None, locks=(), database='ferry', text=None):
        """Writes a keyfile of values (GVariant text) and locks, and runs the real `dconf update`.

        `text` replaces the keyfile, for files that are wrong on purpose.
        """
        folder = os.path.join(self.dconf, 'db', database + '.d')
        keyfile = os.path.join(folder, '00-test')
        lockfile = os.path.join(folder, 'locks', '00-test')
        if text is None:
            text = '[org/ferry/transfer1/policy]\n' + ''.join(
                '{}={}\n'.format(k, v) for k, v in (values or {}).items())
        with open(keyfile, 'w', encoding='utf-8') as out:
            out.write(text)
        with open(lockfile, 'w', encoding='utf-8') as out:
            out.write(''.join('/org/ferry/transfer1/policy/{}\n'.format(k) for k in locks))
        # dconf looks at the time of the folder, which has a resolution.
        os.utime(folder)
        database_file = os.path.join(self.dconf, 'db', database)
        with contextlib.suppress(FileNotFoundError):
            os.utime(database_file, (0, 0))
        subprocess.run(['dconf', 'update'], env=self.env(), check=True,
                       stdout=subprocess.DEVNULL)

    # -- ferryd

    def _make_ferryd(self):
        state, runtime = self.state, os.path.join(self.dir, 'runtime')
        os.chmod(state, 0o700)
        if self.root:
            ferry = pwd.getpwnam('ferry')
            for path in (state, runtime):
                os.chown(path, ferry.pw_uid, ferry.pw_gid)
        if self.isolated:
            self._make_dconf()
        worker = self.worker or 'daemon/worker/ferry-worker'
        worker = os.path.join(self.build if '/' in worker else self.lib, worker)
        extra = {'G_MESSAGES_DEBUG': 'all'} if os.environ.get('FERRY_TEST_DEBUG') else {}
        self.runtime = runtime
        self.ferryd = Process('ferryd', [os.path.join(self.build, 'daemon/ferryd'),
                                         '--launcher=direct', '--state-directory=' + state,
                                         '--runtime-directory=' + runtime, '--worker=' + worker,
                                         *self.ferryd_arguments],
                              self.logs, env=self.env(**extra, **self.ferryd_env))
        self.stack.callback(self._kill_all)

    def _kill_all(self):
        if self.ferryd.running:
            self.ferryd.kill()
        for pid, _ in self.workers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def start_ferryd(self, seconds=30):
        """Starts ferryd and waits until it owns its name."""
        self.ferryd.start()
        self.wait_name(NAME, self.ferryd, seconds)

    def stop_ferryd(self, seconds=30):
        """SIGTERM; ferryd and what it started must end by themselves."""
        others = descendants(self.ferryd.pid)
        status = self.ferryd.stop(seconds)
        for pid in others:
            wait_pid_gone(pid, seconds)
        if status not in (0, -signal.SIGTERM):
            raise AssertionError('ferryd ended with {}:\n{}'.format(status,
                                                                   self.ferryd.log()[-6000:]))
        return status

    def kill_ferryd(self):
        """kill -9 of ferryd alone; waits until the bus has noticed."""
        owner = self.name_owner(NAME)
        self.ferryd.kill()
        if owner:
            wait_until(lambda: self.name_owner(NAME) != owner, 10, 'the bus to notice')

    def lose_power(self):
        """The disk's power goes, unless it has, and with it ferryd and all workers; then it is
        back. ferryd is not started."""
        self.disk.cut()
        if self.ferryd.running:
            self.kill_ferryd()
        self.kill_workers()
        self.disk.mount()

    def restart_ferryd(self):
        self.stop_ferryd()
        self.start_ferryd()

    def workers(self):
        """(pid, uid) of the running workers."""
        names = {'ferry-worker', os.path.basename(self.worker or 'ferry-worker')}
        found = [process for name in names for process in processes(name)]
        return found if self.isolated else [(p, u) for p, u in found if self._ours(p)]

    def _ours(self, pid):
        """Without a process namespace only the command line tells whose worker it is."""
        try:
            with open('/proc/{}/environ'.format(pid), 'rb') as env, \
                    open('/proc/{}/cmdline'.format(pid), 'rb') as line:
                return self.dir.encode() in env.read() + line.read()
        except OSError:
            return False

    def kill_workers(self, uid=None):
        """kill -9 of the workers (of one uid); returns how many."""
        count = 0
        for pid, owner in self.workers():
            if uid is None or uid == owner:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    wait_pid_gone(pid)
                    count += 1
        return count

    def findings(self):
        """What sanitizers or GLib complained about in any log: nothing may be there."""
        found = []
        for path in sorted(glob.glob(os.path.join(self.logs, '*'))):
            with open(path, encoding='utf-8', errors='backslashreplace') as log:
                lines = log.read().split('\n')
            for number, line in enumerate(lines):
                if SANITIZER.search(line) and not (self.expected and
                                                   re.search(self.expected, line)):
                    found.append('{}: {}'.format(os.path.basename(path),
                                                 '\n'.join(lines[number:number + 40])))
                    break
        return found

    # -- clients and servers

    def client(self, user=None):
        """A new connection of that user (default: who runs the test)."""
        entry = pwd.getpwnam(user) if user else pwd.getpwuid(os.geteuid())
        if entry.pw_uid != os.geteuid() and not self.root:
            raise unittest.SkipTest('needs root for a second uid')
        argv = ['/usr/bin/python3', '-B', os.path.join(self.lib, 'peer.py'), self.address]
        client = Client(argv, entry, env=self.env())
        self.clients.append(client)
        return client

    def client_elsewhere(self, uid, setup='', root='/', flags=()):
        """A connection of a uid, which need not have a name, from namespaces of its own.

        `setup` is shell that root runs there first; `root` is the connection's root directory.
        """
        argv = ['unshare', '--mount', '--propagation', 'private', *flags,
                'sh', '-ec', setup + '\nexec chroot "$0" "$@"', root,
                'setpriv', '--reuid', str(uid), '--regid', str(uid), '--clear-groups',
                '/usr/bin/python3', '-B', os.path.join(self.lib, 'peer.py'), self.address]
        client = Client(argv, env=self.env())
        self.clients.append(client)
        return client

    def spawn(self, argv, user=None, **popen):
        """Starts a program on this bus as that user; the caller waits for it.

        Upper-case keywords are its environment, the others go to Popen.
        """
        entry = pwd.getpwnam(user) if user else pwd.getpwuid(os.geteuid())
        identity = {}
        if self.root:
            identity = {'user': entry.pw_uid, 'group': entry.pw_gid, 'extra_groups': []}
        elif entry.pw_uid != os.geteuid():
            raise unittest.SkipTest('needs root for a second uid')
        env = {k: popen.pop(k) for k in list(popen)
               if k.isupper() or k.lower().endswith('_proxy')}
        popen.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.Popen(argv, cwd='/', text=True, **identity,
                                env=self.env(**{'HOME': '/nonexistent', 'USER': entry.pw_name,
                                                **env}), **popen)

    def run(self, argv, user=None, timeout=60, **popen):
        """Runs a program to its end; returns the CompletedProcess."""
        with self.spawn(argv, user, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                        **popen) as child:
            try:
                out, err = child.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                child.kill()
                raise
        return subprocess.CompletedProcess(argv, child.returncode, out, err)

    def ferry(self, *args, user=None, timeout=60, **popen):
        """Runs the command line tool."""
        return self.run([os.path.join(self.build, 'client/ferry'), *args], user, timeout, **popen)

    @property
    def http(self):
        """The server that misbehaves on request; started when first asked for."""
        if self._http is None:
            self._http = BadServer()
            self.stack.callback(self._http.close)
        return self._http

    @property
    def nginx(self):
        """The real server; started when first asked for."""
        if self._nginx is None:
            self._nginx = Nginx(self)
            self._nginx.start()
        return self._nginx


def say(text):
    """For what a reader of the log should know."""
    print('# ' + text, file=sys.stderr, flush=True)
