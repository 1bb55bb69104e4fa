# SPDX-License-Identifier: LGPL-2.1-or-later
"""A user's own program in the place of his worker: kills each real one and is faster than the next at ferryd's socket.

Runs as a program of that user: usurper.py SOCKET VERSION LIE TOLD. Whenever ferryd has taken it for the worker and it was
given a file to fetch, it tells the lie (of fake-worker) and notes that in the file TOLD. Ends when its standard input is
closed.
"""

import importlib.machinery
import importlib.util
import os
import signal
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE = 2    # seconds that a link is waited on before the next try

loader = importlib.machinery.SourceFileLoader('fake_worker', os.path.join(HERE, 'fake-worker'))
spec = importlib.util.spec_from_loader('fake_worker', loader)
fake_worker = importlib.util.module_from_spec(spec)
loader.exec_module(fake_worker)


def end_with_input():
    sys.stdin.read()
    os._exit(0)


def kill_workers():
    """Those of this user, by whatever launcher."""
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/{}/comm'.format(pid), encoding='utf-8') as comm:
                if comm.read() != 'ferry-worker\n':
                    continue
            if os.stat('/proc/' + pid).st_uid in (os.getuid(), 0):
                os.kill(int(pid), signal.SIGKILL)
        except (OSError, ProcessLookupError):
            continue


class Usurper(fake_worker.Liar):
    """Impatient: mostly ferryd hangs up at once."""

    def connect(self):
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(PATIENCE)
        link.connect(self.path)
        return link


def main():
    path, version, lie, told = sys.argv[1:5]
    orders = {'version': version, 'lie': lie, 'told': told}
    threading.Thread(target=end_with_input, daemon=True).start()
    print('ready', flush=True)
    while True:
        kill_workers()
        until = time.monotonic() + 1
        while time.monotonic() < until:
            try:
                Usurper(path, orders).run()
            except (OSError, SystemExit):
                continue


if __name__ == '__main__':
    main()
