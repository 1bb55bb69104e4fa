#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What data/try shows: one file fetched by a Ferry that was only built, never installed."""

import hashlib
import os
import pwd
import signal
import sys
import time
import unittest
import urllib.request

from lib import content, isolate
from lib.badserver import slow
from lib.client import signal_args
from lib.process import Deadline
from lib.world import World

SIZE = 32 << 20
RATE = 16 << 20


def line(label, text):
    print('  {:<10} {}'.format(label, text), flush=True)


def mebibytes(count):
    return '{:.1f} MiB'.format(count / (1 << 20))


class Life:
    """The job's life, printed as the bus tells it."""

    def __init__(self, client):
        self.client = client
        self.began = time.monotonic()
        self.seen = 0
        self.state = None
        self.shown = 0
        self.total = None
        client.manager('ListJobs', '(a{sv})', {})      # from now on we hear of all our jobs

    def show(self, text):
        print('  {:6.2f} s   {}'.format(time.monotonic() - self.began, text), flush=True)

    def follow(self):
        """Prints what was heard since the last call."""
        with self.client.condition:
            heard, self.seen = self.client.signals[self.seen:], len(self.client.signals)
        for message in heard:
            args = signal_args(message)
            if message['signal'] == 'InterfacesAdded':
                self.properties(args[1].get('org.ferry.Transfer1.Job', {}))
            elif message['signal'] == 'PropertiesChanged':
                self.properties(args[1])
            elif message['signal'] in ('Transferred', 'Failed', 'FileRestarted'):
                self.show('signal {}'.format(message['signal']))

    def properties(self, values):
        if values.get('BytesTotal', 2 ** 64 - 1) != 2 ** 64 - 1:
            self.total = values['BytesTotal']
        if values.get('State', self.state) != self.state:
            self.state = values['State']
            self.show(self.state)
        done = values.get('BytesTransferred', 0)
        if done - self.shown >= SIZE // 4 and self.total:
            self.shown = done
            self.show('  {} of {}'.format(mebibytes(done), mebibytes(self.total)))


def fetch(world, url, digest, user, target):
    """Runs `ferry get` and shows the job meanwhile; returns its exit status."""
    command = ['get', '-o', target]
    if digest:
        command += ['--digest', 'sha256:' + digest]
    print('\n$ ferry {} {}'.format(' '.join(command), url), flush=True)
    watcher = world.client(user)
    life = Life(watcher)
    with open(os.path.join(world.logs, 'ferry.log'), 'w+', encoding='utf-8') as log:
        proxies = {k: v for k, v in os.environ.items() if k.lower().endswith('_proxy')}
        child = world.spawn([os.path.join(world.build, 'client/ferry'), *command, url], user,
                            stdout=log, stderr=log, **proxies)
        while child.poll() is None:
            with watcher.condition:
                watcher.condition.wait_for(lambda: len(watcher.signals) > life.seen, 0.05)
            life.follow()
        watcher.ping_bus()
        life.follow()
        log.seek(0)
        for text in log.read().splitlines():
            print('  ferry: ' + text)
    return child.returncode


def digest_of(url):
    """The same URL by another way, for comparison."""
    digest = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=60) as source:
        for block in iter(lambda: source.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


def attempt(world, url):
    user = 'nobody' if world.root else None
    identity = pwd.getpwuid(os.stat('/proc/{}'.format(world.ferryd.pid)).st_uid).pw_name
    line('bus', 'of type system, at ' + world.address)
    line('polkit', 'a polkitd of its own' if world.with_polkit else
         'none here (it needs root and namespaces): Ferry grants what anyone may do')
    line('ferryd', 'pid {}, user {}'.format(world.ferryd.pid, identity))
    home = world.home(user or 'me')
    target = os.path.join(home, 'fetched')
    digest = None
    if url is None:
        data = content.pattern(SIZE, 2)
        digest = content.sha256(data)
        world.http.add('/ferry-try.bin', data, slow(RATE))
        url = world.http.url('/ferry-try.bin')
        line('server', '{}, {}, {} a second'.format(url, mebibytes(SIZE), mebibytes(RATE)))
    status = fetch(world, url, digest, user, target)
    if status != 0:
        print('\nferry ended with status {}.'.format(status))
        print(world.ferryd.log()[-4000:])
        return 1
    got = content.file_sha256(target)
    owner = os.stat(target)
    print()
    line('file', '{}, owned by uid {}, mode {:o}'.format(
        mebibytes(owner.st_size), owner.st_uid, owner.st_mode & 0o777))
    line('sha256', got)
    if digest is None:
        print('  Fetching it once more without Ferry, to compare ...', flush=True)
        digest = digest_of(url)
    if got != digest:
        print('\nThe digest is wrong: {} was expected.'.format(digest))
        return 1
    rest = [name for name in os.listdir(home) if name != 'fetched']
    if rest:
        print('\nSomething was left beside the file: {}'.format(rest))
        return 1
    print('\nThe file is right.')
    return 0


def main():
    url = sys.argv[1] if len(sys.argv) > 1 else None
    isolate.enter(want_network=False)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with World(needs_namespaces=False) as world:
            return attempt(world, url)
    except KeyboardInterrupt:
        return 130
    except (Deadline, unittest.SkipTest) as problem:
        print('data/try: {}'.format(problem), file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main())
