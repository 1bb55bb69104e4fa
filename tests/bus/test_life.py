#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The life of a download, as API.md and DESIGN section 5 tell it."""

import os
import stat
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import badserver, cases, content  # noqa: E402
from lib.client import (ERROR, FINAL, INVALID_ARGS, JOB, MANAGER,  # noqa: E402
                        OBJECT_MANAGER, ROOT, UNKNOWN_OBJECT, BusError, options, signal_args)
from lib.process import wait_until  # noqa: E402

UNKNOWN_SIZE = 2 ** 64 - 1


class LifeCase(cases.WorldCase):
    """What the cases below share."""

    def serve(self, name='/file', size=200000, seed=1, *script, **kwargs):
        return self.world.http.add(name, content.pattern(size, seed), *script, **kwargs)

    def url(self, path):
        return self.world.http.url(path)

    def download(self, *names, **properties):
        """A running job with one file for each route name."""
        return self.client.submit([(self.url(n), self.path(n.strip('/'))) for n in names],
                                  **properties)


class Creation(LifeCase):
    def test_new_job_is_suspended_and_describes_itself(self):
        job = self.client.create('My job', Description='what', ApplicationId='org.example.App',
                                 Priority='low', MinimumRetryDelay=2, NotificationInterval=100)
        values = job.get_all()
        self.assertEqual(values['Id'], job.id)
        self.assertRegex(job.id, '^[0-9a-f]{32}$')
        self.assertEqual(values['State'], 'suspended')
        self.assertEqual(values['Type'], 'download')
        self.assertEqual(values['DisplayName'], 'My job')
        self.assertEqual(values['Description'], 'what')
        self.assertEqual(values['ApplicationId'], 'org.example.App')
        self.assertEqual(values['Priority'], 'low')
        self.assertEqual(values['MinimumRetryDelay'], 5, 'a delay below 5 becomes 5')
        self.assertEqual(values['NotificationInterval'], 100)
        self.assertEqual(values['NoProgressTimeout'], 1209600)
        self.assertEqual(values['Owner'], self.client.user.pw_uid)
        self.assertEqual(values['FilesTotal'], 0)
        self.assertEqual(values['WaitReasons'], ['suspended'])
        self.assertEqual(values['Error'], {})
        self.assertGreater(values['CreationTime'], 1_600_000_000_000_000)
        self.assertGreater(values['ExpirationTime'], values['CreationTime'])

    def test_get_answers_as_get_all(self):
        job = self.client.create()
        for name, value in job.get_all().items():
            self.assertEqual(job.get(name), value, name)

    def test_writable_properties_are_written(self):
        job = self.client.create()
        for name, signature, value in (
                ('DisplayName', 's', 'other'), ('Description', 's', 'x' * 1024),
                ('ApplicationId', 's', 'a.b'), ('Priority', 's', 'high'),
                ('MinimumRetryDelay', 'u', 77), ('NoProgressTimeout', 'u', 0),
                ('MaximumDownloadTime', 'u', 5), ('NotificationInterval', 'u', 250),
                ('AutoComplete', 'b', True), ('MaximumDownloadSize', 't', 2 ** 40),
                ('RequestHeaders', 'as', ['User-Agent: me', 'Accept: text/plain']),
                ('ProxyUsage', 's', 'none')):
            job.set(name, self.variant(signature, value))
            self.assertEqual(job.get(name), value, name)

    @staticmethod
    def variant(signature, value):
        from gi.repository import GLib
        return GLib.Variant(signature, value)

    def test_integers_of_any_width_are_taken(self):
        for signature in 'yqutnix':
            job = self.client.create(MinimumRetryDelay=self.variant(signature, 60))
            self.assertEqual(job.get('MinimumRetryDelay'), 60, signature)
            job.set('NoProgressTimeout', self.variant(signature, 120))
            self.assertEqual(job.get('NoProgressTimeout'), 120, signature)

    def test_read_only_properties_are_not_written(self):
        job = self.client.create()
        before = job.get_all()
        for name in ('Id', 'Type', 'State', 'Owner', 'BytesTotal', 'Error', 'WaitReasons'):
            with self.assertRaises(Exception) as caught:
                job.set(name, self.variant('s', 'x'))
            self.assertIn(caught.exception.name, (
                INVALID_ARGS, 'org.freedesktop.DBus.Error.PropertyReadOnly'), name)
        self.assertEqual(job.get_all(), before)

    def test_unknown_key_is_named_and_nothing_is_made(self):
        before = self.client.manager('ListJobs', '(a{sv})', {})
        error = self.client.error(ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'x', 'download',
                                  options({'Colour': 'red'}))
        self.assertEqual(error.name, INVALID_ARGS)
        self.assertIn('Colour', error.message)
        error = self.client.error(ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'x', 'download',
                                  options({'Priority': 7}))
        self.assertEqual(error.name, INVALID_ARGS)
        self.assertIn('Priority', error.message)
        error = self.client.error(ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'x', 'download',
                                  options({'Priority': 'urgent'}))
        self.assertEqual(error.name, INVALID_ARGS)
        self.assertIn('urgent', error.message)
        self.assertEqual(self.client.manager('ListJobs', '(a{sv})', {}), before)

    def test_unknown_type_is_refused(self):
        error = self.client.error(ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'x', 'sideload', {})
        self.assertEqual(error.name, INVALID_ARGS)
        self.assertIn('sideload', error.message)

    def test_names_have_a_length(self):
        self.client.create('n' * 256)
        error = self.client.error(ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'n' * 257, 'download',
                                  {})
        self.assertEqual(error.name, ERROR + 'StringTooLong')
        self.client.create('ä' * 256)
        error = self.client.error(ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'n', 'download',
                                  options({'Description': 'd' * 1025}))
        self.assertEqual(error.name, ERROR + 'StringTooLong')

    def test_what_uploads_are_told(self):
        """Before there is a file, and without a worker."""
        for job_type, total in (('upload', 0), ('upload-reply', 2 ** 64 - 1)):
            values = self.client.create(job_type=job_type).get_all()
            self.assertEqual(
                [values[k] for k in ('Type', 'ReplyBytesTotal', 'ReplyBytesTransferred',
                                     'ResolvedUploadProtocol', 'Resumable', 'UploadProtocol',
                                     'ReplyPath', 'FilesTotal')],
                [job_type, total, 0, '', False, 'auto', '', 0])
        self.assertEqual(self.client.create(job_type='upload', UploadProtocol='tus')
                         .get('UploadProtocol'), 'tus')
        self.assertTrue(self.client.create().get('Resumable'))

    def test_what_uploads_do_not_take(self):
        for job_type, key, value in (('download', 'UploadProtocol', 'put'),
                                     ('download', 'ReplyPath', self.path('r')),
                                     ('upload', 'ReplyPath', self.path('r')),
                                     ('upload-reply', 'ReplyPath', 'relative'),
                                     ('upload-reply', 'UploadProtocol', 'put'),
                                     ('upload', 'UploadProtocol', 'ftp')):
            with self.subTest(job_type + ' ' + key):
                error = self.client.error(ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'x', job_type,
                                          options({key: value}))
                self.assertEqual(error.name, INVALID_ARGS)
                self.assertIn(key, error.message)
        job = self.client.create(job_type='upload')
        for key, value in (('Size', 5), ('Replace', True), ('Mode', 0o600),
                           ('Digest', 'sha256:' + 64 * '0'), ('Ranges', [(0, 5)])):
            error = job.error('AddFile', '(ssa{sv})', self.url('/a'), self.path('a'),
                              options({key: value}))
            self.assertEqual(error.name, INVALID_ARGS)
            self.assertIn('for downloads', error.message)
        two = [(self.url('/a'), self.path('a'), {}), (self.url('/b'), self.path('b'), {})]
        self.assertEqual(job.error('AddFiles', '(a(ssa{sv}))', two).name, ERROR + 'TooManyFiles')
        for call in ('Complete', 'GetReplyData'):
            self.assertEqual(job.error(call).name, ERROR + 'InvalidState')
        self.assertEqual(self.client.create().error('GetReplyData').name, ERROR + 'InvalidState')

    def test_credentials_come_later(self):
        """What they are, and that no error repeats them."""
        job = self.client.create()

        def refused(target, scheme, **values):
            error = job.error('SetCredentials', '(ssa{sv})', target, scheme, options(values))
            self.assertNotIn('sesame', error.message)
            return error.name
        for target, scheme, values in (
                ('somebody', 'basic', {}), ('server', 'magic', {}),
                ('server', 'basic', {'User': 'a', 'Password': 'sesame'}),
                ('server', 'basic', {'UserName': 'a'}),
                ('server', 'basic', {'UserName': 'a:b', 'Password': 'sesame'}),
                ('server', 'basic', {'UserName': 'a', 'Password': 'sesame\n'}),
                ('server', 'digest', {'UserName': 'a', 'Password': 'sesame', 'Realm': 'x'}),
                ('server', 'bearer', {'Token': 'open sesame'}),
                ('proxy', 'bearer', {'Token': 'sesame'}),
                ('server', 'ntlm', {}), ('server', 'ntlm', {'Password': 'sesame'}),
                ('server', 'negotiate', {'UserName': 'a'}),
                ('server', 'negotiate', {'Password': 'sesame'}),
                ('server', 'negotiate', {'Token': 'sesame'})):
            self.assertEqual(refused(target, scheme, **values), INVALID_ARGS, (target, scheme))
        job.call('SetCredentials', '(ssa{sv})', 'server', 'negotiate', options({}))
        job.call('SetCredentials', '(ssa{sv})', 'server', 'basic',
                 options({'UserName': 'a', 'Password': 'sesame'}))
        job.call('RemoveCredentials', '(ss)', 'server', 'basic')
        job.call('RemoveCredentials', '(ss)', 'server', 'digest')

    def test_password(self):
        """With it the file comes; without it, or after a restart, it does not."""
        guard = badserver.guarded('me', 'sesame')
        self.serve('/guarded', 5000, 1, *[guard] * 4)
        job = self.client.submit([(self.url('/guarded'), self.path('a'))], Credentials=[
            ('server', 'basic', options({'UserName': 'me', 'Password': 'sesame', 'AllowHttp': True}))])
        job.wait_state('transferred')
        job.cancel()
        job = self.client.create(CustomHeaders=[])
        job.add_file(self.url('/guarded'), self.path('b'))
        job.call('SetCredentials', '(ssa{sv})', 'server', 'basic',
                 options({'UserName': 'me', 'Password': 'sesame', 'AllowHttp': True}))
        self.world.restart_ferryd()
        job.resume()
        job.wait_for(lambda v: 'credentials' in v['WaitReasons'], what='credentials')
        job.call('SetCredentials', '(ssa{sv})', 'server', 'basic',
                 options({'UserName': 'me', 'Password': 'wrong', 'AllowHttp': True}))
        values = job.wait_for(lambda v: v['State'] == 'error', what='the error')
        self.assertEqual(values['Error']['Name'], ERROR + 'AuthenticationFailed')
        job.call('SetCredentials', '(ssa{sv})', 'server', 'basic',
                 options({'UserName': 'me', 'Password': 'sesame', 'AllowHttp': True}))
        job.resume()
        job.wait_state('transferred')
        self.assertNotIn('sesame', repr(job.get_all()) + repr(job.files()))

    def test_version(self):
        self.assertRegex(self.client.get(ROOT, MANAGER, 'Version'), r'^\d+\.\d+')

    def test_submit_is_all_or_nothing(self):
        before = self.client.manager('ListJobs', '(a{sv})', {})
        error = self.client.error(
            ROOT, MANAGER, 'SubmitJob', '(ssa(ssa{sv})a{sv})', 'x', 'download',
            [(self.url('/a'), self.path('a'), {}), (self.url('/b'), '/nonexistent/b', {})], {})
        self.assertEqual(error.name, ERROR + 'NoFileAccess')
        self.assertEqual(self.client.manager('ListJobs', '(a{sv})', {}), before)
        self.assertEqual(self.left_over(), [])

    def test_submit_without_files(self):
        error = self.client.error(ROOT, MANAGER, 'SubmitJob', '(ssa(ssa{sv})a{sv})', 'x',
                                  'download', [], {})
        self.assertEqual(error.name, ERROR + 'EmptyJob')


