#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server's question is answered from the user's own ~/.netrc, to that server alone, and nobody hears of it."""

import glob
import os
import pwd
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content, isolate  # noqa: E402
from lib.badserver import OLD  # noqa: E402
from lib.client import ERROR, Job  # noqa: E402
from lib.uploads import NginxDav  # noqa: E402

USER, SECRET, OTHER = 'mark-netrc-user', 'Mark-netrc-x7', 'Mark-netrc-y8'
REFUSED = 'The server answered 401 Unauthorized'


def line(host, password=SECRET):
    return 'machine {} login {} password {}\n'.format(host, USER, password)


class NetrcCase(cases.WorldCase):
    """Users have home directories; the file is behind nginx, which asks for a password."""

    world_options = {'ferryd_env': {'G_MESSAGES_DEBUG': 'all'}}

    def setUp(self):
        self.needs_root()
        super().setUp()
        self.nginx = self.world.nginx
        self.body = content.pattern(3_000_000, 5)
        self.nginx.add('file', self.body)
        os.utime(os.path.join(self.nginx.www, 'file'), (OLD, OLD))
        self.htpasswd = self.nginx.set_password(USER, SECRET)
        self.asked = len(self.users())
        self.homes = {self.user: self.home, 'root': self.world.home('root')}
        self.give_homes()

    def give_homes(self):
        """In the user database, as this namespace sees it."""
        passwd = os.path.join(self.world.dir, 'etc', 'passwd')
        with open(passwd, 'w', encoding='utf-8') as out:
            for entry in pwd.getpwall():
                out.write(':'.join([entry.pw_name, 'x', str(entry.pw_uid), str(entry.pw_gid), '',
                                    self.homes.get(entry.pw_name, '/nonexistent'), '/bin/sh']) + '\n')
        os.chmod(passwd, 0o644)
        isolate.bind(passwd, '/etc/passwd')
        self.addCleanup(subprocess.run, ['umount', '/etc/passwd'], check=True)

    def write_netrc(self, text, mode=0o600, user=None):
        user = user or self.user
        path = os.path.join(self.homes[user], '.netrc')
        content.write(path, text.encode())
        os.chmod(path, mode)
        os.chown(path, pwd.getpwnam(user).pw_uid, -1)

    def users(self):
        """Who asked, as nginx has it."""
        return self.nginx.users()

    def fetch(self, url=None, client=None, home=None, **properties):
        target = os.path.join(home or self.home, 'target')
        return (client or self.client).submit(
            [(url or self.nginx.secure_url('guarded/file'), target)], AutoComplete=True,
            NoProgressTimeout=0, **properties)

    def end(self, job):
        return job.wait_for(lambda v: v['State'] in ('acknowledged', 'error'), 30, 'the end')

    def arrives(self, job, home=None):
        values = self.end(job)
        self.assertEqual(values['State'], 'acknowledged', values['Error'])
        self.assertEqual(content.read(os.path.join(home or self.home, 'target')), self.body)

    def refused(self, job, more=''):
        values = self.end(job)
        self.assertEqual(values['State'], 'error')
        self.assertEqual(values['Error']['Name'], ERROR + 'AuthenticationFailed')
        self.assertEqual(values['Error']['Message'], REFUSED + more)


