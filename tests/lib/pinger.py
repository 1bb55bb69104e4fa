# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a user notices of Ferry: the times of his calls. pinger.py ADDRESS; for each line of standard input as many calls
as it says, whose times in seconds come as one JSON list."""

import json
import sys
import time

import gi
gi.require_version('Gio', '2.0')
from gi.repository import Gio, GLib  # noqa: E402

NAME = 'org.ferry.Transfer1'
ROOT = '/org/ferry/Transfer1'


def main():
    connection = Gio.DBusConnection.new_for_address_sync(
        sys.argv[1], Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
        Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
    filters = GLib.Variant('(a{sv})', ({},))
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            begin = time.monotonic()
            connection.call_sync(NAME, ROOT, NAME + '.Manager', 'ListJobs', filters, None, 0, 60000,
                                 None)
            times.append(time.monotonic() - begin)
        print(json.dumps(times), flush=True)


if __name__ == '__main__':
    main()