class Finding(LifeCase):
    def test_list_find_and_managed_objects_agree(self):
        jobs = [self.client.create('job {}'.format(i)) for i in range(3)]
        listed = self.client.manager('ListJobs', '(a{sv})', {})
        self.assertEqual(listed, [j.path for j in jobs], 'oldest first')
        self.assertEqual(self.client.manager('FindJob', '(s)', jobs[1].id), jobs[1].path)
        objects = self.client.call(ROOT, OBJECT_MANAGER, 'GetManagedObjects')
        self.assertEqual([p for p in objects if '/jobs/' in p and
                          objects[p][JOB]['State'] not in FINAL and p not in listed], [])
        self.assertLessEqual(set(listed), set(objects))
        self.assertEqual(objects[jobs[0].path][JOB]['DisplayName'], 'job 0')

    def test_filters(self):
        one = self.client.create('one', ApplicationId='app.one')
        two = self.client.create('two', ApplicationId='app.two')
        two.cancel()

        def listed(**keys):
            return self.client.manager('ListJobs', '(a{sv})', options(keys))
        self.assertEqual(listed(), [one.path])
        self.assertEqual(listed(ApplicationId='app.one'), [one.path])
        self.assertEqual(listed(ApplicationId='app.two'), [])
        self.assertEqual(listed(DisplayName='one'), [one.path])
        self.assertIn(two.path, listed(States=['cancelled']))
        self.assertNotIn(one.path, listed(States=['cancelled']))
        error = self.client.error(ROOT, MANAGER, 'ListJobs', '(a{sv})',
                                  options({'States': ['bored']}))
        self.assertEqual(error.name, INVALID_ARGS)
        self.assertIn('bored', error.message)

    def test_absent_job(self):
        absent = '0' * 32
        self.assertEqual(self.client.error(ROOT, MANAGER, 'FindJob', '(s)', absent).name,
                         UNKNOWN_OBJECT)
        self.assertEqual(self.client.error(ROOT + '/jobs/' + absent, JOB, 'Resume').name,
                         UNKNOWN_OBJECT)

    def test_introspection_lists_no_jobs(self):
        job = self.client.create()
        for path in (ROOT, ROOT + '/jobs'):
            xml = self.client.call(path, 'org.freedesktop.DBus.Introspectable', 'Introspect')
            self.assertNotIn(job.id, xml)
        self.assertIn(MANAGER, self.client.call(ROOT, 'org.freedesktop.DBus.Introspectable',
                                                'Introspect'))
        self.assertIn(JOB, self.client.call(job.path, 'org.freedesktop.DBus.Introspectable',
                                            'Introspect'))


