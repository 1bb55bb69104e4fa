#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bad input to every method: a clear error, no crash, nothing half done."""

import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from gi.repository import GLib  # noqa: E402
from lib import cases  # noqa: E402
from lib.client import (ERROR, INVALID_ARGS, JOB, MANAGER, OBJECT_MANAGER,  # noqa: E402
                        POLICY, PROPERTIES, ROOT, BusError, options)
from lib.process import rss_anon  # noqa: E402

SEED = int(os.environ.get('FERRY_TEST_SEED', '20261122'))
ROUNDS = int(os.environ.get('FERRY_TEST_FUZZ', '40'))

METHODS = (
    (ROOT, MANAGER, 'CreateJob', '(ssa{sv})'),
    (ROOT, MANAGER, 'SubmitJob', '(ssa(ssa{sv})a{sv})'),
    (ROOT, MANAGER, 'FindJob', '(s)'),
    (ROOT, MANAGER, 'ListJobs', '(a{sv})'),
    (ROOT, MANAGER, 'GetStatus', '()'),
    (ROOT, MANAGER, 'ListAllJobs', '(a{sv})'),
    (ROOT, MANAGER, 'ControlJob', '(ss)'),
    (ROOT, MANAGER, 'TakeOwnership', '(s)'),
    (ROOT, POLICY, 'GetEffective', '()'),
    (ROOT, POLICY, 'Set', '(sv)'),
    (ROOT, POLICY, 'Reset', '(s)'),
    (ROOT, PROPERTIES, 'Get', '(ss)'),
    (ROOT, PROPERTIES, 'Set', '(ssv)'),
    (ROOT, PROPERTIES, 'GetAll', '(s)'),
    (ROOT, OBJECT_MANAGER, 'GetManagedObjects', '()'),
    (JOB, JOB, 'AddFile', '(ssa{sv})'),
    (JOB, JOB, 'AddFiles', '(a(ssa{sv}))'),
    (JOB, JOB, 'RemoveFile', '(u)'),
    (JOB, JOB, 'GetFiles', '(uu)'),
    (JOB, JOB, 'SetRemoteUrl', '(us)'),
    (JOB, JOB, 'ReplaceRemotePrefix', '(ss)'),
    (JOB, JOB, 'Suspend', '()'),
    (JOB, JOB, 'Resume', '()'),
    (JOB, JOB, 'SetFileValid', '(ub)'),
    (JOB, JOB, 'SetCustomHeaders', '(as)'),
    (JOB, JOB, 'SetCredentials', '(ssa{sv})'),
    (JOB, JOB, 'RemoveCredentials', '(ss)'),
    (JOB, JOB, 'GetReplyData', '()'),
    (JOB, PROPERTIES, 'Get', '(ss)'),
    (JOB, PROPERTIES, 'Set', '(ssv)'),
    (JOB, PROPERTIES, 'GetAll', '(s)'),
)

WORDS = (
    '', ' ', 'x', 'download', 'upload', 'State', 'Priority', 'foreground', 'a1' * 16, 'A1' * 16,
    '0' * 31, '../..', '/', '/tmp', '/tmp/../etc/passwd', '/tmp//x', '/tmp/x/', '/tmp/./x', '/..',
    'http://', 'http://[::1', 'http://[::1]:99999/', 'http://host:0/', 'http://host:-1/', 'http:///x',
    'http://ho st/', 'http://host/\x01', 'HTTP://HOST/', 'http://host/%00', 'http://host/%zz',
    'https://user:pw@host/', 'http://' + 'a' * 300 + '/', 'javascript:alert(1)', '//host/x',
    'file:///etc/shadow', 'ä€𝄞\u202e', '\x1b[31m', '\n', '\r\nX: y', '%s%n%s%n', "'; DROP TABLE job; --",
    'org.ferry.Transfer1.Job', 'a.b', 'max-jobs-per-user', 'X: y', 'Host: x', ':', 'X:', ': x',
    'x' * 257, 'x' * 5000, 'http://host/' + 'x' * 9000, '/tmp/' + 'x' * 256, '/tmp' + '/x' * 3000,
    'sha256:', 'sha256:' + 'f' * 64, 'md5:x', 'server', 'proxy', 'basic', 'suspend', 'cancel',
)
KEYS = ('DisplayName', 'Description', 'ApplicationId', 'Priority', 'MinimumRetryDelay',
        'NoProgressTimeout', 'MaximumDownloadTime', 'NotificationInterval', 'AutoComplete',
        'MaximumDownloadSize', 'RequestHeaders', 'ProxyUsage', 'ProxyUri', 'ProxyBypass',
        'UploadProtocol', 'ReplyPath', 'TlsFlags', 'ServerPins',
        'RedirectPolicy', 'HttpMethod', 'ClientCertificate', 'CustomHeaders', 'Credentials', 'Ranges',
        'Digest', 'Size',
        'Replace', 'Mode', 'States', 'Owner', 'Id', 'State', 'NoSuchKey', '')
