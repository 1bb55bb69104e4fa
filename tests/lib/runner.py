#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds with sanitizers, runs the tiers, counts cases (not programs).

Both the GTest programs and the Python tests speak TAP, so that one reader serves both and a
program that dies in the middle is a failed case, never a missing one.
"""

import argparse
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import disk, machine, package  # noqa: E402
from lib.process import Deadline  # noqa: E402
from lib.tree import ROOT  # noqa: E402

TAP_LINE = re.compile(r'^(not )?ok\b\s*(\d+)?\s*(?:- )?(.*?)(?:\s+# (SKIP)\b\s*(.*))?$', re.I)
UNIT_TIMEOUT = 300
PROGRAM_TIMEOUT = 900
# Bus tests mostly wait; side by side they take a third of the time. Each has its own world.
BUS_AT_A_TIME = 3
SYSTEM_AT_A_TIME = 2
# They compare times, which neighbours would spoil.
ALONE = ('test_malice',)
# The longest first, so that none is left alone at the end.
LONG = ('test_upload_faults', 'test_upload', 'test_power', 'test_power_cut', 'test_remove',
        'test_kill', 'test_trouble', 'test_upload_reply',
        'test_lying_worker', 'test_cost', 'test_flood', 'test_cli')


class Counts:
    """The three numbers of the last line."""

    def __init__(self, verbose):
        self.passed = self.failed = self.skipped = 0
        self.verbose = verbose
        self.failures = []
        self.lock = threading.Lock()    # a case and its log are printed together

    def case(self, program, name, outcome, detail='', log=''):
        """One line for each case; the log only where it failed."""
        lines = ['{:<6}{}  {}'.format(outcome, program, name) +
                 ('  ({})'.format(detail) if detail else '')]
        if log and (outcome == 'FAIL' or self.verbose):
            lines += ['      | ' + line for line in log.rstrip('\n').splitlines()[-200:]]
        with self.lock:
            if outcome == 'ok':
                self.passed += 1
            elif outcome == 'skip':
                self.skipped += 1
            else:
                self.failed += 1
                self.failures.append('{}  {}'.format(program, name))
            print('\n'.join(lines), flush=True)


class TapProgram:
    """Runs one program and turns its TAP into cases."""

    def __init__(self, counts, program, command, env, timeout, cwd=None):
        self.counts = counts
        self.program = program
        self.command = command
        self.env = env
        self.timeout = timeout
        self.cwd = cwd
        self.log = []           # what was printed since the last case
        self.pending = None     # a failed case whose diagnostics may still follow
        self.seen = 0
        self.plan = None
        self.started = time.monotonic()

    def flush(self):
        """Reports the failed case now that what it printed afterwards is known."""
        if self.pending:
            name, detail = self.pending
            self.pending = None
            self.counts.case(self.program, name, 'FAIL', detail, '\n'.join(self.log))
            self.log = []

    def line(self, line):
        plan = re.match(r'^1\.\.(\d+)(\s+#.*)?$', line)
        if plan:
            self.plan = int(plan.group(1))
            if self.plan == 0:
                self.counts.case(self.program, '(all)', 'skip', (plan.group(2) or '').strip(' #'))
            return
        match = TAP_LINE.match(line)
        if not match:
            self.log.append(line)
            return
        self.flush()
        self.seen += 1
        now = time.monotonic()
        took = '{:.2f} s'.format(now - self.started)
        self.started = now
        name = match.group(3) or match.group(2) or ''
        if match.group(4) and match.group(4).upper() == 'SKIP':
            self.counts.case(self.program, name, 'skip', match.group(5) or '')
            self.log = []
        elif match.group(1):
            self.pending = (name, took)
        else:
            self.counts.case(self.program, name, 'ok', took, '\n'.join(self.log))
            self.log = []

    def run(self):
        child = subprocess.Popen(self.command, env=self.env, cwd=self.cwd, text=True,
                                 errors='backslashreplace', stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 start_new_session=True)
        late = threading.Event()

        def stop():
            late.set()
            os.killpg(child.pid, signal.SIGKILL)

        timer = threading.Timer(self.timeout, stop)
        timer.start()
        try:
            for line in child.stdout:
                self.line(line.rstrip('\n'))
            status = child.wait()
        finally:
            timer.cancel()
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        had_failure = self.pending is not None
        self.flush()
        log = '\n'.join(self.log)
        if late.is_set():
            self.counts.case(self.program, '(whole)', 'FAIL',
                             'not done after {} s'.format(self.timeout), log)
        elif self.plan is not None and self.seen < self.plan or status < 0:
            self.counts.case(self.program, '(whole)', 'FAIL',
                             '{} of {} cases, status {}'.format(self.seen, self.plan, status), log)
        elif status not in (0, 77) and not had_failure and not self.seen_failure():
            self.counts.case(self.program, '(whole)', 'FAIL', 'status {}'.format(status), log)
        elif self.seen == 0 and self.plan is None:
            self.counts.case(self.program, '(whole)', 'FAIL', 'no cases were reported', log)

    def seen_failure(self):
        """Whether the program's status is explained by a case of its own."""
        return any(f.startswith(self.program + '  ') for f in self.counts.failures)