class Transfer(LifeCase):
    def test_states_and_signals_in_order(self):
        route = self.serve('/a', 300000, 1, badserver.slow(400000))
        self.client.manager('ListJobs', '(a{sv})', {})
        job = self.client.create(NotificationInterval=50)
        job.add_file(self.url('/a'), self.path('a'))
        job.resume()
        job.wait_state('transferred')
        self.client.wait_signal('Transferred', job.path)
        self.client.wait_signal('FileTransferred', job.path)
        states = [signal_args(s)[1]['State']
                  for s in self.client.find_signals('PropertiesChanged', job.path)
                  if 'State' in signal_args(s)[1]]
        self.assertEqual(states[-1], 'transferred')
        order = ['queued', 'connecting', 'transferring', 'transferred']
        self.assertEqual([s for s in order if s in states], states)
        self.assertIn('transferring', states)
        values = job.get_all()
        self.assertEqual(values['BytesTransferred'], len(route.body))
        self.assertEqual(values['BytesTotal'], len(route.body))
        self.assertEqual(values['FilesTransferred'], 1)
        self.assertEqual(values['WaitReasons'], ['complete'])
        self.assertGreater(values['TransferCompletionTime'], 0)
        file = job.file()
        self.assertEqual(file['State'], 'transferred')
        self.assertEqual(file['HttpStatus'], 200)
        self.assertEqual(file['Restarts'], 0)
        self.assertIn('"v1"', file['Validator'])
        self.assertTrue(any(h.lower().startswith('etag:') for h in file['ResponseHeaders']))

    def test_nothing_is_published_early(self):
        go_on = threading.Event()
        self.addCleanup(go_on.set)
        self.serve('/a', 100000, 1, badserver.hang_body(50000, go_on))
        job = self.download('/a')
        job.wait_bytes(50000)
        names = self.left_over()
        self.assertEqual(len(names), 1)
        self.assertRegex(names[0], r'^\.ferry-.*\.part$')
        self.assertEqual(stat.S_IMODE(os.stat(self.path(names[0])).st_mode), 0o600)
        self.assertEqual(job.file()['TemporaryPath'], self.path(names[0]))
        go_on.set()
        job.wait_state('transferred')
        self.assertEqual(self.left_over(), names)

    def test_complete_publishes_with_mode_and_owner(self):
        a, b = self.serve('/a', 1000, 1), self.serve('/b', 2000, 2)
        job = self.client.create()
        job.add_file(self.url('/a'), self.path('a'))
        job.add_file(self.url('/b'), self.path('b'), Mode=0o600)
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (2, 0))
        self.assertEqual(self.left_over(), ['a', 'b'])
        self.assertEqual(content.read(self.path('a')), a.body)
        self.assertEqual(content.read(self.path('b')), b.body)
        self.assertEqual(stat.S_IMODE(os.stat(self.path('a')).st_mode), 0o644)
        self.assertEqual(stat.S_IMODE(os.stat(self.path('b')).st_mode), 0o600)
        self.assertEqual(os.stat(self.path('a')).st_uid, self.client.user.pw_uid)
        self.assertEqual([f['State'] for f in job.files()], ['published', 'published'])
        self.assertEqual(job.state, 'acknowledged')

    def test_partial_complete(self):
        done = self.serve('/done', 5000, 1)
        self.serve('/hangs', 50000, 2, badserver.hang_body(10000))
        job = self.download('/done', '/hangs')
        job.wait_for(lambda v: v['FilesTransferred'] == 1, what='one file')
        self.assertEqual(job.complete(), (1, 1))
        self.assertEqual(self.left_over(), ['done'])
        self.assertEqual(content.read(self.path('done')), done.body)
        self.assertEqual(job.state, 'acknowledged')

    def test_complete_with_nothing_fetched_discards_all(self):
        job = self.client.create()
        job.add_file(self.url('/never'), self.path('never'))
        self.assertEqual(job.complete(), (0, 1))
        self.assertEqual(self.left_over(), [])
        self.assertEqual(job.state, 'acknowledged')

    def test_cancel_leaves_no_file(self):
        for moment in ('suspended', 'transferring', 'transferred'):
            self.serve('/a', 50000, 1, badserver.hang_body(10000) if moment == 'transferring'
                       else badserver.normal())
            job = self.client.create()
            job.add_file(self.url('/a'), self.path('a'))
            if moment != 'suspended':
                job.resume()
            if moment == 'transferring':
                job.wait_bytes(10000)
            elif moment == 'transferred':
                job.wait_state('transferred')
            job.cancel()
            self.assertEqual(job.state, 'cancelled')
            wait_until(lambda: self.left_over() == [], 10, 'removal after ' + moment)

    def test_auto_complete_publishes_before_it_tells(self):
        route = self.serve('/a', 100000, 1)
        job = self.download('/a', AutoComplete=True)
        self.client.wait_signal('Transferred', job.path)
        self.assertEqual(content.read(self.path('a')), route.body)
        self.assertEqual(job.state, 'acknowledged')
        self.assertEqual(self.left_over(), ['a'])

    def test_auto_complete_that_cannot_publish(self):
        go_on = threading.Event()
        self.addCleanup(go_on.set)
        self.serve('/a', 100000, 1, badserver.hang_body(50000, go_on))
        job = self.download('/a', AutoComplete=True)
        job.wait_bytes(50000)
        content.write(self.path('a'), b'in the way')
        go_on.set()
        self.client.wait_signal('Failed', job.path)
        values = job.get_all()
        self.assertEqual(values['State'], 'error')
        self.assertEqual(values['Error']['Name'], ERROR + 'TargetExists')
        self.assertEqual(content.read(self.path('a')), b'in the way')

    def test_empty_file(self):
        self.serve('/empty', 0)
        job = self.download('/empty')
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(os.stat(self.path('empty')).st_size, 0)

    def test_many_files_over_few_connections(self):
        before = self.world.http.accepted
        names = ['/many-{}'.format(i) for i in range(40)]
        routes = [self.serve(n, 3000 + i, i) for i, n in enumerate(names)]
        job = self.download(*names)
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (40, 0))
        for name, route in zip(names, routes):
            self.assertEqual(content.read(self.path(name.strip('/'))), route.body)
            self.assertEqual(len(route.requests), 1)
        self.assertLessEqual(self.world.http.accepted - before, 12)

    def test_suspend_and_resume_fetch_nothing_twice(self):
        go_on = threading.Event()
        self.addCleanup(go_on.set)
        route = self.serve('/a', 400000, 1, badserver.hang_body(150000, go_on),
                           badserver.normal())
        job = self.download('/a')
        job.wait_bytes(150000)
        job.suspend()
        job.wait_state('suspended')
        self.assertEqual(job.get('WaitReasons'), ['suspended'])
        job.resume()
        job.wait_state('transferred')
        job.complete()
        self.assertEqual(content.read(self.path('a')), route.body)
        self.assertEqual(route.requests[1].start, 150000)
        self.assertEqual(route.requests[1].get('If-Range'), '"v1"')

    def test_nginx_plain_and_tls(self):
        self.needs_root()
        data = content.pattern(3_000_000, 4)
        self.world.nginx.add('big', data)
        for number, url in enumerate((self.world.nginx.url('big'),
                                      self.world.nginx.secure_url('big'),
                                      self.world.nginx.url('moved/big'))):
            target = self.path('big-{}'.format(number))
            job = self.client.submit([(url, target, {'Digest': 'sha256:' + content.sha256(data)})])
            job.wait_state('transferred')
            self.assertEqual(job.complete(), (1, 0))
            self.assertEqual(content.read(target), data)

    def test_tls_of_a_stranger_is_refused(self):
        self.needs_root()
        self.world.nginx.add('x', b'x')
        job = self.client.submit([(self.world.nginx.secure_url('x', '127.0.0.2'),
                                   self.path('x'))], NoProgressTimeout=0)
        values = job.wait_for(lambda v: v['State'] == 'error', what='the error')
        self.assertEqual(values['Error']['Name'], ERROR + 'TlsError')
        self.assertEqual(values['Error']['Context'], 'transport')

    def test_resume_without_files(self):
        job = self.client.create()
        self.assertEqual(job.error('Resume').name, ERROR + 'EmptyJob')
        self.assertEqual(job.state, 'suspended')

    def test_file_added_while_it_runs(self):
        go_on = threading.Event()
        self.addCleanup(go_on.set)
        self.serve('/a', 100000, 1, badserver.hang_body(10, go_on))
        late = self.serve('/late', 1000, 2)
        job = self.download('/a')
        job.wait_bytes(10)
        self.assertEqual(job.add_file(self.url('/late'), self.path('late')), 1)
        go_on.set()
        job.wait_for(lambda v: v['State'] == 'transferred' and v['FilesTransferred'] == 2,
                     what='both files')
        self.assertEqual(job.complete(), (2, 0))
        self.assertEqual(content.read(self.path('late')), late.body)


