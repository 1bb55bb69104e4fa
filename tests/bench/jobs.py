# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bench's side of jobs_peer.py: many jobs of a user, who has a process of his own."""

import json
import os
import pwd
import subprocess

PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'jobs_peer.py')


class Jobs:
    """Asks, and waits for the answer; what happens in between is the process's."""

    def __init__(self, world, user):
        entry = pwd.getpwnam(user)
        with open(PEER, encoding='utf-8') as source:
            # As text: the user may not be able to enter the tree.
            argv = ['/usr/bin/python3', '-B', '-c', source.read(), world.address]
        self.child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True, cwd='/', env=world.env(), user=entry.pw_uid,
                                      group=entry.pw_gid, extra_groups=[])

    def _ask(self, what, *args):
        self.child.stdin.write(json.dumps([what, *args]) + '\n')
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise AssertionError('the client process ended')
        return json.loads(line)

    def run_all(self, files):
        """One job for each (url, path); returns when the last one has said Transferred."""
        self._ask('run_all', files)

    def create(self, count, url, folder):
        """Makes suspended jobs of one file; returns their paths."""
        return self._ask('create', count, url, folder)

    def time_get_all(self, paths):
        """Seconds of one GetAll for each path, one after the other."""
        return self._ask('time_get_all', paths)

    def close(self):
        self.child.stdin.close()
        self.child.wait(10)
