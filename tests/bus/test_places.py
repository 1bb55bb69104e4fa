#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Odd callers and odd file systems: each works, or is refused with an error that says why."""

import contextlib
import glob
import os
import pwd
import shutil
import stat
import struct
import subprocess
import sys
import threading
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content  # noqa: E402
from lib.badserver import hang_body, normal, slow  # noqa: E402
from lib.client import ERROR, MANAGER, NOT_SUPPORTED, ROOT  # noqa: E402
from lib.lossy import Disk  # noqa: E402
from lib.world import BUILD  # noqa: E402

SIZE, CUT = 200000, 80000
ROOT_DIRECTORIES = '''
mount -t tmpfs -o mode=0755 tmpfs {root}
cp -P /bin /sbin /lib /lib64 {root}/
for place in usr etc proc dev; do mkdir {root}/$place; mount --rbind /$place {root}/$place; done
mkdir -m 1777 {root}/tmp
mkdir -p {root}{shared}
mount --rbind {shared} {root}{shared}
'''


class PlacesCase(cases.WorldCase):
    """A world in which root may mount."""

    def setUp(self):
        self.needs_root()
        super().setUp()
        self.user_entry = pwd.getpwnam(self.user)
        self.route = self.world.http.add('/file', content.pattern(SIZE, 1))
        self.url = self.world.http.url('/file')

    def mount(self, *args):
        """Mounts; the last argument is the place, which is unmounted at the end."""
        subprocess.run(['mount', *args], check=True, stderr=subprocess.PIPE)
        self.addCleanup(subprocess.run, ['umount', '-l', args[-1]], check=False,
                        stderr=subprocess.DEVNULL)

    def own(self, path, mode=0o700):
        """Gives a directory to the user."""
        os.chmod(path, mode)
        os.chown(path, self.user_entry.pw_uid, self.user_entry.pw_gid)
        return path

    def directory(self, name, mode=0o700):
        os.mkdir(self.path(name))
        return self.own(self.path(name), mode)

    def check_works(self, path, **options):
        """A whole life of a job at that place."""
        job = self.client.create(MinimumRetryDelay=5)
        job.add_file(self.url, path, **options)
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(path), self.route.body)
        self.assertEqual(glob.glob(os.path.dirname(path) + '/.ferry*'), [])

    def start_half(self, path, **properties):
        """A job that has fetched CUT bytes, with a server that hangs the first time."""
        self.route.then(hang_body(CUT), normal())
        job = self.client.create(MinimumRetryDelay=5, **properties)
        job.add_file(self.url, path)
        job.resume()
        job.wait_bytes(CUT)
        return job

    def add_fails(self, client, path):
        job = client.create()
        try:
            return job.error('AddFile', '(ssa{sv})', self.url, path, {})
        finally:
            job.cancel()


