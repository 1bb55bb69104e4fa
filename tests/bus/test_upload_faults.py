#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Uploads to servers that break, and killed on their way: in the end the right bytes are there, or an
error says why; and nobody is asked for ever."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content, sending  # noqa: E402
from lib.process import wait_until  # noqa: E402
from lib.uploads import BitsServer  # noqa: E402

VICTIMS = ('worker', 'ferryd', 'server')
# What one upload may ask for in all, with every interruption that a test here makes.
MANY = 40


class FaultCase(sending.UploadCase):
    def through(self, protocol, *faults, seconds=60, most=MANY, size=sending.SIZE, nudges=6,
                **server):
        """With these faults the right bytes arrive all the same; returns bench and job."""
        bench = self.bench(protocol, **server)
        bench.server.fail(*faults)
        source = self.source(size=size)
        job = self.send(source, bench.url, protocol)
        self.arrive(job, seconds, nudges)
        self.assertEqual(bench.digest(), self.digest(source))
        self.assertLess(bench.requests(), most)
        self.untouched(source)
        return bench, job

    def error(self, protocol, faults, *names, most=MANY, properties=None, **server):
        """With this fault, or these, the job fails with one of these errors; returns bench and
        values."""
        bench = self.bench(protocol, **server)
        bench.server.fail(*([faults] if isinstance(faults, dict) else faults or ()))
        source = self.source()
        job = self.send(source, bench.url, protocol, **(properties or {}))
        values = self.fails(job, *names)
        self.assertLess(bench.requests(), most)
        self.untouched(source)
        return bench, values

    def right_or_named(self, protocol, *faults, properties=None, size=sending.SIZE, **server):
        """It may end well or not, but never well with other bytes; the error's name, or None."""
        bench = self.bench('bits' if protocol == 'auto' else protocol, **server)
        bench.server.fail(*faults)
        source = self.source(size=size)
        job = self.send(source, bench.url, protocol, **(properties or {}))
        name = self.ends(job)
        if name is None:
            self.assertEqual(bench.digest(), self.digest(source))
        self.assertLess(bench.requests(), MANY)
        return name

    def killed(self, protocol, stage, victim):
        """At that stage one of the three dies; the upload ends well."""
        bench = self.bench(protocol)
        bench.hold(stage)
        source = self.source()
        job = self.send(source, bench.url, protocol)
        bench.wait_held()
        self.kill(victim, bench)
        bench.release()
        self.arrive(job)
        self.assertEqual(bench.digest(), self.digest(source))
        self.assertLess(bench.requests(), MANY)
        self.untouched(source)
        return bench, job

    def matrix(self, protocol, stages):
        for stage in stages:
            for victim in VICTIMS:
                with self.subTest(stage=stage, victim=victim):
                    bench, job = self.killed(protocol, stage, victim)
                    self.after(bench, job, stage)

    def after(self, bench, job, stage):
        """What is true of that protocol besides."""


class Kills(FaultCase):
    """Each of the three, at each stage, for each protocol."""

    def after(self, bench, job, stage):
        if bench.protocol == 'put':
            return
        self.assertNotIn('not-resumable', self.restarts(job))
        if bench.protocol == 'bits' and stage not in ('create-ack',):
            # A bounced server has no log of the first life, so that this counts the second only.
            self.assertLessEqual(len(bench.server.log('create')), 1)
            self.assertEqual(bench.server.sessions(), [])
        if stage != 'create-ack':
            self.assertEqual(self.restarts(job), [])

    def test_bits_create(self):
        self.matrix('bits', ('create-ack', 'created'))

    def test_bits_fragment(self):
        self.matrix('bits', ('sending', 'ack', 'last-ack'))

    def test_bits_close(self):
        self.matrix('bits', ('close', 'close-ack'))

    def test_tus(self):
        self.matrix('tus', ('create-ack', 'created', 'sending', 'last-ack'))

    def test_put(self):
        self.matrix('put', ('created', 'sending', 'last-ack'))

    def test_put_range(self):
        self.matrix('put-range', ('create-ack', 'created', 'sending', 'ack', 'last-ack'))

    def test_bits_goes_on_where_it_was(self):
        """Acknowledged bytes are not sent again after any death."""
        for victim in VICTIMS:
            with self.subTest(victim=victim):
                bench = self.bench('bits')
                bench.server.fail({'on': 'fragment', 'at': 3, 'do': 'pause', 'after': 1000})
                source = self.source()
                job = self.send(source, bench.url, 'bits')
                held = bench.server.wait_log('fragment', state='paused')
                if victim != 'server':
                    bench.server.order(clear=True)
                self.kill(victim, bench)
                bench.release()
                self.arrive(job)
                self.assertEqual(bench.digest(), self.digest(source))
                for entry in bench.server.log('fragment'):
                    self.assertGreaterEqual(entry['range'][0], held['range'][0])


