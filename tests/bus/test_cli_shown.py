#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `ferry`, the command line, shows, whom it refuses, and what it asks."""

import json
import os
import re
import shlex
import signal
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import badserver, cases, content, world  # noqa: E402
from lib.cli import ID, CliCase  # noqa: E402
from lib.process import wait_until  # noqa: E402

COMMANDS = ('get', 'put', 'list', 'show', 'watch', 'wait', 'suspend', 'resume', 'complete', 'cancel',
            'take', 'set', 'add', 'remove', 'url', 'header', 'login', 'logout', 'policy', 'doctor', 'help')


class Shown(CliCase):
    def test_json_forms(self):
        self.held('/held')
        ident = self.detach('/held')
        self.client.create('empty')
        jobs = self.jobs()
        self.assertEqual([job['DisplayName'] for job in jobs], ['held', 'empty'])
        self.assertEqual(set(jobs[0]), set(self.client.call(
            '/org/ferry/Transfer1/jobs/' + ident, 'org.freedesktop.DBus.Properties', 'GetAll', '(s)',
            'org.ferry.Transfer1.Job')))
        self.assertIsNone(jobs[0]['TransferCompletionTime'])
        self.assertGreater(jobs[0]['CreationTime'], 1_600_000_000_000_000)
        shown = self.job(ident)
        self.assertEqual(shown['Id'], ident)
        self.assertEqual(shown['Files'][0]['RemoteUrl'], self.url('/held'))

    def test_unknown_size_is_null(self):
        self.serve('/chunked', 100000, badserver.hang(self.event))
        ident = self.detach('/chunked')
        self.assertIsNone(self.job(ident)['BytesTotal'])
        self.assertIsNone(self.job(ident)['Files'][0]['BytesTotal'])

    def test_alone_it_lists(self):
        self.held()
        self.detach()
        first, second = self.ferry().stdout, self.ferry('list').stdout
        # The columns are as wide as the states and sizes of the moment.
        self.assertEqual(first.split('\n')[0].split(), second.split('\n')[0].split())
        self.assertIn('file', first)

    def test_nothing_dangerous_on_a_terminal(self):
        self.client.create('evil \x1b[31m\x07 name\u202e')
        for args in ((), ('list',), ('show', self.jobs()[0]['Id']), ('list', '--json')):
            status, shown = self.on_terminal(shlex.join([self.program, *args]), NO_COLOR='1')
            self.assertEqual(status, 0, shown)
            self.assertNotIn('\x1b', shown)
            self.assertNotIn('\x07', shown)
            self.assertNotIn('\u202e', shown)
            self.assertIn('evil ', shown)

    def test_watch(self):
        self.held()
        ident = self.detach()
        child = self.start('watch', '--json', ident)
        first = json.loads(child.stdout.readline())
        self.assertEqual(first['Id'], ident)
        self.event.set()
        out, _ = self.finish(child)
        self.assertEqual(json.loads(out.splitlines()[-1])['State'], 'acknowledged')

    def test_watch_all_hears_of_new_jobs(self):
        self.serve()
        child = self.start('watch')
        self.client.create('early')
        self.assertIn('early', child.stdout.readline())
        self.client.create('late')
        self.assertIn('late', child.stdout.readline())
        child.send_signal(signal.SIGINT)
        self.finish(child, 130)

    def test_progress_on_a_terminal(self):
        self.serve('/some-file', 400000, badserver.slow(400000))
        status, shown = self.on_terminal(shlex.join(
            [self.program, 'get', self.url('/some-file'), '-d', self.home]))
        self.assertEqual(status, 0, shown)
        self.assertIn('some-file', shown)
        self.assertIn('▕', shown)
        self.assertIn('%', shown)
        self.assertRegex(shown, r'some-file\S*  400\.0 kB in 0:0\d  [0-9.]+ kB/s')
        self.assertIn('\x1b[36m', shown)
        status, shown = self.on_terminal(shlex.join(
            [self.program, 'get', self.url('/some-file'), '-o', self.path('other')]), columns=40,
            NO_COLOR='1', LC_ALL='C')
        self.assertEqual(status, 0, shown)
        self.assertTrue(shown.isascii(), shown)
        self.assertNotIn('\x1b[36m', shown)
        for line in re.split('[\r\n]+', re.sub(r'\x1b\[[0-9]*[A-Z]', '', shown)):
            if line != self.path('other'):
                self.assertLess(len(line), 40)

    def test_list_fits_the_terminal(self):
        self.client.create('a-name-that-is-longer-than-most-terminals-are-wide.tar.gz')
        for columns in (30, 40, 60, 80):
            for command in ('list', 'policy'):
                status, shown = self.on_terminal(shlex.join([self.program, command]), columns=columns)
                self.assertEqual(status, 0, shown)
                for line in shown.splitlines():
                    self.assertLessEqual(len(line), columns, shown)

    def test_waiting_for_a_turn_is_no_time(self):
        """Four at a time: the fifth waits, and its time begins when it moves."""
        for number in range(4):
            self.held('/held{}'.format(number))
            self.start('get', self.url('/held{}'.format(number)), '-d', self.home)
        wait_until(lambda: len([j for j in self.jobs() if j['BytesTransferred']]) == 4, 30, 'four')
        self.serve('/last', 1000)
        opener = threading.Timer(3, self.event.set)
        opener.start()
        self.addCleanup(opener.join)
        status, shown = self.on_terminal(shlex.join(
            [self.program, 'get', self.url('/last'), '-d', self.home]), NO_COLOR='1')
        self.assertEqual(status, 0, shown)
        self.assertIn('waits: its turn', shown)
        self.assertRegex(shown, r'last  1\.0 kB in 0:0[01]')

    def test_help(self):
        for command in COMMANDS:
            for args in (('help', command), (command, '--help')):
                done = self.ferry(*args)
                self.assertIn('ferry ' + command, done.stdout)
        self.assertEqual(self.ferry('--help').stdout, self.ferry('help').stdout)
        for command in COMMANDS:
            self.assertIn('\n  {} '.format(command), self.ferry('--help').stdout)
        self.assertRegex(self.ferry('--version').stdout, r'^ferry \d+\.\d+')

    def test_usage(self):
        for args in (('nonsense',), ('--nonsense',), ('get',), ('get', '--nonsense', 'x'),
                     ('get', 'not a url'), ('get', self.url(), '-o', '-'),
                     ('get', self.url(), '--priority', 'urgent'), ('get', self.url(), '--timeout', '-1'),
                     ('get', self.url(), '-o', 'a', '-d', 'b'), ('get', self.url('/a'), self.url('/b'),
                                                                 '-o', 'x'),
                     ('show',), ('list', 'x'), ('cancel',), ('cancel', '--all', 'x'),
                     ('cancel', '--all', '--state', 'odd'), ('remove', 'x', '-1'),
                     ('policy', 'get'), ('policy', 'nonsense', 'x'), ('help', 'nonsense')):
            done = self.ferry(*args, status=2)
            self.assertEqual(done.stdout, '')

    def test_no_such_job(self):
        for args in (('show', 'nonsense'), ('show', '0' * 32), ('wait', 'nonsense'),
                     ('suspend', 'nonsense'), ('set', 'nonsense', 'Priority=low'),
                     ('watch', '0' * 32)):
            done = self.ferry(*args, status=5)
            self.assertTrue(done.stderr.startswith('ferry: UnknownObject: '), done.stderr)

    def complete_words(self, *words):
        """What bash offers for the last of words."""
        script = '''
          for f in /usr/share/bash-completion/bash_completion; do [ -r $f ] && . $f; done
          . "$1"; shift; PATH=$1:$PATH; shift
          COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
          _ferry; printf '%s\\n' "${COMPREPLY[@]}"
        '''
        completion = os.path.join(self.home, 'completion')
        with open(os.path.join(world.SOURCE, 'data/completions/ferry'), 'rb') as source:
            content.write(completion, source.read())
        os.chmod(completion, 0o644)
        done = self.world.run(['bash', '-c', script, 'bash', completion,
                               os.path.dirname(self.program), 'ferry', *words], self.user)
        self.assertEqual(done.stderr, '')
        return done.stdout.split('\n')[:-1]

    def test_bash_completion(self):
        self.client.create('a $(touch pwned) name')
        ident = self.jobs()[0]['Id']
        self.assertEqual(set(self.complete_words('')) - {'--help', '--version'}, set(COMMANDS))
        self.assertEqual(self.complete_words('show', ident[:6]), [ident])
        self.assertEqual(self.complete_words('show', 'a'),
                         ['a\\ \\$\\(touch\\ pwned\\)\\ name'] +
                         ([ident] if ident.startswith('a') else []))
        self.assertEqual(self.complete_words('show', '"a $'), [''])
        self.assertIn('--discard-unfinished', self.complete_words('complete', '--'))
        self.assertIn('max-jobs-per-user', self.complete_words('policy', 'get', 'max'))
        # What it offers and what the program knows are the same.
        for command in COMMANDS:
            known = set(re.findall(r'--[a-z-]+', self.ferry(command, '--help').stdout))
            self.assertEqual(set(self.complete_words(command, '--')) - {''}, known, command)


