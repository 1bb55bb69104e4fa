# SPDX-License-Identifier: LGPL-2.1-or-later
"""A user who does things with jobs at random, and remembers what he was told.

Of each job he has a Belief, which an answer of ferryd makes true for good: after any crash the job
must agree with it. For the one call that had no answer there are two, before and after.
"""

import copy
import glob
import os
import threading

import gi
gi.require_version('Gio', '2.0')
from gi.repository import GLib  # noqa: E402

from lib import content  # noqa: E402
from lib.badserver import OLD, normal, slow  # noqa: E402
from lib.client import FINAL, BusError, Job  # noqa: E402
from lib.process import Deadline  # noqa: E402

STATES = {
    'held': ('suspended', 'transferred'),
    'running': ('queued', 'connecting', 'transferring', 'transient-error', 'transferred'),
    'whole': ('transferred',),
    'published': ('acknowledged',),
    'cancelled': ('cancelled',),
}
EVERY_STATE = sorted({s for states in STATES.values() for s in states} | {'error'})


class File:
    """One file of a job, and what the server has under its URL."""

    def __init__(self, url, path, body, mode, requests):
        self.url = url
        self.path = path
        self.body = body
        self.mode = mode
        self.requests = requests    # the server's list of what was asked, None: it keeps none

    def wrong(self):
        """What is wrong with the file under its final name, which is there; None when nothing."""
        found = content.read(self.path)
        mode = os.stat(self.path).st_mode & 0o7777
        if found != self.body:
            return '{} has {} bytes that are not those of the server, which has {}'.format(
                self.path, len(found), len(self.body))
        if mode != self.mode:
            return '{} has mode {:o}, not {:o}'.format(self.path, mode, self.mode)
        return None


class Belief:
    """What a job must look like. `phase` is a key of STATES."""

    def __init__(self, name, auto=False):
        self.name = name
        self.auto = auto
        self.begun = False  # publication may have begun, and goes on by itself then
        self.phase = 'held'
        self.files = {}     # index -> File
        self.next_index = 0
        self.kept = {}      # index -> bytes that must not be fetched again

    def but(self, **changes):
        """The same with changes."""
        other = copy.copy(self)
        other.files, other.kept = dict(self.files), dict(self.kept)
        for key, value in changes.items():
            setattr(other, key, value)
        return other

    def may_end(self):
        """Whether its files may be published without a further call."""
        return self.begun or (self.auto and self.phase == 'running')

    def contradicts(self, found):
        """How (properties, files), None for no such job, disagrees; None when it agrees."""
        if found is None:
            return 'the job is gone'
        values, files = found
        states = STATES[self.phase] + (('acknowledged',) if self.may_end() else ())
        if values['DisplayName'] != self.name:
            return 'name {}, not {}'.format(values['DisplayName'], self.name)
        if values['State'] not in states:
            return 'state {}, not one of {}; error {}'.format(values['State'], states,
                                                              values['Error'])
        has = {f['Index']: (f['RemoteUrl'], f['LocalPath']) for f in files}
        wants = {i: (f.url, f.path) for i, f in self.files.items()}
        if has != wants:
            return 'files {}, not {}'.format(has, wants)
        for number, count in self.kept.items():
            file = [f for f in files if f['Index'] == number][0]
            if self.phase not in ('cancelled', 'published') and file['BytesTransferred'] < count:
                return 'file {} has {} bytes of the {} that were checkpointed'.format(
                    number, file['BytesTransferred'], count)
        return None


class Memory:
    """One job: what is believed of it, and what would be if the last call took effect."""

    def __init__(self, belief=None):
        self.job = None         # None until CreateJob or SubmitJob was answered
        self.belief = belief    # None: there may be no such job
        self.pending = None     # Belief, while a call has no answer
        self.history = []       # what was done, for who reads a failure

    def possible(self):
        return [b for b in (self.belief, self.pending) if b is not None]


