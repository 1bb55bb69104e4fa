#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The systemd units as far as they can be judged without booting: sandboxes, rights, what ferryd tells its manager."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from gi.repository import Gio, GLib  # noqa: E402
from lib import cases, content  # noqa: E402
from lib.client import MANAGER, ROOT  # noqa: E402
from lib.world import SOURCE, World  # noqa: E402

BUILD = os.environ['FERRY_BUILD_DIR']
SYSTEMD = 'org.freedesktop.systemd1.manage-units'


class Units(unittest.TestCase):
    """As they are installed, but with the programs that were built."""

    @classmethod
    def setUpClass(cls):
        if shutil.which('systemd-analyze') is None:
            raise unittest.SkipTest('there is no systemd-analyze')
        cls.folder = os.path.join(os.environ['FERRY_TEST_TMP'], 'units')
        shutil.copytree(os.path.join(SOURCE, 'data', 'systemd'), cls.folder)
        for name in ('ferryd.service', 'ferry-worker@.service'):
            with open(os.path.join(BUILD, 'data', name), encoding='utf-8') as unit:
                text = unit.read()
            for program in ('ferryd', 'ferry-worker'):
                text = re.sub(r'(?m)^ExecStart=\S*/{}(?=\s|$)'.format(program), 'ExecStart=' + {
                    'ferryd': os.path.join(BUILD, 'daemon/ferryd'),
                    'ferry-worker': os.path.join(BUILD, 'daemon/worker/ferry-worker')}[program],
                    text)
            cls.write(name, text)
            os.unlink(os.path.join(cls.folder, name + '.in'))
        # The analysis of a template is that of no user; those of root and of somebody count.
        for uid in (0, 1000):
            os.symlink('ferry-worker@.service',
                       os.path.join(cls.folder, 'ferry-worker@{}.service'.format(uid)))

    @classmethod
    def write(cls, name, text):
        with open(os.path.join(cls.folder, name), 'w', encoding='utf-8') as unit:
            unit.write(text)

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding='utf-8') as unit:
            return unit.read()

    def analyze(self, *arguments):
        return subprocess.run(['systemd-analyze', '--no-pager', *arguments], cwd=self.folder,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=dict(os.environ, SYSTEMD_UNIT_PATH=self.folder + ':'))

    def exposure(self, unit, most):
        """At most so much, and each point of it is explained in the unit."""
        done = self.analyze('security', '--offline=true', os.path.join('.', unit))
        found = re.search(r'Overall exposure level for \S+ ([0-9.]+)', done.stdout)
        self.assertIsNotNone(found, done.stdout)
        print('# {}: exposure {}, at most {}'.format(unit, found.group(1), most), flush=True)
        self.assertLessEqual(float(found.group(1)), most, done.stdout)
        return found.group(1)

    def assert_explained(self, unit, level):
        comments = ''.join(re.findall(r'(?m)^#.*\n', self.read(unit)))
        self.assertIn('`systemd-analyze security` ({})'.format(level), comments)
        done = self.analyze('security', '--offline=true', '--json=short', os.path.join('.', unit))
        rows = [row for row in json.loads(done.stdout[done.stdout.index('['):])
                if row['exposure'] and float(row['exposure']) > 0]
        self.assertGreater(len(rows), 4)
        for row in rows:
            what = re.match(r'(?:RestrictAddressFamilies=~)?(\w+?)(?:_\(.*)?(?:=|$)', row['name'])
            self.assertIn(what.group(1), comments, row)

    def test_exposure_of_ferryd(self):
        self.assert_explained('ferryd.service', self.exposure('ferryd.service', 1.5))

    def test_exposure_of_workers(self):
        level = self.exposure('ferry-worker@1000.service', 3.0)
        self.assert_explained('ferry-worker@.service', level)

    def test_exposure_of_the_worker_of_root(self):
        self.exposure('ferry-worker@0.service', 3.0)

    def test_they_are_what_systemd_understands(self):
        for unit in ('ferryd.service', 'ferryd.timer', 'system-ferry.slice',
                     'ferry-worker@1000.service', 'ferry-worker@0.service'):
            with self.subTest(unit):
                done = self.analyze('verify', '--man=no', os.path.join('.', unit))
                self.assertEqual((done.returncode, done.stdout), (0, ''))

    def test_what_is_wrong_would_be_seen(self):
        self.write('wrong.service', self.read('ferryd.service').replace('Type=notify', 'Type=x'))
        self.addCleanup(os.unlink, os.path.join(self.folder, 'wrong.service'))
        self.assertIn('service type', self.analyze('verify', '--man=no', './wrong.service').stdout)