class Rights(CliCase):
    """What others may do, and what policy refuses."""

    def setUp(self):
        super().setUp()
        self.needs_root()

    def test_foreign_jobs_are_refused(self):
        self.held()
        ident = self.detach()
        for user in ('games',):
            self.assertEqual(self.jobs(user), [])
            self.ferry('show', ident, user=user, status=5)
            for verb in ('suspend', 'resume', 'cancel', 'complete', 'take'):
                real = self.ferry(verb, ident, user=user, status=3)
                absent = self.ferry(verb, '0' * 32, user=user, status=3)
                self.assertEqual(real.stderr.replace(ident, '0' * 32), absent.stderr)
            done = self.ferry('list', '--all-users', user=user, status=3)
            self.assertIn('as root', done.stderr)
            self.ferry('policy', 'set', 'max-jobs-per-user', '9', user=user, status=3)

    def test_root_controls_all(self):
        self.held()
        ident = self.detach()
        self.ferry('suspend', ident, user='root')
        self.assertEqual(self.job(ident)['State'], 'suspended')
        self.ferry('resume', ident, user='root')
        listed = self.ferry('list', '--all-users', user='root').stdout
        self.assertIn(ident, listed)
        self.assertIn(self.user, listed)
        self.assertNotIn(self.url(), listed)
        done = self.ferry('complete', ident, user='root', status=1)
        self.assertIn('--discard-unfinished', done.stderr)
        self.ferry('cancel', '--all-users', '--user', 'games', user='root')
        self.assertNotEqual(self.job(ident)['State'], 'cancelled')
        self.ferry('cancel', '--user', self.user, '--state', 'suspended', user='root')
        self.assertNotEqual(self.job(ident)['State'], 'cancelled')
        self.ferry('cancel', '--user', self.user, user='root')
        job = self.job(ident)
        self.assertEqual(job['State'], 'cancelled')
        self.assertEqual(job['Error']['Name'], 'org.ferry.Transfer1.Error.CancelledByAdministrator')

    def test_take(self):
        # Root's worker has no right that its uid does not give it.
        os.chmod(self.home, 0o777)
        self.serve()
        self.client.create('mine')
        self.ferry('add', 'mine', self.url(), self.path('a'))
        ident = self.jobs()[0]['Id']
        self.ferry('take', ident[:8], user='root', status=2)
        taken = self.ferry('take', ident, user='root').stdout.strip()
        self.assertRegex(taken, ID)
        self.assertEqual(self.jobs(), [])
        self.assertEqual([job['Id'] for job in self.jobs('root')], [taken])
        self.ferry('cancel', taken, user='root')

    def test_limit(self):
        self.world.set_policy({'max-jobs-per-user': 'uint32 1'})
        self.addCleanup(self.world.set_policy, {})
        self.held('/a')
        self.held('/b')
        self.wait_policy('1')
        self.detach('/a')
        done = self.ferry('get', '--detach', self.url('/b'), '-d', self.home, status=3)
        self.assertTrue(done.stderr.startswith('ferry: TooManyJobsPerUser: '), done.stderr)

    def test_more_urls_than_jobs(self):
        """A list longer than the limit is worked off, not refused."""
        self.world.set_policy({'max-jobs-per-user': 'uint32 2'})
        self.addCleanup(self.world.set_policy, {})
        self.wait_policy('2')
        for number in range(7):
            self.serve('/f{}'.format(number), 1000)
        done = self.ferry('get', '-d', self.home, *[self.url('/f{}'.format(n)) for n in range(7)])
        self.assertEqual(len(done.stdout.split()), 7)

    def wait_policy(self, value):
        wait_until(lambda: self.ferry('policy', 'get', 'max-jobs-per-user').stdout.strip() == value,
                   20, 'the policy')

    def test_policy(self):
        self.wait_policy('60')
        text = self.ferry('policy').stdout
        self.assertRegex(text, r'max-jobs-per-user +60')
        values = json.loads(self.ferry('policy', '--json').stdout)
        self.assertEqual(values['max-jobs-per-user']['Value'], 60)
        self.ferry('policy', 'set', 'max-jobs-per-user', '70', user='root')
        self.assertEqual(self.ferry('policy', 'get', 'max-jobs-per-user').stdout, '70\n')
        self.assertEqual(json.loads(self.ferry('policy', 'get', 'max-jobs-per-user', '--json').stdout)
                         ['Source'], 'bus')
        self.ferry('policy', 'reset', 'max-jobs-per-user', user='root')
        self.assertEqual(self.ferry('policy', 'get', 'max-jobs-per-user').stdout, '60\n')
        for wrong in ('0', 'many', '-1', '99999999999'):
            self.ferry('policy', 'set', '--', 'max-jobs-per-user', wrong, user='root', status=2)
        self.ferry('policy', 'set', 'nonsense', '1', user='root', status=2)
        self.ferry('policy', 'get', 'nonsense', status=2)

    def test_locked_policy(self):
        self.world.set_policy({'max-jobs-per-user': 'uint32 5'}, locks=('max-jobs-per-user',))
        self.addCleanup(self.world.set_policy, {})
        self.wait_policy('5')
        self.assertRegex(self.ferry('policy').stdout, r'max-jobs-per-user +5.* locked')
        done = self.ferry('policy', 'set', 'max-jobs-per-user', '7', user='root', status=3)
        self.assertTrue(done.stderr.startswith('ferry: PolicyLocked: '), done.stderr)


class Precious(CliCase):
    """More than a gibibyte is not thrown away by a slip."""

    def test_cancel_asks_on_a_terminal(self):
        size = (1 << 30) + (64 << 20)
        self.world.nginx.add_sparse('huge', size)
        self.addCleanup(self.world.nginx.remove_all)
        job = self.client.submit([(self.world.nginx.url('huge'), self.path('huge'))], name='huge')
        job.wait_state('transferred', seconds=120)
        line = shlex.join([self.program, 'cancel', 'huge'])
        status, shown = self.on_terminal(line, answer='n\n')
        self.assertEqual(status, 1, shown)
        self.assertIn('1.1 GB', shown)
        self.assertEqual(job.state, 'transferred')
        status, shown = self.on_terminal(line, answer='y\n')
        self.assertEqual(status, 0, shown)
        self.assertEqual(job.state, 'cancelled')


if __name__ == '__main__':
    cases.main()