class Bits(FaultCase):
    def test_lost_acks(self):
        for packet in ('create', 'fragment', 'last-fragment', 'close'):
            for do in ('drop', 'drop-after'):
                for overlap in ('trim', 'strict'):
                    with self.subTest(packet=packet, do=do, overlap=overlap):
                        bench, job = self.through('bits', {'on': packet, 'do': do},
                                                  overlap=overlap)
                        self.assertEqual(self.restarts(job), [])
                        creates = len(bench.server.log('create'))
                        self.assertEqual(creates, 2 if packet == 'create' else 1)

    def test_cut_fragments(self):
        for keep in (0, 1, 123456):
            for overlap in ('trim', 'strict'):
                with self.subTest(keep=keep, overlap=overlap):
                    self.through('bits', {'on': 'fragment', 'at': 2, 'do': 'cut', 'after': 600000,
                                          'keep': keep}, overlap=overlap)

    def test_smaller_and_smaller(self):
        bench, _ = self.through('bits', fragment_max=100000, most=100)
        refused = [e for e in bench.server.log('fragment') if e['status'] == 413]
        self.assertLess(len(refused), 8, 'what worked is remembered')
        self.assertGreaterEqual(len(refused), 3)

    def test_too_small(self):
        _, values = self.error('bits', None, 'HttpError', 'MaximumSizeExceeded',
                               'UploadNotSupported', fragment_max=1000)
        self.assertEqual(values['Error']['HttpStatus'], 413)

    def test_lost_session(self):
        for how in ('bits', 'gobits'):
            with self.subTest(how=how):
                bench, job = self.through('bits', {'on': 'fragment', 'at': 2, 'do': 'lose'},
                                          unknown_session=how)
                self.assertEqual(len(bench.server.log('create')), 2)
                self.assertEqual(self.restarts(job), ['session-lost'])

    def test_session_that_is_lost_without_a_word(self):
        self.through('bits', {'on': 'fragment', 'at': 2, 'do': 'lose'}, unknown_session='silent')

    def test_session_that_is_always_lost(self):
        bench, _ = self.error('bits', {'on': 'fragment', 'at': 1, 'times': 0, 'do': 'lose'},
                              'SessionNotFound')
        self.assertLess(len(bench.server.log('create')), 10)

    def test_lost_over_a_restart(self):
        bench = self.bench('bits')
        bench.hold('sending')
        source = self.source()
        job = self.send(source, bench.url)
        bench.wait_held()
        bench.server.kill()
        bench.server.start()
        bench.server.order(forget=True)
        self.arrive(job)
        self.assertEqual(bench.digest(), self.digest(source))
        self.assertEqual(self.restarts(job), ['session-lost'])

    def test_misspelt(self):
        self.through('bits', {'on': 'fragment', 'at': 2, 'do': 'drop-after'}, overlap='strict',
                     misspell='yes')

    def test_refused_without_a_password(self):
        for at, read, close in ((1, True, False), (2, True, False), (2, False, False),
                                (2, False, True)):
            with self.subTest(at=at, read=read, close=close):
                refusal = {'times': 0, 'do': 'status', 'status': 401}
                self.error('bits', [dict(refusal, on='fragment', at=at, read=read, close=close),
                                    dict(refusal, on='ping')], 'AuthenticationFailed')
        self.error('bits', None, 'AuthenticationFailed', authorization='Basic abc')

    def test_with_a_password(self):
        bench = self.bench('bits', authorization='Basic abc')
        source = self.source()
        job = self.send(source, bench.url, CustomHeaders=['Authorization: Basic abc'])
        self.arrive(job)
        self.assertEqual(bench.digest(), self.digest(source))

    def test_offset_beyond_the_end(self):
        self.error('bits', {'on': 'fragment', 'do': 'ack', 'offset': 10 ** 12, 'times': 0},
                   'InvalidServerResponse', properties={'NoProgressTimeout': 0})

    def test_offset_behind(self):
        self.through('bits', {'on': 'fragment', 'at': 2, 'do': 'ack', 'by': -1000})

    def test_never_advances(self):
        self.error('bits', {'on': 'fragment', 'do': 'ignore', 'times': 0},
                   'InvalidServerResponse', 'NoProgress', properties={'NoProgressTimeout': 0})

    def test_acknowledged_before_it_was_sent(self):
        """What follows tells that it is not there. (Nothing follows the last fragment.)"""
        for close in (False, True):
            with self.subTest(close=close):
                self.right_or_named('bits', {'on': 'fragment', 'do': 'early', 'close': close},
                                    properties={'NoProgressTimeout': 0})

    def test_errors_are_named(self):
        for fault, names in (
                ({'status': 403, 'hresult': '0x80070005'}, ('Forbidden',)),
                ({'status': 501, 'hresult': '0x80070005'}, ('UploadNotSupported',)),
                ({'status': 400, 'hresult': '0x80070057'}, ('HttpError', 'InvalidServerResponse')),
                ({'status': 404, 'hresult': '0x80070003'}, ('NotFound',)),
                ({'status': 500, 'hresult': '0x80200020'}, ('HttpError', 'MaximumSizeExceeded'))):
            with self.subTest(**fault):
                self.error('bits', dict({'on': 'create', 'do': 'status', 'times': 0}, **fault),
                           *names)

    def test_what_may_pass(self):
        for on in ('create', 'fragment', 'close'):
            for fault in ({'status': 500, 'hresult': '0x80070112'},
                          {'status': 408, 'hresult': '0x80070112', 'context': '0x7'},
                          {'status': 503}):
                with self.subTest(on=on, **fault):
                    bench, job = self.through('bits', dict({'on': on, 'do': 'status'}, **fault))
                    self.assertEqual(self.restarts(job), [])

    def test_another_host(self):
        """Sessions that live on one machine of a farm."""
        bench = self.bench('bits')
        farm = BitsServer.of(self)
        bench.server.set(host_id='127.0.0.1:{}'.format(farm.port), host_id_timeout=1)
        os.rmdir(farm.directory)
        os.symlink(bench.server.directory, farm.directory)
        source = self.source()
        job = self.send(source, bench.url, 'bits')
        self.arrive(job)
        self.assertEqual(bench.digest(), self.digest(source))
        self.assertEqual(bench.server.log('fragment'), [])

    def test_another_host_that_is_away(self):
        bench = self.bench('bits', host_id='127.0.0.1:1', host_id_timeout=1)
        source = self.source()
        job = self.send(source, bench.url, 'bits')
        self.arrive(job, nudges=None)
        self.assertEqual(bench.digest(), self.digest(source))

    def test_empty_file_that_is_not_taken(self):
        bench = self.bench('bits', empty='no')
        job = self.send(self.source(size=0), bench.url, 'bits')
        self.fails(job, 'UploadNotSupported', 'InvalidServerResponse')

    def test_ping_that_hangs(self):
        """A probe has a short time of its own. When nothing else is of use, what did not answer is asked again."""
        self.assertIsNone(self.right_or_named('auto', {'on': 'ping', 'do': 'hang'}))

    def test_server_away_and_back(self):
        """By itself, without the owner."""
        bench = self.bench('bits')
        bench.hold('sending')
        source = self.source()
        job = self.send(source, bench.url, 'bits')
        bench.wait_held()
        bench.server.kill()
        self.transient(job, 'ConnectionClosed', 'ConnectFailed')
        bench.server.start()
        self.arrive(job, nudges=None)
        self.assertEqual(bench.digest(), self.digest(source))


