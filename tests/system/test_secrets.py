#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is left of secrets on a machine once their jobs have ended: nothing, not even in the memory of ferryd."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, secrets  # noqa: E402
from lib.process import wait_until  # noqa: E402

# Says which of the marks are in memory that a process can write to, and how much of that there is.
LOOK = '''
import json, sys
pid, marks = sys.argv[1], json.loads(sys.argv[2])
found, size = [], 0
with open('/proc/' + pid + '/maps') as maps, open('/proc/' + pid + '/mem', 'rb', 0) as mem:
    for line in maps:
        fields = line.split()
        if not fields[1].startswith('rw') or fields[-1].startswith('[v'):
            continue
        begin, end = (int(x, 16) for x in fields[0].split('-'))
        mem.seek(begin)
        data = mem.read(end - begin)
        size += len(data)
        found += [what + ' in ' + fields[-1] for what in marks if marks[what].encode() in data]
print(json.dumps([found, size]))
'''


class Memory(cases.MachineCase):
    def look(self, pid, marks):
        done = self.machine.run(['python3', '-c', LOOK, str(pid), json.dumps(marks)])
        return json.loads(done.stdout)

    def test_nothing_is_left(self):
        client = self.machine.client('alice')
        seen = secrets.run(client, self.machine.client('alice'), self.machine.http, '/home/alice')
        self.assertEqual(secrets.found_in(seen.encode()), [])
        pid = self.machine.processes('ferryd')[0][0]
        held = client.create('held', CustomHeaders=['X-Held: Mark-held-x7'])
        self.assertNotEqual(self.look(pid, {'held': 'Mark-held-x7'})[0], [], 'it can be found')
        held.cancel()
        # A worker that is idle goes by itself.
        wait_until(lambda: not self.machine.processes('ferry-worker'), 60, 'the end of the worker')
        found, size = self.look(pid, dict(secrets.MARKS, held='Mark-held-x7'))
        self.assertGreater(size, 100000)
        self.assertEqual(found, [])
        self.assertEqual(secrets.found_in(self.machine.log(self.log_start).encode()), [])
        self.assertEqual(secrets.found_in(self.machine.journal('--output=export').encode()), [])
        state = self.machine.path('/var/lib/ferry')
        for name in os.listdir(state):
            with open(os.path.join(state, name), 'rb') as stored:
                self.assertEqual(secrets.found_in(stored.read()), [], name)


if __name__ == '__main__':
    cases.main()
