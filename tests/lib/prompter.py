#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The desktop's dialog for passwords, with a person who types what the first argument says.

That is a JSON array of [text or null, whether to tick the choice]. What each dialog said goes out as
one JSON object a line. The protocol is that of GcrSystemPrompter; its secrets are the real library's.
"""

import json
import sys

import gi
gi.require_version('Gcr', '3')
gi.require_version('Gio', '2.0')
from gi.repository import Gcr, Gio, GLib  # noqa: E402

NAME = 'org.gnome.keyring.SystemPrompter'
PATH = '/org/gnome/keyring/Prompter'
CALLBACK = 'org.gnome.keyring.internal.Prompter.Callback'
XML = '''<node><interface name="org.gnome.keyring.internal.Prompter">
  <method name="BeginPrompting"><arg type="o" direction="in"/></method>
  <method name="PerformPrompt"><arg type="o" direction="in"/><arg type="s" direction="in"/>
    <arg type="a{sv}" direction="in"/><arg type="s" direction="in"/></method>
  <method name="StopPrompting"><arg type="o" direction="in"/></method>
</interface></node>'''


class Prompter:
    """Answers every dialog at once."""

    def __init__(self, answers):
        self.answers = answers
        self.exchanges = {}         # one for each dialog
        self.connection = Gio.bus_get_sync(Gio.BusType.SESSION)
        node = Gio.DBusNodeInfo.new_for_xml(XML)
        self.connection.register_object(PATH, node.interfaces[0], self.on_call, None, None)
        Gio.bus_own_name_on_connection(self.connection, NAME, 0, None, None)

    def on_call(self, _connection, sender, _path, _interface, member, parameters, invocation):
        callback, *rest = parameters.unpack()
        invocation.return_value(None)
        if member == 'BeginPrompting':
            exchange = self.exchanges[sender, callback] = Gcr.SecretExchange.new(None)
            self.tell(sender, callback, 'PromptReady',
                      GLib.Variant('(sa{sv}s)', ('', {}, exchange.begin())))
        elif member == 'PerformPrompt':
            self.perform(sender, callback, *rest)
        else:
            print(json.dumps({'kind': 'closed'}), flush=True)
            self.tell(sender, callback, 'PromptDone', None)

    def perform(self, sender, callback, kind, properties, exchanged):
        said = {k: v for k, v in properties.items() if isinstance(v, str)}
        print(json.dumps(dict(said, kind=kind)), flush=True)
        if not self.answers:
            return      # the person is away
        text, chosen = self.answers.pop(0)
        exchange = self.exchanges[sender, callback]
        exchange.receive(exchanged)
        reply = ('no' if text is None else 'yes', {'choice-chosen': GLib.Variant('v', GLib.Variant('b', chosen))},
                 exchange.send(text, -1))
        self.tell(sender, callback, 'PromptReady', GLib.Variant('(sa{sv}s)', reply))

    def tell(self, sender, path, member, arguments):
        self.connection.call(sender, path, CALLBACK, member, arguments, None, 0, -1, None, None)


def main():
    prompter = Prompter(json.loads(sys.argv[1]))
    prompter.connection.connect('closed', lambda *_: sys.exit())
    GLib.MainLoop().run()


if __name__ == '__main__':
    main()