class Tus(FaultCase):
    def test_lost_creation(self):
        bench, job = self.through('tus', {'on': 'post', 'do': 'drop-after'})
        self.assertEqual(len(bench.server.asked('POST')), 2)

    def test_lost_patch(self):
        for fault in ({'on': 'patch', 'do': 'drop'}, {'on': 'last', 'do': 'drop-after'},
                      {'on': 'patch', 'do': 'cut', 'after': 2000000},
                      {'on': 'patch', 'do': 'cut', 'after': 2000000, 'keep': 12345}):
            with self.subTest(**fault):
                bench, job = self.through('tus', fault)
                self.assertEqual(len(bench.server.asked('POST')), 1)
                self.assertEqual(self.restarts(job), [])

    def test_passing_refusals(self):
        for status in (409, 423, 503, 500):
            with self.subTest(status=status):
                bench, _ = self.through('tus', {'on': 'patch', 'do': 'status', 'status': status,
                                                'times': 2})
                self.assertEqual(len(bench.server.asked('POST')), 1)

    def test_gone(self):
        for status in (404, 410):
            with self.subTest(status=status):
                bench, job = self.through(
                    'tus', {'on': 'patch', 'do': 'cut', 'after': 100000},
                    {'on': 'head', 'do': 'status', 'status': status})
                self.assertEqual(len(bench.server.asked('POST')), 2)
                self.assertEqual(self.restarts(job), ['session-lost'])

    def test_always_gone(self):
        bench, _ = self.error('tus', {'on': 'patch', 'do': 'status', 'status': 404, 'times': 0},
                              'SessionNotFound', 'NotFound')
        self.assertLess(len(bench.server.asked('POST')), 10)

    def test_offset_beyond_the_end(self):
        name = self.right_or_named(
            'tus', {'on': 'patch', 'do': 'cut', 'after': 100000},
            {'on': 'head', 'do': 'ack', 'offset': 10 ** 12, 'times': 0},
            properties={'NoProgressTimeout': 0})
        self.assertIn(name, ('InvalidServerResponse', 'ConnectionClosed'))

    def test_acknowledged_before_it_was_sent(self):
        """One that reads the rest and forgets it cannot be told from one that keeps it."""
        self.right_or_named('tus', {'on': 'patch', 'do': 'early', 'close': True},
                            properties={'NoProgressTimeout': 0}, size=sending.LARGE)

    def test_relative_location(self):
        self.through('tus', relative=True)

    def test_too_large(self):
        self.error('tus', None, 'HttpError', 'MaximumSizeExceeded', max_size=1000)

    def test_refused_without_a_password(self):
        for on in ('post', 'patch'):
            for read in (True, False):
                with self.subTest(on=on, read=read):
                    self.error('tus', {'on': on, 'do': 'status', 'status': 401, 'times': 0,
                                       'read': read}, 'AuthenticationFailed')

    def test_not_found(self):
        self.error('tus', {'on': 'post', 'do': 'status', 'status': 404, 'times': 0}, 'NotFound',
                   'UploadNotSupported')

    def test_options_that_hang(self):
        """Auto: put is what remains, and the server takes none below /tus. It is asked again."""
        bench = self.bench('tus')
        bench.server.fail({'on': 'options', 'do': 'hang'})
        source = self.source()
        job = self.send(source, bench.url)
        self.transient(job, 'UploadNotSupported')
        self.assertEqual(job.get_all()['ResolvedUploadProtocol'], '')
        self.arrive(job, nudges=None)
        self.assertEqual(bench.digest(), self.digest(source))


