# SPDX-License-Identifier: LGPL-2.1-or-later
"""A user who sends calls at a steady rate, over one connection or many, as long as a test wants.

Runs as a program of that user: flood.py ADDRESS WHAT RATE CONNECTIONS. Prints how many connections the bus let it
have, then sends until its standard input is closed, and prints how many calls a second it came to.
"""

import contextlib
import select
import sys
import time

import rawbus

BATCH = 50


def main():
    address, what = sys.argv[1:3]
    rate, wanted = int(sys.argv[3]), int(sys.argv[4])
    call = rawbus.calls(what)[0]
    socks = []
    with contextlib.suppress(OSError):
        while len(socks) < wanted:
            socks.append(rawbus.connect(address))
            socks[-1].setblocking(False)
    print(len(socks), flush=True)
    sent, turn, begin = 0, 0, time.monotonic()
    while not select.select([0], [], [], 0.002)[0]:
        while sent < (time.monotonic() - begin) * rate:
            turn += 1
            sock = socks[turn % len(socks)]
            with contextlib.suppress(BlockingIOError):
                sock.recv(1 << 20)
            try:
                sock.sendall(call * BATCH)
            except OSError:
                # Full, or thrown out by the bus: come again.
                sock.close()
                socks[turn % len(socks)] = rawbus.connect(address)
                socks[turn % len(socks)].setblocking(False)
            sent += BATCH
    print(int(sent / (time.monotonic() - begin)), flush=True)


if __name__ == '__main__':
    main()
