# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program on a terminal of its own, and the person before it."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

from lib.process import Deadline, wait_until

SEQUENCE = re.compile(r'\x1b\[(\d*)(?:[;?\d]*)([A-Za-z])')


def render(text):
    """The lines that stand on a terminal that was given this, as far as `ferry` uses one."""
    lines, row, column = [''], 0, 0
    place = 0
    while place < len(text):
        match = SEQUENCE.match(text, place)
        if match:
            count, kind = int(match.group(1) or 1), match.group(2)
            if kind == 'A':
                row = max(row - count, 0)
            elif kind in 'JK':
                lines[row] = lines[row][:column]
                if kind == 'J':
                    del lines[row + 1:]
            place = match.end()
            continue
        letter = text[place]
        if letter == '\n':
            row += 1
            if row == len(lines):
                lines.append('')
        elif letter == '\r':
            column = 0
        elif letter == '\b':
            column = max(column - 1, 0)
        else:
            lines[row] = lines[row][:column].ljust(column) + letter + lines[row][column + 1:]
            column += 1
        place += 1
    return [line.rstrip() for line in lines]


class Terminal:
    """Runs argv in world as user; the terminal is the one that ^C and ^Z go through."""

    def __init__(self, world, argv, user=None, columns=80, **popen):
        self.main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
        env = {'TERM': 'xterm', 'LC_ALL': 'C.UTF-8', 'NO_COLOR': '1', **popen}
        streams = {key: env.pop(key, side) for key in ('stdin', 'stdout', 'stderr')}
        self.before = termios.tcgetattr(side)
        self.child = world.spawn(['setsid', '--ctty', *argv] if streams['stdin'] == side
                                 else ['setsid', *argv], user, **streams, **env)
        os.close(side)
        self.raw = ''
        self.heard = 0      # of raw: where the last expected words ended

    def close(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        os.close(self.main)

    @property
    def lines(self):
        """What stands on it now."""
        return render(self.raw)

    def _read(self, seconds):
        if not select.select([self.main], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.main, 65536)
        except OSError:         # nobody has it open any more
            return False
        self.raw += data.decode()
        return bool(data)

    def expect(self, words, seconds=30):
        """Waits until it says that, after what was expected before."""
        end = time.monotonic() + seconds
        while words not in self.raw[self.heard:]:
            if not self._read(max(end - time.monotonic(), 0)):
                raise Deadline('no {!r} in {!r}'.format(words, self.raw[self.heard:]))
        self.heard = self.raw.index(words, self.heard) + len(words)

    def type(self, text):
        os.write(self.main, text.encode())

    def answer(self, words, text):
        """Types a line when it says that."""
        self.expect(words)
        self.type(text + '\n')

    @property
    def echoes(self):
        return bool(termios.tcgetattr(self.main)[3] & termios.ECHO)

    def wait_echo(self, on):
        wait_until(lambda: self.echoes == on, 20, 'echo' if on else 'no echo')

    def unchanged(self):
        """Whether its settings are as they were."""
        return termios.tcgetattr(self.main) == self.before

    def finish(self, seconds=60):
        """Waits for the program's end; returns its status."""
        end = time.monotonic() + seconds
        while self.child.poll() is None:
            self._read(0.05)
            if time.monotonic() > end:
                raise Deadline('it did not end: {!r}'.format(self.raw))
        while self._read(0):
            pass
        return self.child.returncode
