#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The administrator's word: limits from the real dconf act live, polkit rules decide."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from gi.repository import GLib  # noqa: E402
from lib import badserver, cases, content  # noqa: E402
from lib.client import (ERROR, INVALID_ARGS, MANAGER, POLICY, ROOT,  # noqa: E402
                        UNKNOWN_OBJECT, Job, options)
from lib.process import wait_until  # noqa: E402

KEYS = {'max-jobs-per-user': 60, 'max-jobs-per-machine': 300, 'max-files-per-job': 200,
        'max-ranges-per-file': 500, 'job-inactivity-timeout': 90, 'max-download-time': 7776000,
        'max-active-jobs': 4, 'finished-job-retention': 86400,
        'require-resumable-uploads-above': 2 ** 64 - 1,
        'allow-insecure-tls': []}


class PolicyCase(cases.WorldCase):
    """Each case begins and ends with the defaults."""

    def setUp(self):
        super().setUp()
        self.needs_root()
        self.root = self.world.client('root')
        self.addCleanup(self.root.close)
        self.addCleanup(self.restore)

    def restore(self):
        for key in KEYS:
            if self.effective(key)['Source'] == 'bus':
                self.root.call(ROOT, POLICY, 'Reset', '(s)', key)
        self.apply({})
        wait_until(lambda: all(self.effective(k)['Source'] == 'default' for k in KEYS), 20,
                   'the defaults')

    def apply(self, values=None, **how):
        self.world.set_policy(values, **how)

    def effective(self, key):
        return self.root.call(ROOT, POLICY, 'GetEffective')[key]

    def wait_effective(self, key, value, source):
        """Policy acts at once; `at once` is what a bus round trip and dconf need."""
        wait_until(lambda: (self.effective(key)['Value'], self.effective(key)['Source']) ==
                   (value, source), 20, '{} = {} from {}'.format(key, value, source))

    def create_error(self, client=None):
        return (client or self.client).error(ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'x',
                                             'download', {})


