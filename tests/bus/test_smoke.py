#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shortest way through everything: if this fails nothing else need be looked at."""

import os
import socket
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content, isolate  # noqa: E402
from lib.world import World  # noqa: E402


class Harness(unittest.TestCase):
    """The world itself, without ferryd."""

    def test_world_stands_and_goes(self):
        world = World()
        world.start(ferryd=False)
        self.assertTrue(os.path.exists(world.dir))
        world.stop()
        self.assertFalse(os.path.exists(world.dir))
        self.assertFalse(world.bus.running)


class Surroundings(unittest.TestCase):
    """What the tests believe about their own tools."""

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.world.start(ferryd=False)

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()

    def test_clients_have_their_own_uid(self):
        if not self.world.root:
            self.skipTest('needs root for a second uid')
        seen = set()
        for user in ('nobody', 'games'):
            client = self.world.client(user)
            uid = client.call('/org/freedesktop/DBus', 'org.freedesktop.DBus',
                              'GetConnectionUnixUser', '(s)', client.unique_name,
                              destination='org.freedesktop.DBus')
            self.assertEqual(uid, client.user.pw_uid)
            seen.add(uid)
        self.assertEqual(len(seen), 2)

    def test_polkit_knows_our_actions(self):
        if not self.world.with_polkit:
            self.skipTest('needs root for polkit')
        client = self.world.client('nobody')
        actions = client.call('/org/freedesktop/PolicyKit1/Authority',
                              'org.freedesktop.PolicyKit1.Authority', 'EnumerateActions', '(s)',
                              '', destination='org.freedesktop.PolicyKit1')
        self.assertIn('org.ferry.transfer1.create-job', [action[0] for action in actions])

    def test_nothing_outside_can_be_reached(self):
        if not isolate.own_network():
            self.skipTest('this machine gives no network of its own')
        self.assertEqual([name for _, name in socket.if_nameindex()], ['lo'])

    def test_servers_serve(self):
        data = content.pattern(100000)
        digest = self.world.nginx.add('file', data)
        route = self.world.http.add('/file', data)
        for url in (self.world.nginx.url('file'), self.world.nginx.secure_url('file'),
                    self.world.http.url('/file')):
            if url.startswith('https') and not self.world.root:
                continue
            done = self.world.run(['curl', '-sSf', '-o', os.path.join(self.world.logs, 'got'),
                                   url])
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(content.file_sha256(os.path.join(self.world.logs, 'got')), digest)
        self.assertEqual(route.fetched(), [(0, len(data))])


class Smoke(cases.WorldCase):
    """One job from CreateJob to a published file."""

    def test_create_to_complete(self):
        data = content.pattern(300000)
        route = self.world.http.add('/file', data)
        job = self.client.create('smoke')
        self.assertEqual(job.state, 'suspended')
        self.assertEqual(job.add_file(self.world.http.url('/file'), self.path('file')), 0)
        job.resume()
        job.wait_state('transferred')
        self.assertFalse(os.path.exists(self.path('file')))
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(self.path('file')), data)
        self.assertEqual(self.left_over(), ['file'])
        self.assertEqual(job.state, 'acknowledged')
        self.assertEqual(route.sent, len(data))


if __name__ == '__main__':
    cases.main()
