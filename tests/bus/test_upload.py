#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Uploads over each protocol to real servers: the same bytes there, and who may do what with them."""

import os
import stat
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from gi.repository import GLib  # noqa: E402
from lib import cases, content, sending  # noqa: E402
from lib.client import (ERROR, INVALID_ARGS, JOB, MANAGER, NOT_SUPPORTED, POLICY,  # noqa: E402
                        ROOT, UNKNOWN_OBJECT, options)
from lib.process import wait_until  # noqa: E402
from lib.uploads import (ApacheDav, Chezdav, LighttpdDav, NginxDav,  # noqa: E402
                         TusServer)
from test_privacy import PROBES, outcome  # noqa: E402

HUGE = 5 << 30
SIZES = (0, 1, 5_000_000)


class Protocols(sending.UploadCase):
    """What was sent is what is there."""

    def carry(self, url, digest, protocol, size=SIZES[-1], asked=None, seconds=60):
        """Sends a new file there; `digest` tells what the server has then."""
        source = self.source('source', size, seed=size + 1)
        job = self.send(source, url, asked)
        values = self.arrive(job, seconds)
        self.assertEqual(digest(), self.digest(source))
        self.assertEqual(values['ResolvedUploadProtocol'], protocol)
        self.assertEqual(values['Resumable'], sending.RESUMABLE[protocol])
        self.assertEqual(values['BytesTotal'], size)
        self.assertEqual(values['BytesTransferred'], size)
        self.assertEqual(values['FilesTransferred'], 1)
        self.assertEqual(values['WaitReasons'], ['complete'])
        self.assertEqual(job.file()['State'], 'transferred')
        self.client.wait_signal('Transferred', job.path)
        self.untouched(source)
        job.complete()
        self.assertEqual(job.state, 'acknowledged')
        self.assertEqual(digest(), self.digest(source))
        self.untouched(source)
        return job

    def trusted(self):
        """A certificate that the worker trusts."""
        self.needs_root()
        return self.world.nginx.tls

    def test_bits(self):
        server = self.bits()
        for size in SIZES:
            with self.subTest(size=size):
                path = '/file-{}'.format(size)
                self.carry(server.url(path), lambda: server.sha256(path), 'bits', size, 'bits')
        self.assertEqual(server.sessions(), [], 'all are closed')
        self.assertEqual([e for e in server.log() if e['status'] != 200 and
                          e['method'] == 'BITS_POST'], [])

    def test_bits_published_at_the_last_fragment(self):
        server = self.bits(publish='last')
        self.carry(server.url('/file'), lambda: server.sha256('/file'), 'bits', asked='bits')

    def test_bits_https(self):
        server = self.bits(tls=self.trusted())
        self.carry(server.url('/file'), lambda: server.sha256('/file'), 'bits')

    def test_bits_behind_nginx(self):
        bits = self.bits()
        server = NginxDav.of(self, behind=bits.port, limit='300k')
        self.carry(server.url('bits/file'), lambda: bits.sha256('/file'), 'bits')

    def test_tus(self):
        server = TusServer.of(self)
        for size in SIZES:
            with self.subTest(size=size):
                before = len(server.whole())
                source = content.sha256(content.pattern(size, size + 1))
                self.carry(server.url(), lambda: source if source in server.whole() else None,
                           'tus', size, 'tus')
                self.assertEqual(len(server.whole()), before + 1)

    def test_tus_https(self):
        server = TusServer.of(self, tls=self.trusted())
        self.carry(server.url(), lambda: server.whole()[0], 'tus')

    def put(self, server, path, asked='put', sizes=SIZES):
        """What is too short for a trial of ranges goes by plain PUT."""
        for size in sizes:
            with self.subTest(size=size):
                name = '{}-{}'.format(path, size)
                self.carry(server.url(name), lambda: server.sha256(name),
                           asked if size > 20 else 'put', size, asked)

    def test_put_nginx(self):
        self.put(NginxDav.of(self), 'up/file')

    def test_put_nginx_https(self):
        self.put(NginxDav.of(self, tls=self.trusted()), 'up/file', sizes=SIZES[-1:])

    def test_put_apache(self):
        self.put(ApacheDav.of(self), 'up/file')

    def test_put_apache_https(self):
        self.put(ApacheDav.of(self, tls=self.trusted()), 'up/file', sizes=SIZES[-1:])

    def test_put_lighttpd(self):
        self.put(LighttpdDav.of(self), 'up/file')

    def test_put_chezdav(self):
        self.put(Chezdav.of(self), 'file')

    def test_put_range_apache(self):
        self.put(ApacheDav.of(self), 'up/file', 'put-range')

    def test_put_range_lighttpd(self):
        self.put(LighttpdDav.of(self, ranged=True), 'up/file', 'put-range')

    def test_put_range_https(self):
        server = self.bad(tls=self.trusted(), ranges='write')
        self.carry(server.url('/file'), lambda: server.sha256('/file'), 'put-range',
                   asked='put-range')

    def test_replaces_what_is_there(self):
        """plain PUT and BITS do as the server allows."""
        server = NginxDav.of(self)
        content.write(server.file('up/old'), b'x' * 6_000_000)
        os.chmod(os.path.dirname(server.file('up/old')), 0o777)
        self.carry(server.url('up/old'), lambda: server.sha256('up/old'), 'put')


