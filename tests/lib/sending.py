# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of uploads share: a source, a server for each protocol, stages at which an upload
can be held."""

import os
import pwd
import shutil
import tempfile

from lib import cases, content
from lib.badupload import BadUpload
from lib.client import ERROR, signal_args
from lib.process import Deadline
from lib.uploads import BitsServer

SIZE = 4 * (1 << 20) + 12345        # more than two fragments of any protocol
LARGE = 24 * (1 << 20) + 12345      # more than all buffers between the two ends hold
PROTOCOLS = ('bits', 'tus', 'put', 'put-range')
RESUMABLE = {'bits': True, 'tus': True, 'put': False, 'put-range': True}


class UploadCase(cases.WorldCase):
    """Sources in the user's directory; nothing may be left there, and nothing changed."""

    def setUp(self):
        super().setUp()
        self.sources = {}

    def source(self, name='source', size=SIZE, seed=1, body=None):
        """A new file of the user; returns its path."""
        body = content.pattern(size, seed) if body is None else body
        path = self.path(name)
        content.write(path, body)
        self.own(path)
        self.sources[path] = (content.sha256(body), os.stat(path))
        return path

    def own(self, path):
        """Gives it to the user, and to him alone."""
        os.chmod(path, 0o600)
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def digest(self, path):
        """Of what the source was when it was made."""
        return self.sources[path][0]

    def untouched(self, *paths):
        """The sources are what they were, and nothing else is beside them."""
        for path in paths:
            digest, before = self.sources[path]
            after = os.stat(path)
            self.assertEqual(content.file_sha256(path), digest)
            for field in ('st_ino', 'st_mode', 'st_uid', 'st_size', 'st_mtime_ns', 'st_nlink'):
                self.assertEqual(getattr(after, field), getattr(before, field), field)
        self.assertEqual(self.left_over(), sorted(os.path.basename(p) for p in paths))

    def send(self, source, url, protocol=None, job_type='upload', **properties):
        """A running job; without a protocol it finds out by itself."""
        properties.setdefault('MinimumRetryDelay', 5)
        if protocol:
            properties['UploadProtocol'] = protocol
        return self.client.submit([(url, source)], job_type=job_type, **properties)

    def bits(self, faults=(), tls=None, **settings):
        """A BITS server of this case."""
        return BitsServer.of(self, {k.replace('_', '-'): v for k, v in settings.items()}, faults,
                             tls)

    def bad(self, tls=None, **options):
        """A server for PUT and tus in this process."""
        place = tempfile.mkdtemp(dir=os.environ.get('FERRY_TEST_TMP', '/var/tmp'))
        self.addCleanup(shutil.rmtree, place)
        server = BadUpload(place, tls, **options)
        self.addCleanup(server.close)
        return server

    def bench(self, protocol, **options):
        """A server for that protocol with its stages."""
        return BitsBench(self, **options) if protocol == 'bits' else \
            BadBench(self, protocol, **options)

    def arrive(self, job, seconds=60, nudges=6):
        """Waits until it is transferred. When it waits for a retry its owner has it try at once, but
        only so many times; with None he leaves it alone."""
        ends = ['transferred', 'acknowledged', 'error', 'cancelled']
        ends += ['transient-error'] if nudges is not None else []
        used = 0
        while True:
            values = job.wait_for(lambda v: v['State'] in ends, seconds, 'the end of the upload')
            if values['State'] != 'transient-error':
                break
            used += 1
            if used > nudges:
                raise Deadline('it tried {} times, and waits: {}'.format(used, values['Error']))
            job.suspend()
            job.resume()
        self.assertIn(values['State'], ('transferred', 'acknowledged'), values['Error'])
        return job.get_all()

    def fails(self, job, *names, seconds=60):
        """Waits for the error, which is one of these, and says what it was."""
        values = job.wait_for(lambda v: v['State'] in ('error', 'transferred', 'acknowledged'),
                              seconds, 'the error')
        self.assertEqual(values['State'], 'error')
        self.assertTrue(values['Error']['Name'].startswith(ERROR), values['Error'])
        self.assertIn(values['Error']['Name'][len(ERROR):], names, values['Error'])
        self.assertTrue(values['Error']['Message'])
        return values

    def transient(self, job, *names, seconds=40):
        """It met this error and will try again by itself."""
        values = job.wait_for(lambda v: v['State'] in ('transient-error', 'error'), seconds,
                              'the interruption')
        self.assertEqual(values['State'], 'transient-error', values['Error'])
        self.assertIn(values['Error']['Name'][len(ERROR):], names, values['Error'])
        self.assertTrue(values['WaitReasons'])
        return values

    def ends(self, job, seconds=60):
        """Waits for success or a named error; the name, or None."""
        values = job.wait_for(lambda v: v['State'] in ('transferred', 'error'), seconds, 'an end')
        if values['State'] == 'transferred':
            return None
        self.assertTrue(values['Error']['Name'].startswith(ERROR), values['Error'])
        self.assertTrue(values['Error']['Message'])
        return values['Error']['Name'][len(ERROR):]

    def restarts(self, job):
        """Reasons of the FileRestarted signals that the owner heard."""
        self.client.ping_bus()
        return [signal_args(s)[1] for s in self.client.find_signals('FileRestarted', job.path)]

    def kill(self, what, bench):
        """`what` is worker, ferryd or server; all run again when this returns."""
        if what == 'worker':
            self.assertEqual(self.world.kill_workers(), 1)
        elif what == 'ferryd':
            self.world.kill_ferryd()
            self.world.start_ferryd()
        else:
            bench.bounce()


