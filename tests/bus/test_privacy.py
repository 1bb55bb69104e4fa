#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Another user on the same bus learns nothing: not what a job is, not that there is one."""

import glob
import os
import pwd
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from gi.repository import GLib  # noqa: E402
from lib import badserver, cases, content  # noqa: E402
from lib.client import (ERROR, JOB, MANAGER, NAME, OBJECT_MANAGER, POLICY,  # noqa: E402
                        PROPERTIES, ROOT, UNKNOWN_OBJECT, BusError, options)
from lib.process import wait_until  # noqa: E402

INTROSPECTABLE = 'org.freedesktop.DBus.Introspectable'
PEER = 'org.freedesktop.DBus.Peer'

# (interface, member, signature, arguments): everything a stranger could try on a job's path.
PROBES = (
    (PROPERTIES, 'Get', '(ss)', (JOB, 'State')),
    (PROPERTIES, 'Get', '(ss)', (JOB, 'NoSuchProperty')),
    (PROPERTIES, 'Get', '(ss)', ('no.such.Interface', 'State')),
    (PROPERTIES, 'GetAll', '(s)', (JOB,)),
    (PROPERTIES, 'GetAll', '(s)', ('no.such.Interface',)),
    (PROPERTIES, 'GetAll', '(s)', ('',)),
    (PROPERTIES, 'Set', '(ssv)', (JOB, 'Priority', GLib.Variant('s', 'low'))),
    (PROPERTIES, 'Set', '(ssv)', (JOB, 'Priority', GLib.Variant('u', 7))),
    (PROPERTIES, 'Set', '(ssv)', (JOB, 'Id', GLib.Variant('s', 'x'))),
    (PROPERTIES, 'Get', '(s)', (JOB,)),
    (INTROSPECTABLE, 'Introspect', '()', ()),
    (PEER, 'Ping', '()', ()),
    (PEER, 'GetMachineId', '()', ()),
    (JOB, 'Suspend', '()', ()),
    (JOB, 'Resume', '()', ()),
    (JOB, 'Cancel', '()', ()),
    (JOB, 'Complete', '()', ()),
    (JOB, 'Cancel', '(s)', ('unexpected',)),
    (JOB, 'GetFiles', '(uu)', (0, 0)),
    (JOB, 'AddFile', '(ssa{sv})', ('http://x/', '/tmp/x', {})),
    (JOB, 'SetCustomHeaders', '(as)', ([],)),
    (JOB, 'NoSuchMethod', '()', ()),
    ('no.such.Interface', 'Cancel', '()', ()),
    (NAME, 'Cancel', '()', ()),
    (OBJECT_MANAGER, 'GetManagedObjects', '()', ()),
    (MANAGER, 'ListJobs', '(a{sv})', ({},)),
)


def outcome(client, path, probe):
    """What a stranger sees, with the id taken out."""
    interface, member, signature, args = probe
    try:
        value = client.call(path, interface, member, signature, *args)
        text = 'value {!r}'.format(value)
    except BusError as error:
        text = '{}: {}'.format(error.name, error.message)
    return text.replace(path.rsplit('/', 1)[1], 'ID')