class Verdicts(LifeCase):
    def test_right_digest(self):
        for algorithm in ('sha256', 'sha512'):
            import hashlib
            route = self.serve('/a', 70000, 3)
            digest = '{}:{}'.format(algorithm, hashlib.new(algorithm, route.body).hexdigest())
            job = self.client.create()
            job.add_file(self.url('/a'), self.path(algorithm), Digest=digest)
            self.assertEqual(job.file()['Digest'], digest)
            job.resume()
            job.wait_state('transferred')
            self.assertEqual(job.complete(), (1, 0))

    def test_wrong_digest_is_never_published(self):
        self.serve('/a', 70000, 3)
        job = self.client.create()
        job.add_file(self.url('/a'), self.path('a'), Digest='sha256:' + '0' * 64)
        job.resume()
        values = job.wait_for(lambda v: v['State'] == 'error', what='the error')
        self.assertEqual(values['Error']['Name'], ERROR + 'DigestMismatch')
        self.client.wait_signal('Failed', job.path)
        self.assertEqual(job.file()['State'], 'failed')
        self.assertEqual(job.complete(), (0, 1))
        self.assertEqual(self.left_over(), [])

    def test_malformed_digest(self):
        job = self.client.create()
        for digest in ('sha256:12', 'md5:' + '0' * 32, '0' * 64, 'sha256:' + 'g' * 64):
            error = job.error('AddFile', '(ssa{sv})', self.url('/a'), self.path('a'),
                              options({'Digest': digest}))
            self.assertEqual(error.name, INVALID_ARGS)
        self.assertEqual(job.files(), [])

    def test_size_that_does_not_agree(self):
        self.serve('/a', 1000, 3)
        job = self.client.create()
        job.add_file(self.url('/a'), self.path('a'), Size=1001)
        job.resume()
        values = job.wait_for(lambda v: v['State'] == 'error', what='the error')
        self.assertEqual(values['Error']['Name'], ERROR + 'SizeMismatch')

    def test_maximum_download_size(self):
        self.serve('/a', 100000, 3)
        job = self.download('/a', MaximumDownloadSize=50000)
        values = job.wait_for(lambda v: v['State'] == 'error', what='the error')
        self.assertEqual(values['Error']['Name'], ERROR + 'MaximumSizeExceeded')

    def test_set_file_valid(self):
        route = self.serve('/a', 70000, 3)
        job = self.download('/a')
        job.wait_state('transferred')
        job.call('SetFileValid', '(ub)', 0, True)
        self.assertEqual(job.state, 'transferred')
        job.call('SetFileValid', '(ub)', 0, False)
        values = job.wait_for(lambda v: v['State'] == 'error', what='the error')
        self.assertEqual(values['Error']['Name'], ERROR + 'ValidationFailed')
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(len(route.requests), 2)
        self.assertIsNone(route.requests[1].start, 'it starts over')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(self.path('a')), route.body)

    def test_one_bad_file_does_not_stop_the_others(self):
        good = [self.serve('/good-{}'.format(i), 2000, i) for i in range(3)]
        job = self.client.create()
        job.add_file(self.url('/good-0'), self.path('good-0'))
        job.add_file(self.url('/absent'), self.path('absent'))
        job.add_file(self.url('/good-1'), self.path('good-1'))
        job.add_file(self.url('/good-2'), self.path('good-2'))
        job.resume()
        values = job.wait_for(lambda v: v['State'] == 'error', what='the error')
        self.assertEqual(values['Error']['Name'], ERROR + 'NotFound')
        self.assertEqual(values['Error']['File'], 1)
        self.assertEqual(values['Error']['HttpStatus'], 404)
        self.assertEqual(values['FilesTransferred'], 3)
        found = self.serve('/absent', 100, 9)
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (4, 0))
        self.assertEqual(content.read(self.path('absent')), found.body)
        for number, route in enumerate(good):
            self.assertEqual(len(route.requests), 1)
            self.assertEqual(content.read(self.path('good-{}'.format(number))), route.body)

    def test_bad_file_is_removed(self):
        self.serve('/good', 2000, 1)
        job = self.client.create()
        job.add_file(self.url('/absent-for-ever'), self.path('absent'))
        job.add_file(self.url('/good'), self.path('good'))
        job.resume()
        job.wait_for(lambda v: v['State'] == 'error', what='the error')
        job.call('RemoveFile', '(u)', 0)
        self.assertEqual([f['Index'] for f in job.files()], [1], 'indexes stay')
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(self.left_over(), ['good'])

    def test_remove_file_while_it_transfers(self):
        self.serve('/a', 50000, 1, badserver.hang_body(10000))
        job = self.download('/a')
        job.wait_bytes(10000)
        self.assertEqual(job.error('RemoveFile', '(u)', 0).name, ERROR + 'InvalidState')
        self.assertEqual(job.error('RemoveFile', '(u)', 7).name, INVALID_ARGS)