class BitsBench:
    """A BITS server and how an upload to it is held."""

    protocol = 'bits'
    stages = {
        'create-ack': {'on': 'create', 'do': 'pause-after'},
        'created': {'on': 'fragment', 'do': 'pause', 'after': 0},
        'sending': {'on': 'fragment', 'at': 2, 'do': 'pause', 'after': 500000},
        'ack': {'on': 'fragment', 'at': 2, 'do': 'pause-after'},
        'last-ack': {'on': 'last-fragment', 'do': 'pause-after'},
        'close': {'on': 'close', 'do': 'pause'},
        'close-ack': {'on': 'close', 'do': 'pause-after'},
    }

    def __init__(self, case, **options):
        self.server = case.bits(**options)
        self.url = self.server.url('/file')
        self.bounced = 0        # requests that a killed server forgot

    def hold(self, stage):
        self.stage = stage
        self.server.fail(self.stages[stage])

    def wait_held(self):
        fault = self.stages[self.stage]
        packet = fault['on'].replace('last-fragment', 'fragment')
        self.server.wait_log(packet, state='paused' if fault['do'] == 'pause' else 'acted')

    def release(self):
        self.server.release()

    def bounce(self):
        """kill -9, and up again; nothing is held any more."""
        self.bounced += self.requests()
        self.server.kill()
        self.server.start()

    def digest(self):
        return self.server.sha256('/file')

    def requests(self):
        return self.bounced + len(self.server.log())


class BadBench:
    """The same for the other three protocols. put-range says two short parts first."""

    def __init__(self, case, protocol, **options):
        self.protocol = protocol
        if protocol == 'put-range':
            options.setdefault('ranges', 'write')
        self.server = case.bad(**options)
        self.path = '/tus' if protocol == 'tus' else '/file'
        self.url = self.server.url(self.path)
        method = 'patch' if protocol == 'tus' else 'put'
        first = 4 if protocol == 'put-range' else 1
        self.stages = {
            'created': {'on': method, 'at': first, 'do': 'pause', 'after': 0},
            'sending': {'on': method, 'at': first, 'do': 'pause', 'after': 500000},
            'last-ack': {'on': 'last', 'do': 'pause-after'},
        }
        if protocol == 'tus':
            self.stages['create-ack'] = {'on': 'post', 'do': 'pause-after'}
        if protocol == 'put-range':
            self.stages['ack'] = {'on': 'put', 'at': first, 'do': 'pause-after'}
            self.stages['create-ack'] = {'on': 'put', 'do': 'pause-after'}

    def hold(self, stage):
        self.stage = stage
        self.server.fail(self.stages[stage])

    def wait_held(self):
        fault = self.stages[self.stage]
        method = {'patch': 'PATCH', 'put': 'PUT', 'post': 'POST',
                  'last': 'PATCH' if self.protocol == 'tus' else 'PUT'}[fault['on']]
        self.server.wait_state(method, 'paused' if fault['do'] == 'pause' else 'acted')

    def release(self):
        self.server.faults.release()

    def bounce(self):
        """All connections break."""
        self.server.drop_all(reset=True)
        self.server.fail()

    def digest(self):
        """Of the file, or of the one upload that is whole."""
        if self.protocol != 'tus':
            return self.server.sha256(self.path)
        whole = self.server.whole()
        return whole[0] if len(whole) == 1 else None

    def requests(self):
        return len(self.server.asked())
