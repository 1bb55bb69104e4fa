#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The disk of test_power.py itself: it loses what was not synced, and nothing else."""

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content  # noqa: E402
from lib.lossy import Disk  # noqa: E402
from lib.world import BUILD  # noqa: E402

PAGE, SECTOR = 4096, 512


class DiskCase(unittest.TestCase):
    """One disk, without a World."""

    def setUp(self):
        place = tempfile.mkdtemp(dir=os.environ.get('FERRY_TEST_TMP', '/var/tmp'))
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        self.root = os.path.join(place, 'disk')
        os.mkdir(self.root)
        self.disk = Disk(BUILD, self.root, os.path.join(place, 'log'))
        self.addCleanup(self.disk.stop)

    def path(self, name):
        return os.path.join(self.root, name)

    def power_cut(self):
        self.disk.cut()
        self.disk.mount()

    @contextlib.contextmanager
    def opened(self, name='', flags=os.O_RDONLY):
        fd = os.open(self.path(name), flags, 0o600)
        try:
            yield fd
        finally:
            os.close(fd)

    def sync_names(self):
        with self.opened() as fd:
            os.fsync(fd)

    def write(self, name, data, sync=None, offset=0):
        """Writes; `sync` is os.fsync, os.fdatasync or nothing."""
        with self.opened(name, os.O_RDWR | os.O_CREAT) as fd:
            os.pwrite(fd, data, offset)
            if sync:
                sync(fd)

    def names(self):
        return sorted(os.listdir(self.root))


class WithoutChance(DiskCase):
    """What POSIX promises and no more: what was not synced is lost."""

    def test_new_file(self):
        self.write('a', b'bytes', os.fsync)
        self.assertEqual(content.read(self.path('a')), b'bytes')
        self.power_cut()
        self.assertEqual(self.names(), [], 'its name was not synced')
        self.write('a', b'bytes')
        self.sync_names()
        self.power_cut()
        self.assertEqual(content.read(self.path('a')), b'', 'its bytes were not synced')
        self.write('a', b'bytes', os.fsync)
        self.power_cut()
        self.assertEqual(content.read(self.path('a')), b'bytes')

    def test_bytes(self):
        self.write('a', b'x' * 10000, os.fdatasync)
        self.sync_names()
        self.write('a', b'y' * 10000, offset=5000)
        self.power_cut()
        self.assertEqual(content.read(self.path('a')), b'x' * 10000)
        os.truncate(self.path('a'), 10)
        self.power_cut()
        self.assertEqual(os.path.getsize(self.path('a')), 10000)
        os.truncate(self.path('a'), 10)
        self.write('a', b'z', os.fdatasync)
        self.power_cut()
        self.assertEqual(content.read(self.path('a')), b'z' + b'x' * 9)

    def test_mode(self):
        self.write('a', b'', os.fsync)
        self.sync_names()
        os.chmod(self.path('a'), 0o644)
        self.write('a', b'', os.fdatasync)
        self.power_cut()
        self.assertEqual(os.stat(self.path('a')).st_mode & 0o777, 0o600)
        os.chmod(self.path('a'), 0o644)
        self.write('a', b'', os.fsync)
        self.power_cut()
        self.assertEqual(os.stat(self.path('a')).st_mode & 0o777, 0o644)

    def test_names(self):
        self.write('a', b'a', os.fsync)
        self.sync_names()
        number = os.stat(self.path('a')).st_ino
        changes = ((lambda: os.rename(self.path('a'), self.path('b')), ['a'], ['b']),
                   (lambda: os.link(self.path('b'), self.path('c')), ['b'], ['b', 'c']),
                   (lambda: os.unlink(self.path('b')), ['b', 'c'], ['c']))
        for change, before, after in changes:
            change()
            self.assertEqual(self.names(), after)
            self.power_cut()
            self.assertEqual(self.names(), before)
            change()
            self.sync_names()
            self.power_cut()
            self.assertEqual(self.names(), after)
            self.assertEqual([os.stat(self.path(n)).st_ino for n in after], [number] * len(after))

    def test_last_change_only(self):
        self.disk.keep_last()
        for name in ('a', 'b'):
            self.write(name, b'')
        self.power_cut()
        self.assertEqual(self.names(), ['b'])

    def test_without_power(self):
        self.write('a', b'a')
        with self.opened('a', os.O_RDWR) as fd:
            self.disk.cut()
            for call in (lambda: os.pread(fd, 1, 0), lambda: os.pwrite(fd, b'b', 0),
                         lambda: os.fsync(fd), lambda: os.listdir(self.root),
                         lambda: os.stat(self.path('a')), lambda: os.unlink(self.path('a'))):
                with self.assertRaises(OSError) as caught:
                    call()
                self.assertEqual(caught.exception.errno, errno.EIO)
        self.disk.mount()

    def test_armed(self):
        self.disk.cut_at(3)
        self.write('a', b'a')
        self.sync_names_fails()
        self.assertTrue(self.disk.wait_cut(5))
        self.disk.mount()
        self.disk.cut_at(2, syncs_only=True)
        self.write('a', b'a', os.fsync)
        self.write('b', b'b')
        self.sync_names_fails()
        self.assertTrue(self.disk.wait_cut(5))

    def sync_names_fails(self):
        with self.opened() as fd:
            self.assertRaises(OSError, os.fsync, fd)

    def test_killed_in_sync(self):
        """Who is killed while he syncs ends, and has not synced."""
        self.write('a', b'a', os.fsync)
        self.sync_names()
        self.disk.hold()
        code = 'import os; f = os.open({!r}, 2); os.write(f, b"b"); os.fsync(f)'
        with subprocess.Popen(['python3', '-c', code.format(self.path('a'))]) as child:
            self.disk.wait_held()
            self.assertEqual(content.read(self.path('a')), b'b')
            child.kill()
            child.wait(10)
        self.disk.release()
        self.power_cut()
        self.assertEqual(content.read(self.path('a')), b'a')