class Strangers(cases.WorldCase):
    """nobody has jobs; games is curious."""

    def setUp(self):
        super().setUp()
        self.needs_root()
        self.stranger = self.world.client('games')
        self.addCleanup(self.stranger.close)

    def busy_job(self, **keys):
        """A transferring job with everything in it that must stay private."""
        self.world.http.add('/geheimer-pfad', content.pattern(100000, 1),
                            badserver.hang_body(50000))
        job = self.client.create('geheimer-name', Description='geheime-beschreibung', **keys)
        job.add_file(self.world.http.url('/geheimer-pfad'), self.path('geheime-datei'))
        job.resume()
        job.wait_bytes(50000)
        return job

    def test_foreign_and_absent_jobs_answer_alike(self):
        job = self.busy_job()
        absent = ROOT + '/jobs/' + 'a1' * 16
        for probe in PROBES:
            foreign = outcome(self.stranger, job.path, probe)
            self.assertEqual(foreign, outcome(self.stranger, absent, probe), probe)
            if probe[0] == JOB and probe[1] != 'NoSuchMethod' and probe[2] != '(s)':
                self.assertTrue(foreign.startswith(UNKNOWN_OBJECT), (probe, foreign))
        self.assertEqual(job.state, 'transferring', 'and nothing has happened to it')

    def test_own_and_foreign_errors_do_not_betray_by_time(self):
        """Not a clock, but a foreign job must not take a longer way than an absent one."""
        job = self.busy_job()
        absent = ROOT + '/jobs/' + 'a1' * 16

        def took(path):
            began = time.monotonic()
            for _ in range(200):
                self.stranger.error(path, PROPERTIES, 'GetAll', '(s)', JOB)
            return time.monotonic() - began
        took(absent)
        times = [(took(job.path), took(absent)) for _ in range(3)]
        self.assertLess(min(f / a for f, a in times), 1.5, times)

    def test_manager_knows_nothing_of_foreign_jobs(self):
        job = self.busy_job()
        self.assertEqual(self.stranger.manager('ListJobs', '(a{sv})', {}), [])
        self.assertEqual(self.stranger.manager('ListJobs', '(a{sv})', options(
            {'DisplayName': 'geheimer-name'})), [])
        objects = self.stranger.call(ROOT, OBJECT_MANAGER, 'GetManagedObjects')
        self.assertEqual([p for p in objects if '/jobs/' in p], [])
        found = self.stranger.error(ROOT, MANAGER, 'FindJob', '(s)', job.id)
        absent = self.stranger.error(ROOT, MANAGER, 'FindJob', '(s)', 'a1' * 16)
        self.assertEqual(found.name, UNKNOWN_OBJECT)
        self.assertEqual(str(found).replace(job.id, 'ID'),
                         str(absent).replace('a1' * 16, 'ID'))
        for path in (ROOT, ROOT + '/jobs', '/'):
            try:
                xml = self.stranger.call(path, INTROSPECTABLE, 'Introspect')
            except BusError:
                continue
            self.assertNotIn(job.id, xml)

    def test_administration_refuses_alike(self):
        job = self.busy_job()
        for member, args in (('ControlJob', ('cancel',)), ('ControlJob', ('complete',)),
                             ('ControlJob', ('nonsense',)), ('TakeOwnership', ())):
            signature = '(ss)' if args else '(s)'
            seen = set()
            for ident in (job.id, 'a1' * 16):
                error = self.stranger.error(ROOT, MANAGER, member, signature, ident, *args)
                seen.add(str(error).replace(ident, 'ID'))
            self.assertEqual(len(seen), 1, seen)
        error = self.stranger.error(ROOT, MANAGER, 'ControlJob', '(ss)', job.id, 'cancel')
        self.assertIn(error.short, ('NotAuthorized', 'InteractiveAuthorizationRequired'))
        error = self.stranger.error(ROOT, MANAGER, 'ListAllJobs', '(a{sv})', {})
        self.assertIn(error.short, ('NotAuthorized', 'InteractiveAuthorizationRequired'))
        self.assertEqual(job.state, 'transferring')

    def test_stranger_who_listens_to_everything_hears_nothing(self):
        for rule in ("type='signal'", "type='signal',sender='{}'".format(NAME),
                     "path_namespace='{}'".format(ROOT)):
            self.stranger.add_match(rule)
        for rule in ("eavesdrop='true'", "eavesdrop='true',type='method_call'",
                     "eavesdrop=true,type='signal'"):
            try:
                self.stranger.add_match(rule)
            except BusError:
                pass
        with self.assertRaises(BusError):
            self.stranger.call('/org/freedesktop/DBus', 'org.freedesktop.DBus.Monitoring',
                               'BecomeMonitor', '(asu)', [], 0,
                               destination='org.freedesktop.DBus')
        self.stranger.manager('ListJobs', '(a{sv})', {})
        self.client.manager('ListJobs', '(a{sv})', {})
        # A life with every kind of signal.
        self.world.http.add('/a', content.pattern(50000, 1), badserver.drop_after(20000),
                            badserver.normal())
        self.world.http.routes['/a'].etag = None
        self.world.http.routes['/a'].modified = None
        job = self.client.create(NotificationInterval=0)
        job.add_file(self.world.http.url('/a'), self.path('a'))
        job.resume()
        job.wait_state('transferred')
        self.client.wait_signal('Transferred', job.path)
        self.client.wait_signal('FileTransferred', job.path)
        job.complete()
        failed = self.client.submit([(self.world.http.url('/absent'), self.path('b'))])
        self.client.wait_signal('Failed', failed.path)
        failed.cancel()
        self.world.kill_workers()
        administrator = self.world.client('root')
        self.addCleanup(administrator.close)
        administrator.call(ROOT, POLICY, 'Set', '(sv)', 'max-files-per-job',
                           GLib.Variant('u', 50))
        administrator.call(ROOT, POLICY, 'Reset', '(s)', 'max-files-per-job')
        heard = self.stranger.wait_signal('Changed', count=2)
        self.assertEqual({s['interface'] for s in heard}, {POLICY})
        ferryd = self.world.name_owner(NAME)
        rest = [s for s in self.stranger.signals if s['sender'] == ferryd and
                s['interface'] != POLICY]
        self.assertEqual(rest, [])

    def test_owner_hears_without_having_asked(self):
        """`gdbus monitor` of the owner sees Transferred and Failed, and only those."""
        listener = self.world.client('nobody')
        self.addCleanup(listener.close)
        self.world.http.add('/a', content.pattern(100, 1))
        job = self.client.submit([(self.world.http.url('/a'), self.path('a'))])
        listener.wait_signal('Transferred', job.path)
        job.set('DisplayName', GLib.Variant('s', 'x'))
        self.client.wait_signal('PropertiesChanged', job.path)
        listener.ping_bus()
        self.assertEqual({s['signal'] for s in listener.signals if s['path'] == job.path},
                         {'Transferred'})

    def test_subscribers_are_those_who_asked(self):
        second = self.world.client('nobody')
        self.addCleanup(second.close)
        one, two = self.client.create('one'), self.client.create('two')
        second.get(one.path, JOB, 'State')
        one.set('Description', GLib.Variant('s', 'x'))
        two.set('Description', GLib.Variant('s', 'x'))
        second.wait_signal('PropertiesChanged', one.path)
        self.client.wait_signal('PropertiesChanged', two.path)
        second.ping_bus()
        self.assertEqual(second.find_signals('PropertiesChanged', two.path), [])
        second.manager('ListJobs', '(a{sv})', {})
        three = self.client.create('three')
        second.wait_signal('InterfacesAdded')
        three.set('Description', GLib.Variant('s', 'x'))
        second.wait_signal('PropertiesChanged', three.path)

    def test_secrets_are_in_no_property_or_signal(self):
        job = self.busy_job(CustomHeaders=['Authorization: Bearer Gq7Zx-secret'])
        seen = repr(job.get_all()) + repr(job.files()) + repr(self.client.signals)
        self.assertNotIn('Gq7Zx', seen)


