# SPDX-License-Identifier: LGPL-2.1-or-later
"""Times of rivals that take turns, so that what the machine does meanwhile meets all of them."""

import os
import statistics
import sys
import time


def say(text):
    """Progress, apart from the results."""
    print(text, file=sys.stderr, flush=True)


def timed(function):
    """Seconds that function takes; what was written before is on disk and does not disturb."""
    os.sync()
    begin = time.monotonic()
    function()
    return time.monotonic() - begin


def alternate(rivals, rounds):
    """rivals: name -> (run, clean). Returns name -> list of seconds, one of each in every round;
    a round before them fills the caches and does not count. Each round begins with another rival,
    as what one leaves behind meets the next."""
    seconds = {name: [] for name in rivals}
    order = list(rivals.items())
    for number in range(rounds + 1):
        first = number % len(order)
        for name, (run, clean) in order[first:] + order[:first]:
            clean()
            took = timed(run)
            if number > 0:
                seconds[name].append(took)
                say('  {} {}/{}: {:.3f} s'.format(name, number, rounds, took))
    for _, clean in rivals.values():
        clean()
    return seconds


def median(values):
    return statistics.median(values)


class Results:
    """Rows of what was measured, what it was held against, and what was wanted."""

    def __init__(self):
        self.rows = []

    def ratio(self, what, ours, theirs, limit, peer):
        """Medians of two lists of seconds."""
        value = median(ours) / median(theirs)
        self.rows.append({'what': what, 'value': value, 'unit': 'x ' + peer, 'limit': limit,
                          'ours': ours, 'theirs': theirs})

    def figure(self, what, value, unit, limit, **details):
        self.rows.append({'what': what, 'value': value, 'unit': unit, 'limit': limit, **details})

    @staticmethod
    def _detail(row):
        if 'ours' not in row:
            return ''
        return '{:.3f} s / {:.3f} s, best {:.3f} s / {:.3f} s, spread {:.0f} % / {:.0f} %'.format(
            median(row['ours']), median(row['theirs']), min(row['ours']), min(row['theirs']),
            *(100 * (max(v) - min(v)) / median(v) for v in (row['ours'], row['theirs'])))

    def table(self):
        head = ('what', 'measured', 'wanted', '', 'medians')
        lines = [head]
        for row in self.rows:
            good = row['value'] <= row['limit']
            lines.append((row['what'], '{:.2f} {}'.format(row['value'], row['unit']),
                          '<= {:g}'.format(row['limit']), 'ok' if good else 'OVER',
                          self._detail(row)))
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        return '\n'.join('  '.join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                         for line in lines)
