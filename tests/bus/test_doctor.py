#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`ferry doctor`: says what is wrong, and what to do, and nothing when nothing is."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import badserver, cases, isolate  # noqa: E402
from lib.cli import CliCase  # noqa: E402
from lib.fakes import Systemd  # noqa: E402
from lib.process import wait_until  # noqa: E402
from lib.world import World  # noqa: E402

NAMES = ['service', 'version', 'workers', 'network', 'store', 'policy', 'jobs', 'dconf', 'polkit',
         'units', 'home']


class DoctorCase(CliCase):
    def setUp(self):
        super().setUp()
        self.needs_root()

    def doctor(self, status, user=None, **env):
        """What it says in JSON; both forms have that exit status and the same problems."""
        env = dict({'HOME': self.home, 'LC_ALL': 'C.UTF-8'}, **env)
        said = self.world.ferry('doctor', '--json', user=user or self.user, **env)
        told = self.world.ferry('doctor', user=user or self.user, **env)
        for done in (said, told):
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
            self.assertEqual(done.stderr, '')
        answer = json.loads(said.stdout)
        checks = {c['Check']: c for c in answer['Checks']}
        self.assertEqual(answer['Ok'], status == 0)
        for check in checks.values():
            self.assertEqual(set(check), {'Check', 'Status', 'Detail', 'Advice'})
            self.assertTrue(check['Detail'])
            if check['Status'] == 'problem':
                self.assertTrue(check['Advice'].endswith('.'), check)
        self.assertEqual(told.stdout.count('✗ '), len(self.problems(checks)), told.stdout)
        for line in told.stdout.splitlines():
            self.assertFalse(line.endswith(' '), line)
        return checks

    def problems(self, checks):
        return [name for name, check in checks.items() if check['Status'] == 'problem']