class Traces(cases.WorldCase):
    """Logs carry ids only; the store carries no secrets."""

    world_options = {'ferryd_env': {'G_MESSAGES_DEBUG': 'all'}}

    def test_logs_and_store(self):
        marks = {'url': 'Mark-url-x7', 'path': 'Mark-path-x7', 'header': 'Mark-header-x7',
                 'name': 'Mark-name-x7', 'location': 'Mark-location-x7', 'plain': 'Mark-plain-x7',
                 'missing': 'Mark-missing-x7', 'badpath': 'Mark-badpath-x7'}
        body = content.pattern(200000, 1)
        self.world.http.add('/final', body, badserver.drop_after(100000), badserver.normal())
        self.world.http.add('/' + marks['url'], b'', badserver.redirect(
            '/final?token=' + marks['location']))
        job = self.client.create(marks['name'], MinimumRetryDelay=5, CustomHeaders=[
            'Authorization: ' + marks['header']], RequestHeaders=['X-Plain: ' + marks['plain']])
        job.add_file(self.world.http.url('/' + marks['url']), self.path(marks['path']))
        job.resume()
        job.wait_state('transferred')
        bad = self.client.submit([(self.world.http.url('/' + marks['missing']), self.path('b'))])
        bad.wait_for(lambda v: v['State'] == 'error', what='the error')
        error = bad.error('AddFile', '(ssa{sv})', self.world.http.url('/a'),
                          '/nonexistent/' + marks['badpath'], {})
        self.assertEqual(error.name, ERROR + 'NoFileAccess')
        bad.error('AddFile', '(ssa{sv})', 'http://user:{}@host/'.format(marks['header']),
                  self.path('c'), {})
        bad.error('SetCredentials', '(ssa{sv})', 'server', 'basic', options(
            {'UserName': 'me', 'Password': marks['header'], 'Realm': 'x'}))
        bad.call('SetCredentials', '(ssa{sv})', 'server', 'digest', options(
            {'UserName': 'me', 'Password': marks['header']}))
        self.world.kill_workers()
        self.world.kill_ferryd()
        self.world.start_ferryd()
        self.assertEqual(job.complete(), (1, 0))
        self.world.stop_ferryd()
        try:
            log = self.world.ferryd.log()
            self.assertTrue(log.strip(), 'there is a log to look at')
            for what, mark in marks.items():
                self.assertNotIn(mark, log, what + ' in the log')
            found = glob.glob(os.path.join(self.world.state, '**'), recursive=True)
            stored = b''.join(content.read(p) for p in found if os.path.isfile(p))
            self.assertIn(marks['url'].encode(), stored, 'the store was looked at')
            for what in ('header', 'location'):
                self.assertNotIn(marks[what].encode(), stored, what + ' in the store')
        finally:
            self.world.start_ferryd()

    def test_store_is_for_its_user_only(self):
        self.client.create()
        for path in glob.glob(os.path.join(self.world.state, '**'), recursive=True):
            if os.path.isfile(path):
                self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)