def build(build_dir, sanitize):
    """Configures when needed, compiles what has changed; quiet unless it fails."""
    options = ['-Dwerror=true', '-Dtests=true', '--buildtype=debugoptimized']
    if sanitize:
        options += ['-Db_sanitize=address,undefined', '-Db_lundef=false']
    if not os.path.exists(os.path.join(build_dir, 'build.ninja')):
        command = ['meson', 'setup', *options, build_dir, ROOT]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            print(done.stdout)
            return False
    print('Building in {}'.format(os.path.relpath(build_dir)), flush=True)
    done = subprocess.run(['ninja', '-C', build_dir], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(done.stdout)
    return done.returncode == 0


def sanitizer_environment():
    """Every sanitizer finding ends the program, so that it cannot be overlooked."""
    env = dict(os.environ)
    env.setdefault('ASAN_OPTIONS', 'abort_on_error=0:exitcode=99:detect_stack_use_after_return=1')
    env.setdefault('UBSAN_OPTIONS', 'print_stacktrace=1:halt_on_error=1')
    env['G_DEBUG'] = 'gc-friendly,fatal-criticals'
    env['LC_ALL'] = 'C.UTF-8'
    env['PYTHONDONTWRITEBYTECODE'] = '1'
    return env


def unit_tests(build_dir):
    """The tests that meson knows, with their suites taken off their names."""
    done = subprocess.run(['meson', 'introspect', '--tests', build_dir], check=True,
                          stdout=subprocess.PIPE, text=True)
    return [test for test in json.loads(done.stdout)
            if any(suite.split(':')[-1] == 'unit' for suite in test['suite'])]


def run_unit(counts, build_dir, pattern, valgrind):
    env = sanitizer_environment()
    for test in unit_tests(build_dir):
        program = 'unit/' + test['name']
        command = list(test['cmd'])
        test_env = dict(env, **test['env'])
        if pattern and pattern not in program:
            listing = subprocess.run(command + ['-l'], env=test_env, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL, text=True)
            wanted = [case for case in listing.stdout.split('\n') if pattern in case]
            if not wanted:
                continue
            for case in wanted:
                command += ['-p', case]
        if valgrind:
            supp = '/usr/share/glib-2.0/valgrind/glib.supp'
            command = ['valgrind', '-q', '--leak-check=full', '--show-leak-kinds=definite',
                       '--errors-for-leak-kinds=definite', '--error-exitcode=99',
                       *(['--suppressions=' + supp] if os.path.exists(supp) else []), *command]
        if test.get('protocol') == 'tap':
            timeout = UNIT_TIMEOUT * (10 if valgrind else 1)
            TapProgram(counts, program, command, test_env, timeout, test['workdir']).run()
        else:
            run_plain(counts, program, command, test_env, test['workdir'])


def run_plain(counts, program, command, env, cwd):
    """A test that only has an exit status is one case."""
    try:
        done = subprocess.run(command, env=env, cwd=cwd, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, timeout=UNIT_TIMEOUT)
    except subprocess.TimeoutExpired:
        counts.case(program, '', 'FAIL', 'not done after {} s'.format(UNIT_TIMEOUT))
        return
    outcome = {0: 'ok', 77: 'skip'}.get(done.returncode, 'FAIL')
    counts.case(program, '', outcome, 'status {}'.format(done.returncode), done.stdout)


def contains(path, pattern):
    with open(path, encoding='utf-8') as source:
        return pattern in source.read()


def programs(tier):
    """Names of the Python tests of a tier, longest first."""
    names = [name[:-3] for name in sorted(os.listdir(os.path.join(ROOT, 'tests', tier)))
             if name.startswith('test_') and name.endswith('.py')]
    return sorted(names, key=lambda n: LONG.index(n) if n in LONG else len(LONG))


def wanted(tier, pattern):
    """(name, options) of those that have cases with the pattern in their names."""
    for name in programs(tier):
        path = os.path.join(ROOT, 'tests', tier, name + '.py')
        if not pattern or pattern in '{}/{}'.format(tier, name):
            yield name, []
        elif contains(path, pattern):
            yield name, ['-k', pattern]


def run_program(counts, tier, name, options):
    folder = os.path.join(ROOT, 'tests', tier)
    command = ['/usr/bin/python3', '-B', os.path.join(folder, name + '.py'), *options]
    # Whatever becomes of the program, what it leaves goes with this.
    with tempfile.TemporaryDirectory(prefix='ferry-', dir='/var/tmp',
                                     ignore_cleanup_errors=True) as place:
        os.chmod(place, 0o755)
        env = dict(sanitizer_environment(), FERRY_TEST_TMP=place)
        TapProgram(counts, '{}/{}'.format(tier, name), command, env, PROGRAM_TIMEOUT, folder).run()
        try:
            machine.remove_cgroups_below(place)
        except Deadline as error:
            counts.case('{}/{}'.format(tier, name), '(whole)', 'FAIL', str(error))


def run_programs(counts, tier, pattern, at_a_time):
    chosen = list(wanted(tier, pattern))
    for name, options in chosen:
        if name in ALONE:
            run_program(counts, tier, name, options)
    with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
        running = [pool.submit(run_program, counts, tier, name, options)
                   for name, options in chosen if name not in ALONE]
        for program in running:
            program.result()


def run_system(counts, pattern):
    """Builds the package and the disk first, once for all programs."""
    if not list(wanted('system', pattern)):
        return
    reason = machine.reason_against()
    if reason is None:
        try:
            print('Making the disk of a machine, unless it is there', flush=True)
            os.environ['FERRY_TEST_IMAGE'] = disk.base_image()
        except disk.NoDisk as error:
            reason = 'no bare Debian can be made: {}'.format(error)
    if reason is not None:
        counts.case('system', '(all)', 'skip', reason)
        return
    print('Building the package, unless it is there', flush=True)
    try:
        package.build()
    except package.PackageError as error:
        counts.case('system', 'package', 'FAIL', log=str(error))
        return
    run_programs(counts, 'system', pattern, SYSTEM_AT_A_TIME)


def main():
    parser = argparse.ArgumentParser(prog='tests/run')
    parser.add_argument('--unit', action='store_true')
    parser.add_argument('--bus', action='store_true')
    parser.add_argument('--system', action='store_true')
    parser.add_argument('-k', dest='pattern', default='')
    parser.add_argument('--valgrind', action='store_true')
    parser.add_argument('--build-dir')
    parser.add_argument('-v', dest='verbose', action='store_true')
    args = parser.parse_args()
    every = not (args.unit or args.bus or args.system)
    counts = Counts(args.verbose)
    default = '_build-valgrind' if args.valgrind else '_build-test'
    build_dir = os.path.abspath(args.build_dir or os.path.join(ROOT, default))
    os.environ['FERRY_BUILD_DIR'] = build_dir
    began = time.monotonic()
    unit = args.unit or every
    bus = (args.bus or every) and not args.valgrind
    # What the system tier tests is the package, which has a build of its own.
    if (unit or bus) and not build(build_dir, sanitize=not args.valgrind):
        counts.case('build', '', 'FAIL')
    else:
        if unit:
            run_unit(counts, build_dir, args.pattern, args.valgrind)
        if bus:
            run_programs(counts, 'bus', args.pattern, BUS_AT_A_TIME)
        if (args.system or every) and not args.valgrind:
            run_system(counts, args.pattern)
    if counts.failures:
        print('\nFailed:')
        for failure in counts.failures:
            print('  ' + failure)
    print('Took {:.0f} s'.format(time.monotonic() - began))
    print('{} passed, {} failed, {} skipped'.format(counts.passed, counts.failed, counts.skipped))
    return 1 if counts.failed else 0


if __name__ == '__main__':
    sys.exit(main())
