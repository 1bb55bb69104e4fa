#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package is upgraded while files are fetched: ferryd and its workers are replaced, the jobs go on, no
byte is fetched twice."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content, package, tree  # noqa: E402
from lib.badserver import hang_body, normal  # noqa: E402
from lib.client import MANAGER, ROOT  # noqa: E402
from lib.process import wait_until  # noqa: E402

SIZE = 400000
# A store of the first release, as the unit tests have it.
STORED = os.path.join(tree.ROOT, 'tests', 'unit', 'store', 'schema-1.sql')
STORED_JOB = '00112233445566778899aabbccddeeff'


class Upgrade(cases.MachineCase):
    """From an older package of the same tree."""

    installed = False

    def setUp(self):
        super().setUp()
        self.machine.install(package.previous())
        self.addCleanup(self.machine.apt, 'purge', 'ferry')

    def version(self):
        return self.machine.client('alice').get(ROOT, MANAGER, 'Version')

    def test_running(self):
        """One job runs, one is suspended, one waits for Complete; a value of the policy is set."""
        route = self.machine.http.add('/running', content.pattern(SIZE, 1), hang_body(150000),
                                      normal())
        small = self.machine.http.add('/small', content.pattern(1000, 2))
        client = self.machine.client('alice')
        self.assertEqual(client.get(ROOT, MANAGER, 'Version'), package.PREVIOUS)
        running = client.submit([(self.machine.http.url('/running'), '/home/alice/running')],
                                AutoComplete=True)
        waiting = client.submit([(self.machine.http.url('/small'), '/home/alice/small')])
        suspended = client.create()
        suspended.add_file(self.machine.http.url('/small'), '/home/alice/later')
        waiting.wait_state('transferred')
        running.wait_bytes(150000)
        self.machine.run(['ferry', 'policy', 'set', 'max-active-jobs', '7'])
        old = [pid for name in ('ferryd', 'ferry-worker')
               for pid, _ in self.machine.processes(name)]
        self.assertEqual(len(old), 2)

        self.machine.install()
        path = self.machine.path('/home/alice/running')
        wait_until(lambda: os.path.exists(path), 30, 'the file')
        self.assertEqual(content.read(path), route.body)
        self.assertEqual([r.start for r in route.requests], [None, 150000])
        self.assertEqual(route.sent, SIZE)
        new = [pid for name in ('ferryd', 'ferry-worker')
               for pid, _ in self.machine.processes(name)]
        self.assertFalse(set(old) & set(new), 'processes of the old version')

        self.assertEqual(self.version(), package.version())
        self.assertEqual(running.state, 'acknowledged')
        self.assertEqual(suspended.state, 'suspended')
        self.assertEqual(waiting.complete(), (1, 0))
        self.assertEqual(content.read(self.machine.path('/home/alice/small')), small.body)
        self.assertEqual(sum(f['Restarts'] for f in running.files()), 0)
        policy = self.machine.run(['ferry', 'policy', 'get', 'max-active-jobs'], 'alice').stdout
        self.assertIn('7', policy)

    def test_old_store(self):
        """A store as the first release made it; the job in it is alice's."""
        self.machine.run(['systemctl', 'stop', 'ferryd.service'])
        with open(STORED, encoding='utf-8') as sql:
            text = sql.read().replace("'ada'", "'alice'")
        self.machine.run('rm -f ferry.db* && sqlite3 ferry.db', stdin=text, cwd='/var/lib/ferry',
                         user='ferry')
        self.machine.install()
        job = self.machine.job('alice', STORED_JOB)
        self.assertEqual(job['State'], 'error')
        self.assertEqual(job['Error']['Message'], 'It is gone.')

    def test_disabled(self):
        """An administrator who wants no ferryd at boot has none after the upgrade either."""
        self.machine.run(['systemctl', 'disable', '--now', 'ferryd.service', 'ferryd.timer'])
        self.machine.install()
        for unit in ('ferryd.service', 'ferryd.timer'):
            state = self.machine.run(['systemctl', 'is-enabled', unit], check=False).stdout
            self.assertEqual(state.strip(), 'disabled')


if __name__ == '__main__':
    cases.main()