class Huge(sending.UploadCase):
    """More than 32 bits can count; holes keep it from the disk."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.huge = os.path.join(cls.world.homes, 'huge')
        cls.wanted = content.sparse(cls.huge, HUGE)

    def carry(self, url, digest, protocol):
        job = self.send(self.huge, url, protocol)
        values = self.arrive(job, 240, nudges=0)
        self.assertEqual(values['BytesTransferred'], HUGE)
        self.assertEqual(digest(), self.wanted)

    def test_bits(self):
        server = self.bits()
        self.carry(server.url('/file'), lambda: server.sha256('/file'), 'bits')

    def test_tus(self):
        server = TusServer.of(self)
        self.carry(server.url(), lambda: server.whole()[0], 'tus')

    def test_put(self):
        server = self.bad()
        self.carry(server.url('/file'), lambda: server.sha256('/file'), 'put')

    def test_put_range(self):
        server = self.bad(ranges='write')
        self.carry(server.url('/file'), lambda: server.sha256('/file'), 'put-range')


class Auto(sending.UploadCase):
    """What an upload finds out by itself, without touching what is there."""

    def resolves(self, url, protocol):
        job = self.send(self.source(size=1000), url)
        self.assertEqual(job.get('UploadProtocol'), 'auto')
        values = self.arrive(job)
        self.assertEqual(values['ResolvedUploadProtocol'], protocol)
        self.assertEqual(values['UploadProtocol'], 'auto')

    def test_bits(self):
        self.resolves(self.bits().url('/file'), 'bits')

    def test_tus(self):
        self.resolves(TusServer.of(self).url(), 'tus')

    def test_put(self):
        for server in (NginxDav.of(self), ApacheDav.of(self)):
            with self.subTest(server=server.name):
                self.resolves(server.url('up/file'), 'put')
        self.resolves(Chezdav.of(self).url('file'), 'put')

    def test_put_where_options_never_end(self):
        self.resolves(LighttpdDav.of(self).url('up/file'), 'put')

    def test_signed_urls_are_not_probed(self):
        """Nobody but the signed method may be tried at them, neither before nor after."""
        for query in ('X-Amz-Signature=abc', 'X-Goog-Signature=abc', 'sv=1&se=2&sig=abc'):
            with self.subTest(query=query):
                server = self.bad()
                self.resolves(server.url('/file') + '?' + query, 'put')
                self.assertEqual([r.method for r in server.asked()], ['PUT'])

    def test_nobody_takes_it(self):
        """The error lists what was tried."""
        server = self.bits(ping='nginx')
        job = self.send(self.source(), server.url('/file'))
        values = self.fails(job, 'UploadNotSupported')
        self.assertIn('405', values['Error']['Message'])
        self.assertEqual(values['Error']['HttpStatus'], 405)

    def test_explicit_protocol_of_another_server(self):
        server = NginxDav.of(self)
        for protocol in ('bits', 'tus'):
            with self.subTest(protocol=protocol):
                job = self.send(self.source(), server.url('up/file'), protocol)
                values = self.fails(job, 'UploadNotSupported')
                self.assertEqual(values['Error']['Context'], 'remote-file')
                self.assertIsNone(server.sha256('up/file'))

    def test_put_range_is_never_found_out(self):
        server = self.bad(ranges='write')
        self.resolves(server.url('/file'), 'put')
        self.assertEqual([r.get('Content-Range') for r in server.asked('PUT')], [None])

    def test_what_was_found_out_stays(self):
        """A resume does not ask again."""
        bench = self.bench('bits')
        source = self.source()
        bench.hold('sending')
        job = self.send(source, bench.url)
        bench.wait_held()
        self.assertEqual(job.get('ResolvedUploadProtocol'), 'bits')
        job.suspend()
        job.wait_state('suspended')
        bench.release()
        bench.server.order(clear=True)
        job.resume()
        self.arrive(job)
        self.assertEqual(bench.digest(), self.digest(source))
        self.assertEqual([e for e in bench.server.log() if e['method'] != 'BITS_POST'], [])
        self.assertEqual(bench.server.log('create'), [])


class Rules(sending.UploadCase):
    """What is allowed, and when."""

    def held(self, protocol='bits', stage='sending', **keys):
        """A bench with an upload that stands at a stage."""
        bench = self.bench(protocol)
        source = self.source()
        bench.hold(stage)
        job = self.send(source, bench.url, protocol, **keys)
        bench.wait_held()
        return bench, job, source

    def create_error(self, job_type='upload', **properties):
        return self.client.error(ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'x', job_type,
                                 options(properties))

    def test_a_new_upload_describes_itself(self):
        job = self.client.create('Up', 'upload', UploadProtocol='tus')
        values = job.get_all()
        self.assertEqual(values['Type'], 'upload')
        self.assertEqual(values['UploadProtocol'], 'tus')
        self.assertEqual(values['ResolvedUploadProtocol'], '')
        self.assertEqual(values['State'], 'suspended')
        job.set('UploadProtocol', GLib.Variant('s', 'put'))
        self.assertEqual(job.get('UploadProtocol'), 'put')
        self.assertEqual(self.client.create('x', 'upload').get('UploadProtocol'), 'auto')

    def test_protocols_have_names(self):
        error = self.create_error(UploadProtocol='ftp')
        self.assertEqual(error.name, INVALID_ARGS)
        self.assertIn('ftp', error.message)
        for protocol in ('tus', 'put', 'put-range'):
            error = self.create_error('upload-reply', UploadProtocol=protocol)
            self.assertIn(error.name, (INVALID_ARGS, NOT_SUPPORTED))
            self.assertIn(protocol, error.message)

    def test_complete_needs_all(self):
        bench, job, source = self.held()
        self.assertEqual(job.error('Complete').name, ERROR + 'InvalidState')
        bench.release()
        self.arrive(job)
        job.complete()
        self.assertEqual(bench.digest(), self.digest(source))
        self.assertEqual(self.client.create('x', 'upload').error('Complete').name,
                         ERROR + 'InvalidState')

    def test_one_file(self):
        source = self.source()
        job = self.client.create('x', 'upload')
        job.add_file('http://127.0.0.1:9/a', source)
        error = job.error('AddFile', '(ssa{sv})', 'http://127.0.0.1:9/b', source, {})
        self.assertEqual(error.name, ERROR + 'TooManyFiles')
        self.assertEqual(len(job.files()), 1)
        before = self.client.manager('ListJobs', '(a{sv})', {})
        error = self.client.error(
            ROOT, MANAGER, 'SubmitJob', '(ssa(ssa{sv})a{sv})', 'x', 'upload',
            [('http://127.0.0.1:9/a', source, {}), ('http://127.0.0.1:9/b', source, {})], {})
        self.assertEqual(error.name, ERROR + 'TooManyFiles')
        self.assertEqual(self.client.manager('ListJobs', '(a{sv})', {}), before)

    def test_passwords_in_urls(self):
        job = self.client.create('x', 'upload')
        error = job.error('AddFile', '(ssa{sv})', 'http://a:geheim@127.0.0.1:9/a', self.source(), {})
        self.assertEqual(error.name, INVALID_ARGS)
        self.assertNotIn('geheim', error.message)

    def test_sources_that_cannot_be_sent(self):
        os.mkdir(self.path('directory'))
        os.mkfifo(self.path('fifo'))
        os.chmod(self.path('fifo'), 0o666)
        os.symlink('nowhere', self.path('dangling'))
        os.symlink('directory', self.path('to-directory'))
        content.write(self.path('secret'), b'of root')
        os.chmod(self.path('secret'), 0o600)
        names = ['absent', 'directory', 'fifo', 'dangling', 'to-directory']
        names += ['secret'] if self.world.root else []
        for name in names + ['/dev/null', '/proc/version_absent']:
            with self.subTest(name=name):
                job = self.client.create('x', 'upload')
                error = job.error('AddFile', '(ssa{sv})', 'http://127.0.0.1:9/a',
                                  self.path(name), {})
                self.assertEqual(error.name, ERROR + 'NoFileAccess')
                self.assertEqual(job.files(), [])

    def test_a_link_to_a_file_is_that_file(self):
        source = self.source('real')
        os.symlink('real', self.path('link'))
        bench = self.bench('bits')
        self.arrive(self.send(self.path('link'), bench.url))
        self.assertEqual(bench.digest(), self.digest(source))
        self.assertTrue(os.path.islink(self.path('link')))

    def test_secret_headers_reach_the_server(self):
        for protocol in sending.PROTOCOLS:
            with self.subTest(protocol=protocol):
                bench = self.bench(protocol)
                source = self.source('source-' + protocol)
                job = self.send(source, bench.url, protocol, CustomHeaders=['Authorization: Bearer geheim'],
                                RequestHeaders=['User-Agent: me'])
                self.arrive(job)
                self.assertEqual(bench.digest(), self.digest(source))
                if protocol == 'bits':
                    seen = [e['headers'] for e in bench.server.log()]
                    self.assertEqual({h.get('Authorization') for h in seen}, {'Bearer geheim'})
                else:
                    self.assertEqual({r.get('Authorization') for r in bench.server.asked()},
                                     {'Bearer geheim'})
        self.assertNotIn('geheim', self.world.ferryd.log())

    def test_uploads_forbidden_alone(self):
        self.needs_root()
        self.world.set_rule("polkit.addRule(function(action, subject) { "
                            "if (action.id == 'org.ferry.transfer1.upload') "
                            "return polkit.Result.NO; });")
        self.addCleanup(self.world.set_rule, None)
        for job_type in ('upload', 'upload-reply'):
            self.assertEqual(self.create_error(job_type).name, ERROR + 'NotAuthorized')
            error = self.client.error(
                ROOT, MANAGER, 'SubmitJob', '(ssa(ssa{sv})a{sv})', 'x', job_type,
                [('http://127.0.0.1:9/a', self.source(), {})], {})
            self.assertEqual(error.name, ERROR + 'NotAuthorized')
        self.client.create('a download may be')

    def test_large_files_need_a_resumable_protocol(self):
        self.needs_root()
        self.world.set_policy({'require-resumable-uploads-above': 'uint64 1000'})
        self.addCleanup(self.world.set_policy, {})
        wait_until(lambda: self.client.call(ROOT, POLICY, 'GetEffective')[
            'require-resumable-uploads-above']['Value'] == 1000, 20, 'the policy')
        server = self.bad()
        job = self.send(self.source('large', 1001), server.url('/large'), 'put')
        self.fails(job, 'UploadNotSupported')
        self.assertEqual(server.asked('PUT'), [])
        job = self.send(self.source('auto', 1001), server.url('/auto'))
        self.fails(job, 'UploadNotSupported')
        self.assertEqual(server.asked('PUT'), [])
        small = self.source('small', 1000)
        self.arrive(self.send(small, server.url('/small'), 'put'))
        self.assertEqual(server.sha256('/small'), self.digest(small))
        bits = self.bits()
        self.arrive(self.send(self.source('bits', 1001), bits.url('/file')))

    def test_strangers_learn_nothing(self):
        self.needs_root()
        stranger = self.world.client('games')
        self.addCleanup(stranger.close)
        bench, job, _ = self.held()
        absent = ROOT + '/jobs/' + '0' * 32
        for probe in PROBES + ((JOB, 'GetReplyData', '()', ()),):
            self.assertEqual(outcome(stranger, job.path, probe), outcome(stranger, absent, probe),
                             probe)
        self.assertEqual(stranger.error(job.path, JOB, 'Cancel').name, UNKNOWN_OBJECT)
        stranger.ping_bus()
        self.assertEqual([s for s in stranger.signals if s['path'] == job.path], [])
        bench.release()
        self.arrive(job)

    def test_suspended_it_goes_on_where_it_was(self):
        for protocol in sending.PROTOCOLS:
            with self.subTest(protocol=protocol):
                bench = self.bench(protocol)
                source = self.source('source-' + protocol)
                bench.hold('sending')
                job = self.send(source, bench.url, protocol)
                bench.wait_held()
                job.suspend()
                job.wait_state('suspended')
                bench.release()
                job.resume()
                self.arrive(job)
                self.assertEqual(bench.digest(), self.digest(source))
                self.assertEqual(self.restarts(job),
                                 ['not-resumable'] if protocol == 'put' else [])


class Sources(sending.UploadCase):
    """The file changes under its upload."""

    def changes(self, change, protocol='bits', suspended=False):
        """Changes the source while the upload stands in its middle; it must notice."""
        bench = self.bench(protocol)
        source = self.source(size=sending.LARGE)
        bench.hold('sending')
        job = self.send(source, bench.url, protocol)
        bench.wait_held()
        if suspended:
            job.suspend()
            job.wait_state('suspended')
        change(source)
        bench.release()
        if suspended:
            job.resume()
        values = self.fails(job, 'LocalFileChanged')
        self.assertEqual(values['Error']['Context'], 'local-file')
        self.assertIsNone(bench.digest())
        job.cancel()
        if protocol == 'bits':
            wait_until(lambda: not bench.server.sessions(), 20, 'the end of the session')

    def replace(self, source):
        """Another file of the same size and time."""
        before = os.stat(source)
        content.write(source + '.new', content.pattern(before.st_size, 99))
        self.own(source + '.new')
        os.utime(source + '.new', ns=(before.st_atime_ns, before.st_mtime_ns))
        os.rename(source + '.new', source)

    @staticmethod
    def overwrite(source):
        """A byte in the part that was sent already."""
        with open(source, 'r+b') as out:
            out.write(b'\x00changed')

    @staticmethod
    def shorten(source):
        os.truncate(source, 600000)

    @staticmethod
    def lengthen(source):
        with open(source, 'ab') as out:
            out.write(b'more')

    def test_while_it_runs(self):
        for change in (self.overwrite, self.shorten, self.lengthen, self.replace):
            with self.subTest(change=change.__name__):
                self.changes(change)

    def test_while_it_runs_by_put_and_tus(self):
        for protocol in ('put', 'tus'):
            for change in (self.overwrite, self.shorten):
                with self.subTest(protocol=protocol, change=change.__name__):
                    self.changes(change, protocol)

    def test_between_runs(self):
        for change in (self.overwrite, self.shorten, self.lengthen, self.replace):
            with self.subTest(change=change.__name__):
                self.changes(change, suspended=True)

    def test_gone_for_a_while(self):
        """It waits for its source, which is the same when it is back."""
        bench = self.bench('bits')
        source = self.source()
        bench.hold('sending')
        job = self.send(source, bench.url, 'bits')
        bench.wait_held()
        job.suspend()
        job.wait_state('suspended')
        bench.release()
        os.rename(self.home, self.home + '.away')
        try:
            job.resume()
            values = job.wait_for(lambda v: v['State'] in ('transient-error', 'error'),
                                  what='the interruption')
            self.assertEqual(values['State'], 'transient-error', values['Error'])
            self.assertIn('upload-source', values['WaitReasons'])
        finally:
            os.rename(self.home + '.away', self.home)
        self.arrive(job)
        self.assertEqual(bench.digest(), self.digest(source))
        self.untouched(source)

    def test_never_touched(self):
        """Not by success, failure or cancellation, even where it could be written."""
        source = self.source()
        bench = self.bench('put')
        job = self.send(source, bench.url, 'put')
        self.arrive(job)
        job.cancel()
        self.untouched(source)
        bench.server.fail({'on': 'put', 'do': 'status', 'status': 403, 'times': 0})
        job = self.send(source, bench.url, 'put')
        self.fails(job, 'Forbidden', 'UploadNotSupported')
        job.cancel()
        self.untouched(source)

    def test_of_another_mode_is_the_same(self):
        """chmod changes no byte."""
        bench = self.bench('bits')
        source = self.source()
        bench.hold('sending')
        job = self.send(source, bench.url, 'bits')
        bench.wait_held()
        os.chmod(source, stat.S_IRUSR)
        bench.release()
        self.arrive(job)
        self.assertEqual(bench.digest(), self.digest(source))


class Cancelled(sending.UploadCase):
    """The server is told; what is all there stays."""

    def held(self, protocol='bits'):
        bench = self.bench(protocol)
        bench.hold('sending')
        job = self.send(self.source(size=sending.LARGE), bench.url, protocol)
        bench.wait_held()
        return bench, job

    def gone(self, bench):
        """The server has heard of it."""
        wait_until(lambda: not bench.server.sessions(), 60, 'Cancel-Session')
        self.assertIsNone(bench.digest())

    def test_bits(self):
        bench, job = self.held()
        job.cancel()
        self.assertEqual(job.state, 'cancelled')
        bench.release()
        self.gone(bench)
        self.assertEqual(len(bench.server.log('cancel')), 1)

    def test_tus(self):
        bench, job = self.held('tus')
        job.cancel()
        bench.release()
        wait_until(lambda: bench.server.deleted, 60, 'DELETE')
        self.assertEqual(bench.server.uploads, {})

    def test_tus_of_the_packages(self):
        server = TusServer.of(self)
        source = self.path('huge')
        content.sparse(source, HUGE)
        self.own(source)
        job = self.send(source, server.url(), 'tus')
        job.wait_bytes(1)
        job.cancel()
        wait_until(lambda: not server.uploads(), 60, 'DELETE')

    def test_put(self):
        """There is nobody to tell."""
        bench, job = self.held('put')
        job.cancel()
        bench.release()
        bench.server.wait_state('PUT', 'dropped')
        self.assertIsNone(bench.digest())

    def test_server_that_is_down_for_a_while(self):
        bench, job = self.held()
        bench.server.kill()
        job.cancel()
        self.assertEqual(job.state, 'cancelled')
        bench.server.start()
        self.gone(bench)

    def test_over_a_restart_of_ferryd(self):
        for end in ('restart', 'kill'):
            with self.subTest(end=end):
                bench, job = self.held()
                bench.server.kill()
                job.cancel()
                if end == 'kill':
                    self.world.kill_ferryd()
                    self.world.start_ferryd()
                else:
                    self.world.restart_ferryd()
                self.assertEqual(job.state, 'cancelled')
                bench.server.start()
                self.gone(bench)

    def test_server_that_knows_nothing_of_it(self):
        """One question, not one for each minute of a day."""
        bench, job = self.held()
        bench.server.order(forget=True)
        job.cancel()
        bench.release()
        bench.server.wait_log('cancel', state='answered')
        source = self.source('next')
        self.arrive(self.send(source, bench.server.url('/next')))
        self.assertEqual(len(bench.server.log('cancel')), 1)

    def test_before_anything_was_sent(self):
        bench = self.bench('bits')
        job = self.client.create('x', 'upload')
        job.add_file(bench.url, self.source())
        job.cancel()
        self.assertEqual(job.state, 'cancelled')
        self.arrive(self.send(self.source('next'), bench.url))
        self.assertEqual(bench.server.log('cancel'), [])

    def test_finished(self):
        """What is there stays there."""
        bench = self.bench('bits')
        source = self.source()
        job = self.send(source, bench.url)
        self.arrive(job)
        job.cancel()
        self.assertEqual(job.state, 'cancelled')
        self.arrive(self.send(self.source('next'), bench.server.url('/next')))
        self.assertEqual(bench.server.log('cancel'), [])
        self.assertEqual(bench.digest(), self.digest(source))

    def test_moved_to_another_address(self):
        """The old server is told, the new one gets all of it."""
        bench, job = self.held()
        other = self.bits()
        job.call('SetRemoteUrl', '(us)', 0, other.url('/there'))
        bench.release()
        self.arrive(job)
        self.assertEqual(other.sha256('/there'), self.digest(self.path('source')))
        self.gone(bench)
        self.assertEqual(self.restarts(job), ['url-changed'])
        error = job.error('SetRemoteUrl', '(us)', 0, other.url('/elsewhere'))
        self.assertEqual(error.name, ERROR + 'InvalidState')


if __name__ == '__main__':
    cases.main()