class Targets(LifeCase):
    def add(self, path, **keys):
        job = self.client.create()
        try:
            job.add_file(self.url('/a'), path, **keys)
            return None
        except Exception as error:
            self.assertEqual(job.files(), [])
            return error.short

    def test_existing_target(self):
        self.serve('/a', 1000, 1)
        content.write(self.path('a'), b'old')
        self.assertEqual(self.add(self.path('a')), 'TargetExists')
        job = self.client.create()
        job.add_file(self.url('/a'), self.path('a'), Replace=True)
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(content.read(self.path('a')), b'old')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(self.path('a')), content.pattern(1000, 1))

    def test_target_that_came_meanwhile(self):
        self.serve('/a', 1000, 1)
        self.serve('/b', 1000, 2)
        job = self.download('/b', '/a')
        job.wait_state('transferred')
        content.write(self.path('a'), b'mine')
        self.assertEqual(job.error('Complete').name, ERROR + 'TargetExists')
        self.assertEqual(content.read(self.path('a')), b'mine')
        self.assertFalse(os.path.exists(self.path('b')), 'nothing is published')
        self.assertEqual(job.state, 'transferred')
        os.unlink(self.path('a'))
        self.assertEqual(job.complete(), (2, 0))
        self.assertEqual(self.left_over(), ['a', 'b'])

    def test_odd_targets(self):
        os.symlink('/etc/hostname', self.path('link'))
        os.symlink(self.path('nowhere'), self.path('dangling'))
        os.mkfifo(self.path('fifo'))
        os.mkdir(self.path('dir'))
        for name in ('link', 'dangling', 'fifo', 'dir'):
            self.assertIn(self.add(self.path(name)), ('TargetExists', 'NoFileAccess'), name)
        self.assertTrue(os.path.islink(self.path('link')))
        self.assertFalse(os.path.exists(self.path('nowhere')))
        self.assertIn(self.add(self.path('no/such/dir')), ('NoFileAccess',))
        self.assertIn(self.add(self.path('x' * 256)), ('NoFileAccess', 'StringTooLong'))
        self.assertIn(self.add('relative'), ('InvalidArgs',))
        self.assertIn(self.add(''), ('InvalidArgs',))
        self.assertIn(self.add('/'), ('InvalidArgs', 'TargetExists', 'NoFileAccess'))
        self.assertIn(self.add(self.path('dir/')), ('InvalidArgs', 'TargetExists', 'NoFileAccess'))
        self.assertIn(self.add('/proc/self/x'), ('NoFileAccess',))

    def test_odd_targets_are_not_replaced_blindly(self):
        os.mkdir(self.path('dir'))
        self.assertIsNotNone(self.add(self.path('dir'), Replace=True))
        self.assertTrue(os.path.isdir(self.path('dir')))

    def test_place_of_somebody_else(self):
        self.needs_root()
        foreign = self.world.home('games')
        self.assertEqual(self.add(os.path.join(foreign, 'a')), 'NoFileAccess')
        self.assertEqual(self.add('/etc/ferry-test-target'), 'NoFileAccess')
        self.assertEqual(os.listdir(foreign), [])

    def test_name_as_long_as_can_be(self):
        route = self.serve('/a', 1000, 1)
        name = 'n' * 255
        job = self.client.submit([(self.url('/a'), self.path(name))])
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(self.path(name)), route.body)

    def test_symbolic_link_planted_later_is_not_followed(self):
        victim = self.path('victim')
        content.write(victim, b'precious')
        self.serve('/a', 1000, 1)
        job = self.client.create()
        job.add_file(self.url('/a'), self.path('a'), Replace=True)
        job.resume()
        job.wait_state('transferred')
        os.symlink(victim, self.path('a'))
        try:
            job.complete()
            self.assertFalse(os.path.islink(self.path('a')))
        except BusError as error:
            self.assertIn(error.short, ('NoFileAccess', 'TargetExists'))
        self.assertEqual(content.read(victim), b'precious')

    def test_directory_that_vanished(self):
        route = self.serve('/a', 100000, 1, badserver.hang_body(30000), badserver.normal())
        os.mkdir(self.path('sub'))
        if self.world.root:
            os.chown(self.path('sub'), self.client.user.pw_uid, self.client.user.pw_gid)
        job = self.client.create(MinimumRetryDelay=5)
        job.add_file(self.url('/a'), self.path('sub/a'))
        job.resume()
        job.wait_bytes(30000)
        job.suspend()
        os.rename(self.path('sub'), self.path('away'))
        job.resume()
        values = job.wait_for(lambda v: 'destination' in v['WaitReasons'], what='destination')
        self.assertEqual(values['State'], 'transient-error')
        os.rename(self.path('away'), self.path('sub'))
        job.suspend()
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(self.path('sub/a')), route.body)


