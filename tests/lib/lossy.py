# SPDX-License-Identifier: LGPL-2.1-or-later
"""A disk whose power can be cut: what was not synced is lost, or not, as chance has it.

The rules are in lossy-image.h, the program is lossy-fs.c.
"""

import os
import queue
import subprocess
import threading
import unittest

from lib import isolate
from lib.process import Deadline

PROGRAM = 'tests/lib/lossy-fs'


class Disk:
    """One lossy-fs, mounted at `path`; seed 0 keeps nothing that was not synced."""

    def __init__(self, build, path, log, *options):
        program = os.path.join(build, PROGRAM)
        if not os.path.exists(program):
            raise unittest.SkipTest('built without libfuse3')
        if not isolate.inside():
            raise unittest.SkipTest('needs root and a namespace for mounts')
        self.path = path
        self.is_cut = False
        flags = [flag for option in options for flag in ('-o', option)]
        with open(log, 'ab') as errors:
            self.child = subprocess.Popen([program, *flags, path], stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, stderr=errors, text=True)
        self.answers = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if self.answers.get(timeout=10) is None:
            self.stop()
            raise unittest.SkipTest('FUSE file systems cannot be mounted here')

    def _read(self):
        for line in self.child.stdout:
            self.answers.put(line.split())
        self.answers.put(None)

    def _wait(self, word, seconds):
        """Waits for the next answer, which must be that word."""
        try:
            answer = self.answers.get(timeout=seconds)
        except queue.Empty:
            raise Deadline('lossy-fs did not say "{}" within {} s'.format(word, seconds)) from None
        if answer is None or answer[0] != word:
            raise AssertionError('lossy-fs said {}, not "{}"'.format(answer, word))

    def _order(self, line):
        self.child.stdin.write(line + '\n')
        self.child.stdin.flush()

    def sync(self):
        """All that is there is on disk."""
        self._order('sync')
        self._wait('done', 10)

    def seed(self, number):
        """What chance decides from now on."""
        self._order('seed {}'.format(number))
        self._wait('done', 10)

    def keep_last(self):
        """Not chance decides: only the last change of each directory is kept."""
        self._order('last')
        self._wait('done', 10)

    def cut_at(self, calls, syncs_only=False):
        """Arms a cut instead of the calls-th call that changes or syncs something; wait_cut()."""
        self._order('{} {}'.format('cut-at-sync' if syncs_only else 'cut-at', calls))

    def wait_cut(self, seconds):
        """Waits for the cut that was armed, not longer than that; whether it came."""
        try:
            answer = self.answers.get(timeout=seconds)
        except queue.Empty:
            return False
        if answer is None or answer[0] != 'cut':
            raise AssertionError('lossy-fs said {}, not "cut"'.format(answer))
        self.is_cut = True
        return True

    def cut(self):
        """The power goes now, unless it has; every call fails until mount()."""
        if not self.is_cut:
            self._order('cut')
            self._wait('cut', 10)
            self.is_cut = True

    def hold(self, names_only=False):
        """From now on what syncs (only what syncs directories) waits, until its process is killed
        or the power goes. wait_held() tells when something does."""
        self._order('hold-names' if names_only else 'hold')

    def wait_held(self):
        self._wait('held', 20)

    def release(self):
        """Syncs end again; those that wait already do not."""
        self._order('release')

    def read_only(self, on):
        """As after an error, when a file system makes itself read-only."""
        self._order('read-only' if on else 'read-write')
        self._wait('done', 10)

    def mount(self):
        """The power is back; who used the disk must have ended."""
        self._order('mount')
        self._wait('mounted', 10)
        self.is_cut = False

    def stop(self):
        """Unmounts."""
        if self.child.poll() is None:
            self.child.stdin.close()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.reader.join(5)
        self.child.stdout.close()