class Processes(cases.WorldCase):
    """Who runs as whom."""

    def status(self, pid):
        with open('/proc/{}/status'.format(pid), encoding='utf-8') as lines:
            return dict(line.rstrip('\n').split(':\t', 1) for line in lines if ':\t' in line)

    def test_least_privilege(self):
        self.needs_root()
        self.world.http.add('/a', content.pattern(1000, 1), badserver.hang_body(10))
        job = self.client.submit([(self.world.http.url('/a'), self.path('a'))])
        job.wait_bytes(10)
        ferry = self.status(self.world.ferryd.pid)
        self.assertEqual(set(ferry['Uid'].split()), {str(pwd.getpwnam('ferry').pw_uid)})
        for field in ('CapEff', 'CapPrm', 'CapInh', 'CapAmb'):
            self.assertEqual(int(ferry[field], 16), 0, field)
        workers = self.world.workers()
        self.assertEqual([uid for _, uid in workers], [self.client.user.pw_uid])
        worker = self.status(workers[0][0])
        self.assertEqual(set(worker['Uid'].split()), {str(self.client.user.pw_uid)})
        self.assertEqual(set(worker['Gid'].split()), {str(self.client.user.pw_gid)})
        self.assertEqual(worker['NoNewPrivs'], '1')
        self.assertEqual(int(worker['CapEff'], 16), 0)
        kinds = set()
        for entry in os.listdir('/proc/{}/fd'.format(workers[0][0])):
            try:
                kinds.add(os.readlink('/proc/{}/fd/{}'.format(workers[0][0], entry)))
            except FileNotFoundError:
                pass
        self.assertFalse([k for k in kinds if self.world.state in k], 'no file of the store')

    def test_root_worker_has_no_capabilities(self):
        self.needs_root()
        self.world.http.add('/a', content.pattern(1000, 1), badserver.hang_body(10))
        root = self.world.client('root')
        self.addCleanup(root.close)
        job = root.submit([(self.world.http.url('/a'), os.path.join(self.world.home('root'), 'a'))])
        job.wait_bytes(10)
        pid = [p for p, uid in self.world.workers() if uid == 0][0]
        self.assertEqual(int(self.status(pid)['CapEff'], 16), 0)
        job.cancel()

    def test_workers_go_when_there_is_nothing_to_do(self):
        self.world.http.add('/a', content.pattern(1000, 1))
        job = self.client.submit([(self.world.http.url('/a'), self.path('a'))])
        job.wait_state('transferred')
        job.complete()
        wait_until(lambda: not self.world.workers(), 60, 'the end of the worker')


if __name__ == '__main__':
    cases.main()
