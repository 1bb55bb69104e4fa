#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""alice is malicious, on a whole machine: she gains nothing, and bob hardly notices."""

import json
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content  # noqa: E402
from lib.badserver import slow  # noqa: E402
from lib.machine import BUS, TESTS  # noqa: E402
from lib.process import wait_until  # noqa: E402

PYTHON = ['/usr/bin/python3', '-B']
RATE = 10000        # calls a second
CONNECTIONS = 1000  # wanted; the bus gives a user 256


class Malice(cases.MachineCase):
    """On one machine, in any order."""

    def setUp(self):
        super().setUp()
        self.machine.run('systemctl start ferryd')
        self.ferryd = self.pid_of_ferryd()
        self.before = self.others()

    def tearDown(self):
        """Whatever she tried: what is not hers is as it was, and the service never went down."""
        self.assertEqual(self.others(), self.before)
        self.assertEqual(self.pid_of_ferryd(), self.ferryd)
        self.machine.run(['ferry', 'cancel', '--all', '--yes'], 'alice', check=False)

    def pid_of_ferryd(self):
        return self.machine.run('systemctl show -p MainPID --value ferryd').stdout.strip()

    def others(self):
        """Names, modes, owners and contents of what alice must not touch."""
        return self.machine.run(
            'find /etc /root /var/spool/cron /home/bob -xdev ! -path "/root/.cache*" '
            '! -path "/root/.config*" ! -path /etc/ld.so.cache -printf "%p %m %u %y %l\n" | sort; '
            'sha256sum /etc/shadow /etc/passwd /home/bob/.ssh/authorized_keys').stdout

    def serve(self, name, size=100000, *script):
        """Returns the URL."""
        self.machine.http.add('/' + name, content.pattern(size, sum(name.encode())), *script)
        return self.machine.http.url('/' + name)

    def start(self, user, *argv):
        """A program of that user in the machine that has said a first line."""
        child = self.machine.start([*PYTHON, *argv], user, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        self.addCleanup(self.end, child)
        self.assertNotEqual(child.stdout.readline(), '')
        return child

    @staticmethod
    def end(child):
        """Returns the rest of what it says."""
        if child.stdin.closed:
            return ''
        child.stdin.close()
        rest = child.stdout.read()
        child.wait(30)
        child.stdout.close()
        return rest

    def get(self, target, *options):
        """alice fetches to target; returns (exit status, what was said)."""
        done = self.machine.run(['ferry', 'get', '--timeout', '20', *options, '-o', target,
                                 self.serve('evil')], 'alice', check=False)
        return done.returncode, done.stderr

    # -- places

    def test_places_of_others(self):
        self.machine.run(['ln', '-sfn', '/etc/shadow', 'link'], 'alice')
        self.machine.run(['ln', '-sfn', '/etc', 'etc'], 'alice')
        for target in ('/etc/shadow', '/etc/ferry-probe', '/root/probe', '/home/bob/probe',
                       '/var/lib/ferry/ferry.db', '/var/spool/cron/crontabs/root',
                       '/home/alice/link', '/home/alice/etc/shadow', '/home/alice/etc/probe',
                       '/home/alice/../bob/probe', '/proc/self/mem', '/dev/null'):
            with self.subTest(target):
                status, said = self.get(target, '--force')
                self.assertEqual(status, 1, said)
                self.assertRegex(said, 'NoFileAccess|TargetExists')

    def test_hard_link(self):
        """Where the kernel lets users link what is not theirs: the name is hers, the file is not."""
        self.machine.run('ln /etc/shadow /home/alice/hard')
        status, said = self.get('/home/alice/hard')
        self.assertEqual(status, 1)
        self.assertIn('TargetExists', said)
        status, said = self.get('/home/alice/hard', '--force')
        self.assertEqual(status, 0, said)
        self.assertEqual(content.read(self.machine.path('/home/alice/hard')),
                         content.pattern(100000, sum(b'evil')))

    def test_race(self):
        """Her directory is a link to /etc half of the time, to bob's home in another round."""
        for victim in ('/etc', '/home/bob'):
            self.machine.run('rm -rf d e && mkdir d && ln -sfn {} e'.format(victim), 'alice')
            swapper = self.start('alice', TESTS + '/swapper.py', '/home/alice/d', '/home/alice/e')
            url = self.serve('race', 3000)
            for number in range(25):
                self.machine.run(['ferry', 'get', '--timeout', '2', '--force', '-o',
                                  'd/shadow{}'.format(number % 5), url], 'alice', check=False)
            self.assertGreater(int(self.end(swapper)), 1000)

    def test_race_for_roots_hand(self):
        """root takes her job over, whose directory becomes a link to his own."""
        self.machine.run('chmod 0777 /home/alice; rm -rf d e; mkdir -m 0777 d; ln -sfn /root e',
                         'alice')
        self.addCleanup(self.machine.run, 'chmod 0700 /home/alice')
        url = self.serve('taken', 3000)
        for number in range(6):
            swapper = self.start('alice', TESTS + '/swapper.py', '/home/alice/d', '/home/alice/e')
            for _ in range(20):
                made = self.machine.run(
                    ['ferry', 'get', '--detach', '--priority', 'low', '-o',
                     'd/.evil{}'.format(number), url], 'alice', check=False).stdout.strip()
                if made:
                    break
            self.assertTrue(made, 'alice could not make a job')
            self.machine.run(['ferry', 'suspend', made], 'alice', check=False)
            self.machine.run(['ferry', 'take', made], check=False)
            self.machine.run(['ferry', 'resume', made], check=False)
            self.machine.run(['ferry', 'wait', '--timeout', '1', made], check=False)
            self.machine.run(['ferry', 'complete', '--discard-unfinished', made], check=False)
            self.machine.run(['ferry', 'cancel', '--yes', made], check=False)
            self.end(swapper)

    # -- rights

    def test_units_and_names(self):
        for line in ('systemctl start ferry-worker@1001.service', 'systemctl stop ferryd.service',
                     'systemctl start ferry-worker@0.service',
                     'dbus-send --system --print-reply --dest=org.freedesktop.DBus / '
                     'org.freedesktop.DBus.RequestName string:org.ferry.Transfer1 uint32:6',
                     'ferry policy set max-jobs-per-user 1000', 'ferry list --all-users',
                     'cat /var/lib/ferry/ferry.db', 'rm -f /run/ferry/worker',
                     'touch /run/ferry/probe'):
            with self.subTest(line):
                done = self.machine.run(['sh', '-c', line], 'alice', check=False)
                self.assertNotEqual(done.returncode, 0, done.stdout)

    def test_the_service_user(self):
        """Who has taken over ferryd may start workers, and no other unit."""
        self.machine.run(['systemctl', 'start', 'ferry-worker@1002.service'], 'ferry', cwd='/')
        for line in ('systemctl start ferry-worker@carol.service', 'systemctl start cron.service',
                     'systemctl stop ssh.socket', 'systemctl mask ferry-worker@1002.service',
                     'systemctl daemon-reload', 'systemctl set-property ferry-worker@1002.service '
                     'MemoryMax=infinity', 'systemctl kill cron.service',
                     'systemd-run true'):
            with self.subTest(line):
                done = self.machine.run(['sh', '-c', line], 'ferry', check=False, cwd='/')
                self.assertNotEqual(done.returncode, 0, done.stdout)

    # -- her own code as her worker

    def test_own_worker(self):
        """In the place of her worker, speaking of everybody's files."""
        bobs = self.serve('bobs', 2000000, slow(400000))
        url = self.serve('alices', 500000, slow(50000))
        self.machine.run(['ferry', 'get', '--detach', '-o', 'own', url], 'alice')
        version = self.machine.run(['ferry', '--version'], 'alice').stdout.split()[-1]
        self.start('alice', TESTS + '/usurper.py', '/run/ferry/worker', version,
                             'foreign', '/home/alice/told')
        bob = self.machine.start(['ferry', 'get', '-o', '/var/tmp/bobs', bobs], 'bob',
                                 stdout=subprocess.PIPE)
        wait_until(lambda: os.path.exists(self.machine.path('/home/alice/told')), 30, 'a lie')
        self.assertEqual(bob.communicate(timeout=60)[0], '/var/tmp/bobs\n')
        self.assertEqual(content.read(self.machine.path('/var/tmp/bobs')),
                         content.pattern(2000000, sum(b'bobs')))
        self.assertEqual(len(self.machine.http.routes['/bobs'].requests), 1, 'nobody meddled')

    # -- limits and floods

    def test_limits(self):
        """All her places are taken; bob has his."""
        url = self.serve('many', 100000, slow(1000))
        made = self.machine.run(
            'i=0; while [ $i -lt 70 ]; do i=$((i+1)); '
            'ferry get --detach -o many$i {} || exit; done'.format(url), 'alice', check=False,
            timeout=120)
        self.assertEqual(made.returncode, 3)
        self.assertIn('TooManyJobsPerUser', made.stderr)
        done = self.machine.run(['ferry', 'get', '-o', '/var/tmp/bob-too', self.serve('one', 1000)],
                                'bob')
        self.assertEqual(done.stdout, '/var/tmp/bob-too\n')

    def beside(self, pinger, *flood):
        """bob's calls beside that flood: none waits long. How much longer they take is for tests/bench/run flood."""
        def measure():
            pinger.stdin.write('200\n')
            pinger.stdin.flush()
            return json.loads(pinger.stdout.readline())
        alone = measure()
        flooder = self.start('alice', TESTS + '/flood.py', BUS, *map(str, flood))
        beside = measure()
        rate = self.end(flooder).strip()
        print('# {}: {} calls a second; bob: {:.2f} ms alone, {:.2f} ms beside, slowest {:.0f} ms'.format(
            flood, rate, 1e3 * statistics.median(alone), 1e3 * statistics.median(beside),
            1e3 * max(beside)))
        self.assertLess(max(beside), 1)

    def test_floods(self):
        pinger = self.machine.start([*PYTHON, TESTS + '/pinger.py', BUS], 'bob',
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.end, pinger)
        for what, connections in (('calls', 1), ('calls', CONNECTIONS), ('probes', 1),
                                  ('creates', 1), ('polkit', 1)):
            with self.subTest(what, connections=connections):
                self.beside(pinger, what, RATE, connections)

    def test_connections_to_the_worker_socket(self):
        script = ('import resource, socket; '
                  'resource.setrlimit(resource.RLIMIT_NOFILE, (1100, 1100)); socks = []\n'
                  'for _ in range(1000):\n'
                  '    s = socket.socket(socket.AF_UNIX); s.settimeout(20)\n'
                  '    while True:\n'
                  '        try: s.connect("/run/ferry/worker"); break\n'
                  '        except BlockingIOError: pass    # its queue is full for now\n'
                  '    socks.append(s)\n'
                  'print(sum(s.recv(1) == b"" for s in socks))')
        wait_until(lambda: not self.machine.processes('ferry-worker'), 60, 'the end of all workers')
        done = self.machine.run([*PYTHON, '-c', script], 'alice')
        self.assertEqual(done.stdout.strip(), '1000')


if __name__ == '__main__':
    cases.main()
