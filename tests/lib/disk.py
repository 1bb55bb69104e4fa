# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks of booted machines: a file with an ext4 in it, mounted through a loop device.

A file system of its own can lose its power: what was not synced is not there afterwards, as with a
real disk. (A kill of all processes alone loses nothing that was written.)
"""

import contextlib
import fcntl
import glob
import hashlib
import os
import struct
import subprocess
import tempfile

from lib.process import wait_until
from lib.tree import ROOT

SIZE = '1500M'      # sparse
USERS = ('alice', 'bob', 'carol')

# What Ferry depends on is here already: a machine without a network installs the package alone.
PACKAGES = (
    'systemd systemd-sysv libpam-systemd dbus polkitd dconf-cli cron openssh-server man-db '
    'libglib2.0-0 libglib2.0-bin libsoup-3.0-0 libjson-glib-1.0-0 libdconf1 libsqlite3-0 '
    'libgnutls30 libgssapi-krb5-2 libkrb5-3 libsecret-1-0 libgcr-base-3-1 libproxy1v5 glib-networking '
    'dconf-gsettings-backend ca-certificates '
    'python3 python3-gi gir1.2-glib-2.0 sqlite3 curl procps iproute2 dosfstools').split()

# What every boot would do for nobody is left out: fifty boots follow each other.
SETUP = '''
set -e
for user in {users}; do
  useradd --create-home --shell /bin/bash $user
done
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
for user in {users}; do
  install -d -o $user -g $user -m 0700 /home/$user/.ssh
  install -o $user -g $user -m 0600 /root/.ssh/id_ed25519.pub /home/$user/.ssh/authorized_keys
done
echo ferry-test > /etc/hostname
echo '127.0.0.1 localhost ferry-test' > /etc/hosts
systemd-machine-id-setup
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \\
  fstrim.timer man-db.timer systemd-tmpfiles-clean.timer e2scrub_reap.service \\
  console-getty.service getty@.service systemd-update-utmp.service \\
  systemd-update-utmp-runlevel.service systemd-journal-flush.service dev-hugepages.mount \\
  sys-fs-fuse-connections.mount
systemctl disable ssh.service
systemctl enable ssh.socket
# All that is logged goes to the console, whose log outlives a power cut.
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\\nStorage=volatile\\nForwardToConsole=yes\\n' > /etc/systemd/journald.conf.d/test.conf
# Indexing manual pages takes a second for each package.
rm -f /var/lib/man-db/auto-update
rm -rf /var/lib/apt/lists/*
'''.format(users=' '.join(USERS))

# linux/ext4: EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH, what xfstests pulls the plug with.
SHUTDOWN = 0x8004587d
NOLOGFLUSH = 2


class NoDisk(Exception):
    """There can be none here; the text says why."""


def _run(argv, **options):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors='backslashreplace',
                          **options)
    if done.returncode:
        raise NoDisk('{} failed with {}: {}'.format(argv[0], done.returncode,
                                                    done.stdout.strip()[-500:]))
    return done.stdout


def possible():
    """Why no file system in a file can be mounted here; None when it can."""
    with tempfile.TemporaryDirectory() as place:
        image = os.path.join(place, 'image')
        try:
            _run(['mkfs.ext4', '-q', image, '4M'])
            _run(['unshare', '--mount', 'mount', '-o', 'loop', image, place])
        except (NoDisk, OSError) as error:
            return 'no file system in a file can be mounted: {}'.format(error)
    return None


def base_image():
    """The disk that all others are copies of: Debian, three users, no Ferry. Cached; the first time
    it takes minutes and a network."""
    folder = _run([os.path.join(ROOT, 'tests', 'lib', 'debian'), 'make', 'system', *PACKAGES])
    folder = folder.strip().splitlines()[-1]
    image = folder + '.ext4'
    state = hashlib.sha256(repr((PACKAGES, SETUP, SIZE)).encode()).hexdigest()
    with open(image + '.lock', 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            with open(image + '.complete', encoding='ascii') as recorded:
                if recorded.read() == state:
                    return image
        with contextlib.suppress(FileNotFoundError):
            os.unlink(image)
        _run(['mkfs.ext4', '-q', '-E', 'lazy_itable_init=1,lazy_journal_init=1', '-d', folder,
              image, SIZE])
        with tempfile.TemporaryDirectory() as root:
            _run(['unshare', '--mount', 'sh', '-c', 'mount -o loop "$1" "$2" && '
                  'printf %s "$3" | chroot "$2" sh && umount "$2"', '-', image, root, SETUP])
        with open(image + '.complete', 'w', encoding='ascii') as recorded:
            recorded.write(state)
    return image


class Disk:
    """A copy of the base image, in `place`, shown at `root`."""

    def __init__(self, place):
        self.image = os.path.join(place, 'disk')
        self.root = os.path.join(place, 'root')
        os.mkdir(self.root)
        base = os.environ.get('FERRY_TEST_IMAGE') or base_image()
        _run(['cp', '--sparse=always', '--reflink=auto', base, self.image])

    def mount(self):
        """What was cut off from its power is brought in order by its journal."""
        _run(['mount', '-o', 'loop', self.image, self.root])

    def cut(self):
        """From now on nothing reaches the disk, and every write fails."""
        fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, struct.pack('I', NOLOGFLUSH))
        finally:
            os.close(fd)

    def unmount(self):
        """The machine must have ended. Its last processes may hold the file system a moment longer than they
        are seen, and a mount would find the one that was cut off."""
        _run(['umount', self.root])
        wait_until(lambda: not self._attached(), 20, 'the end of the loop device')

    def _attached(self):
        """Whether a loop device has the file."""
        for path in glob.glob('/sys/block/loop*/loop/backing_file'):
            with contextlib.suppress(OSError), open(path, encoding='utf-8') as name:
                if name.read().strip() == self.image:
                    return True
        return False
