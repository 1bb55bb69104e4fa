#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine goes down in the middle of a transfer and comes up again: it goes on by itself, from where
it was, with nobody logged in."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content  # noqa: E402
from lib.badserver import hang_body, normal  # noqa: E402
from lib.process import wait_until  # noqa: E402
from lib.uploads import BitsServer  # noqa: E402

SIZE = 400000
FRAGMENT = 1 << 20          # of the first fragment of an upload


class Reboot(cases.MachineCase):
    """Nobody calls ferryd after a boot: what is looked at are the files and the server's records."""

    def serve(self, *script):
        """A file whose server stops in the middle, until it is asked again."""
        name = self.id().rsplit('.', 1)[1]
        route = self.machine.http.add('/' + name, content.pattern(SIZE, len(name)), *script)
        return route, self.machine.http.url('/' + name), '/home/alice/' + name

    def wait_bytes(self, ident, count):
        self.machine.wait_job('alice', ident, lambda j: j['BytesTransferred'] == count,
                              '{} bytes'.format(count))

    def wait_file(self, path):
        path = self.machine.path(path)
        wait_until(lambda: os.path.exists(path), 60, 'the file')
        return content.read(path)

    def left_over(self):
        return [n for n in os.listdir(self.machine.path('/home/alice')) if n.endswith('.part')]

    def nobody_is_there(self):
        self.assertEqual(self.machine.run(['loginctl', '--no-legend', 'list-users']).stdout, '')

    def test_reboot(self):
        """A checkpoint is written on the way down: no byte before it is fetched again. (It can be asked for
        what follows once more before all is down.)"""
        route, url, path = self.serve(hang_body(150000), normal())
        ident = self.machine.login('alice', 'ferry get --detach ' + url).stdout.strip()
        self.wait_bytes(ident, 150000)
        self.machine.reboot()
        self.assertEqual(self.wait_file(path), route.body)
        self.nobody_is_there()
        starts = [r.start for r in route.requests]
        self.assertEqual((starts[0], set(starts[1:])), (None, {150000}))
        self.assertEqual(self.left_over(), [])

    def test_power_cut(self):
        """What was durable is not fetched again, what was not is."""
        route, url, path = self.serve(hang_body(150000), hang_body(100000), normal())
        ident = self.machine.login('alice', 'ferry get --detach ' + url).stdout.strip()
        self.wait_bytes(ident, 150000)
        self.machine.run(['ferry', 'suspend', ident], 'alice')
        self.machine.run(['ferry', 'resume', ident], 'alice')
        self.wait_bytes(ident, 250000)
        self.machine.power_cut()
        self.machine.boot()
        self.assertEqual(self.wait_file(path), route.body)
        self.nobody_is_there()
        self.assertEqual([r.start for r in route.requests][:2], [None, 150000])
        self.assertIn(route.requests[2].start, (150000, 250000))
        self.assertEqual(len(route.requests), 3)
        self.assertEqual(self.left_over(), [])

    def test_transferred(self):
        """A job that waits for its owner still does, with its bytes."""
        route, url, path = self.serve(normal())
        client = self.machine.client('alice')
        job = client.submit([(url, path)])
        job.wait_state('transferred')
        self.machine.power_cut()
        self.machine.boot()
        job.client = self.machine.client('alice')
        self.assertEqual(job.state, 'transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(self.machine.path(path)), route.body)
        self.assertEqual(len(route.requests), 1)

    def half_sent(self):
        """An upload whose server has the first fragment, and half of the second, which it never answers."""
        server = BitsServer.of(self, faults=[{'on': 'fragment', 'at': 2, 'do': 'pause', 'after': 300000}])
        body = content.pattern(3 * FRAGMENT + 77, 5)
        content.write(self.machine.path('/home/alice/to-send'), body)
        # On the disk: a power cut is not to be a change of the file.
        self.machine.run(['chown', 'alice:', '/home/alice/to-send'])
        self.machine.run(['sync'])
        ident = self.machine.login('alice', 'ferry put --detach --protocol bits to-send ' +
                                   server.url('/file')).stdout.strip()
        server.wait_log('fragment', state='paused')
        # What is acknowledged is in the store.
        self.machine.wait_job('alice', ident, lambda j: j['BytesTransferred'] >= FRAGMENT, 'a fragment')
        return server, content.sha256(body)

    def assert_goes_on(self, server, digest):
        """In the session that there is, with nothing that was acknowledged sent again."""
        wait_until(lambda: server.sha256('/file') == digest, 90, 'the file at the server')
        self.nobody_is_there()
        self.assertEqual(len(server.log('create')), 1)
        starts = [entry['range'][0] for entry in server.log('fragment') if 'range' in entry]
        self.assertEqual([start for start in starts[1:] if start < FRAGMENT], [])
        self.assertEqual(content.sha256(content.read(self.machine.path('/home/alice/to-send'))), digest)

    def test_reboot_in_upload(self):
        server, digest = self.half_sent()
        self.machine.reboot()
        server.release()
        self.assert_goes_on(server, digest)

    def test_power_cut_in_upload(self):
        server, digest = self.half_sent()
        self.machine.power_cut()
        server.release()
        self.machine.boot()
        self.assert_goes_on(server, digest)


if __name__ == '__main__':
    cases.main()