class Callers(PlacesCase):
    """Who calls, and from where."""

    def elsewhere(self, setup='', **options):
        client = self.world.client_elsewhere(self.user_entry.pw_uid, setup, **options)
        self.addCleanup(client.close)
        return client

    def container(self, more='', **options):
        """A caller with a root directory of his own, in which the bus and our files are."""
        root = tempfile.mkdtemp(dir=self.world.dir)
        setup = ROOT_DIRECTORIES.format(root=root, shared=self.world.dir)
        return self.elsewhere(setup + more.format(root=root), root=root, **options)

    def newcomer(self, uid):
        """A connection of a user who has an entry in the user database, and a function that takes
        it away: the bus does not let in who never had one."""
        passwd = os.path.join(self.world.dir, 'etc', 'passwd')
        shutil.copy('/etc/passwd', passwd)
        with open(passwd, 'a', encoding='utf-8') as out:
            out.write('newcomer:x:{0}:{0}::/nonexistent:/usr/sbin/nologin\n'.format(uid))
        self.mount('--bind', passwd, '/etc/passwd')
        client = self.world.client_elsewhere(uid)
        self.addCleanup(client.close)
        return client, lambda: subprocess.run(['umount', '/etc/passwd'], check=True)

    def refused(self, client):
        error = client.error(ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'x', 'download', {})
        self.assertEqual(error.name, NOT_SUPPORTED)
        self.assertEqual(client.manager('ListJobs', '(a{sv})', {}), [])
        return error.message

    def test_uid_without_a_name(self):
        client, leave = self.newcomer(54321)
        client.manager('ListJobs', '(a{sv})', {})
        leave()
        self.assertIn('uid 54321 has no user name', self.refused(client))

    def test_dynamic_uid(self):
        client, _ = self.newcomer(61234)
        self.assertIn('DynamicUser', self.refused(client))

    def test_private_tmp(self):
        """As with PrivateTmp= of a unit: his /tmp is not ours, the rest is."""
        client = self.elsewhere('mount -t tmpfs -o mode=1777 tmpfs /tmp')
        place = self.own(tempfile.mkdtemp(dir='/tmp'))
        self.addCleanup(shutil.rmtree, place)
        for path in ('/tmp/ferry-test-target', os.path.join(place, 'a')):
            error = self.add_fails(client, path)
            self.assertEqual(error.name, ERROR + 'NoFileAccess')
            self.assertIn('private /tmp', error.message)
        self.assertEqual(os.listdir(place), [])
        self.check_life(client, self.path('a'))

    def check_life(self, client, path):
        job = client.submit([(self.url, path)])
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(path), self.route.body)

    def test_container_with_a_home_of_its_own(self):
        client = self.container('mount -t tmpfs tmpfs {{root}}{0}\nchmod 1777 {{root}}{0}'.format(
            self.world.homes), flags=('--pid', '--fork', '--kill-child'))
        for path in (self.path('a'), os.path.join(self.world.homes, 'a')):
            error = self.add_fails(client, path)
            self.assertEqual(error.name, ERROR + 'NoFileAccess')
            self.assertIn('paths of the host', error.message)
        self.assertEqual(self.left_over(), [])

    def test_container_with_our_home(self):
        """As toolbox makes them: the same directory under the same path is the same place."""
        self.check_life(self.container(), self.path('a'))

    def test_flatpak(self):
        client = self.container('touch {root}/.flatpak-info')
        error = self.add_fails(client, self.path('a'))
        self.assertEqual(error.name, ERROR + 'NoFileAccess')
        self.assertIn('Flatpak', error.message)

    def test_umask(self):
        """ferryd started with the strictest of all: modes are as asked for, and strangers as well
        off as before."""
        self.world.stop_ferryd()
        before = os.umask(0o077)
        try:
            self.world.start_ferryd()
        finally:
            os.umask(before)
        self.check_works(self.path('a'))
        self.check_works(self.path('b'), Mode=0o664)
        self.assertEqual([stat.S_IMODE(os.stat(self.path(n)).st_mode) for n in 'ab'],
                         [0o644, 0o664])
        for name in os.listdir(self.world.state):
            mode = os.stat(os.path.join(self.world.state, name)).st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o600, name)

    def test_umask_of_the_tool(self):
        done = self.world.run(['sh', '-c', 'umask 077 && exec "$@"', 'sh',
                               os.path.join(self.world.build, 'client/ferry'), 'get', '-o',
                               self.path('a'), self.url], self.user)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(stat.S_IMODE(os.stat(self.path('a')).st_mode), 0o600)


class WithoutPolkit(PlacesCase):
    """A bus that has never had a polkitd."""

    world_options = {'polkit': False}

    def test_what_all_may_do(self):
        job = self.client.create(Priority='foreground')
        job.add_file(self.url, self.path('a'))
        job.resume()
        job.wait_state('transferred')
        other = self.world.client('games')
        self.addCleanup(other.close)
        for member, signature, args in (('ListAllJobs', '(a{sv})', ({},)),
                                        ('ControlJob', '(ss)', (job.id, 'cancel')),
                                        ('TakeOwnership', '(s)', (job.id,))):
            error = other.error(ROOT, MANAGER, member, signature, *args)
            self.assertEqual(error.name, ERROR + 'NotAuthorized', member)
        self.assertEqual(job.complete(), (1, 0))