class Witness:
    """Does steps in a thread of its own until one fails; then `error` says how."""

    def __init__(self, name, client, servers, home, chance, told):
        self.name = name
        self.client = client
        self.servers = servers      # (BadServer, Nginx)
        self.home = home
        self.chance = chance
        self.told = told            # called after each answer
        self.memories = []
        self.over = {}              # path -> state of the jobs that ended in earlier rounds
        self.count = 0
        self.problems = []          # answers that should not have been given
        self.error = None
        self.thread = None

    # -- doing

    def start(self, steps):
        self.error = None
        self.thread = threading.Thread(target=self._run, args=(steps,), daemon=True)
        self.thread.start()

    def _run(self, steps):
        try:
            for _ in range(steps):
                self.step()
        except (AssertionError, BusError, Deadline) as error:
            self.error = error
        except Exception as error:
            self.problems.append(repr(error))
            raise

    def step(self):
        """Makes a job, or does something with one."""
        live = [m for m in self.memories if m.belief.phase not in ('published', 'cancelled')]
        if len(live) < 3 and (not live or self.chance.random() < 0.5):
            self.chance.choice((self.create, self.create, self.submit))()
            return
        memory = self.chance.choice(live)
        ways = {'held': (self.rename, self.add_file, self.remove_file, self.resume, self.resume,
                         self.resume, self.cancel),
                'running': (self.rename, self.suspend, self.suspend, self.wait, self.wait,
                            self.wait, self.cancel),
                'whole': (self.rename, self.complete, self.complete, self.complete,
                          self.cancel)}[memory.belief.phase]
        self.chance.choice(ways)(memory)

    def change(self, memory, after, call):
        """Makes a call that changes a job; only its answer makes `after` true."""
        before, memory.pending = memory.belief, after
        memory.history.append('{} -> {} {}'.format(before and before.phase, after.phase,
                                                   sorted(after.files)))
        try:
            value = call()
        except BusError as error:
            # One that completes itself may do so just before any call, or be about to.
            if error.short != 'InvalidState' or before is None or not before.may_end():
                raise
            memory.pending = None
            return self.wait(memory)
        memory.belief, memory.pending = after, None
        memory.history.append('answered')
        self.told()
        return value

    def new_name(self):
        self.count += 1
        return '{}-{}'.format(self.name, self.count)

    def new_file(self):
        """A file on one of the servers, small or (rarely) so large that room is taken for it."""
        name = self.new_name()
        size = self.chance.choice((0, 300, 4096, 70000, 200000, 1500000))
        body = content.pattern(size, self.chance.randrange(1 << 30))
        path, mode = os.path.join(self.home, name), self.chance.choice((0o644, 0o600))
        bad, nginx = self.servers
        if self.chance.random() < 0.3:
            nginx.add(name, body)
            # What changed just now may change again within nginx's ETag: no resume is safe then.
            os.utime(os.path.join(nginx.www, name), (OLD, OLD))
            return File(nginx.url(name), path, body, mode, None)
        route = bad.add('/' + name, body,
                        self.chance.choice((normal(), slow(max(400000, 4 * size)))))
        return File(bad.url('/' + name), path, body, mode, route.requests)

    def options(self, file):
        found = {'Mode': file.mode}
        if self.chance.random() < 0.3:
            found['Digest'] = 'sha256:' + content.sha256(file.body)
        return found

    # -- steps

    def create(self):
        memory = Memory()
        self.memories.append(memory)
        belief = Belief(self.new_name())
        memory.job = self.change(memory, belief, lambda: self.client.create(
            belief.name, MinimumRetryDelay=5))
        self.add_file(memory)

    def submit(self):
        memory = Memory()
        self.memories.append(memory)
        belief = Belief(self.new_name(), auto=self.chance.random() < 0.7)
        belief.phase = 'running'
        belief.files = dict(enumerate(self.new_file() for _ in range(self.chance.randrange(1, 4))))
        belief.next_index = len(belief.files)
        memory.job = self.change(memory, belief, lambda: self.client.submit(
            [(f.url, f.path, self.options(f)) for f in belief.files.values()], belief.name,
            AutoComplete=belief.auto, MinimumRetryDelay=5))

    def rename(self, memory):
        after = memory.belief.but(name=self.new_name())
        self.change(memory, after, lambda: memory.job.set('DisplayName', GLib.Variant('s', after.name)))

    def add_file(self, memory):
        file = self.new_file()
        # Indexes are not used again.
        number = memory.belief.next_index
        after = memory.belief.but(next_index=number + 1)
        after.files[number] = file
        self.change(memory, after, lambda: memory.job.add_file(
            file.url, file.path, **self.options(file)))

    def remove_file(self, memory):
        if len(memory.belief.files) < 2:
            return
        after = memory.belief.but()
        number = self.chance.choice(sorted(after.files))
        after.files.pop(number)
        after.kept.pop(number, None)
        self.change(memory, after, lambda: memory.job.call('RemoveFile', '(u)', number))

    def resume(self, memory):
        self.change(memory, memory.belief.but(phase='running'), memory.job.resume)

    def suspend(self, memory):
        # The last byte may come while the order is on its way; then AutoComplete acts.
        after = memory.belief.but(phase='held', begun=memory.belief.auto)
        self.change(memory, after, memory.job.suspend)
        if memory.belief.phase != 'held':
            return
        if memory.job.state != 'suspended':
            memory.belief = memory.belief.but(phase='running')
            return
        memory.belief.begun = False
        # What was checkpointed when Suspend was answered is not fetched again.
        files = memory.job.files()
        memory.belief.kept.update({f['Index']: f['BytesTransferred'] for f in files})

    def wait(self, memory):
        """Until it is transferred, or published."""
        memory.job.wait_state('acknowledged' if memory.belief.may_end() else 'transferred')
        self.arrived(memory)

    def arrived(self, memory):
        belief = memory.belief
        memory.belief = belief.but(phase='published' if belief.may_end() else 'whole')
        memory.belief.kept = {i: len(f.body) for i, f in belief.files.items()}
        self.told()

    def complete(self, memory):
        after = memory.belief.but(phase='published')
        counts = self.change(memory, after, memory.job.complete)
        if counts is not None and counts != (len(after.files), 0):
            self.problems.append('{}: Complete answered {}, and there were {} files'.format(
                after.name, counts, len(after.files)))

    def cancel(self, memory):
        if self.chance.random() < 0.3:
            self.change(memory, memory.belief.but(phase='cancelled'), memory.job.cancel)

    # -- looking

    def wrong_files(self):
        """What is wrong under final names, as anybody sees it: nothing may be."""
        problems = []
        for memory in self.memories:
            for belief in memory.possible():
                for file in belief.files.values():
                    problems.append(self._wrong_file(memory, file))
        return [p for p in problems if p is not None]

    @staticmethod
    def _wrong_file(memory, file):
        there = os.path.lexists(file.path)
        if there and file.wrong():
            return file.wrong()
        beliefs = memory.possible()
        must = all(b.phase == 'published' for b in beliefs)
        may = any(b.phase == 'published' or b.may_end() for b in beliefs)
        if must and memory.belief is not None and not there:
            return '{} was published and is not there'.format(file.path)
        if there and not may:
            return '{} is there, and nobody published it'.format(file.path)
        return None

    def look(self):
        """Compares all jobs with what is believed; afterwards what was found is believed."""
        problems = self.problems + self._look_at_ended()
        known = {m.job.path for m in self.memories if m.job is not None} | set(self.over)
        strangers = {self._name(path): path for path in self._list(EVERY_STATE)
                     if path not in known}
        for memory in list(self.memories):
            if memory.job is None:
                # The call that makes it had no answer: there may be none.
                path = strangers.pop(memory.pending.name, None)
                if path is None:
                    self.memories.remove(memory)
                    continue
                memory.job = Job(self.client, path)
            problem = self._settle(memory)
            if problem:
                problems.append('{}: {}'.format(memory.belief and memory.belief.name, problem))
        return problems + ['a job that nobody made: ' + name for name in strangers]

    def _list(self, states):
        return self.client.manager('ListJobs', '(a{sv})', {'States': GLib.Variant('as', states)})

    def _look_at_ended(self):
        """An ended job stays so."""
        found = {path: state for state in FINAL for path in self._list([state])}
        return ['{} was {} and is {}'.format(path, state, found.get(path))
                for path, state in self.over.items() if found.get(path) != state]

    def _name(self, path):
        return Job(self.client, path).get('DisplayName')

    @staticmethod
    def _settle(memory):
        try:
            found = memory.job.get_all(), memory.job.files()
        except BusError:
            found = None
        contradictions = [(b.contradicts(found), b) for b in memory.possible()]
        agreeing = [b for problem, b in contradictions if problem is None]
        if not agreeing:
            return ' / '.join(problem for problem, _ in contradictions)
        belief = agreeing[-1]
        if memory.pending is not None and memory.pending.phase == 'published':
            belief = belief.but(begun=True)
        memory.belief, memory.pending = belief, None
        memory.history.append('found ' + found[0]['State'])
        if found[0]['State'] == 'acknowledged':
            memory.belief = memory.belief.but(phase='published')
        return None

    # -- the rest of it

    def finish(self):
        """Brings all jobs to their end; returns what was wrong on the way."""
        problems = []
        for memory in self.memories:
            asked = {i: len(f.requests) for i, f in memory.belief.files.items()
                     if f.requests is not None}
            self._end(memory)
            for number, before in asked.items():
                kept = memory.belief.kept.get(number, 0)
                again = [r for r in memory.belief.files[number].requests[before:]
                         if r.sent and r.first < kept]
                if again:
                    problems.append('{}: file {} had {} bytes: {}'.format(
                        memory.belief.name, number, kept, again))
        return problems

    def _end(self, memory):
        job = memory.job
        phase = memory.belief.phase
        if phase in ('published', 'cancelled'):
            return
        if phase != 'whole':
            if not memory.belief.files:
                self.change(memory, memory.belief.but(phase='cancelled'), job.cancel)
                return
            self._go_on(job)
            memory.belief = memory.belief.but(phase='running')
            job.wait_state('acknowledged' if memory.belief.auto else 'transferred')
            kept = memory.belief.kept
            self.arrived(memory)
            memory.belief.kept = kept
        if memory.belief.phase == 'whole':
            self.complete(memory)

    @staticmethod
    def _go_on(job):
        """A worker that died makes its files wait; the owner need not wait as long."""
        state = job.state
        if state == 'transient-error':
            job.suspend()
        if state in ('suspended', 'transient-error'):
            job.resume()

    def describe(self):
        """What was done with each job, for who reads a failure."""
        return '\n'.join('{} {}: {}; {}'.format(
            m.belief.name, [f.path.rsplit('/', 1)[1] for f in m.belief.files.values()],
            m.belief.phase, ', '.join(m.history)) for m in self.memories)

    def published(self):
        """Names that must be in the home now that all is over."""
        return sorted(os.path.basename(f.path) for m in self.memories
                      if m.belief.phase == 'published' for f in m.belief.files.values())

    def sweep(self):
        """What a check of a target left behind just before the power went, when nothing was known
        of the job yet, goes with the next file."""
        if glob.glob(os.path.join(glob.escape(self.home), '.ferry-*-4294967295.part~')):
            memory = Memory(Belief(self.new_name(), auto=True).but(
                phase='running', files={0: self.new_file()}))
            file = memory.belief.files[0]
            memory.job = self.client.submit([(file.url, file.path, self.options(file))],
                                            memory.belief.name, AutoComplete=True)
            self.memories.append(memory)
            self.wait(memory)

    def forget(self):
        """Takes the published files away; the jobs are over."""
        for name in self.published():
            os.unlink(os.path.join(self.home, name))
        home = os.open(self.home, os.O_RDONLY)
        os.fsync(home)
        os.close(home)
        self.over.update((m.job.path, STATES[m.belief.phase][0]) for m in self.memories)
        self.memories, self.problems = [], []
