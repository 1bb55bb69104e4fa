# SPDX-License-Identifier: LGPL-2.1-or-later
"""Services of the machine on the test's bus, each as much of it as Ferry asks for."""

import os
import select
import threading

import gi
gi.require_version('Gio', '2.0')
from gi.repository import Gio, GLib  # noqa: E402


class Fake:
    """Owns a name on that bus until close(); answers in a thread of its own."""

    name = path = xml = ''

    def __init__(self, address):
        self.context = GLib.MainContext()
        self.loop = GLib.MainLoop(self.context)
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._serve, args=(address,), daemon=True)
        self.thread.start()
        if not self.ready.wait(20):
            raise AssertionError('no {} on the bus'.format(self.name))

    def _serve(self, address):
        self.context.push_thread_default()
        self.connection = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
            Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        interface = Gio.DBusNodeInfo.new_for_xml(self.xml).interfaces[0]
        self.connection.register_object(self.path, interface, self._called, None, None)
        self.connection.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus',
                                  'org.freedesktop.DBus', 'RequestName',
                                  GLib.Variant('(su)', (self.name, 4)), None, 0, -1, None)
        self.ready.set()
        self.loop.run()
        self.connection.close_sync(None)
        self.context.pop_thread_default()

    def _called(self, _connection, _sender, _path, _interface, _member, parameters, invocation):
        self.answer(parameters.unpack(), invocation)

    def answer(self, arguments, invocation):
        """The one method that it has."""
        raise NotImplementedError

    def close(self):
        self.loop.quit()
        self.thread.join(20)


class Logind(Fake):
    """Delay inhibitors, and word of sleep and shutdown."""

    name = 'org.freedesktop.login1'
    path = '/org/freedesktop/login1'
    xml = '''<node><interface name="org.freedesktop.login1.Manager"><method name="Inhibit">
        <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
        <arg type="s" direction="in"/><arg type="h" direction="out"/></method></interface></node>'''

    def __init__(self, address):
        self.inhibitors = []        # (what, mode, our end of the pipe)
        super().__init__(address)

    def answer(self, arguments, invocation):
        what, _who, _why, mode = arguments
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
        self.connection.emit_signal(None, self.path, self.name + '.Manager', signal,
                                    GLib.Variant('(b)', (begins,)))

    def close(self):
        super().close()
        for _, _, end in self.inhibitors:
            os.close(end)


class Systemd(Fake):
    """The states of units."""

    name = 'org.freedesktop.systemd1'
    path = '/org/freedesktop/systemd1'
    xml = '''<node><interface name="org.freedesktop.systemd1.Manager">
        <method name="ListUnitsByPatterns"><arg type="as" direction="in"/>
        <arg type="as" direction="in"/><arg type="a(ssssssouso)" direction="out"/></method>
        </interface></node>'''

    def __init__(self, address):
        self.units = []             # (name, state)
        self.asked = None           # the patterns
        super().__init__(address)

    def answer(self, arguments, invocation):
        self.asked = arguments[1]
        rows = [(name, '', 'loaded', state, '', '', '/', 0, '', '/') for name, state in self.units]
        invocation.return_value(GLib.Variant('(a(ssssssouso))', (rows,)))
