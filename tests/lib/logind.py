# SPDX-License-Identifier: LGPL-2.1-or-later
"""As much of logind as Ferry asks for: delay inhibitors, and word of sleep and shutdown."""

import os
import select
import threading

import gi
gi.require_version('Gio', '2.0')
from gi.repository import Gio, GLib  # noqa: E402

NAME = 'org.freedesktop.login1'
PATH = '/org/freedesktop/login1'
MANAGER = NAME + '.Manager'
XML = '''<node><interface name="org.freedesktop.login1.Manager"><method name="Inhibit">
<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="h" direction="out"/></method></interface></node>'''


class Logind:
    """Owns the name on that bus until close(); answers in a thread of its own."""

    def __init__(self, address):
        self.inhibitors = []        # (what, mode, our end of the pipe)
        self.context = GLib.MainContext()
        self.loop = GLib.MainLoop(self.context)
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._serve, args=(address,), daemon=True)
        self.thread.start()
        if not self.ready.wait(20):
            raise AssertionError('no logind on the bus')

    def _serve(self, address):
        self.context.push_thread_default()
        self.connection = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
            Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.connection.register_object(PATH, Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0],
                                        self._inhibit, None, None)
        self.connection.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus',
                                  'org.freedesktop.DBus', 'RequestName',
                                  GLib.Variant('(su)', (NAME, 4)), None, 0, -1, None)
        self.ready.set()
        self.loop.run()
        self.connection.close_sync(None)
        self.context.pop_thread_default()

    def _inhibit(self, _connection, _sender, _path, _interface, _member, parameters, invocation):
        what, _who, _why, mode = parameters.unpack()
        ours, theirs = os.pipe()
        fds = Gio.UnixFDList.new()
        fds.append(theirs)
        os.close(theirs)
        self.inhibitors.append((what, mode, ours))
        invocation.return_value_with_unix_fd_list(GLib.Variant('(h)', (0,)), fds)

    def held(self):
        """(what, mode) of the inhibitors that nobody has closed."""
        return sorted((what, mode) for what, mode, end in self.inhibitors
                      if not select.select([end], [], [], 0)[0])

    def announce(self, signal, begins):
        """PrepareForSleep or PrepareForShutdown, to everybody."""
        self.connection.emit_signal(None, PATH, MANAGER, signal, GLib.Variant('(b)', (begins,)))

    def close(self):
        self.loop.quit()
        self.thread.join(20)
        for _, _, end in self.inhibitors:
            os.close(end)