NUMBERS = (0, 1, 2, 7, 200, 201, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1)
TYPES = ('s', 'u', 'i', 't', 'x', 'b', 'd', 'y', 'n', 'q', 'as', 'a(tt)', 'a{sv}', 'av', 'ay', '(s)',
         'o', 'g', 'v', 'a(ssa{sv})', 'aas')


class Generator:
    """Values of any type, made of what has broken other programs."""

    def __init__(self, seed):
        self.chance = random.Random(seed)

    def value(self, signature, depth=0):
        """A Python value for GLib.Variant(signature)."""
        chance = self.chance
        kind = signature[0]
        if kind == 's':
            return chance.choice(WORDS)
        if kind == 'o':
            return chance.choice(('/', '/a/b', ROOT))
        if kind == 'g':
            return chance.choice(('', 's', 'a{sv}'))
        if kind == 'b':
            return chance.random() < 0.5
        if kind == 'd':
            return chance.choice((0.0, -1.5, float('inf'), float('nan'), 1e300))
        if kind in 'yqutnix':
            bits = {'y': 8, 'q': 16, 'u': 32, 't': 64, 'n': 15, 'i': 31, 'x': 63}[kind]
            number = chance.choice(NUMBERS + (2 ** 63 - 1, 2 ** 64 - 1, 2 ** 64 - 2)) % 2 ** bits
            return -number - 1 if kind in 'nix' and chance.random() < 0.4 else number
        if kind == 'v':
            return self.variant(depth + 1)
        if signature.startswith('a{'):
            return {chance.choice(KEYS): self.variant(depth + 1)
                    for _ in range(chance.choice((0, 1, 1, 2, 5)))}
        if kind == 'a':
            count = chance.choice((0, 1, 2, 5)) if depth < 3 else 0
            return [self.value(signature[1:], depth + 1) for _ in range(count)]
        return tuple(self.value(part, depth + 1) for part in split(signature[1:-1]))

    def variant(self, depth=0):
        if depth > 4:
            return GLib.Variant('s', 'deep')
        signature = self.chance.choice(TYPES)
        return GLib.Variant(signature, self.value(signature, depth))


def split(signatures):
    """'ssa{sv}' -> ['s', 's', 'a{sv}']"""
    parts, start, depth = [], 0, 0
    for place, letter in enumerate(signatures):
        depth += {'(': 1, '{': 1, ')': -1, '}': -1}.get(letter, 0)
        if depth == 0 and letter != 'a':
            parts.append(signatures[start:place + 1])
            start = place + 1
    return parts