class Netrc(NetrcCase):
    def test_https(self):
        self.write_netrc(line('elsewhere.example', 'x') + line('localhost'))
        self.arrives(self.fetch())
        self.assertEqual([u for u, _, status in self.users()[self.asked:] if status == 200], [USER])
        # No library has made anything of its own in the home directory.
        self.assertEqual(self.left_over(), ['.netrc', 'target'])

    def test_default(self):
        self.write_netrc('default login {} password "{}"\n'.format(USER, SECRET))
        self.arrives(self.fetch())

    def test_without_an_entry(self):
        self.refused(self.fetch())
        self.write_netrc(line('localhost.example'))
        self.refused(self.fetch())

    def test_others_may_read_it(self):
        self.write_netrc(line('localhost'), 0o644)
        job = self.fetch()
        self.refused(job, '; ~/.netrc is not used: others may read it; chmod 600 it')
        self.write_netrc(line('localhost'))
        job.resume()
        self.arrives(job)

    def test_plain_http(self):
        self.write_netrc(line('127.0.0.1'))
        self.refused(self.fetch(self.nginx.url('guarded/file')),
                     '; the password that ~/.netrc has for it is only sent over https, to a server '
                     'with a good certificate')
        self.assertEqual([(u, status) for u, _, status in self.users()[self.asked:]], [('-', 401)])

    def test_redirect_takes_nothing_along(self):
        """Not even where the file has a password for that place too."""
        self.write_netrc(line('localhost') + line('127.0.0.1'))
        self.refused(self.fetch(self.nginx.secure_url('elsewhere/guarded/file')))
        self.refused(self.fetch(self.nginx.secure_url('elsewhere/guarded/file'),
                                RedirectPolicy='report'))
        self.assertEqual({u for u, _, _ in self.users()[self.asked:]}, {'-'})

    def test_password_changes(self):
        """Meanwhile: each attempt reads the file anew, and goes on with the bytes it has."""
        self.write_netrc(line('localhost'))
        job = self.fetch()
        job.wait_bytes(500_000)
        job.suspend()
        self.nginx.set_password(USER, OTHER)
        job.resume()
        self.refused(job)
        self.write_netrc(line('localhost', OTHER))
        job.resume()
        self.arrives(job)
        self.assertEqual([s for u, _, s in self.users()[self.asked:] if u == USER][-1], 206)

    def test_upload(self):
        server = NginxDav.of(self, self.nginx.tls, guard=self.htpasswd)
        self.write_netrc(line('localhost'))
        content.write(self.path('source'), self.body)
        os.chown(self.path('source'), self.client.user.pw_uid, -1)
        job = self.client.submit([(server.url('up/x'), self.path('source'))], job_type='upload',
                                 AutoComplete=True, NoProgressTimeout=0)
        values = self.end(job)
        self.assertEqual(values['State'], 'acknowledged', values['Error'])
        self.assertEqual(content.read(server.file('up/x')), self.body)

    def test_other_user(self):
        """It is the owner's, and nobody else's."""
        self.write_netrc(line('localhost'))
        other = self.world.client('games')
        self.addCleanup(other.close)
        home = self.world.home('games')
        job = self.fetch(client=other, home=home)
        self.refused(job)
        job.cancel()
        self.arrives(self.fetch())

    def test_taken_over(self):
        """The former owner chose the URL: nothing of the new one's goes there."""
        root = self.world.client('root')
        self.addCleanup(root.close)
        self.write_netrc(line('localhost'), user='root')
        self.arrives(self.fetch(client=root, home=self.homes['root']), self.homes['root'])
        os.chmod(self.home, 0o777)
        job = self.fetch()
        self.refused(job)
        asked = len(self.users())
        taken = Job(root, root.manager('TakeOwnership', '(s)', job.id))
        for _ in range(2):
            taken.resume()
            self.refused(taken)
            taken.suspend()
        self.assertEqual({u for u, _, _ in self.users()[asked:]}, {'-'})
        taken.cancel()


class Traces(NetrcCase):
    def test_nobody_hears_of_it(self):
        """No log, property, signal or store has the password or the name."""
        for mode, text in ((0o600, line('localhost')), (0o644, line('localhost')),
                           (0o600, line('localhost') + 'machine "'), (0o600, line('localhost', OTHER))):
            self.write_netrc(text, mode)
            job = self.fetch()
            values = self.end(job)
            seen = repr(values) + repr(job.files())
            if values['State'] == 'error':
                job.cancel()
            seen += repr(self.client.signals) + repr(job.get_all())
            for mark in (USER, SECRET, OTHER):
                self.assertNotIn(mark, seen)
            if os.path.exists(self.path('target')):
                os.unlink(self.path('target'))
        self.world.stop_ferryd()
        try:
            log = self.world.ferryd.log()
            found = glob.glob(os.path.join(self.world.state, '**'), recursive=True)
            stored = b''.join(content.read(p) for p in found if os.path.isfile(p))
            self.assertIn(b'guarded/file', stored, 'the store was looked at')
            self.assertTrue(log.strip(), 'there is a log to look at')
            for mark in (USER, SECRET, OTHER):
                self.assertNotIn(mark, log)
                self.assertNotIn(mark.encode(), stored)
        finally:
            self.world.start_ferryd()


if __name__ == '__main__':
    cases.main()
