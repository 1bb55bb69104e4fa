#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Secrets are where they are needed, and nowhere else. What is left in memory is for tests/system/test_secrets.py: memory
that sanitizers look after keeps what was freed."""

import glob
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content, secrets  # noqa: E402


class Traces(cases.WorldCase):
    world_options = {'ferryd_env': {'G_MESSAGES_DEBUG': 'all'}}

    def test_nothing_is_left(self):
        agent = self.world.client(self.client.user.pw_name)
        self.addCleanup(agent.close)
        seen = secrets.run(self.client, agent, self.world.http, self.home)
        self.assertEqual(secrets.found_in(seen.encode()), [], 'properties and signals')
        for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):
            try:
                self.assertEqual(secrets.found_in(content.read(path)), [], path)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        stored = [p for p in glob.glob(os.path.join(self.world.state, '**'), recursive=True)
                  if os.path.isfile(p)]
        self.assertTrue(stored)
        for path in stored:
            self.assertEqual(secrets.found_in(content.read(path)), [], path)
        self.world.stop_ferryd()
        self.addCleanup(self.world.start_ferryd)
        log = self.world.ferryd.log()
        self.assertTrue(log.strip(), 'there is a log to look at')
        self.assertEqual(secrets.found_in(log.encode()), [], 'the log')


if __name__ == '__main__':
    cases.main()