class Directories(PlacesCase):
    """Directories with rules about what is made in them."""

    def test_setgid(self):
        """Files of a shared directory are its group's, with the mode that was asked for."""
        group = pwd.getpwnam('games').pw_gid
        place = self.directory('shared')
        os.chown(place, self.user_entry.pw_uid, group)
        os.chmod(place, 0o2775)
        self.check_works(os.path.join(place, 'a'), Mode=0o664)
        found = os.stat(os.path.join(place, 'a'))
        self.assertEqual((found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)),
                         (self.user_entry.pw_uid, group, 0o664))
        self.assertEqual(stat.S_IMODE(os.stat(place).st_mode), 0o2775)

    def test_default_acl(self):
        """What open(2) would give a file there is what Ferry gives it."""
        os.chmod(self.home, 0o711)
        place = self.directory('disk')
        self.mount('-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', place)
        self.own(place)
        reader = pwd.getpwnam('games').pw_uid
        try:
            os.setxattr(place, 'system.posix_acl_default', default_acl(reader))
        except OSError as error:
            self.skipTest('no ACLs here: {}'.format(error))
        os.chmod(place, 0o755)
        self.check_works(os.path.join(place, 'a'), Mode=0o640)
        with self.as_user():
            os.close(os.open(os.path.join(place, 'model'), os.O_CREAT | os.O_WRONLY, 0o640))
        acls = [os.getxattr(os.path.join(place, n), 'system.posix_acl_access')
                for n in ('a', 'model')]
        self.assertEqual(*acls)
        reading = self.world.run(['sha256sum', os.path.join(place, 'a')], 'games')
        self.assertEqual(reading.stdout[:64], self.route.sha256, reading.stderr)

    @contextlib.contextmanager
    def as_user(self):
        before = os.umask(0)
        os.setegid(self.user_entry.pw_gid)
        os.seteuid(self.user_entry.pw_uid)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(0)
            os.umask(before)


def default_acl(reader):
    """user::rw- user:READER:r-- group::r-- mask::r-- other::---, as the kernel wants it."""
    nobody = 0xffffffff
    entries = ((0x01, 6, nobody), (0x02, 4, reader), (0x04, 4, nobody), (0x10, 4, nobody),
               (0x20, 0, nobody))
    return struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *entry) for entry in entries)