class Rule(cases.WorldCase):
    """The rule of polkit for the real polkitd and the action of the real systemd."""

    def setUp(self):
        super().setUp()
        self.needs_root()
        if not os.path.exists('/usr/share/polkit-1/actions/org.freedesktop.systemd1.policy'):
            self.skipTest('systemd is not installed')
        with open(os.path.join(SOURCE, 'polkit', 'ferry-workers.rules'), encoding='utf-8') as rule:
            self.world.set_rule(rule.read(), '50-ferry-workers.rules')

    def may(self, user, unit, verb, action=SYSTEMD):
        """Whether a process of that user may do that with the unit."""
        with self.world.spawn(['sleep', '1000'], user) as process:
            try:
                subject = ('unix-process', {'pid': GLib.Variant('u', process.pid),
                                            'start-time': GLib.Variant('t', 0)})
                details = {key: value for key, value in (('unit', unit), ('verb', verb))
                           if value is not None}
                reply = self.world.connection.call_sync(
                    'org.freedesktop.PolicyKit1', '/org/freedesktop/PolicyKit1/Authority',
                    'org.freedesktop.PolicyKit1.Authority', 'CheckAuthorization',
                    GLib.Variant('((sa{sv})sa{ss}us)', (subject, action, details, 0, '')),
                    GLib.VariantType('((bba{ss}))'), Gio.DBusCallFlags.NONE, 20000, None)
                return reply.unpack()[0][0]
            finally:
                process.kill()

    def test_workers(self):
        for verb in ('start', 'stop', 'restart', 'reset-failed'):
            for uid in (0, 7, 1000, 4294967294):
                self.assertTrue(self.may('ferry', 'ferry-worker@{}.service'.format(uid), verb))

    def test_nobody_else(self):
        self.assertFalse(self.may('nobody', 'ferry-worker@65534.service', 'start'))

    def test_no_other_unit(self):
        for unit in ('ssh.service', 'ferryd.service', 'ferry-worker@.service',
                     'ferry-worker@alice.service', 'ferry-worker@01.service',
                     'ferry-worker@-1.service', 'ferry-worker@1000.socket',
                     'xferry-worker@1000.service', 'ferry-worker@1000.service.d',
                     'ferry-worker@1000xservice', 'ferry-worker@1000.service\nx',
                     'x\nferry-worker@1000.service', 'ferry-worker@1000.service\n', '', None):
            self.assertFalse(self.may('ferry', unit, 'start'), unit)

    def test_nothing_else_with_them(self):
        for verb in ('kill', 'set-property', 'reload', 'try-restart', 'freeze', 'ref', 'clean',
                     'starts', '', None):
            self.assertFalse(self.may('ferry', 'ferry-worker@1000.service', verb), verb)
        for action in ('org.freedesktop.systemd1.manage-unit-files',
                       'org.freedesktop.systemd1.reload-daemon'):
            self.assertFalse(self.may('ferry', 'ferry-worker@1000.service', 'start', action))


class Manager(unittest.TestCase):
    """What ferryd tells the service manager."""

    PERIOD = 1000000        # µs

    def setUp(self):
        self.world = World(ferryd_env={'WATCHDOG_USEC': str(self.PERIOD)})
        self.addCleanup(self.world.stop)
        self.world.start(ferryd=False)
        path = os.path.join(self.world.dir, 'notify')
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(path)
        self.socket.settimeout(20)
        os.chmod(path, 0o666)
        self.world.ferryd.env['NOTIFY_SOCKET'] = path
        self.world.start_ferryd()

    def wait_for(self, message):
        """Returns what came before it."""
        before = []
        while True:
            got = self.socket.recv(4096).decode()
            if got == message:
                return before
            before.append(got)

    def test_life(self):
        armed = 'WATCHDOG=1\nWATCHDOG_USEC={}'.format(self.PERIOD)
        before = self.wait_for('READY=1')
        self.assertIn(armed, before)
        # It is quiet, which costs nothing.
        self.wait_for('WATCHDOG_USEC=0')
        # A call is work, until it is quiet again.
        self.world.client('nobody' if self.world.root else None).get(ROOT, MANAGER, 'Version')
        self.wait_for(armed)
        self.wait_for('WATCHDOG_USEC=0')
        # Before the name goes, so that a call which comes too late starts another ferryd.
        owner = self.world.name_owner('org.ferry.Transfer1')
        self.assertIsNotNone(owner)
        self.world.ferryd.signal(signal.SIGTERM)
        self.wait_for('STOPPING=1')


class WithoutSystemd(cases.WorldCase):
    """The launcher that is the default, on a bus where nobody starts units."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.world.stop_ferryd()
        cls.world.ferryd.argv = [a for a in cls.world.ferryd.argv
                                 if not a.startswith(('--launcher', '--worker'))]
        cls.world.start_ferryd()

    def test_says_so(self):
        self.world.http.add('/a', content.pattern(100, 1))
        error = self.client.error(ROOT, MANAGER, 'SubmitJob', '(ssa(ssa{sv})a{sv})', 'x', 'download',
                                  [(self.world.http.url('/a'), self.path('a'), {})], {})
        self.assertEqual(error.name, 'org.ferry.Transfer1.Error.WorkerFailed')
        self.assertIn('there is no systemd on the bus', error.message)
        self.assertIsNotNone(self.world.name_owner('org.ferry.Transfer1'))


class Options(unittest.TestCase):
    def ferryd(self, *arguments):
        return subprocess.run([os.path.join(BUILD, 'daemon/ferryd'), '--state-directory=/nowhere',
                               '--runtime-directory=/nowhere', *arguments], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20)

    def test_launchers(self):
        done = self.ferryd('--launcher=magic')
        self.assertEqual(done.returncode, 2)
        self.assertIn('magic', done.stderr)
        done = self.ferryd('--worker=/bin/true')
        self.assertEqual(done.returncode, 2)
        self.assertIn('--launcher=direct', done.stderr)


if __name__ == '__main__':
    cases.main()
