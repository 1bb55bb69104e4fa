#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Uploads that are answered: the reply, who may have it, and what becomes of it."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import badserver, cases, content, sending  # noqa: E402
from lib.client import ERROR, MANAGER, NOT_SUPPORTED, INVALID_ARGS, ROOT, options  # noqa: E402
from lib.process import wait_until  # noqa: E402


class ReplyCase(sending.UploadCase):
    """A server whose application says size and digest."""

    def bench(self, protocol='bits', **settings):
        settings.setdefault('reply', 'json')
        return super().bench(protocol, **settings)

    def ask(self, bench, source, reply='reply', **properties):
        return self.send(source, bench.url, job_type='upload-reply', ReplyPath=self.path(reply),
                         **properties)

    def right(self, bench, job, source, reply='reply'):
        """The upload is there, and its reply here after Complete."""
        self.assertEqual(bench.digest(), self.digest(source))
        self.assertFalse(os.path.exists(self.path(reply)))
        data = bytes(job.call('GetReplyData'))
        job.complete()
        self.assertEqual(job.state, 'acknowledged')
        self.assertEqual(content.read(self.path(reply)), data)
        self.assertEqual(json.loads(data)['sha256'], self.digest(source))
        self.assertEqual(bench.server.sessions(), [])
        self.assertEqual(self.left_over(), sorted([reply, os.path.basename(source)]))


class Replies(ReplyCase):
    def test_published_at_complete(self):
        for how in ('relative', 'absolute'):
            with self.subTest(how=how):
                bench = self.bench(reply_url=how)
                source = self.source()
                job = self.ask(bench, source)
                values = self.arrive(job)
                self.assertEqual(values['ResolvedUploadProtocol'], 'bits')
                self.assertEqual(values['BytesTransferred'], sending.SIZE)
                size = len(job.call('GetReplyData'))
                self.assertEqual(values['ReplyBytesTotal'], size)
                self.assertEqual(values['ReplyBytesTransferred'], size)
                self.assertEqual(bench.server.sessions(), [], 'closed before it is transferred')
                self.right(bench, job, source)
                self.assertEqual(os.stat(self.path('reply')).st_uid, self.client.user.pw_uid)
                os.unlink(self.path('reply'))

    def test_mode(self):
        """Its owner's choice, as that of a download; there is no other option."""
        bench = self.bench()
        source = self.source()
        job = self.client.submit([(bench.url, source, {'Mode': 0o600})], job_type='upload-reply',
                                 ReplyPath=self.path('reply'))
        self.arrive(job)
        job.complete()
        self.assertEqual(os.stat(self.path('reply')).st_mode & 0o7777, 0o600)
        self.assertEqual(os.stat(source).st_mode & 0o7777, 0o600)

    def test_sizes_are_unknown_at_first(self):
        bench = self.bench()
        bench.hold('sending')
        source = self.source()
        job = self.ask(bench, source)
        bench.wait_held()
        values = job.get_all()
        self.assertEqual(values['ReplyBytesTotal'], 2 ** 64 - 1)
        self.assertEqual(values['ReplyBytesTransferred'], 0)
        self.assertEqual(job.error('GetReplyData').name, ERROR + 'InvalidState')
        self.assertEqual(job.error('Complete').name, ERROR + 'InvalidState')
        bench.release()
        self.arrive(job)
        self.right(bench, job, source)

    def test_complete_waits_for_the_reply(self):
        bench = self.bench()
        bench.server.fail({'on': 'reply', 'do': 'pause'})
        source = self.source()
        job = self.ask(bench, source)
        wait_until(lambda: [e for e in bench.server.log() if e['state'] == 'paused'], 30, 'the GET')
        self.assertEqual(job.error('Complete').name, ERROR + 'InvalidState')
        self.assertEqual(bench.server.log('close'), [], 'a Close would delete the reply')
        bench.release()
        self.arrive(job)
        self.right(bench, job, source)

    def test_small_reply_to_a_small_file(self):
        bench = self.bench(reply='!')
        job = self.ask(bench, self.source(size=1))
        self.arrive(job)
        self.assertEqual(bytes(job.call('GetReplyData')), b'!')

    def test_large_reply(self):
        """Over the bus up to 1 MiB; in its file all of it."""
        for size, fits in ((1 << 20, True), ((1 << 20) + 1, False)):
            with self.subTest(size=size):
                bench = self.bench(reply_size=size)
                source = self.source()
                job = self.ask(bench, source)
                self.arrive(job)
                if fits:
                    self.assertEqual(len(job.call('GetReplyData')), size)
                else:
                    self.assertEqual(job.error('GetReplyData').name, ERROR + 'ReplyTooLarge')
                job.complete()
                self.assertEqual(os.stat(self.path('reply')).st_size, size)
                os.unlink(self.path('reply'))

    def test_other_types_have_none(self):
        for job_type in ('download', 'upload'):
            job = self.client.create('x', job_type)
            self.assertIn(job.error('GetReplyData').name,
                          (NOT_SUPPORTED, INVALID_ARGS, ERROR + 'InvalidState'))

    def test_a_place_that_is_taken(self):
        """Nothing is overwritten, and the reply is not lost."""
        bench = self.bench()
        source = self.source()
        job = self.ask(bench, source)
        self.arrive(job)
        content.write(self.path('reply'), b'mine')
        self.own(self.path('reply'))
        self.assertEqual(job.error('Complete').name, ERROR + 'TargetExists')
        self.assertEqual(content.read(self.path('reply')), b'mine')
        os.unlink(self.path('reply'))
        self.right(bench, job, source)

    def test_a_place_where_nothing_may_be(self):
        error = self.client.error(
            ROOT, MANAGER, 'SubmitJob', '(ssa(ssa{sv})a{sv})', 'x', 'upload-reply',
            [('http://127.0.0.1:9/a', self.source(), {})], options({'ReplyPath': '/nowhere/reply'}))
        self.assertEqual(error.name, ERROR + 'NoFileAccess')

    def test_cancelled_when_finished(self):
        """The upload stays, the reply goes."""
        bench = self.bench()
        source = self.source()
        job = self.ask(bench, source)
        self.arrive(job)
        job.cancel()
        wait_until(lambda: self.left_over() == ['source'], 20, 'the end of the reply')
        self.assertEqual(bench.digest(), self.digest(source))
        self.assertEqual(bench.server.sessions(), [])

    def test_cancelled_before_the_reply(self):
        bench = self.bench()
        bench.server.fail({'on': 'reply', 'do': 'hang', 'times': 0})
        source = self.source()
        job = self.ask(bench, source)
        wait_until(lambda: [e for e in bench.server.log() if e['state'] == 'hanging'], 30,
                   'the GET')
        job.cancel()
        wait_until(lambda: not bench.server.sessions(), 60, 'the end of the session')
        self.assertEqual(bench.digest(), self.digest(source), 'what was uploaded stays')
        self.untouched(source)

    def test_outlives_ferryd(self):
        bench = self.bench()
        source = self.source()
        job = self.ask(bench, source)
        self.arrive(job)
        self.world.kill_ferryd()
        self.world.start_ferryd()
        self.right(bench, job, source)

    def test_auto_complete(self):
        bench = self.bench()
        source = self.source()
        job = self.ask(bench, source, AutoComplete=True)
        job.wait_state('acknowledged', seconds=60)
        self.assertEqual(json.loads(content.read(self.path('reply')))['sha256'],
                         self.digest(source))


