#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Power cuts at any moment, with a disk that forgets what was not synced: nothing that was answered
is lost, no file is wrong, and ferryd starts."""

import contextlib
import glob
import os
import random
import shutil
import sqlite3
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from gi.repository import GLib  # noqa: E402
from lib import cases, content  # noqa: E402
from lib.badserver import hang_body  # noqa: E402
from lib.client import JOB, MANAGER, OBJECT_MANAGER, PROPERTIES, ROOT, BusError  # noqa: E402
from lib.process import Deadline, wait_until  # noqa: E402
from lib.witness import Witness  # noqa: E402

SEED = int(os.environ.get('FERRY_TEST_SEED', '20261122'))
ROUNDS = int(os.environ.get('FERRY_TEST_CUTS', '44'))     # in all
USERS = ('nobody', 'games')
STEPS = 10      # of each user in a round

# Inode numbers tell files apart there, as on the disks that people have.
DISK = {'disk': ('acl',), 'worker': 'tests/lib/ferry-worker'}


class PowerCase(cases.WorldCase):
    """A world on a disk whose power can be cut."""

    def setUp(self):
        self.needs_root()
        super().setUp()
        self.world.disk.sync()
        # A disk without power cannot be read either, and ferryd ends.
        self.world.expected = 'The store cannot be read back'

    @contextlib.contextmanager
    def copied_store(self, name='ferry.db'):
        """A connection to a copy of the store as it is on disk."""
        with tempfile.TemporaryDirectory(dir=self.world.dir) as place:
            for path in glob.glob(os.path.join(self.world.state, name + '*')):
                shutil.copy(path, place)
            store = sqlite3.connect(os.path.join(place, name))
            try:
                yield store
            finally:
                store.close()

    def check_store(self):
        """What SQLite says of the store as it is on disk, before ferryd has seen it."""
        for name in ('ferry.db', 'ferry.db.backup'):
            if os.path.exists(os.path.join(self.world.state, name)):
                with self.copied_store(name) as store:
                    self.assertEqual(store.execute('PRAGMA integrity_check').fetchall(),
                                     [('ok',)], name)
        self.assertEqual([n for n in os.listdir(self.world.state) if 'damaged' in n], [],
                         'a store was set aside')


class RandomMoments(PowerCase):
    """The power goes at any call to the disk; a failure names its seed. This disk is like a network
    file system: no inode numbers that last, no rename flags."""

    world_options = {'disk': ('no-rename-flags',)}

    def setUp(self):
        super().setUp()
        self.told = 0
        self.witnesses = []
        for user in USERS:
            client = self.world.client(user)
            self.addCleanup(client.close)
            self.witnesses.append(Witness(user, client, (self.world.http, self.world.nginx),
                                          self.world.home(user), None, self.note_answer))
        self.world.disk.sync()

    def note_answer(self):
        self.told += 1

    def test_rounds(self):
        for number in range(ROUNDS // 2):
            seed = '{}:{}'.format(SEED, number)
            try:
                self.one_round(random.Random(seed))
            except (AssertionError, BusError) as error:
                raise AssertionError('the round with seed ' + seed) from error

    def one_round(self, chance):
        self.world.disk.seed(chance.randrange(1, 1 << 31))
        for witness in self.witnesses:
            witness.chance = random.Random(chance.random())
        if chance.random() < 0.3:
            self.work_until_killed(chance)
        else:
            self.work_until_cut(chance)
        self.world.lose_power()
        self.look_at_disk()
        if chance.random() < 0.3:
            self.start_and_cut(chance)
            self.look_at_disk()
        self.world.start_ferryd()
        self.look()
        self.finish()

    # -- the moment

    def work_until_cut(self, chance):
        """All work until the power goes, which may be after the last answer."""
        disk = self.world.disk
        if chance.random() < 0.5:
            disk.cut_at(chance.randrange(1, 500))
        else:
            # Just before a sync there is most to lose.
            disk.cut_at(chance.randrange(1, 120), syncs_only=True)
        self.start_work()
        while self.any_works() and not disk.is_cut:
            disk.wait_cut(0.02)
        if not disk.is_cut:
            # One ended: of its own accord, or because of the cut of which we have not heard yet.
            disk.wait_cut(0.2)
        elif chance.random() < 0.3:
            # Who goes on with a disk that fails must not answer what is not so.
            try:
                wait_until(lambda: not self.any_works(), 0.5, 'an error of everybody')
            except Deadline:
                pass
        self.end_work()

    def work_until_killed(self, chance):
        """kill -9 first, and a start: what was not synced is believed by nobody."""
        answers = self.told + chance.randrange(1, 2 * STEPS)
        self.start_work()
        wait_until(lambda: self.told >= answers or not self.any_works(), 60, 'that many answers')
        if chance.random() < 0.5:
            self.world.kill_workers()
        self.world.kill_ferryd()
        self.end_work()
        self.world.start_ferryd()
        self.look()

    def start_and_cut(self, chance):
        """The power goes while ferryd starts, or soon after."""
        self.world.disk.cut_at(chance.randrange(1, 30))
        try:
            self.world.start_ferryd()
        except Deadline:
            pass
        self.world.disk.wait_cut(0.5)
        self.world.lose_power()

    def start_work(self):
        for witness in self.witnesses:
            witness.start(STEPS)

    def any_works(self):
        return any(w.thread.is_alive() for w in self.witnesses)

    def end_work(self):
        """ferryd goes; all calls without an answer fail."""
        failed = [w.error for w in self.witnesses if w.error and self.world.ferryd.running]
        if failed and not self.world.disk.is_cut:
            raise AssertionError('failed before the power went: {}'.format(failed))
        if self.world.ferryd.running:
            self.world.kill_ferryd()
        for witness in self.witnesses:
            witness.thread.join(30)
            self.assertFalse(witness.thread.is_alive())

    # -- what is there

    def look_at_disk(self):
        self.check_store()
        for witness in self.witnesses:
            self.assertEqual(witness.wrong_files(), [])

    def look(self):
        for witness in self.witnesses:
            self.assertEqual(witness.look(), [])
            self.assertEqual(witness.wrong_files(), [])

    def finish(self):
        for witness in self.witnesses:
            self.assertEqual(witness.finish(), [])
            witness.sweep()
            self.assertEqual(witness.wrong_files(), [])
            wanted = witness.published()
            try:
                wait_until(lambda w=witness, n=wanted: sorted(os.listdir(w.home)) == n, 20)
            except Deadline:
                self.assertEqual(sorted(os.listdir(witness.home)), wanted, witness.describe())
            witness.forget()


class RandomMomentsOnDisk(RandomMoments):
    """The same on a disk with inode numbers."""

    world_options = DISK


class FirstStart(PowerCase):
    """The power goes while the store is made."""

    world_options = DISK

    def test_cut_at_any_call(self):
        disk, was_cut, calls = self.world.disk, True, 0
        while was_cut:
            calls += 2
            self.remove_store()
            disk.seed(calls)
            disk.cut_at(calls)
            with contextlib.suppress(Deadline):
                self.world.start_ferryd()
            was_cut = disk.wait_cut(0.1)
            self.world.lose_power()
            self.check_store()
            self.world.start_ferryd()
            job = self.client.create()
            self.world.lose_power()
            self.world.start_ferryd()
            self.assertTrue(job.exists())
        self.assertGreater(calls, 10)

    def remove_store(self):
        if self.world.ferryd.running:
            self.world.stop_ferryd()
        for name in os.listdir(self.world.state):
            os.unlink(os.path.join(self.world.state, name))
        self.world.disk.sync()


class Told(PowerCase):
    """Nothing that anybody was told is taken back: the power goes between a write and its sync."""

    world_options = DISK

    def setUp(self):
        super().setUp()
        self.world.http.add('/a', content.pattern(1000, 1))
        self.url = self.world.http.url('/a')
        self.job = self.client.create('old')
        self.world.disk.seed(0)
        self.addCleanup(self.world.disk.release)

    def start_change(self, *call):
        """Makes a call whose change is written and not synced, and has no answer therefore."""
        self.world.disk.hold()
        pending = self.client.start_call(*call)
        self.world.disk.wait_held()
        return pending

    def set_name(self):
        return (self.job.path, PROPERTIES, 'Set', '(ssv)', JOB, 'DisplayName', GLib.Variant('s', 'new'))

    def power_cut(self):
        self.world.lose_power()
        self.world.start_ferryd()

    def kill_both(self):
        self.world.kill_ferryd()
        self.world.kill_workers()
        self.world.disk.release()

    def check_reading(self, change, *reading):
        """Reads in that moment; what is answered is so after the power cut."""
        pending = self.start_change(*change)
        read = self.client.start_call(*reading)
        # Calls of a connection are handled in order, and this one waits for nothing.
        self.client.get(ROOT, MANAGER, 'Version')
        told = read.result() if read.done() else None
        self.assertFalse(pending.done())
        self.power_cut()
        now = self.client.call(*reading)
        self.assertIn(told, (None, (now,)))
        return now

    def test_reading_properties(self):
        self.assertEqual(self.check_reading(self.set_name(), self.job.path, PROPERTIES, 'Get',
                                            '(ss)', JOB, 'DisplayName'), 'old')
        self.check_reading(self.set_name(), self.job.path, PROPERTIES, 'GetAll', '(s)', JOB)
        self.check_reading(self.set_name(), ROOT, OBJECT_MANAGER, 'GetManagedObjects')

    def test_reading_lists(self):
        create = (ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'another', 'download', {})
        self.check_reading(create, ROOT, MANAGER, 'ListJobs', '(a{sv})', {})
        cancel = (self.job.path, JOB, 'Cancel')
        self.check_reading(cancel, ROOT, MANAGER, 'ListJobs', '(a{sv})', {})

    def test_reading_files(self):
        add = (self.job.path, JOB, 'AddFile', '(ssa{sv})', self.url, self.path('a'), {})
        self.assertEqual(self.check_reading(add, self.job.path, JOB, 'GetFiles', '(uu)', 0, 0), [])

    def test_found_after_a_kill(self):
        """A change that was written and not synced is found by the next ferryd: it is so then."""
        self.start_change(*self.set_name())
        self.world.kill_ferryd()
        self.world.disk.release()
        self.world.start_ferryd()
        found = self.job.get('DisplayName')
        self.power_cut()
        self.assertEqual(self.job.get('DisplayName'), found)

    def test_removed_before_a_kill(self):
        """A file that was removed, which was not synced: nobody else would remove it again."""
        self.world.http.add('/b', content.pattern(1000, 1), hang_body(500))
        self.job.add_file(self.world.http.url('/b'), self.path('b'))
        self.job.resume()
        self.job.wait_bytes(500)
        self.job.suspend()
        self.assertEqual(len(self.left_over()), 1)
        self.world.disk.hold(names_only=True)
        self.client.start_call(self.job.path, JOB, 'Cancel')
        self.world.disk.wait_held()
        self.kill_both()
        self.assertEqual(self.left_over(), [])
        self.world.start_ferryd()
        wait_until(lambda: self.duties() == 0, 20, 'the end of the duty')
        self.power_cut()
        wait_until(lambda: self.duties() == 0, 20, 'the end of all duties')
        self.assertEqual(self.left_over(), [])

    def test_published_before_a_kill(self):
        """A file that has its name, which was not synced: it is confirmed before anybody is told."""
        self.job.add_file(self.url, self.path('a'))
        self.job.resume()
        self.job.wait_state('transferred')
        self.world.disk.hold(names_only=True)
        self.client.start_call(self.job.path, JOB, 'Complete')
        self.world.disk.wait_held()
        self.kill_both()
        self.assertEqual(self.left_over(), ['a'])
        self.world.start_ferryd()
        self.job.wait_for(lambda v: v['State'] == 'acknowledged', what='the rest of Complete')
        self.power_cut()
        self.assertEqual(self.left_over(), ['a'])

    def duties(self):
        """How many files are to be removed, says the store."""
        with self.copied_store() as store:
            return store.execute('SELECT count(*) FROM duties').fetchone()[0]


class LinkedNames(PowerCase):
    """Where a file gets its name by a second link, nobody says in which order names reach the
    disk."""

    world_options = {'disk': ('no-rename-flags',)}

    def test_last_change_first(self):
        """The power goes at each sync of a publication in turn, and of each directory's changes
        the last alone is kept."""
        for syncs in range(1, 20):
            name = str(syncs)
            route = self.world.http.add('/' + name, content.pattern(1000, syncs))
            job = self.client.submit([(self.world.http.url('/' + name), self.path(name))])
            job.wait_state('transferred')
            self.world.disk.sync()
            self.world.disk.keep_last()
            self.world.disk.cut_at(syncs, syncs_only=True)
            answer = None
            with contextlib.suppress(BusError):
                answer = job.complete()
            self.world.lose_power()
            self.world.start_ferryd()
            self.complete(job)
            self.assertEqual(content.read(self.path(name)), route.body)
            self.assertEqual(len(route.requests), 1, 'what was fetched was lost')
            if answer is not None:
                break
        self.assertEqual(answer, (1, 0))
        self.assertGreater(syncs, 4)

    def complete(self, job):
        """It may go on by itself."""
        if job.state == 'transferred':
            with contextlib.suppress(BusError):
                job.complete()
        job.wait_for(lambda v: v['State'] == 'acknowledged', what='publication')


if __name__ == '__main__':
    cases.main()
