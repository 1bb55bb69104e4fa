#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of the bus in a process of its own, which may have another uid.

The bus believes the kernel, so a test of privacy needs a real second uid. Commands come as one
JSON object a line on standard input; replies and signals go out the same way. Values travel as
GVariant text, which keeps their types.
"""

import json
import os
import sys
import time

import gi
gi.require_version('Gio', '2.0')
from gi.repository import Gio, GLib  # noqa: E402


class Peer:
    """Connects, calls, listens."""

    def __init__(self, address):
        self.address = address
        self.loop = GLib.MainLoop()
        self.connection = None
        self.connect()
        self.channel = GLib.IOChannel.unix_new(0)
        self.channel.set_encoding(None)
        self.buffer = b''
        GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP,
                          self.on_input)
        self.say({'ready': self.connection.get_unique_name()})

    def connect(self):
        flags = (Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
                 Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
        self.connection = Gio.DBusConnection.new_for_address_sync(self.address, flags, None, None)
        # Whatever the bus hands us is recorded, asked for or not.
        self.connection.signal_subscribe(None, None, None, None, None,
                                         Gio.DBusSignalFlags.NO_MATCH_RULE, self.on_signal)

    @staticmethod
    def say(message):
        sys.stdout.write(json.dumps(message) + '\n')
        sys.stdout.flush()

    def on_signal(self, _connection, sender, path, interface, member, parameters, *_):
        self.say({'signal': member, 'sender': sender, 'path': path, 'interface': interface,
                  'time': time.time(), 'args': parameters.print_(True)})

    def on_input(self, fd, _condition):
        data = os.read(fd, 1 << 20)
        if not data:
            self.loop.quit()
            return False
        self.buffer += data
        while b'\n' in self.buffer:
            line, self.buffer = self.buffer.split(b'\n', 1)
            self.command(json.loads(line))
        return True

    def command(self, message):
        """A bad command must not end the peer: its text is the answer."""
        try:
            getattr(self, 'do_' + message['op'])(message)
        except GLib.Error as error:
            self.answer_error(message['id'], error)

    def answer_error(self, ident, error):
        name = Gio.DBusError.get_remote_error(error) or '{}.{}'.format(error.domain, error.code)
        text = error.message
        prefix = 'GDBus.Error:{}: '.format(name)
        if text.startswith(prefix):
            text = text[len(prefix):]
        self.say({'id': ident, 'error': name, 'message': text})

    def do_call(self, message):
        args = message.get('args')
        variant = GLib.Variant.parse(None, args, None, None) if args else None
        flags = Gio.DBusCallFlags.NONE
        if message.get('interactive'):
            flags |= Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION

        def done(connection, result):
            try:
                reply = connection.call_finish(result)
                self.say({'id': message['id'], 'value': reply.print_(True)})
            except GLib.Error as error:
                self.answer_error(message['id'], error)

        self.connection.call(message['destination'], message['path'], message['interface'],
                             message['member'], variant, None, flags, message['timeout'], None,
                             done)

    def do_agent(self, message):
        """An object that answers GetCredentials with one of `answers` after the other, the last for ever: the text of an
        a{sv}, the name of an error, or nothing at all. What it is called with is said as a signal is."""
        interface = Gio.DBusNodeInfo.new_for_xml(message['xml']).lookup_interface(
            message['interface'])
        answers = message['answers']

        def called(_connection, sender, path, _interface, member, parameters, invocation):
            self.on_signal(None, sender, path, interface.name, member, parameters)
            if member != 'GetCredentials':
                return
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if answer is None:
                return
            if answer.startswith('{'):
                values = GLib.Variant.parse(GLib.VariantType('a{sv}'), answer, None, None)
                invocation.return_value(GLib.Variant.new_tuple(values))
            else:
                invocation.return_dbus_error(answer, 'Told to')

        self.connection.register_object(message['path'], interface, called, None, None)
        self.say({'id': message['id'], 'value': '()'})

    def do_serve(self, message):
        """Answers every method of an object with nothing, and records it like a signal."""
        def on_call(_connection, sender, path, interface, member, parameters, invocation):
            invocation.return_value(None)
            self.on_signal(None, sender, path, interface, member, parameters)

        node = Gio.DBusNodeInfo.new_for_xml(message['xml'])
        self.connection.register_object(message['path'], node.interfaces[0], on_call, None, None)
        self.say({'id': message['id'], 'value': '()'})

    def do_reconnect(self, message):
        """A new unique name, as a client that was started again has."""
        self.connection.close_sync(None)
        self.connect()
        self.say({'id': message['id'], 'value': '("{}",)'.format(
            self.connection.get_unique_name())})


def main():
    os.umask(0o022)
    peer = Peer(sys.argv[1])
    peer.loop.run()


if __name__ == '__main__':
    main()