class FileSystems(PlacesCase):
    """File systems that lack something, come late, or go away."""

    def disk(self, *options):
        """A FUSE file system that belongs to the user."""
        place = self.directory('disk')
        disk = Disk(BUILD, place, os.path.join(self.world.logs, 'disk.log'), *options)
        self.addCleanup(disk.stop)
        self.own(place)
        return disk

    def check_nothing_is_replaced(self, place):
        """A target that comes late is found in the last moment too."""
        job = self.client.submit([(self.url, os.path.join(place, 'late'))])
        job.wait_state('transferred')
        content.write(os.path.join(place, 'late'), b'precious')
        self.assertEqual(job.error('Complete').name, ERROR + 'TargetExists')
        self.assertEqual(content.read(os.path.join(place, 'late')), b'precious')
        os.unlink(os.path.join(place, 'late'))
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(os.path.join(place, 'late')), self.route.body)

    def test_without_rename_flags(self):
        disk = self.disk('no-rename-flags')
        self.check_works(os.path.join(disk.path, 'a'), Mode=0o640)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(disk.path, 'a')).st_mode), 0o640)
        self.check_works(os.path.join(disk.path, 'a'), Replace=True)
        self.check_nothing_is_replaced(disk.path)

    def test_like_fat(self):
        """No second names, no modes, no owners, and neither rename flags."""
        disk = self.disk('fat', 'no-rename-flags')
        self.check_works(os.path.join(disk.path, 'a'), Mode=0o640)
        self.check_nothing_is_replaced(disk.path)
        job = self.start_half(os.path.join(disk.path, 'b'))
        job.suspend()
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(self.route.requests[-1].start, CUT)

    def test_fat(self):
        image, place = self.path('image'), self.directory('disk')
        if shutil.which('mkfs.vfat') is None:
            self.skipTest('no mkfs.vfat here; test_like_fat is like it')
        with open(image, 'wb') as out:
            out.truncate(16 << 20)
        subprocess.run(['mkfs.vfat', image], check=True, stdout=subprocess.DEVNULL)
        try:
            self.mount('-t', 'vfat', '-o', 'loop,umask=077,uid={}'.format(self.user_entry.pw_uid),
                       image, place)
        except subprocess.CalledProcessError as error:
            self.skipTest('vfat cannot be mounted here; test_like_fat is like it: {}'.format(
                error.stderr.decode().split('\n', 1)[0]))
        self.check_works(os.path.join(place, 'a'))
        self.check_nothing_is_replaced(place)

    def test_home_that_comes_at_login(self):
        """An empty mount point at boot: the job waits, writes nothing there, and goes on."""
        disk, home = self.directory('disk'), self.directory('mountpoint')
        self.mount('-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', disk)
        self.own(disk)
        self.mount('--bind', disk, home)
        job = self.start_half(os.path.join(home, 'a'))
        self.world.stop_ferryd()
        subprocess.run(['umount', home], check=True)
        self.world.start_ferryd()
        self.client.manager('ListJobs', '(a{sv})', {})
        values = job.wait_for(lambda v: 'destination' in v['WaitReasons'], what='destination')
        self.assertEqual(values['State'], 'transient-error')
        self.assertGreater(values['NextAttemptTime'], 0)
        self.assertEqual(os.listdir(home), [])
        self.mount('--bind', disk, home)
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(os.path.join(home, 'a')), self.route.body)
        self.assertEqual(self.route.requests[-1].start, CUT)

    def test_home_that_is_not_there_yet(self):
        """Without its directory a target is refused, and says so; the job can still be made."""
        for path in (self.path('absent/a'), '/home/ferry-test-nobody/a'):
            error = self.add_fails(self.client, path)
            self.assertEqual(error.name, ERROR + 'NoFileAccess')
            self.assertIn('No such file or directory', error.message)

    def test_home_unmounted_in_mid_transfer(self):
        """What is written goes to the disk it was meant for, or waits; a job that completes itself
        does so when the home is back."""
        disk, home = self.directory('disk'), self.directory('mountpoint')
        self.mount('-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', disk)
        self.own(disk)
        self.mount('--bind', disk, home)
        self.route.then(slow(SIZE))
        job = self.client.submit([(self.url, os.path.join(home, 'a'))], AutoComplete=True,
                                 MinimumRetryDelay=5)
        job.wait_bytes(CUT)
        subprocess.run(['umount', '-l', home], check=True)
        values = job.wait_for(lambda v: 'destination' in v['WaitReasons'], what='destination')
        self.assertEqual(values['State'], 'transient-error')
        self.assertEqual(values['Error']['Name'], ERROR + 'NoFileAccess')
        self.assertEqual(os.listdir(home), [])
        self.mount('--bind', disk, home)
        job.wait_state('acknowledged')
        self.assertEqual(os.listdir(home), ['a'])
        self.assertEqual(content.read(os.path.join(home, 'a')), self.route.body)
        self.assertEqual(self.route.sent, SIZE)

    def test_disk_pulled_out_in_mid_transfer(self):
        """Unmounted by force: every call fails at once."""
        disk = self.disk()
        self.route.then(slow(SIZE), normal())
        job = self.client.submit([(self.url, os.path.join(disk.path, 'a'))], MinimumRetryDelay=5)
        job.wait_bytes(CUT)
        subprocess.run(['umount', '-f', '-l', disk.path], check=True)
        values = job.wait_for(lambda v: 'destination' in v['WaitReasons'], what='destination')
        self.assertEqual(values['State'], 'transient-error')
        self.assertEqual(os.listdir(disk.path), [])
        disk.mount()
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(os.path.join(disk.path, 'a')), self.route.body)

    def test_read_only_in_mid_transfer(self):
        """As ext4 makes itself after an error: the job says so and goes on where it was."""
        disk = self.disk()
        job = self.start_half(os.path.join(disk.path, 'a'))
        job.suspend()
        more = threading.Event()
        self.route.then(hang_body(20000, more), normal())
        job.resume()
        job.wait_bytes(CUT + 20000)
        disk.read_only(True)
        more.set()
        values = job.wait_for(lambda v: v['State'] in ('transient-error', 'error'), what='a stop')
        self.assertEqual(values['Error']['Name'], ERROR + 'NoFileAccess')
        self.assertIn('Read-only file system', values['Error']['Message'])
        disk.read_only(False)
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(os.path.join(disk.path, 'a')), self.route.body)
        self.assertGreaterEqual(self.route.requests[-1].start, CUT)


if __name__ == '__main__':
    cases.main()