class Effective(PolicyCase):
    def test_defaults_and_descriptions(self):
        values = self.client.call(ROOT, POLICY, 'GetEffective')
        self.assertLessEqual(set(KEYS), set(values))
        for key, default in KEYS.items():
            entry = values[key]
            self.assertEqual((entry['Value'], entry['Default'], entry['Source']),
                             (default, default, 'default'), key)
            if 'Choices' in entry:
                self.assertLessEqual(set(default), set(entry['Choices']))
            else:
                self.assertLessEqual(entry['Minimum'], default)
                self.assertGreaterEqual(entry['Maximum'], default)
            self.assertTrue(entry['Summary'] and entry['Description'], key)
            self.assertTrue(entry['Unit'] is not None)
            self.assertTrue(entry['CanSet'])

    def test_sources_in_their_order(self):
        key = 'max-files-per-job'
        self.apply({key: 'uint32 30'})
        self.wait_effective(key, 30, 'administrator')
        self.root.call(ROOT, POLICY, 'Set', '(sv)', key, GLib.Variant('u', 40))
        self.wait_effective(key, 40, 'bus')
        self.apply({key: 'uint32 50'}, locks=[key])
        self.wait_effective(key, 50, 'locked')
        self.assertFalse(self.effective(key)['CanSet'])
        error = self.root.error(ROOT, POLICY, 'Set', '(sv)', key, GLib.Variant('u', 1))
        self.assertEqual(error.name, ERROR + 'PolicyLocked')
        error = self.root.error(ROOT, POLICY, 'Reset', '(s)', key)
        self.assertEqual(error.name, ERROR + 'PolicyLocked')
        self.apply({})
        self.wait_effective(key, 40, 'bus')
        self.root.call(ROOT, POLICY, 'Reset', '(s)', key)
        self.wait_effective(key, 200, 'default')

    def test_set_survives_a_restart_and_kill(self):
        self.root.call(ROOT, POLICY, 'Set', '(sv)', 'max-active-jobs', GLib.Variant('i', 7))
        self.world.kill_ferryd()
        self.world.start_ferryd()
        self.wait_effective('max-active-jobs', 7, 'bus')

    def test_refused_values(self):
        for key, value in (('max-files-per-job', GLib.Variant('s', 'many')),
                           ('job-inactivity-timeout', GLib.Variant('u', 0)),
                           ('job-inactivity-timeout', GLib.Variant('u', 1000)),
                           ('max-active-jobs', GLib.Variant('i', -1)),
                           ('no-such-key', GLib.Variant('u', 1))):
            error = self.root.error(ROOT, POLICY, 'Set', '(sv)', key, value)
            self.assertEqual(error.name, INVALID_ARGS, key)
            self.assertIn(key, error.message)
        self.assertEqual(self.root.error(ROOT, POLICY, 'Reset', '(s)', 'no-such-key').name,
                         INVALID_ARGS)

    def test_set_is_for_administrators(self):
        error = self.client.error(ROOT, POLICY, 'Set', '(sv)', 'max-active-jobs',
                                  GLib.Variant('u', 1))
        self.assertIn(error.short, ('NotAuthorized', 'InteractiveAuthorizationRequired'))
        self.assertEqual(self.effective('max-active-jobs')['Source'], 'default')

    def test_changed_is_broadcast_with_the_keys(self):
        listener = self.world.client('games')
        self.addCleanup(listener.close)
        listener.add_match("type='signal',interface='{}'".format(POLICY))
        self.apply({'max-active-jobs': 'uint32 3'})
        self.assertIn('max-active-jobs', repr([s['args'] for s in listener.wait_signal('Changed')]))

    def test_invalid_values_leave_the_last_good_one(self):
        key = 'max-files-per-job'
        self.apply({key: 'uint32 33'})
        self.wait_effective(key, 33, 'administrator')
        start = len(self.world.ferryd.log())
        self.apply({key: "'many'"})
        self.wait_effective(key, 33, 'invalid')
        self.assertIn(key, self.world.ferryd.log()[start:])
        self.world.restart_ferryd()
        self.wait_effective(key, 33, 'invalid')
        self.apply({'job-inactivity-timeout': 'uint32 5000'})
        self.wait_effective('job-inactivity-timeout', 90, 'invalid')
        self.apply({key: 'int64 34'})
        self.wait_effective(key, 34, 'administrator')

    def test_misspelt_key_is_in_the_log(self):
        start = len(self.world.ferryd.log())
        self.apply({'max-jobs-per-usr': 'uint32 1'})
        wait_until(lambda: 'max-jobs-per-usr' in self.world.ferryd.log()[start:], 20,
                   'a word about the misspelt key')

    def test_other_databases_count_too(self):
        """ADSys writes `machine`."""
        key = 'max-active-jobs'
        self.world.set_policy({key: 'uint32 2'}, locks=[key], database='machine')
        self.addCleanup(self.world.set_policy, {}, database='machine')
        self.wait_effective(key, 2, 'locked')

    def test_unreadable_database(self):
        """`dconf update` under umask 027: ferryd may not read it, and says so."""
        key = 'max-active-jobs'
        self.apply({key: 'uint32 3'})
        self.wait_effective(key, 3, 'administrator')
        database = os.path.join(self.world.dconf, 'db', 'ferry')
        start = len(self.world.ferryd.log())
        os.chmod(database, 0o640)
        self.world.restart_ferryd()
        self.assertEqual(self.effective(key)['Value'], 3, 'the last good value')
        self.assertIn('dconf', self.world.ferryd.log()[start:])
        os.chmod(database, 0o644)


