# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exchanges two names of a directory as fast as it can, for a race: swapper.py ONE OTHER. Ends when its standard input is
closed, and prints how often."""

import ctypes
import os
import select
import sys

AT_FDCWD = -100
RENAME_EXCHANGE = 2


def main():
    libc = ctypes.CDLL(None, use_errno=True)
    one, other = (os.fsencode(name) for name in sys.argv[1:3])
    count = 0
    print('ready', flush=True)
    while not select.select([0], [], [], 0)[0]:
        for _ in range(100):
            if libc.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) != 0:
                raise OSError(ctypes.get_errno(), 'renameat2')
            count += 1
    print(count, flush=True)


if __name__ == '__main__':
    main()
