#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package, installed as a user would: it works with no further step, from everywhere a user has a uid,
and its processes have no rights but those they need."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content  # noqa: E402
from lib.badserver import slow  # noqa: E402
from lib.process import wait_until  # noqa: E402


class Installed(cases.MachineCase):
    """On one machine, in any order."""

    def serve(self, name, size=200000, *script):
        """Returns (url, body)."""
        body = content.pattern(size, sum(name.encode()))
        self.machine.http.add('/' + name, body, *script)
        return self.machine.http.url('/' + name), body

    def read(self, path):
        return content.read(self.machine.path(path))

    def test_nothing_else_to_do(self):
        """What the package brings is in its place, and the machine is well."""
        for unit in ('ferryd.service', 'ferryd.timer'):
            self.assertEqual(self.machine.run(['systemctl', 'is-enabled', unit]).stdout.strip(),
                             'enabled')
            self.assertEqual(self.machine.run(['systemctl', 'is-active', unit]).stdout.strip(),
                             'active')
        self.assertEqual(self.machine.run(['systemctl', 'is-system-running']).stdout.strip(),
                         'running')
        self.assertEqual(self.machine.run(['dpkg', '--verify', 'ferry']).stdout, '')
        self.machine.run(['man', '--where', 'ferry', 'ferryd'], 'alice')
        keys = self.machine.run(['gsettings', 'list-keys', 'org.ferry.Transfer1.Policy'], 'alice')
        self.assertIn('max-jobs-per-user', keys.stdout)

    def test_login(self):
        """An ssh session: PAM, logind, a user's own systemd."""
        url, body = self.serve('login')
        done = self.machine.login('alice', 'loginctl show-session "$XDG_SESSION_ID" '
                                  '-p Name -p Remote && ferry get ' + url)
        self.assertEqual(done.stdout.splitlines(), ['Name=alice', 'Remote=yes',
                                                    '/home/alice/login'])
        self.assertEqual(self.read('/home/alice/login'), body)

    def test_cron(self):
        """A real job of the real cron, with its poor environment and without a session."""
        url, body = self.serve('cron')
        self.machine.cron('bob', 'ferry get {} > printed 2>&1; echo "$? $XDG_SESSION_ID" > status'
                          .format(url))
        path = self.machine.path('/home/bob/status')
        wait_until(lambda: os.path.exists(path) and os.path.getsize(path), 30, 'the cron job')
        self.assertEqual(self.read('/home/bob/status'), b'0 \n', self.read('/home/bob/printed'))
        self.assertEqual(self.read('/home/bob/printed'), b'/home/bob/cron\n')
        self.assertEqual(self.read('/home/bob/cron'), body)

    def test_unit(self):
        """A transient service of a user."""
        url, body = self.serve('unit')
        done = self.machine.run(['systemd-run', '--quiet', '--pipe', '--wait', '--uid=carol',
                                 '--gid=carol', '--working-directory=/home/carol', 'ferry', 'get',
                                 url])
        self.assertEqual(done.stdout, '/home/carol/unit\n')
        self.assertEqual(self.read('/home/carol/unit'), body)

    def test_root(self):
        """An owner like any other, but for places by which others become root."""
        url, body = self.serve('root')
        self.assertEqual(self.machine.run(['ferry', 'get', url]).stdout, '/root/root\n')
        self.assertEqual(self.read('/root/root'), body)
        done = self.machine.run(['ferry', 'get', '-d', '/root/.ssh', url], check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn('NoFileAccess', done.stderr)

    # -- rights

    def confined(self, name, user):
        """Checks what the kernel says about that user's one process of that name; returns its pid
        inside."""
        uid = self.machine.run(['id', '-u', user]).stdout.strip()
        gid = self.machine.run(['id', '-g', user]).stdout.strip()
        found = [(pid, status) for pid, status in self.machine.processes(name)
                 if status['Uid'].split() == [uid] * 4]
        self.assertEqual(len(found), 1, self.machine.processes(name))
        pid, status = found[0]
        self.assertEqual(status['Gid'].split(), [gid] * 4)
        for capabilities in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'):
            self.assertEqual(int(status[capabilities], 16), 0, capabilities)
        self.assertEqual(status['NoNewPrivs'], '1')
        self.assertEqual(status['Seccomp'], '2')
        return pid

    def refuses(self, pid, command):
        """A shell line that even root cannot do in that process's view of the file system."""
        done = self.machine.run(['nsenter', '--target', str(pid), '--mount', 'sh', '-c', command],
                                check=False)
        self.assertNotEqual(done.returncode, 0, command)
        self.assertRegex(done.stderr, 'Read-only file system|Permission denied|No such file')

    def test_processes(self):
        """ferryd as its user, the worker as the job's owner, both confined."""
        url, _ = self.serve('slow', 1000000, slow(20000))
        ident = self.machine.run(['ferry', 'get', '--detach', url], 'alice').stdout.strip()
        self.machine.wait_job('alice', ident, lambda j: j['BytesTransferred'] > 0, 'some bytes')
        ferryd = self.confined('ferryd', 'ferry')
        worker = self.confined('ferry-worker', 'alice')
        groups = self.machine.run(['cat', '/proc/{}/cgroup'.format(worker)]).stdout
        self.assertIn('/system-ferry.slice/ferry-worker@1000.service', groups)

        for place in ('/usr', '/etc', '/boot', '/var/lib', '/root'):
            self.refuses(ferryd, 'touch {}/probe'.format(place))
        self.refuses(ferryd, 'ls /home/alice/.ssh')
        for place in ('/usr', '/etc', '/boot'):
            self.refuses(worker, 'touch {}/probe'.format(place))
        # Other users' processes are not even names for them.
        self.refuses(worker, 'setpriv --reuid=alice --regid=alice --init-groups '
                     'cat /proc/{}/cmdline'.format(ferryd))
        self.machine.run(['ferry', 'cancel', ident], 'alice')

    def test_modes(self):
        """Of what is stored, of what others may reach, of what was fetched."""
        url, _ = self.serve('modes')
        self.machine.run(['sh', '-c', 'umask 027; exec ferry get ' + url], 'alice')
        shown = self.machine.run(
            ['stat', '--format=%a %U:%G %n', '/var/lib/ferry', '/var/lib/ferry/ferry.db',
             '/run/ferry', '/run/ferry/worker', '/usr/libexec/ferryd', '/home/alice/modes'])
        self.assertEqual(shown.stdout.splitlines(), [
            '700 ferry:ferry /var/lib/ferry',
            '600 ferry:ferry /var/lib/ferry/ferry.db',
            '755 ferry:ferry /run/ferry',
            '666 ferry:ferry /run/ferry/worker',
            '755 root:root /usr/libexec/ferryd',
            '640 alice:alice /home/alice/modes'])


if __name__ == '__main__':
    cases.main()
