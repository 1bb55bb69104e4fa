# SPDX-License-Identifier: LGPL-2.1-or-later
"""unittest with TAP on standard output, and case classes that stand in a World or have a Machine."""

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import time
import traceback
import unittest

from lib import isolate
from lib.client import JOB, BusError
from lib.machine import Machine
from lib.world import World


class TapResult(unittest.TestResult):
    """One line for each case as soon as it is known; what helps to understand follows as text."""

    def __init__(self, cases):
        super().__init__()
        self.number = 0
        self.cases = cases
        print('1..{}'.format(len(cases)), flush=True)

    @staticmethod
    def name(test):
        ident = test.id()
        return ident.split('.', 1)[1] if ident.startswith('__main__.') else ident

    def line(self, ok, test, suffix=''):
        self.number += 1
        print('{}ok {} - {}{}'.format('' if ok else 'not ', self.number, self.name(test), suffix),
              flush=True)

    def trace(self, test, err):
        text = ''.join(traceback.format_exception(*err))
        if hasattr(test, 'evidence'):
            text += '\n--- ferryd and its workers during this case:\n' + test.evidence()[-8000:]
        for line in text.rstrip('\n').split('\n'):
            print('# ' + line)
        sys.stdout.flush()

    def addSuccess(self, test):
        self.line(True, test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line(False, test)
        self.trace(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        for case in self.meant(test):
            self.line(False, case)
        self.trace(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        for case in self.meant(test):
            self.line(True, case, ' # SKIP ' + reason)

    def meant(self, test):
        """A class that cannot be set up stands for all its cases."""
        name = test.id()
        if not name.startswith('setUpClass ('):
            return [test]
        class_name = name[len('setUpClass ('):-1]
        return [c for c in self.cases if '{}.{}'.format(
            type(c).__module__, type(c).__qualname__) == class_name]

    def addSubTest(self, test, subtest, err):
        """A subtest only speaks when it fails; then its case counts as failed once for each."""
        if err is not None:
            self.failures.append((subtest, ''))
            self.line(False, subtest)
            self.trace(test, err)


class WorldCase(unittest.TestCase):
    """Each class has its World, each case a connection and a directory of its user."""

    world_options = {}
    user = 'nobody'

    @classmethod
    def setUpClass(cls):
        cls.world = None
        cls.world = World(**cls.world_options).start()

    @classmethod
    def tearDownClass(cls):
        if cls.world is None:
            return
        logs = ''
        try:
            if cls.world.ferryd.running:
                cls.world.stop_ferryd()
            logs = '\n'.join(cls.world.findings())
        finally:
            cls.world.stop()
        if logs:
            raise AssertionError('found in the logs:\n' + logs)

    def setUp(self):
        self.started = time.monotonic()
        self.log_start = len(self.world.ferryd.log()) if self.world.ferryd else 0
        if not self.world.root:
            self.user = None
        self._client = None
        self.home = self.world.home(self.user or 'me')
        self.addCleanup(self._end_jobs)

    def evidence(self):
        """What was logged meanwhile, for a case that failed."""
        return self.world.ferryd.log()[self.log_start:] if self.world.ferryd else ''

    @property
    def client(self):
        """The user's connection; made when first used."""
        if self._client is None:
            self._client = self.world.client(self.user)
        return self._client

    def _end_jobs(self):
        """No job of one case may take a turn or a place from the next."""
        if self._client is None:
            return
        try:
            if self.world.ferryd.running:
                for path in self._client.manager('ListJobs', '(a{sv})', {}):
                    with contextlib.suppress(BusError):     # it may end by itself just now
                        self._client.call(path, JOB, 'Cancel')
        finally:
            self._client.close()
            self.world.clients.remove(self._client)

    def path(self, name):
        """A path in this case's directory."""
        return os.path.join(self.home, name)

    def left_over(self):
        """What is in this case's directory, hidden files too."""
        return sorted(os.listdir(self.home))

    def needs_root(self):
        if not self.world.root:
            self.skipTest('needs root for a second uid, polkit and policy')


class MachineCase(unittest.TestCase):
    """Each class has its machine, booted, with the package installed."""

    installed = True

    @classmethod
    def setUpClass(cls):
        if not isolate.own_network():
            raise unittest.SkipTest('this machine gives root no namespaces of his own')
        place = tempfile.mkdtemp(prefix='ferry-', dir=os.environ.get('FERRY_TEST_TMP', '/var/tmp'))
        cls.addClassCleanup(shutil.rmtree, place, ignore_errors=True)
        cls.machine = Machine(place)
        cls.addClassCleanup(cls.machine.stop)
        cls.machine.boot()
        if cls.installed:
            cls.machine.install()

    def setUp(self):
        self.log_start = self.machine.log_size()

    def evidence(self):
        """What came on the console meanwhile, for a case that failed."""
        return self.machine.log(self.log_start)


def flatten(suite):
    """The cases of a suite of suites."""
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def main():
    """Runs the cases of __main__; exit status 1 when one failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument('-k', dest='pattern', default='')
    args = parser.parse_args()
    isolate.enter()
    loader = unittest.TestLoader()
    if args.pattern:
        loader.testNamePatterns = ['*{}*'.format(args.pattern)]
    suite = loader.loadTestsFromModule(sys.modules['__main__'])
    result = TapResult(list(flatten(suite)))
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
