# SPDX-License-Identifier: LGPL-2.1-or-later
"""A D-Bus client that a library would not be: writes without ever reading.

Runs as a program of some uid: rawbus.py ADDRESS WHAT. Prints "ready" when it has said Hello, then
floods until its standard input is closed.
"""

import os
import select
import socket
import sys

import gi
gi.require_version('Gio', '2.0')
from gi.repository import Gio, GLib  # noqa: E402

NAME = 'org.ferry.Transfer1'
ROOT = '/org/ferry/Transfer1'
MANAGER = NAME + '.Manager'


def connect(address):
    """Authenticates and says Hello, nothing more. A bus that has enough of this user does not answer."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(5)
    sock.connect(address.split('path=', 1)[1].split(',')[0])
    sock.sendall(b'\0AUTH EXTERNAL ' + str(os.getuid()).encode().hex().encode() + b'\r\n')
    sock.recv(1024)
    sock.sendall(b'BEGIN\r\n')
    sock.sendall(blob('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                      'Hello', None, 1))
    sock.recv(4096)
    return sock


def blob(destination, path, interface, member, body, serial):
    message = Gio.DBusMessage.new_method_call(destination, path, interface, member)
    if body is not None:
        message.set_body(body)
    message.set_serial(serial)
    return message.to_blob(Gio.DBusCapabilityFlags.NONE)


def calls(what):
    """Endless messages of one kind; serials may repeat, nobody reads the replies."""
    if what == 'calls':
        return [blob(NAME, ROOT, MANAGER, 'ListJobs', GLib.Variant('(a{sv})', ({},)), 2)] * 200
    if what == 'properties':
        return [blob(NAME, ROOT, 'org.freedesktop.DBus.Properties', 'GetAll',
                     GLib.Variant('(s)', (MANAGER,)), 2)] * 200
    if what == 'probes':
        return [blob(NAME, ROOT + '/jobs/' + 'a1' * 16, 'org.freedesktop.DBus.Properties',
                     'GetAll', GLib.Variant('(s)', (NAME + '.Job',)), 2)] * 200
    if what == 'creates':
        return [blob(NAME, ROOT, MANAGER, 'CreateJob',
                     GLib.Variant('(ssa{sv})', ('x', 'download', {})), 2)] * 200
    if what == 'introspection':
        return [blob(NAME, ROOT, 'org.freedesktop.DBus.Introspectable', 'Introspect', None,
                     2)] * 200
    if what == 'huge':
        return [blob(NAME, ROOT, MANAGER, 'CreateJob', GLib.Variant(
            '(ssa{sv})', ('x' * (30 << 20), 'download', {})), 2)]
    if what == 'polkit':
        return [blob(NAME, ROOT, MANAGER, 'ControlJob',
                     GLib.Variant('(ss)', ('a1' * 16, 'cancel')), 2)] * 200
    raise SystemExit('no such flood: ' + what)


def main():
    address, what = sys.argv[1:3]
    block = b''.join(calls(what))
    sock = connect(address)
    print('ready', flush=True)
    sock.setblocking(False)
    rest = b''
    while True:
        readable, writable, _ = select.select([0], [sock], [], 5)
        if readable and not os.read(0, 1):
            return
        if not writable:
            continue
        rest = rest or block
        try:
            rest = rest[sock.send(rest[:1 << 20]):]
        except BlockingIOError:
            continue
        except OSError:
            # The bus threw us out; come again, as somebody who floods would.
            sock.close()
            sock = connect(address)
            sock.setblocking(False)
            rest = b''


if __name__ == '__main__':
    main()