class Ranges(LifeCase):
    def test_ranges_are_written_one_after_the_other(self):
        route = self.serve('/a', 100000, 1)
        job = self.client.create()
        job.add_file(self.url('/a'), self.path('a'),
                     Ranges=[(10, 90), (50000, 1000), (99000, UNKNOWN_SIZE)])
        self.assertEqual(job.file()['Ranges'], [(10, 90), (50000, 1000), (99000, UNKNOWN_SIZE)])
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(self.path('a')),
                         route.body[10:100] + route.body[50000:51000] + route.body[99000:])
        self.assertEqual(route.sent, 90 + 1000 + 1000)

    def test_bad_ranges(self):
        job = self.client.create()
        for ranges, name in (([(0, 10), (5, 10)], ERROR + 'OverlappingRanges'),
                             ([(0, UNKNOWN_SIZE), (5, 10)], ERROR + 'OverlappingRanges'),
                             ([(0, 0)], ERROR + 'InvalidRange'),
                             ([(2 ** 64 - 2, 10)], ERROR + 'InvalidRange')):
            error = job.error('AddFile', '(ssa{sv})', self.url('/a'), self.path('a'),
                              options({'Ranges': ranges}))
            self.assertEqual(error.name, name, ranges)
        self.assertEqual(job.files(), [])

    def test_range_behind_the_end(self):
        self.serve('/a', 1000, 1)
        job = self.client.create(NoProgressTimeout=0)
        job.add_file(self.url('/a'), self.path('a'), Ranges=[(5000, 10)])
        job.resume()
        values = job.wait_for(lambda v: v['State'] == 'error', what='the error')
        self.assertIn(values['Error']['Name'], (ERROR + 'InvalidRange',
                                                ERROR + 'InsufficientRangeSupport',
                                                ERROR + 'SizeMismatch'))

    def test_ranges_of_a_server_without_any(self):
        self.serve('/a', 1000, 1, ranges=False)
        job = self.client.create(NoProgressTimeout=0)
        job.add_file(self.url('/a'), self.path('a'), Ranges=[(100, 10)])
        job.resume()
        values = job.wait_for(lambda v: v['State'] == 'error', what='the error')
        self.assertEqual(values['Error']['Name'], ERROR + 'InsufficientRangeSupport')