class Limits(PolicyCase):
    def test_jobs_of_a_user(self):
        self.apply({'max-jobs-per-user': 'uint32 3'})
        self.wait_effective('max-jobs-per-user', 3, 'administrator')
        self.world.http.add('/a', content.pattern(100, 1))
        self.client.create('suspended')
        done = self.client.submit([(self.world.http.url('/a'), self.path('a'))])
        done.wait_state('transferred')
        failed = self.client.submit([(self.world.http.url('/none'), self.path('b'))])
        failed.wait_for(lambda v: v['State'] == 'error', what='the error')
        error = self.create_error()
        self.assertEqual(error.name, ERROR + 'TooManyJobsPerUser')
        for word in ('max-jobs-per-user', '3', 'administrator', 'suspended', 'transferred'):
            self.assertIn(word, error.message)
        self.assertEqual(self.client.error(
            ROOT, MANAGER, 'SubmitJob', '(ssa(ssa{sv})a{sv})', 'x', 'download',
            [(self.world.http.url('/a'), self.path('c'), {})], {}).name,
            ERROR + 'TooManyJobsPerUser')
        other = self.world.client('games')
        self.addCleanup(other.close)
        other.create().cancel()
        done.complete()
        again = self.client.create('room again: final jobs do not count')
        self.assertEqual(self.create_error().name, ERROR + 'TooManyJobsPerUser')
        again.cancel()
        self.client.create()
        for _ in range(5):
            self.root.create('root is held by no limit')
        for path in self.root.manager('ListJobs', '(a{sv})', {}):
            self.root.call(path, 'org.ferry.Transfer1.Job', 'Cancel')

    def test_jobs_of_the_machine(self):
        self.apply({'max-jobs-per-machine': 'uint32 4'})
        self.wait_effective('max-jobs-per-machine', 4, 'administrator')
        other = self.world.client('games')
        self.addCleanup(other.close)
        mine = [self.client.create() for _ in range(2)]
        theirs = [other.create() for _ in range(2)]
        error = self.create_error()
        self.assertEqual(error.name, ERROR + 'TooManyJobsPerMachine')
        self.assertIn('4', error.message)
        self.root.create().cancel()
        theirs[0].cancel()
        self.client.create()
        for job in mine + theirs[1:]:
            job.cancel()

    def test_jobs_of_root_take_no_place(self):
        self.apply({'max-jobs-per-machine': 'uint32 2'})
        self.wait_effective('max-jobs-per-machine', 2, 'administrator')
        jobs = [self.root.create() for _ in range(3)]
        self.client.create()
        self.client.create()
        self.assertEqual(self.create_error().name, ERROR + 'TooManyJobsPerMachine')
        for job in jobs:
            job.cancel()

    def test_files_of_a_job(self):
        self.apply({'max-files-per-job': 'uint32 2'})
        self.wait_effective('max-files-per-job', 2, 'administrator')
        job = self.client.create()
        url = self.world.http.url('/a')
        job.add_file(url, self.path('a'))
        self.assertEqual(job.error('AddFiles', '(a(ssa{sv}))', [
            (url, self.path('b'), {}), (url, self.path('c'), {})]).name,
            ERROR + 'TooManyFilesInJob')
        self.assertEqual(len(job.files()), 1, 'all or nothing')
        job.add_file(url, self.path('b'))
        error = job.error('AddFile', '(ssa{sv})', url, self.path('c'), {})
        self.assertEqual(error.name, ERROR + 'TooManyFilesInJob')
        self.assertIn('max-files-per-job', error.message)
        self.apply({})
        self.wait_effective('max-files-per-job', 200, 'default')
        job.add_file(url, self.path('c'))

    def test_ranges_of_a_file(self):
        self.apply({'max-ranges-per-file': 'uint32 2'})
        self.wait_effective('max-ranges-per-file', 2, 'administrator')
        job = self.client.create()
        error = job.error('AddFile', '(ssa{sv})', self.world.http.url('/a'), self.path('a'),
                          options({'Ranges': [(0, 1), (2, 1), (4, 1)]}))
        self.assertEqual(error.name, ERROR + 'TooManyRangesInFile')

    def test_active_jobs(self):
        self.apply({'max-active-jobs': 'uint32 1'})
        self.wait_effective('max-active-jobs', 1, 'administrator')
        for name in ('a', 'b'):
            self.world.http.add('/' + name, content.pattern(50000, 1), badserver.hang_body(10))
        one = self.client.submit([(self.world.http.url('/a'), self.path('a'))])
        one.wait_bytes(10)
        two = self.client.submit([(self.world.http.url('/b'), self.path('b'))])
        two.wait_for(lambda v: v['State'] == 'queued' and v['WaitReasons'] == ['turn'],
                     what='its turn')
        self.apply({'max-active-jobs': 'uint32 2'})
        two.wait_bytes(10)

    def test_foreground_goes_before_the_limit(self):
        self.apply({'max-active-jobs': 'uint32 1'})
        self.wait_effective('max-active-jobs', 1, 'administrator')
        for name in ('a', 'b'):
            self.world.http.add('/' + name, content.pattern(50000, 1), badserver.hang_body(10))
        one = self.client.submit([(self.world.http.url('/a'), self.path('a'))])
        one.wait_bytes(10)
        two = self.client.submit([(self.world.http.url('/b'), self.path('b'))],
                                 Priority='foreground')
        two.wait_bytes(10)

    def test_retention_of_final_jobs(self):
        job = self.client.create()
        job.cancel()
        self.assertTrue(job.exists())
        self.apply({'finished-job-retention': 'uint32 0'})
        self.wait_effective('finished-job-retention', 0, 'administrator')
        wait_until(lambda: not job.exists(), 20, 'the end of the final job')

    def test_maximum_download_time(self):
        self.world.http.add('/a', content.pattern(50000, 1), badserver.hang_body(10))
        job = self.client.submit([(self.world.http.url('/a'), self.path('a'))],
                                 MaximumDownloadTime=2)
        values = job.wait_for(lambda v: v['State'] == 'error', what='the error')
        self.assertEqual(values['Error']['Name'], ERROR + 'MaximumTimeExceeded')

    def test_no_progress_timeout(self):
        self.world.http.add('/a', content.pattern(50000, 1), badserver.status(503))
        job = self.client.submit([(self.world.http.url('/a'), self.path('a'))],
                                 MinimumRetryDelay=600, NoProgressTimeout=2)
        values = job.wait_for(lambda v: v['State'] == 'error', what='the error')
        self.assertIn(values['Error']['Name'], (ERROR + 'NoProgress', ERROR + 'HttpError'))