class Doctor(DoctorCase):
    def test_all_is_well(self):
        checks = self.doctor(0)
        self.assertEqual(list(checks), NAMES)
        self.assertEqual({c['Status'] for n, c in checks.items() if n != 'units'}, {'ok'})
        self.assertEqual(checks['units']['Status'], 'note')
        self.assertIn(self.world.state, checks['store']['Detail'])
        self.assertIn(self.home, checks['home']['Detail'])
        self.assertIn('ferryd itself', checks['workers']['Detail'])
        self.assertEqual(self.world.ferry('doctor', user='root', HOME=self.home).returncode, 0)

    def test_invalid_policy(self):
        self.world.set_policy({'max-jobs-per-user': "'many'"})
        self.addCleanup(wait_until, lambda: self.problems(self.look()) == [], 20, 'no problem')
        self.addCleanup(self.world.set_policy)
        wait_until(lambda: self.problems(self.look()) == ['policy'], 20, 'the problem')
        checks = self.doctor(1)
        self.assertIn('max-jobs-per-user', checks['policy']['Detail'])
        self.assertIn('dconf update', checks['policy']['Advice'])

    def look(self):
        done = self.world.ferry('doctor', '--json', user=self.user, HOME=self.home)
        return {c['Check']: c for c in json.loads(done.stdout)['Checks']}

    def test_no_dconf_profile(self):
        profile = os.path.join(self.world.dconf, 'profile', 'ferry')
        os.rename(profile, profile + '.away')
        self.addCleanup(os.rename, profile + '.away', profile)
        checks = self.doctor(1, XDG_DATA_DIRS=self.home)
        self.assertEqual(self.problems(checks), ['dconf'])

    def test_no_polkit(self):
        self.world.stop_polkit()
        self.addCleanup(self.world.start_polkit)
        checks = self.doctor(1)
        self.assertEqual(self.problems(checks), ['polkit'])

    def test_polkit_without_our_actions(self):
        actions = os.path.join(self.world.dir, 'etc', 'actions', 'org.ferry.transfer1.policy')
        away = os.path.join(self.world.dir, 'etc', 'away')
        os.rename(actions, away)
        self.world.stop_polkit()
        self.world.start_polkit()

        def back():
            os.rename(away, actions)
            self.world.stop_polkit()
            self.world.start_polkit()
        self.addCleanup(back)
        checks = self.doctor(1)
        self.assertEqual(self.problems(checks), ['polkit'])
        self.assertIn('org.ferry.transfer1.', checks['polkit']['Detail'])

    def test_a_failed_job(self):
        job = self.client.submit([(self.url('/absent'), self.path('a'))])
        job.wait_for(lambda v: v['State'] == 'error', what='the error')
        checks = self.doctor(1)
        self.assertEqual(self.problems(checks), ['jobs'])
        self.assertEqual(checks['jobs']['Detail'], '1 of 1 failed: {} (NotFound)'.format(job.id[:4]))
        # Nobody else's business, but root's.
        checks = self.doctor(0, user='games', HOME=self.world.home('games'))
        self.assertEqual(checks['jobs']['Detail'], 'none')
        checks = self.doctor(1, user='root')
        self.assertIn('1 of 1 failed', checks['jobs']['Detail'])
        self.assertIn('--all-users', checks['jobs']['Advice'])

    def test_a_job_that_is_tried_again(self):
        self.serve('/busy', 100, badserver.status(503))
        job = self.client.submit([(self.url('/busy'), self.path('a'))])
        job.wait_state('transient-error')
        checks = self.doctor(0)
        self.assertEqual(checks['jobs']['Status'], 'note')
        self.assertIn('(HttpError)', checks['jobs']['Detail'])

    def test_no_network(self):
        if not isolate.own_network():
            self.skipTest('needs a network namespace')
        isolate.network(False)
        self.addCleanup(isolate.network, True)
        wait_until(lambda: self.problems(self.look()) == ['network'], 20, 'the problem')

    def test_units(self):
        systemd = Systemd(self.world.address)
        self.addCleanup(systemd.close)
        systemd.units = [('ferryd.service', 'active'), ('ferry-worker@65534.service', 'active')]
        checks = self.doctor(0)
        self.assertEqual(checks['units']['Status'], 'ok')
        self.assertEqual(systemd.asked, ['ferryd.service', 'ferry-worker@*.service'])
        systemd.units[1] = ('ferry-worker@65534.service', 'failed')
        checks = self.doctor(1)
        self.assertEqual(self.problems(checks), ['units'])
        self.assertIn('ferry-worker@65534.service', checks['units']['Detail'])
        systemd.units = []
        self.assertEqual(self.doctor(0)['units']['Status'], 'note')

    def test_on_a_terminal(self):
        job = self.client.submit([(self.url('/absent'), self.path('a'))])
        job.wait_for(lambda v: v['State'] == 'error', what='the error')
        status, shown = self.on_terminal(self.program + ' doctor', columns=80, HOME=self.home)
        self.assertEqual(status, 1)
        self.assertIn('\033[31m✗\033[m jobs', shown)
        self.assertIn('1 problem.', shown)
        self.assertLess(shown.count('\n'), 24)
        status, shown = self.on_terminal(self.program + ' doctor', columns=80, HOME=self.home,
                                         NO_COLOR='1', LC_ALL='C')
        self.assertIn('!! jobs', shown)
        self.assertNotIn('\033', shown)
        # A path stays in one piece, to be copied.
        self.assertTrue(all(len(line) <= 80 or line.split() == [line.strip()]
                            for line in shown.splitlines()), shown)


class BadWorker(DoctorCase):
    """A worker that cannot even start."""

    @classmethod
    def setUpClass(cls):
        cls.world = None
        world = World()
        world.start(ferryd=False)
        # Something that ends at once.
        world.ferryd.argv = ['--worker=/bin/false' if a.startswith('--worker=') else a
                             for a in world.ferryd.argv]
        cls.world = world
        cls.world.start_ferryd()

    def test_worker(self):
        job = self.client.create()
        job.error('AddFile', '(ssa{sv})', self.url('/a'), self.path('a'), {})
        checks = self.doctor(1)
        self.assertEqual(self.problems(checks), ['workers'])
        self.assertIn('yours failed: ', checks['workers']['Detail'])
        # His alone.
        self.assertEqual(self.problems(self.doctor(0, user='games', HOME=self.world.home('games'))), [])


class Absent(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.stop)
        self.world.start(ferryd=False)

    def test_no_service(self):
        done = self.world.ferry('doctor', '--json')
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        answer = json.loads(done.stdout)
        self.assertIs(answer['Ok'], False)
        first = answer['Checks'][0]
        self.assertEqual((first['Check'], first['Status']), ('service', 'problem'))
        self.assertIn('Install Ferry', first['Advice'])
        self.assertNotIn('version', [c['Check'] for c in answer['Checks']])

    def test_no_bus(self):
        done = self.world.run(['env', 'DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent',
                               os.path.join(self.world.build, 'client/ferry'), 'doctor'])
        self.assertEqual(done.returncode, 4)
        self.assertIn('ferry: NoServer: ', done.stderr)


if __name__ == '__main__':
    cases.main()
