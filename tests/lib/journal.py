# SPDX-License-Identifier: LGPL-2.1-or-later
"""As much of journald as a service sees: the stream that is its standard error, and the socket that takes fields."""

import os
import socket
import struct
import threading

PLACE = '/run/systemd/journal'


def parse(data):
    """The fields of one entry, journald's native protocol."""
    fields = {}
    while data:
        line, _, data = data.partition(b'\n')
        key, equals, value = line.partition(b'=')
        if not equals:
            size = struct.unpack('<Q', data[:8])[0]
            value, data = data[8:8 + size], data[9 + size:]
        fields[key.decode()] = value.decode()
    return fields


class Journal:
    """Must be in a namespace with a /run of its own. `entries` grows as they come."""

    def __init__(self):
        os.makedirs(PLACE)
        self.entries = []
        self.text = b''             # what was written past the protocol
        self.condition = threading.Condition()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(PLACE + '/stdout')
        self.listener.listen()
        self.datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.datagrams.bind(PLACE + '/socket')
        os.chmod(PLACE + '/socket', 0o666)
        threading.Thread(target=self._read_entries, daemon=True).start()

    def stream(self):
        """What a service gets as its standard error."""
        ours = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.connect(PLACE + '/stdout')
        theirs = self.listener.accept()[0]
        threading.Thread(target=self._read_text, args=(theirs,), daemon=True).start()
        return ours

    def _read_entries(self):
        while True:
            entry = parse(self.datagrams.recv(1 << 20))
            with self.condition:
                self.entries.append(entry)
                self.condition.notify_all()

    def _read_text(self, stream):
        while True:
            data = stream.recv(65536)
            if not data:
                return
            with self.condition:
                self.text += data

    def wait(self, predicate, seconds=20):
        """Waits for an entry that satisfies predicate, and returns all that there are."""
        with self.condition:
            if not self.condition.wait_for(lambda: any(map(predicate, self.entries)), seconds):
                raise AssertionError('it did not come; there are {!r}'.format(self.entries[-20:]))
            return list(self.entries)