class Urls(LifeCase):
    def test_schemes_and_secrets(self):
        job = self.client.create()

        def add(url):
            return job.error('AddFile', '(ssa{sv})', url, self.path('a'), {})
        self.assertEqual(add('ftp://host/a').name, ERROR + 'UnsupportedScheme')
        self.assertEqual(add('file:///etc/passwd').name, ERROR + 'UnsupportedScheme')
        self.assertEqual(add('nonsense').name, INVALID_ARGS)
        error = add('http://user:geheim@host/a')
        self.assertEqual(error.name, INVALID_ARGS)
        self.assertIn('SetCredentials', error.message)
        self.assertNotIn('geheim', error.message)
        self.assertEqual(job.files(), [])

    def test_fragment_is_dropped(self):
        job = self.client.create()
        job.add_file('http://host/a#part', self.path('a'))
        self.assertEqual(job.file()['RemoteUrl'], 'http://host/a')

    def test_set_remote_url_goes_on(self):
        body = content.pattern(300000, 5)
        first = self.world.http.add('/first', body, badserver.hang_body(120000))
        second = self.world.http.add('/second', body)
        job = self.download('/first')
        job.wait_bytes(120000)
        job.suspend()
        job.wait_state('suspended')
        job.call('SetRemoteUrl', '(us)', 0, self.url('/second'))
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(second.requests[0].start, 120000)
        self.assertEqual(job.complete(), (1, 0))
        self.assertEqual(content.read(self.path('first')), first.body)

    def test_replace_remote_prefix(self):
        job = self.client.create()
        job.add_file('http://old.invalid/x/a', self.path('a'))
        job.add_file('http://other.invalid/x/b', self.path('b'))
        changed = job.call('ReplaceRemotePrefix', '(ss)', 'http://old.invalid/',
                           'http://new.invalid/y/')
        self.assertEqual(changed, 1)
        self.assertEqual([f['RemoteUrl'] for f in job.files()],
                         ['http://new.invalid/y/x/a', 'http://other.invalid/x/b'])

    def test_request_headers(self):
        route = self.serve('/a', 100, 1)
        job = self.download('/a', RequestHeaders=['User-Agent: probe/1', 'X-Mine: yes'])
        job.wait_state('transferred')
        self.assertEqual(route.requests[0].get('User-Agent'), 'probe/1')
        self.assertEqual(route.requests[0].get('X-Mine'), 'yes')
        self.assertEqual(route.requests[0].get('Accept-Encoding'), 'identity')
        for header in ('Authorization: x', 'Cookie: a=b', 'Range: bytes=0-1', 'Host: other',
                       'If-Range: x', 'Content-Length: 3', 'Connection: close', 'no colon',
                       'X-A: b\r\nX-C: d'):
            error = self.client.error(ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'x', 'download',
                                      options({'RequestHeaders': [header]}))
            self.assertEqual(error.name, INVALID_ARGS, header)

    def test_secret_headers_are_sent_and_not_shown(self):
        route = self.serve('/a', 100, 1)
        job = self.client.create(CustomHeaders=['Authorization: Bearer geheim'])
        job.add_file(self.url('/a'), self.path('a'))
        job.resume()
        job.wait_state('transferred')
        self.assertEqual(route.requests[0].get('Authorization'), 'Bearer geheim')
        self.assertNotIn('geheim', repr(job.get_all()) + repr(job.files()))
        job.call('SetCustomHeaders', '(as)', [])

    def test_lost_secret_headers_are_asked_for(self):
        route = self.serve('/a', 100000, 1, badserver.hang_body(30000), badserver.normal())
        job = self.client.create(CustomHeaders=['X-Token: geheim'])
        job.add_file(self.url('/a'), self.path('a'))
        job.resume()
        job.wait_bytes(30000)
        self.world.kill_ferryd()
        self.world.start_ferryd()
        values = job.wait_for(lambda v: 'credentials' in v['WaitReasons'], what='credentials')
        self.assertNotEqual(values['State'], 'transferring')
        self.assertEqual(len(route.requests), 1)
        job.call('SetCustomHeaders', '(as)', ['X-Token: geheim'])
        if job.state in ('suspended', 'error'):
            job.resume()
        job.wait_state('transferred')
        self.assertEqual(route.requests[-1].get('X-Token'), 'geheim')


