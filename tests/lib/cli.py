# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of `ferry`, the command line, share."""

import json
import os
import re
import shlex
import subprocess
import threading

from lib import badserver, cases, content
from lib.process import wait_until

ID = re.compile('^[0-9a-f]{32}$')
ERROR_LINE = re.compile(r'^ferry: [A-Z][A-Za-z]*: .+$')


def trickle(event):
    """Sends a little, slowly enough to be seen, then waits for the event, then sends the rest."""
    def behave(route, request, stream):
        status, first, data, extra = badserver.plan(route, request)
        stream.head(status, badserver.REASONS[status],
                    [('Content-Length', len(data)), ('Accept-Ranges', 'bytes'),
                     *route.validators(), *extra])
        request.first = first
        done = 0
        while done < len(data):
            step = len(data) - done if event.is_set() else 10000
            stream.raw(data[done:done + step])
            done += step
            request.sent = done
            if done >= 50000:
                stream.server.hold(event)
                if not event.is_set():
                    raise badserver.Drop()
            else:
                stream.server.pause(0.06)
    return behave


def receive(event=None, rate=None):
    """Takes what is PUT, which the route then has; all at once, `rate` bytes a second, or a part until
    the event is set. Knows no other way of sending."""
    def behave(route, request, stream):
        left = int(request.get('Content-Length') or 0)
        if request.method in ('GET', 'HEAD'):
            badserver.normal()(route, request, stream)
            return
        taken = b''
        while left:
            block = stream.file.read1(min(left, 1 << 16))
            if not block:
                raise badserver.Drop()
            left -= len(block)
            taken += block
            if rate:
                stream.server.pause(len(block) / rate)
            if event is not None and len(taken) >= 50000:
                stream.server.hold(event)
        if request.method != 'PUT':
            badserver.status(405, 'Method Not Allowed')(route, request, stream)
            return
        route.body = taken
        stream.head(201, 'Created', [('Content-Length', 0)])
    return behave


class CliCase(cases.WorldCase):
    """What the cases below share."""

    def setUp(self):
        super().setUp()
        self.event = threading.Event()
        self.addCleanup(self.event.set)
        # Its connection ends what a case leaves behind.
        self.assertTrue(self.client.unique_name)

    @property
    def program(self):
        return os.path.join(self.world.build, 'client/ferry')

    def serve(self, name='/file', size=200000, *script, **kwargs):
        return self.world.http.add(name, content.pattern(size), *script, **kwargs)

    def url(self, name='/file'):
        return self.world.http.url(name)

    def held(self, name='/file', size=2000000):
        """A file that is served in part, until self.event is set."""
        return self.serve(name, size, trickle(self.event))

    def ferry(self, *args, user=None, status=0, **kwargs):
        """Runs it; checks the exit status and that stderr has error lines only."""
        done = self.world.ferry(*args, user=user or self.user, **kwargs)
        self.assertEqual(done.returncode, status, '{}\n{}{}'.format(args, done.stdout, done.stderr))
        for line in done.stderr.splitlines():
            self.assertRegex(line, ERROR_LINE)
        self.assertEqual(bool(done.stderr), status != 0, done.stderr)
        return done

    def start(self, *args, **kwargs):
        child = self.world.spawn([self.program, *args], self.user, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, **kwargs)

        def end():
            if child.poll() is None:
                child.kill()
            child.communicate()
        self.addCleanup(end)
        return child

    def finish(self, child, status=0, seconds=60):
        out, err = child.communicate(timeout=seconds)
        self.assertEqual(child.returncode, status, out + err)
        return out, err

    def detach(self, name='/file', **kwargs):
        """A job in the background; returns its id."""
        done = self.ferry('get', '--detach', self.url(name), '-d', self.home, **kwargs)
        self.assertRegex(done.stdout.strip(), ID)
        return done.stdout.strip()

    def jobs(self, user=None):
        return json.loads(self.ferry('list', '--json', user=user).stdout)

    def job(self, word):
        return json.loads(self.ferry('show', '--json', word).stdout)

    def wait_job(self, ident, predicate, what):
        wait_until(lambda: predicate(self.job(ident)), 30, what)

    def on_terminal(self, command, columns=100, answer='', **env):
        """Runs a shell line on a pseudo terminal; returns (status, what it showed)."""
        line = 'stty cols {} rows 24; {}'.format(columns, command)
        inner = ['script', '-qec', line, '/dev/null']
        argv = ['sh', '-c', 'printf %s {} | {}'.format(shlex.quote(answer), shlex.join(inner))] \
            if answer else inner
        env = {'TERM': 'xterm', 'LC_ALL': 'C.UTF-8', 'SHELL': '/bin/sh', **env}
        done = self.world.run(argv, self.user, **env)
        return done.returncode, done.stdout