class WithChance(DiskCase):
    """Some of what was not synced is kept, and each way to keep some is seen."""

    def outcomes(self, prepare, change, look, count=60):
        """What look() returns after power cuts with different seeds."""
        found = set()
        for seed in range(1, count + 1):
            for name in self.names():
                os.unlink(self.path(name))
            prepare()
            self.disk.sync()
            self.disk.seed(seed)
            change()
            self.power_cut()
            found.add(look())
        return found

    def test_pages(self):
        """Each page is the old one, the new one, or torn at a sector; synced ones stay."""
        def change():
            self.write('a', b'y' * PAGE, offset=PAGE)
            self.write('a', b'z' * PAGE, offset=2 * PAGE)

        def look():
            data = content.read(self.path('a'))
            self.assertEqual(len(data), 4 * PAGE)
            self.assertEqual(data[:PAGE] + data[3 * PAGE:], b'x' * 2 * PAGE)
            shapes = []
            for page in (1, 2):
                sectors = [data[page * PAGE + i:page * PAGE + i + SECTOR]
                           for i in range(0, PAGE, SECTOR)]
                self.assertTrue(all(len(set(s)) == 1 for s in sectors), 'a torn sector')
                marks = b''.join(s[:1] for s in sectors)
                shapes.append('old' if set(marks) == {ord('x')} else
                              'new' if ord('x') not in marks else 'torn')
            return tuple(shapes)
        found = self.outcomes(lambda: self.write('a', b'x' * 4 * PAGE), change, look)
        self.assertEqual({shape for shapes in found for shape in shapes}, {'old', 'new', 'torn'})
        self.assertIn(('old', 'new'), found, 'the second without the first')

    def test_sizes(self):
        def look():
            return os.path.getsize(self.path('a'))
        found = self.outcomes(lambda: self.write('a', b'x' * 100),
                              lambda: self.write('a', b'y' * 9900, offset=100), look)
        self.assertIn(100, found)
        self.assertIn(10000, found)
        self.assertTrue(found - {100, 10000}, 'something between')
        self.assertTrue(all(100 <= size <= 10000 for size in found), found)

    def test_rename_is_one_change(self):
        def prepare():
            self.write('a', b'a')
            self.write('b', b'b')

        def look():
            return tuple((n, content.read(self.path(n))) for n in self.names())
        found = self.outcomes(prepare, lambda: os.rename(self.path('a'), self.path('b')), look)
        self.assertEqual(found, {(('a', b'a'), ('b', b'b')), (('b', b'a'),)})

    def test_order_of_names(self):
        """Changes are kept one after the other, or any of them."""
        def change():
            self.write('a', b'')
            self.write('b', b'')
        found = self.outcomes(lambda: None, change, lambda: tuple(self.names()))
        self.assertEqual(found, {(), ('a',), ('b',), ('a', 'b')})


if __name__ == '__main__':
    cases.main()