class AfterTheEnd(LifeCase):
    def test_final_jobs_stay_readable(self):
        job = self.client.create()
        job.cancel()
        self.assertEqual(job.state, 'cancelled')
        self.assertEqual(job.files(), [])
        self.assertEqual(self.client.manager('FindJob', '(s)', job.id), job.path)
        for member, signature, args in (
                ('Resume', '()', ()), ('Suspend', '()', ()), ('Cancel', '()', ()),
                ('Complete', '()', ()),
                ('AddFile', '(ssa{sv})', (self.url('/a'), self.path('a'), {})),
                ('SetRemoteUrl', '(us)', (0, self.url('/a')))):
            self.assertEqual(job.error(member, signature, *args).name, ERROR + 'InvalidState',
                             member)

    def test_everything_is_there_after_a_restart(self):
        self.serve('/a', 1000, 1)
        done = self.download('/a')
        done.wait_state('transferred')
        idle = self.client.create('idle', Description='d', RequestHeaders=['Accept: x/y'])
        idle.add_file(self.url('/b'), self.path('b'), Digest='sha256:' + 'a' * 64, Mode=0o640,
                      Ranges=[(1, 2), (5, UNKNOWN_SIZE)])
        ended = self.client.create('ended')
        ended.cancel()
        before = {j.id: (j.get_all(), j.files()) for j in (done, idle, ended)}
        self.world.restart_ferryd()
        for job in (done, idle, ended):
            values, files = job.get_all(), job.files()
            self.assertEqual(values, before[job.id][0])
            self.assertEqual(files, before[job.id][1])
        self.assertEqual(done.complete(), (1, 0))
        self.assertEqual(content.read(self.path('a')), content.pattern(1000, 1))


if __name__ == '__main__':
    cases.main()
