#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package is removed and comes back, and nothing is lost; it is purged, and nothing is left, nor is
anything taken that is not Ferry's."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content  # noqa: E402
from lib.badserver import hang_body, normal  # noqa: E402
from lib.process import wait_until  # noqa: E402

SIZE = 400000


class Remove(cases.MachineCase):
    """Each case begins with the package installed."""

    def setUp(self):
        super().setUp()
        self.machine.install()
        self.home = '/home/alice/' + self.id().rsplit('.', 1)[1]
        self.machine.run(['mkdir', self.home], 'alice')

    def part(self, job):
        """Path of the temporary file of a job's only file."""
        return job.file()['TemporaryPath']

    def exists(self, path):
        return os.path.lexists(self.machine.path(path))

    def begin(self, user='alice', home=None):
        """A job that is in the middle; returns it and its route."""
        home = home or self.home
        name = '/file-of-{}'.format(user)
        route = self.machine.http.add(name, content.pattern(SIZE, 3), hang_body(150000), normal())
        job = self.machine.client(user).submit([(self.machine.http.url(name), home + '/file')],
                                               AutoComplete=True)
        job.wait_bytes(150000)
        return job, route

    def test_remove_pauses(self):
        """Nothing is lost: a package that comes back goes on."""
        job, route = self.begin()
        part = self.part(job)
        self.machine.apt('remove', 'ferry')
        for name in ('ferryd', 'ferry-worker'):
            self.assertEqual(self.machine.processes(name), [])
        self.assertEqual(os.path.getsize(self.machine.path(part)), 150000)
        self.assertTrue(self.exists('/var/lib/ferry/ferry.db'))
        self.assertFalse(self.exists('/usr/libexec/ferryd'))
        self.machine.reboot()
        self.assertTrue(self.exists(part))

        self.machine.install()
        path = self.machine.path(self.home + '/file')
        wait_until(lambda: os.path.exists(path), 30, 'the file')
        self.assertEqual(content.read(path), route.body)
        self.assertEqual([r.start for r in route.requests], [None, 150000])
        self.assertFalse(self.exists(part))

    def test_purge(self):
        """As if every job had been cancelled: of several users, running, waiting, done."""
        running, _ = self.begin()
        self.machine.run(['mkdir', '/home/bob/purge dir'], 'bob')
        other, _ = self.begin('bob', '/home/bob/purge dir')
        self.machine.run(['mkdir', '/root/purge'])
        roots, _ = self.begin(None, '/root/purge')
        self.machine.http.add('/purge', content.pattern(1000, 4))
        url = self.machine.http.url('/purge')
        waiting = self.machine.client('alice').submit([(url, self.home + '/waiting')])
        waiting.wait_state('transferred')
        self.machine.run(['ferry', 'get', url, '-o', self.home + '/done'], 'alice')
        parts = [self.part(job) for job in (running, other, roots, waiting)]
        # It looks like one of ours, but is not.
        alien = self.home + '/.ferry-' + 32 * 'a' + '-0.part'
        self.machine.run(['touch', alien], 'alice')

        self.machine.apt('purge', 'ferry')
        self.assertEqual([part for part in parts if self.exists(part)], [])
        self.assertTrue(self.exists(alien))
        self.assertEqual(sorted(os.listdir(self.machine.path(self.home))),
                         sorted([os.path.basename(alien), 'done']))
        self.assertFalse(self.exists('/var/lib/ferry'))
        self.assertEqual(self.machine.run('ls /etc/systemd/system/*/ferry*', check=False).stdout,
                         '')
        self.machine.install()
        self.assertEqual(self.machine.jobs('alice'), [])

    def test_purge_later(self):
        """Long after the removal, when nothing but the list is there; also of a user who is gone."""
        job, _ = self.begin()
        part = self.part(job)
        self.machine.run(['useradd', '--create-home', 'dora'])
        gone, _ = self.begin('dora', '/home/dora')
        self.machine.apt('remove', 'ferry')
        self.machine.close_clients()
        self.machine.run(['userdel', 'dora'])
        self.machine.reboot()
        self.machine.apt('purge', 'ferry')
        self.assertFalse(self.exists(part))
        self.assertTrue(self.exists('/home/dora/.ferry-{}-0.part'.format(gone.id)))
        self.assertFalse(self.exists('/var/lib/ferry'))

    def swap(self, job, outside, owner):
        """Puts a link to another directory in place of the target's; in there is a file of the same
        name. Returns its path."""
        name = os.path.basename(self.part(job))
        decoy = os.path.join(outside, name)
        job.suspend()
        job.wait_state('suspended')
        self.machine.run(['mkdir', outside], owner)
        self.machine.run(['sh', '-c', 'echo precious > ' + decoy], owner)
        self.machine.run(['mv', self.home, self.home + '.moved'], 'alice')
        self.machine.run(['ln', '-s', outside, self.home], 'alice')
        return decoy

    def test_purge_by_a_link(self):
        """A user who leads his directory elsewhere has nothing removed there, of root's or of his own."""
        for outside, owner in (('/root/outside', None), ('/home/alice/outside', 'alice')):
            with self.subTest(outside=outside):
                job, _ = self.begin()
                bobs, _ = self.begin('bob', '/home/bob')
                part = self.part(bobs)
                decoy = self.swap(job, outside, owner)
                self.machine.apt('purge', 'ferry')
                self.assertEqual(content.read(self.machine.path(decoy)), b'precious\n')
                self.assertFalse(self.exists(part), 'what is in its place goes')
                self.machine.run(['rm', self.home], 'alice')
                self.machine.run(['rm', '-r', self.home + '.moved'], 'alice')
                self.machine.run(['mkdir', self.home], 'alice')
                self.machine.install()

    def test_purge_by_a_forged_list(self):
        """Whoever is user ferry can name what he likes: only files of such a name go, and only what
        their owner may remove."""
        self.machine.apt('remove', 'ferry')
        name = '.ferry-' + 32 * '0' + '-0.part'
        precious = ['/home/alice/.bashrc', '/etc/passwd', '/root/' + name, '/home/alice/' + name]
        self.machine.run('touch /root/{0} /home/alice/{0}'.format(name))
        harmless = self.home + '/' + name
        self.machine.run(['touch', harmless], 'alice')
        self.machine.run(['ln', '-s', '/root', self.home + '/link'], 'alice')
        alice = self.machine.run(['id', '-u', 'alice']).stdout.strip()
        entries = [(alice, 'alice', '0', '0', '/home/alice/.bashrc'),
                   ('0', 'root', '0', '0', '/etc/passwd'),
                   (alice, 'alice', '0', '0', self.home + '/link/' + name),
                   ('0', 'alice', '0', '0', '/root/' + name),
                   (alice, '', '0', '0', '/home/alice/' + name),         # root's file
                   ('alice', '', '0', '0', '/home/alice/' + name),
                   (alice, '', '0', '0', '/home/alice/x\n' + name),
                   ('', '', '', '', ''),
                   (alice, 'alice', '0', '0', harmless)]
        forged = ''.join(field + '\0' for entry in entries for field in entry)
        self.machine.run('cat > /var/lib/ferry/temporary-files', 'ferry', stdin=forged,
                         cwd='/var/lib/ferry')
        self.machine.apt('purge', 'ferry')
        self.assertEqual([path for path in precious if not self.exists(path)], [])
        self.assertFalse(self.exists(harmless), 'the list was read to its end')


if __name__ == '__main__':
    cases.main()