class Fuzz(cases.WorldCase):
    # AddressSanitizer keeps what was freed; here that would look like a leak.
    world_options = {'ferryd_env': {'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') +
                                    ':quarantine_size_mb=1:thread_local_quarantine_size_kb=64'}}

    def setUp(self):
        super().setUp()
        self.pid = self.world.ferryd.pid

    def still_there(self):
        self.assertTrue(self.world.ferryd.running)
        self.assertEqual(self.world.ferryd.pid, self.pid)

    def clear(self, error, what):
        """A name that is in the contract and a sentence that a person can use."""
        known = error.name.startswith((ERROR, 'org.freedesktop.DBus.Error.'))
        self.assertTrue(known, '{}: {}'.format(what, error))
        self.assertNotIn(error.short, ('NoReply', 'Failed', 'ServiceUnknown', 'Disconnected'),
                         '{}: {}'.format(what, error))
        self.assertTrue(error.message.strip(), what)
        self.assertLess(len(error.message), 4096, what)
        self.assertFalse([c for c in error.message if ord(c) < 32 and c != '\n'], repr(error))

    def test_every_method_with_arguments_of_the_right_type(self):
        for path, interface, member, signature in METHODS:
            for number in range(ROUNDS):
                seed = '{}:{}:{}'.format(SEED, member, number)
                generator = Generator(seed)
                args = generator.value(signature) if signature != '()' else ()
                job = self.client.create() if path == JOB and number % 10 == 0 else None
                if path == JOB:
                    self.job = job or self.job
                where = self.job.path if path == JOB else path
                try:
                    self.client.call(where, interface, member, signature, *args)
                except BusError as error:
                    self.clear(error, seed)
                if number % 10 == 9:
                    self.drop_jobs()
            self.still_there()

    def drop_jobs(self):
        for path in self.client.manager('ListJobs', '(a{sv})', {}):
            self.client.call(path, JOB, 'Cancel')

    def test_every_method_with_other_types(self):
        job = self.client.create()
        for path, interface, member, signature in METHODS:
            where = job.path if path == JOB else path
            for number in range(max(4, ROUNDS // 4)):
                seed = '{}:types:{}:{}'.format(SEED, member, number)
                generator = Generator(seed)
                count = generator.chance.choice((0, 1, 2, 3, 6))
                wrong = '(' + ''.join(generator.chance.choice(TYPES) for _ in range(count)) + ')'
                if wrong == signature:
                    continue
                error = self.client.error(where, interface, member, wrong,
                                          *generator.value(wrong))
                self.assertEqual(error.name, INVALID_ARGS, (seed, wrong, error))
                self.clear(error, seed)
        self.still_there()

    def test_ten_thousand_files(self):
        """More than the limit: refused as a whole; as root: taken, or refused for its size."""
        job = self.client.create()
        files = [('http://host/{}'.format(i), self.path('f{}'.format(i)), {})
                 for i in range(10000)]
        error = job.error('AddFiles', '(a(ssa{sv}))', files, seconds=60)
        self.assertIn(error.short, ('TooManyFilesInJob', 'LimitsExceeded'))
        self.assertEqual(job.files(), [])
        self.still_there()

    def test_two_hundred_files_and_no_more(self):
        job = self.client.create()
        files = [('http://host/{}'.format(i), self.path('f{}'.format(i)), {}) for i in range(200)]
        job.call('AddFiles', '(a(ssa{sv}))', files, seconds=60)
        self.assertEqual(len(job.files()), 200)
        error = job.error('AddFile', '(ssa{sv})', 'http://host/x', self.path('x'), {})
        self.assertEqual(error.name, ERROR + 'TooManyFilesInJob')
        self.assertEqual([f['Index'] for f in job.call('GetFiles', '(uu)', 150, 3)],
                         [150, 151, 152])
        self.assertEqual(job.call('GetFiles', '(uu)', 4294967295, 10), [])

    def test_same_target_twice(self):
        job = self.client.create()
        job.add_file('http://host/a', self.path('same'))
        error = job.error('AddFile', '(ssa{sv})', 'http://host/b', self.path('same'), {})
        self.assertIn(error.short, ('TargetExists', 'InvalidArgs'))
        self.assertEqual(len(job.files()), 1)

    def test_nothing_is_half_done(self):
        job = self.client.create('before')
        good = ('http://host/a', self.path('a'), {})
        for bad in (('nonsense', self.path('b'), {}), ('http://host/b', 'relative', {}),
                    ('http://host/b', self.path('b'), options({'Digest': 'x'})),
                    ('http://host/b', self.path('b'), options({'NoSuchKey': 'x'}))):
            error = job.error('AddFiles', '(a(ssa{sv}))', [good, bad])
            self.clear(error, bad)
            self.assertEqual(job.files(), [])
        before = job.get_all()
        for key, value in (('Priority', GLib.Variant('s', 'x')), ('DisplayName', GLib.Variant(
                's', 'x' * 300)), ('MinimumRetryDelay', GLib.Variant('i', -1)), (
                'AutoComplete', GLib.Variant('u', 1)), ('MinimumRetryDelay', GLib.Variant(
                't', 2 ** 32)), ('NoSuch', GLib.Variant('s', ''))):
            error = self.client.error(job.path, PROPERTIES, 'Set', '(ssv)', JOB, key, value)
            self.clear(error, key)
        self.assertEqual(job.get_all(), before)

    def test_wrong_type_names_what_was_given_and_wanted(self):
        error = self.client.error(ROOT, MANAGER, 'CreateJob', '(ssa{sv})', 'x', 'download',
                                  options({'AutoComplete': 'yes'}))
        self.assertEqual(error.name, INVALID_ARGS)
        for word in ('AutoComplete', 'yes'):
            self.assertIn(word, error.message)
        self.assertTrue('boolean' in error.message or "'b'" in error.message, error.message)

    def test_memory_after_all_that(self):
        """A leak of a kilobyte a call would show."""
        job = self.client.create()
        for round_number in range(3):
            for _ in range(1000):
                self.client.error(job.path, JOB, 'AddFile', '(ssa{sv})', 'nonsense' * 100, '/x',
                                  options({'Digest': 'x' * 100}))
            if round_number == 0:
                before = rss_anon(self.pid)
        self.assertLess(rss_anon(self.pid), before + (2 << 20))


if __name__ == '__main__':
    cases.main()