class Put(FaultCase):
    def test_broken(self):
        for fault in ({'do': 'drop'}, {'do': 'cut', 'after': 2000000}, {'do': 'drop-after'},
                      {'do': 'status', 'status': 500}):
            for partial in (False, True):
                with self.subTest(partial=partial, **fault):
                    self.through('put', dict({'on': 'put'}, **fault), partial=partial)

    def test_success_before_it_was_sent(self):
        for close in (False, True):
            with self.subTest(close=close):
                self.right_or_named('put', {'on': 'put', 'do': 'early', 'close': close},
                                    properties={'NoProgressTimeout': 0})

    def test_busy_server(self):
        bench, _ = self.through('put', {'on': 'put', 'do': 'status', 'status': 503,
                                        'headers': {'Retry-After': '1'}})
        self.assertEqual(len(bench.server.asked('PUT')), 2)

    def test_refusals(self):
        for status, names in ((401, ('AuthenticationFailed',)), (403, ('Forbidden',
                                                                      'UploadNotSupported')),
                              (404, ('NotFound', 'UploadNotSupported')),
                              (405, ('UploadNotSupported',)), (501, ('UploadNotSupported',)),
                              (409, ('HttpError', 'UploadNotSupported')),
                              (413, ('HttpError', 'MaximumSizeExceeded')),
                              (507, ('HttpError',))):
            fault = {'on': 'put', 'do': 'status', 'status': status, 'times': 0}
            for read in (True, False):
                with self.subTest(status=status, read=read):
                    _, values = self.error('put', dict(fault, read=read), *names,
                                           properties={'NoProgressTimeout': 0})
                    self.assertEqual(values['Error']['HttpStatus'], status)
            with self.subTest(status=status, close=True):
                # The answer may get lost with the connection.
                self.error('put', dict(fault, read=False, close=True), 'ConnectionClosed', *names,
                           properties={'NoProgressTimeout': 0})

    def test_redirects(self):
        for status in (307, 308):
            with self.subTest(status=status):
                bench = self.bench('put')
                bench.server.fail({'on': 'put', 'do': 'status', 'status': status,
                                   'headers': {'Location': bench.server.url('/there')}})
                source = self.source()
                job = self.send(source, bench.url, 'put')
                name = self.ends(job)
                if name is None:
                    self.assertEqual(bench.server.sha256('/there'), self.digest(source))

    def test_what_a_restart_says(self):
        """Progress goes back to 0, and the owner hears why."""
        bench, job = self.through('put', {'on': 'put', 'do': 'cut', 'after': 2000000})
        self.assertEqual(self.restarts(job), ['not-resumable'])
        self.assertEqual(job.file()['Restarts'], 1)

    def test_probes_that_hang(self):
        bench = self.bench('put')
        bench.server.fail({'on': 'bits_post', 'do': 'hang', 'times': 0},
                          {'on': 'options', 'do': 'hang', 'times': 0})
        source = self.source()
        job = self.send(source, bench.url)
        self.arrive(job, seconds=90)
        self.assertEqual(bench.digest(), self.digest(source))