class Trouble(ReplyCase):
    def test_reply_fails_once(self):
        for fault in ({'do': 'status', 'status': 503}, {'do': 'drop'}, {'do': 'drop-after'}):
            with self.subTest(**fault):
                bench = self.bench()
                bench.server.fail(dict({'on': 'reply'}, **fault))
                source = self.source()
                job = self.ask(bench, source)
                self.arrive(job)
                self.right(bench, job, source)
                self.assertEqual(len(bench.server.log('create')), 1, 'the upload is not repeated')
                os.unlink(self.path('reply'))

    def test_reply_that_is_gone(self):
        """Not a new upload: the application would see it twice."""
        bench = self.bench()
        bench.server.fail({'on': 'reply', 'do': 'status', 'status': 404, 'times': 0})
        job = self.ask(bench, self.source())
        self.fails(job, 'NotFound', 'SessionNotFound')
        self.assertEqual(len(bench.server.log('create')), 1)

    def test_url_that_comes_late(self):
        bench = self.bench(reply_absent=2)
        source = self.source()
        job = self.ask(bench, source)
        self.arrive(job)
        self.right(bench, job, source)
        self.assertEqual(len(bench.server.log('create')), 1)

    def test_url_that_never_comes(self):
        bench = self.bench(reply='')
        job = self.ask(bench, self.source())
        values = self.fails(job, 'InvalidServerResponse', 'UploadNotSupported', 'HttpError')
        self.assertEqual(values['Error']['Context'], 'remote-application')
        self.assertLess(bench.requests(), 20)

    def test_last_answer_is_lost(self):
        for overlap in ('trim', 'strict'):
            with self.subTest(overlap=overlap):
                bench = self.bench(overlap=overlap)
                bench.server.fail({'on': 'last-fragment', 'do': 'drop-after'})
                source = self.source()
                job = self.ask(bench, source)
                self.arrive(job)
                self.right(bench, job, source)
                self.assertEqual(len(bench.server.log('create')), 1)
                os.unlink(self.path('reply'))

    def test_killed_before_and_in_the_reply(self):
        for victim in ('worker', 'ferryd', 'server'):
            for do in ('pause', 'pause-after'):
                with self.subTest(victim=victim, do=do):
                    bench = self.bench()
                    bench.server.fail({'on': 'reply', 'do': do})
                    source = self.source()
                    job = self.ask(bench, source)
                    wait_until(lambda: [e for e in bench.server.log()
                                        if e['state'] in ('paused', 'acted')], 30, 'the GET')
                    self.kill(victim, bench)
                    bench.release()
                    self.arrive(job)
                    self.right(bench, job, source)
                    os.unlink(self.path('reply'))

    def test_killed_before_the_close(self):
        for victim in ('worker', 'ferryd', 'server'):
            for stage in ('close', 'close-ack'):
                with self.subTest(victim=victim, stage=stage):
                    bench = self.bench()
                    bench.hold(stage)
                    source = self.source()
                    job = self.ask(bench, source)
                    bench.wait_held()
                    self.kill(victim, bench)
                    bench.release()
                    self.arrive(job)
                    self.right(bench, job, source)
                    os.unlink(self.path('reply'))

    def test_secrets_stay_with_their_server(self):
        """A reply of another origin is fetched without the job's secret headers."""
        other = self.world.http.add('/elsewhere', b'{}', badserver.normal())
        bench = self.bench(reply_url=self.world.http.url('/elsewhere'))
        job = self.ask(bench, self.source(), CustomHeaders=['Authorization: Bearer geheim'])
        self.arrive(job)
        self.assertEqual(bytes(job.call('GetReplyData')), b'{}')
        self.assertEqual([r.get('Authorization') for r in other.requests], [None])
        self.assertEqual({e['headers'].get('Authorization')
                          for e in bench.server.log('fragment')}, {'Bearer geheim'})


if __name__ == '__main__':
    cases.main()
