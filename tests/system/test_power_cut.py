#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The power is cut at any moment, again and again, while three users work with a mixed queue: what was
acknowledged is there afterwards, what has its name is right, and nothing is left lying about."""

import contextlib
import os
import random
import re
import shutil
import sqlite3
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content  # noqa: E402
from lib.badserver import slow  # noqa: E402
from lib.client import FINAL, BusError, Job  # noqa: E402
from lib.disk import USERS  # noqa: E402
from lib.process import Deadline, wait_until  # noqa: E402

SEED = int(os.environ.get('FERRY_TEST_SEED', '20261129'))
CUTS = int(os.environ.get('FERRY_TEST_CUTS', '50'))
OPEN_JOBS = 10      # of one user; below the limit of the policy

# What a job may be found as when this was the last thing that was acknowledged. It goes on meanwhile.
RUNNING = {'queued', 'connecting', 'transferring', 'transient-error', 'transferred'}
ALLOWED = {
    'made': {'suspended'},
    'suspend': {'suspended', 'transferred'},
    'resume': RUNNING,
    'complete': {'acknowledged'},
    'cancel': {'cancelled'},
}
FINAL_WORDS = {'acknowledged': 'complete', 'cancelled': 'cancel'}


class Doubt(Exception):
    """The power went before the answer came: it was done, or it was not."""


class Known:
    """What a user was told of a job."""

    def __init__(self, ident, automatic):
        self.path = '/org/ferry/Transfer1/jobs/' + ident
        self.automatic = automatic
        self.files = []         # (path, body), acknowledged
        self.perhaps = []       # the same, of an AddFile without an answer
        self.said = 'made'      # last acknowledged order
        self.doubt = None       # an order without an answer, behind that
        self.completing = False
        self.over = False       # final, and all was looked at

    def allowed(self):
        """States in which it may be now."""
        states = set(ALLOWED[self.said])
        if self.doubt:
            states |= ALLOWED[self.doubt]
        if (self.automatic or self.completing) and states & RUNNING:
            states.add('acknowledged')
        return states


class User:
    """Works until the power goes; each order and its answer are remembered."""

    def __init__(self, case, name):
        self.case = case
        self.name = name
        self.jobs = []
        self.number = 0
        self.client = None
        self.problem = None

    # -- orders

    def ask(self, call, *args):
        """Makes a call; Doubt when the power went first. An order that comes too late is refused.

        An answer does not count when it came in the moment between the disk's end and that of the
        processes: a sync that was under way then may have returned as if nothing were wrong.
        """
        value = None
        try:
            value = call(*args)
        except (Deadline, OSError, ValueError):
            if not self.case.dark.is_set():
                raise
        except BusError as error:
            if not self.case.dark.is_set() and error.short != 'InvalidState':
                raise
        if self.case.dark.is_set():
            raise Doubt()
        return value

    def order(self, known, word):
        """suspend, resume, complete or cancel."""
        job = Job(self.client, known.path)
        try:
            if self.ask(job.call, word.capitalize()) is not None:
                known.said = word
        except Doubt:
            known.doubt = word
            raise

    def new_file(self, chance, known):
        """One more on the server; returns what AddFile wants."""
        self.number += 1
        name = '{}-{}'.format(self.name, self.number)
        large = chance.random() < 0.3
        body = content.pattern(chance.randrange(100000, 300000) if large else
                               chance.randrange(1, 30000), hash_of(name))
        route = self.case.machine.http.add('/' + name, body, *([slow(150000)] if large else []))
        path = '/home/{}/{}'.format(self.name, name)
        known.perhaps.append((path, body))
        options = {'Digest': 'sha256:' + route.sha256} if chance.random() < 0.5 else {}
        return self.case.machine.http.url('/' + name), path, options

    def submit(self, chance):
        """A job that runs at once. Without an answer nobody knows its id, and nobody looks for it."""
        known = Known('unknown', chance.random() < 0.5)
        files = [self.new_file(chance, known) for _ in range(chance.choice((1, 1, 2, 6)))]
        job = self.ask(lambda: self.client.submit(
            files, AutoComplete=known.automatic, MinimumRetryDelay=5,
            Priority=chance.choice(('foreground', 'high', 'normal', 'low'))))
        known.path, known.said = job.path, 'resume'
        known.files, known.perhaps = known.perhaps, []
        self.jobs.append(known)

    def create(self, chance):
        """A job that is made in steps and stays suspended for a while."""
        known = Known('unknown', chance.random() < 0.5)
        job = self.ask(lambda: self.client.create(AutoComplete=known.automatic,
                                                  MinimumRetryDelay=5))
        known.path = job.path
        self.jobs.append(known)
        for _ in range(chance.randrange(1, 4)):
            url, path, options = self.new_file(chance, known)
            self.ask(lambda: job.add_file(url, path, **options))
            known.files.append(known.perhaps.pop())

    # -- a round

    def step(self, chance):
        """One order, as it comes."""
        open_jobs = [k for k in self.jobs if k.said not in ('complete', 'cancel') and not k.over]
        if len(open_jobs) < 2 or len(open_jobs) < OPEN_JOBS and chance.random() < 0.4:
            (self.submit if chance.random() < 0.7 else self.create)(chance)
            return
        known = chance.choice(open_jobs)
        state = self.ask(Job(self.client, known.path).get, 'State')
        if state in FINAL:
            known.said = FINAL_WORDS[state]
        elif state == 'suspended':
            self.order(known, 'resume' if known.files and chance.random() < 0.9 else 'cancel')
        elif state == 'transferred':
            self.order(known, 'complete')
        else:
            self.order(known, 'suspend' if chance.random() < 0.7 else 'cancel')

    def work(self, chance):
        """Until the light goes out."""
        try:
            while not self.case.dark.is_set():
                self.step(chance)
        except Doubt:
            pass
        except Exception as error:      # reported by the case, in its own thread
            self.problem = error

    # -- looking

    def check(self, known):
        """What was acknowledged holds; doubts are settled by what is found."""
        case = self.case
        values = Job(self.client, known.path).get_all()
        state = values['State']
        case.assertIn(state, known.allowed(),
                      '{} after {}, in doubt {}; error {}'.format(known.path, known.said,
                                                                  known.doubt, values['Error']))
        if values['FilesTotal'] == len(known.files) + 1 and known.perhaps:
            known.files.append(known.perhaps.pop())
        known.perhaps = []
        case.assertEqual(values['FilesTotal'], len(known.files), known.path)
        if state in FINAL:
            known.said = FINAL_WORDS[state]
            known.over = True
        elif known.doubt and state not in ALLOWED[known.said]:
            known.said = known.doubt
        # A publication that had begun goes on by itself.
        known.completing = known.completing or known.doubt == 'complete'
        known.doubt = None
        for path, body in known.files:
            case.check_file(path, body, state == 'acknowledged')

    def check_all(self):
        for known in self.jobs:
            if not known.over:
                self.check(known)

    def cancel_unknown(self):
        """A job whose making was not answered may be there too."""
        for path in self.client.manager('ListJobs', '(a{sv})', {}):
            if path not in [known.path for known in self.jobs]:
                self.ask(Job(self.client, path).cancel)

    def drain(self):
        """Lets every job come to its end."""
        for known in self.jobs:
            job = Job(self.client, known.path)
            if job.state == 'suspended' and known.files:
                self.order(known, 'resume')
            elif not known.files:
                self.order(known, 'cancel')
        for known in self.jobs:
            job = Job(self.client, known.path)
            job.wait_for(lambda v: v['State'] in FINAL + ('transferred', 'error'), 120, 'its end')
            if job.state == 'transferred':
                self.order(known, 'complete')
            known.over = False


def hash_of(name):
    return sum(byte * 257 ** i for i, byte in enumerate(name.encode())) % 2 ** 31


class PowerCuts(cases.MachineCase):
    """One long case on one machine: what a cut leaves is what the next round starts from."""

    def check_file(self, path, body, must_be_there):
        """A file that has its name is whole and right, always."""
        try:
            self.assertTrue(content.read(self.machine.path(path)) == body, path + ' is wrong')
        except FileNotFoundError:
            self.assertFalse(must_be_there, path + ' is not there')

    def check_store(self):
        """The machine is off: a copy of what is on its disk, opened as ferryd will."""
        state = self.machine.path('/var/lib/ferry')
        self.assertEqual([n for n in os.listdir(state) if 'damaged' in n], [], 'set aside')
        place = os.path.join(self.machine.place, 'store')
        shutil.copytree(state, place)
        with contextlib.closing(sqlite3.connect(os.path.join(place, 'ferry.db'))) as store:
            self.assertEqual(store.execute('PRAGMA integrity_check').fetchall(), [('ok',)])
        shutil.rmtree(place)

    def moment(self, seconds):
        """A random moment is the subject here, not something to wait for."""
        end = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() >= end, seconds + 5, 'the moment')

    def cut(self, chance):
        """Power goes and comes back; now and then it goes again while the machine starts."""
        self.machine.power_cut()
        self.check_store()
        while chance.random() < 0.25:
            self.machine.power_on()
            self.moment(chance.random() * 0.7)
            self.machine.power_cut()
            self.check_store()
        self.machine.boot()

    def one_round(self, number):
        chance = random.Random('{}:{}'.format(SEED, number))
        self.dark.clear()
        threads = [threading.Thread(target=user.work, args=(random.Random(
            '{}:{}:{}'.format(SEED, number, user.name)),)) for user in self.users]
        for thread in threads:
            thread.start()
        self.moment(chance.random() * 1.6)
        self.dark.set()
        self.cut(chance)
        for thread in threads:
            thread.join()
        for user in self.users:
            if user.problem is not None:
                raise user.problem
            user.client = self.machine.client(user.name)
            user.check_all()

    def test_cuts(self):
        """See the top."""
        print('# seed {}, {} cuts'.format(SEED, CUTS), flush=True)
        self.dark = threading.Event()
        self.users = [User(self, name) for name in USERS]
        for user in self.users:
            user.client = self.machine.client(user.name)
        for number in range(CUTS):
            try:
                self.one_round(number)
            except BaseException:
                print('# FERRY_TEST_SEED={}, cut number {}'.format(SEED, number), flush=True)
                raise
        self.dark.clear()
        for user in self.users:
            user.cancel_unknown()
            user.drain()
            user.check_all()
        for user in self.users:
            home = self.machine.path('/home/' + user.name)
            wait_until(lambda: not [n for n in os.listdir(home) if n.endswith('.part')], 60,
                       'the removal of temporary files of ' + user.name)
            self.assertGreater(len(user.jobs), CUTS // 2)
        crashes = re.findall(r'ferry\S*: .*status=.*/(?:TRAP|ABRT|SEGV|SYS).*',
                             self.machine.log(self.log_start))
        self.assertEqual(crashes, [])
        self.machine.power_off()
        self.check_store()


if __name__ == '__main__':
    cases.main()
