# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which requests a server spoils, and when it goes on.

A fault is a dictionary. `at` counts the requests of the kind `on` from the moment the fault was set,
from 1; `times` says how many from there on, 0 all. `do` and the other keys are the server's.
"""

import threading

KEYS = {'on', 'at', 'times', 'do', 'after', 'keep', 'status', 'reason', 'headers', 'body', 'read',
        'seconds', 'offset', 'by', 'hresult', 'context', 'close'}


class Faults:
    """A list of faults and how many requests each has seen."""

    def __init__(self, what_can_be_done):
        self.known = set(what_can_be_done)
        self.lock = threading.Lock()
        self.rules = []
        self.gate = threading.Event()

    def set(self, faults):
        """Instead of those so far. Everything that is held goes on first."""
        rules = []
        for fault in faults:
            if set(fault) - KEYS or fault.get('do') not in self.known or 'on' not in fault:
                raise ValueError('no such fault: {!r}'.format(fault))
            rules.append([dict(fault), 0])
        self.release()
        with self.lock:
            self.rules = rules

    def release(self):
        """Everything that is held goes on; what comes later is held again."""
        with self.lock:
            gate, self.gate = self.gate, threading.Event()
        gate.set()

    def take(self, kinds):
        """The fault for a request of these kinds, {} for none."""
        found = {}
        with self.lock:
            for rule in self.rules:
                fault = rule[0]
                if fault['on'] not in kinds:
                    continue
                rule[1] += 1
                first, times = fault.get('at', 1), fault.get('times', 1)
                if not found and rule[1] >= first and (times == 0 or rule[1] < first + times):
                    found = fault
        return found

    def hold(self):
        """Until release()."""
        with self.lock:
            gate = self.gate
        gate.wait()