class PutRange(FaultCase):
    def test_ranges_that_are_overlooked(self):
        """Where a part would become the whole, plain PUT is used, or nothing."""
        for ranges in ('ignore', 'refuse'):
            with self.subTest(ranges=ranges):
                self.right_or_named('put-range', ranges=ranges)

    def test_broken(self):
        for fault in ({'at': 1, 'do': 'drop-after'}, {'at': 2, 'do': 'drop'},
                      {'at': 4, 'do': 'cut', 'after': 500000},
                      {'at': 4, 'do': 'cut', 'after': 500000, 'keep': 1234},
                      {'at': 5, 'do': 'drop-after'}):
            with self.subTest(**fault):
                self.through('put-range', dict({'on': 'put'}, **fault))
        self.through('put-range', {'on': 'last', 'do': 'drop-after'})

    def test_acknowledged_before_it_was_sent(self):
        self.right_or_named('put-range', {'on': 'put', 'at': 4, 'do': 'early'},
                            properties={'NoProgressTimeout': 0})

    def test_size_that_lies(self):
        self.right_or_named('put-range', {'on': 'put', 'at': 4, 'do': 'cut', 'after': 500000},
                            {'on': 'head', 'at': 2, 'times': 0, 'do': 'ack', 'offset': 10 ** 12},
                            properties={'NoProgressTimeout': 0})

    def test_a_file_that_is_there(self):
        """It would be neither the old nor the new one for as long as it takes."""
        bench = self.bench('put-range')
        content.write(bench.server.file('/file'), b'old')
        source = self.source()
        job = self.send(source, bench.url, 'put-range')
        self.fails(job, 'UploadNotSupported')
        self.assertEqual(content.read(bench.server.file('/file')), b'old')


if __name__ == '__main__':
    cases.main()
