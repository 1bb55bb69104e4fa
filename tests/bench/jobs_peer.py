#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many jobs over one connection, with several calls on their way at a time, as a program does that
has many things to fetch. Commands come as JSON, one a line; so do the answers."""

import json
import sys
import time

import gi
gi.require_version('Gio', '2.0')
from gi.repository import Gio, GLib  # noqa: E402

NAME = 'org.ferry.Transfer1'
ROOT = '/org/ferry/Transfer1'
# ferryd takes 32 unanswered calls of a connection.
IN_FLIGHT = 24


class Peer:
    """A connection, and a main loop that runs while an answer is awaited."""

    def __init__(self, address):
        flags = (Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
                 Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
        self.connection = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
        self.loop = GLib.MainLoop()
        self.waiting = []       # what is still to be called
        self.replies = []
        self.unfinished = 0     # jobs that have not said Transferred
        self.failure = None
        self.connection.signal_subscribe(NAME, NAME + '.Job', None, None, None, 0,
                                         self.on_signal)

    def on_signal(self, _connection, _sender, path, _interface, member, _args):
        if member == 'Failed':
            self.fail('job {} failed'.format(path))
        elif member == 'Transferred':
            self.unfinished -= 1
            self.look()

    def fail(self, why):
        self.failure = why
        self.loop.quit()

    def look(self):
        if self.unfinished == 0 and len(self.replies) == self.expected:
            self.loop.quit()

    def next_call(self):
        if self.waiting:
            path, interface, member, args = self.waiting.pop()
            self.connection.call(NAME, path, interface, member, args, None, 0, 60000, None,
                                 self.on_reply)

    def on_reply(self, connection, result):
        try:
            self.replies.append(connection.call_finish(result).unpack())
        except GLib.Error as error:
            self.fail(error.message)
            return
        self.next_call()
        self.look()

    def call_all(self, calls):
        """Sends all, a few at a time; returns the replies in no order."""
        self.waiting = list(reversed(calls))
        self.replies = []
        self.expected = len(calls)
        for _ in range(IN_FLIGHT):
            self.next_call()
        self.loop.run()
        if self.failure:
            sys.exit(self.failure)
        return self.replies

    @staticmethod
    def submit(name, url, path, **properties):
        return (ROOT, NAME + '.Manager', 'SubmitJob', GLib.Variant(
            '(ssa(ssa{sv})a{sv})', (name, 'download', [(url, path, {})], properties)))

    def run_all(self, files):
        self.unfinished = len(files)
        self.call_all([self.submit('small', url, path, AutoComplete=GLib.Variant('b', True))
                       for url, path in files])

    def create(self, count, url, folder):
        created = [r[0] for r in self.call_all([
            (ROOT, NAME + '.Manager', 'CreateJob',
             GLib.Variant('(ssa{sv})', ('stored {}'.format(n), 'download', {})))
            for n in range(count)])]
        self.call_all([
            (path, NAME + '.Job', 'AddFile',
             GLib.Variant('(ssa{sv})', (url, '{}/file-{}'.format(folder, n), {})))
            for n, path in enumerate(created)])
        return created

    def time_get_all(self, paths):
        seconds = []
        args = GLib.Variant('(s)', (NAME + '.Job',))
        for path in paths:
            begin = time.monotonic()
            self.connection.call_sync(NAME, path, 'org.freedesktop.DBus.Properties', 'GetAll',
                                      args, None, 0, 60000, None)
            seconds.append(time.monotonic() - begin)
        return seconds


def main():
    peer = Peer(sys.argv[1])
    for line in sys.stdin:
        what, *args = json.loads(line)
        print(json.dumps(getattr(peer, what)(*args)), flush=True)


if __name__ == '__main__':
    main()