class Rules(PolicyCase):
    """What polkit says is done."""

    def rule(self, body):
        self.world.set_rule('polkit.addRule(function(action, subject) {{ {} }});'.format(body))
        self.addCleanup(self.world.set_rule, None)

    def allow(self, action, user='nobody'):
        self.rule("if (action.id == 'org.ferry.transfer1.{}' && subject.user == '{}') "
                  "return polkit.Result.YES;".format(action, user))

    def test_creation_forbidden(self):
        self.rule("if (action.id == 'org.ferry.transfer1.create-job' && subject.user == 'nobody' "
                  "&& action.lookup('type') == 'download') return polkit.Result.NO;")
        self.assertEqual(self.create_error().name, ERROR + 'NotAuthorized')
        self.root.create().cancel()

    def test_a_yes_is_taken_back_at_once(self):
        """polkit's word that its rules changed reaches ferryd, which kept a yes."""
        self.client.create()
        self.rule("if (action.id == 'org.ferry.transfer1.create-job' && subject.user == 'nobody') "
                  "return polkit.Result.NO;")
        self.assertEqual(self.create_error().name, ERROR + 'NotAuthorized')

    def test_details_reach_the_rule(self):
        self.rule("if (action.id == 'org.ferry.transfer1.create-job' && "
                  "action.lookup('application-id') == 'bad.app') return polkit.Result.NO;")
        error = self.client.error(ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'x', 'download',
                                  options({'ApplicationId': 'bad.app'}))
        self.assertEqual(error.name, ERROR + 'NotAuthorized')
        self.client.create(ApplicationId='good.app')

    def test_foreground_forbidden(self):
        self.rule("if (action.id == 'org.ferry.transfer1.foreground') return polkit.Result.NO;")
        error = self.client.error(ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'x', 'download',
                                  options({'Priority': 'foreground'}))
        self.assertEqual(error.name, ERROR + 'NotAuthorized')
        job = self.client.create(Priority='high')
        with self.assertRaises(Exception) as caught:
            job.set('Priority', GLib.Variant('s', 'foreground'))
        self.assertEqual(caught.exception.name, ERROR + 'NotAuthorized')
        self.assertEqual(job.get('Priority'), 'high')

    def test_uploads_forbidden(self):
        """Alone: who may not send may still fetch."""
        self.rule("if (action.id == 'org.ferry.transfer1.upload' && subject.user == 'nobody' && "
                  "action.lookup('type').indexOf('upload') == 0) return polkit.Result.NO;")
        for job_type in ('upload', 'upload-reply'):
            error = self.client.error(ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'x', job_type, {})
            self.assertEqual(error.name, ERROR + 'NotAuthorized')
        self.client.create()
        self.root.create(job_type='upload').cancel()

    def test_exceed_limits(self):
        self.allow('exceed-limits')
        self.apply({'max-jobs-per-user': 'uint32 1'})
        self.wait_effective('max-jobs-per-user', 1, 'administrator')
        for _ in range(3):
            self.client.create()

    def test_administration(self):
        self.world.http.add('/a', content.pattern(50000, 1), badserver.hang_body(10))
        job = self.client.submit([(self.world.http.url('/a'), self.path('a'))], name='theirs')
        job.wait_bytes(10)
        rows = self.root.manager('ListAllJobs', '(a{sv})', {})
        row = [r for r in rows if r[0] == job.id][0]
        self.assertEqual(row[1], self.client.user.pw_uid)
        self.assertEqual(row[2]['State'], 'transferring')
        self.assertNotIn('DisplayName', row[2])
        self.assertNotIn('theirs', repr(row))
        self.assertEqual(self.root.manager('ListAllJobs', '(a{sv})', options({'Owner': 12345})),
                         [])
        self.root.manager('ControlJob', '(ss)', job.id, 'suspend')
        self.assertEqual(job.state, 'suspended')
        self.root.manager('ControlJob', '(ss)', job.id, 'resume')
        job.wait_bytes(10)
        self.assertEqual(self.root.error(ROOT, MANAGER, 'ControlJob', '(ss)', job.id,
                                         'paint').name, INVALID_ARGS)
        self.root.manager('ControlJob', '(ss)', job.id, 'cancel')
        values = job.get_all()
        self.assertEqual(values['State'], 'cancelled')
        self.assertEqual(values['Error']['Name'], ERROR + 'CancelledByAdministrator')
        wait_until(lambda: self.left_over() == [], 20, 'removal')
        self.assertEqual(self.root.error(ROOT, MANAGER, 'ControlJob', '(ss)', 'a1' * 16,
                                         'cancel').name, UNKNOWN_OBJECT)

    def test_delegated_administration(self):
        self.allow('list-all-jobs', 'games')
        helper = self.world.client('games')
        self.addCleanup(helper.close)
        job = self.client.create()
        self.assertIn(job.id, [r[0] for r in helper.manager('ListAllJobs', '(a{sv})', {})])
        self.assertIn(helper.error(ROOT, MANAGER, 'ControlJob', '(ss)', job.id, 'cancel').short,
                      ('NotAuthorized', 'InteractiveAuthorizationRequired'))

    def test_take_ownership(self):
        route = self.world.http.add('/a', content.pattern(50000, 1), badserver.hang_body(1000),
                                    badserver.normal())
        job = self.client.create(CustomHeaders=['X-Secret: geheim'],
                                 RequestHeaders=['X-Plain: yes'], AutoComplete=True)
        job.add_file(self.world.http.url('/a'), self.path('a'), Mode=0o777)
        job.resume()
        job.wait_bytes(1000)
        # A worker of uid 0 has no capabilities either.
        error = self.root.error(ROOT, MANAGER, 'TakeOwnership', '(s)', job.id)
        self.assertEqual(error.name, ERROR + 'NoFileAccess')
        self.assertEqual(job.get('Owner'), self.client.user.pw_uid)
        os.chmod(self.home, 0o777)
        path = self.root.manager('TakeOwnership', '(s)', job.id)

        taken = Job(self.root, path)
        values = taken.get_all()
        self.assertEqual(values['Owner'], 0)
        self.assertEqual(values['State'], 'suspended')
        self.assertEqual(values['RequestHeaders'], [])
        self.assertFalse(values['AutoComplete'])
        self.assertFalse(job.exists(), 'the old owner does not see it any more')
        wait_until(lambda: self.left_over() == [], 20, 'removal of what was fetched')
        taken.resume()
        taken.wait_state('transferred')
        self.assertIsNone(route.requests[-1].get('X-Secret'))
        self.assertIsNone(route.requests[-1].get('X-Plain'))
        self.assertIsNone(route.requests[-1].start)
        taken.complete()
        self.assertEqual(os.stat(self.path('a')).st_uid, 0)
        self.assertEqual(os.stat(self.path('a')).st_mode & 0o777, 0o644)

    def test_without_polkit(self):
        """Neither owned nor activatable: what anybody may do is granted, the rest refused."""
        self.world.stop_polkit()
        self.addCleanup(self.world.start_polkit)
        start = len(self.world.ferryd.log())
        self.client.create()
        self.assertEqual(self.client.error(ROOT, MANAGER, 'ListAllJobs', '(a{sv})', {}).name,
                         ERROR + 'NotAuthorized')
        self.root.manager('ListAllJobs', '(a{sv})', {})
        self.assertIn('polkit', self.world.ferryd.log()[start:])


if __name__ == '__main__':
    cases.main()
