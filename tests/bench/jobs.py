# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bench's side of jobs-peer.c: many jobs of a user, who has a process of his own."""

import json
import os
import pwd
import subprocess


class Jobs:
    """Asks, and waits for the answer; what happens in between is the process's."""

    def __init__(self, world, user):
        entry = pwd.getpwnam(user)
        program = os.path.join(world.build, 'tests', 'bench', 'jobs-peer')
        self.list = os.path.join(world.dir, 'jobs')
        self.child = subprocess.Popen([program, world.address], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True, cwd='/', env=world.env(),
                                      user=entry.pw_uid, group=entry.pw_gid, extra_groups=[])

    def _ask(self, *words):
        self.child.stdin.write('\t'.join(words) + '\n')
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise AssertionError('the client process ended')
        return json.loads(line)

    def prepare(self, files):
        """What run_all makes jobs of: each (url, path)."""
        with open(self.list, 'w', encoding='utf-8') as out:
            out.writelines('{}\t{}\n'.format(*file) for file in files)
        os.chmod(self.list, 0o644)

    def run_all(self):
        """One job for each file; returns when the last one has said Transferred."""
        self._ask('run-all', self.list)

    def create(self, count, url, folder):
        """Makes suspended jobs of one file; returns how many."""
        return self._ask('create', str(count), url, folder)

    def time_get_all(self, step):
        """Seconds of one GetAll for every step-th job of create, one after the other."""
        return self._ask('time-get-all', str(step))

    def close(self):
        self.child.stdin.close()
        self.child.wait(10)
