# SPDX-License-Identifier: LGPL-2.1-or-later
"""Child processes: started with a log each, ended by pid, always."""

import os
import select
import signal
import subprocess
import time


class Deadline(AssertionError):
    """What was waited for did not come."""


def wait_until(predicate, seconds=20, what='a condition'):
    """For what has no event: asks every 10 ms until it holds; returns what predicate returned."""
    end = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise Deadline('{} did not come about within {} s'.format(what, seconds))
        select.select([], [], [], 0.01)


def wait_pid_gone(pid, seconds=20):
    """Waits for a process that need not be our child."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not select.select([fd], [], [], seconds)[0]:
            raise Deadline('process {} did not end within {} s'.format(pid, seconds))
    finally:
        os.close(fd)


class Process:
    """One program, which can be started again after it ended."""

    def __init__(self, name, argv, log_dir, env=None, user=None, cwd='/', stdin=None):
        self.name = name
        self.argv = argv
        self.env = env
        self.user = user          # pwd entry to run as, None = as we are
        self.cwd = cwd
        self.stdin = stdin
        self.stderr = None        # where it goes when not to the log
        self.log_path = os.path.join(log_dir, name + '.log')
        self.child = None

    @property
    def pid(self):
        return self.child.pid if self.child else None

    @property
    def running(self):
        return self.child is not None and self.child.poll() is None

    def start(self, extra_env=None, pass_fds=()):
        """Starts it; readiness is the caller's to wait for."""
        assert not self.running, self.name + ' runs already'
        env = dict(os.environ if self.env is None else self.env, **(extra_env or {}))
        identity = {}
        if self.user is not None and os.geteuid() == 0:
            identity = {'user': self.user.pw_uid, 'group': self.user.pw_gid,
                        'extra_groups': os.getgrouplist(self.user.pw_name, self.user.pw_gid)}
        with open(self.log_path, 'ab') as log:
            self.child = subprocess.Popen(self.argv, env=env, cwd=self.cwd, pass_fds=pass_fds,
                                          stdin=self.stdin or subprocess.DEVNULL,
                                          stdout=log, stderr=self.stderr or log, **identity)
        return self

    def signal(self, number):
        """Sends a signal, unless it has ended."""
        if self.running:
            self.child.send_signal(number)

    def wait(self, seconds=20):
        """Waits for its end and returns the status."""
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Deadline('{} did not end within {} s'.format(self.name, seconds)) from None

    def kill(self):
        """kill -9, and the end waited for."""
        self.signal(signal.SIGKILL)
        return self.wait()

    def stop(self, seconds=20):
        """SIGTERM, then SIGKILL when it does not listen; returns the status."""
        if self.child is None:
            return None
        self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except Deadline:
            self.kill()
            raise

    def log(self):
        """All it has printed so far."""
        try:
            with open(self.log_path, encoding='utf-8', errors='backslashreplace') as log:
                return log.read()
        except FileNotFoundError:
            return ''


def processes(name):
    """(pid, real uid) of all processes with that program name, zombies left out."""
    found = []
    for entry in os.listdir('/proc'):
        if not entry.isdigit():
            continue
        try:
            with open('/proc/{}/status'.format(entry), encoding='utf-8') as status:
                fields = dict(line.split(':', 1) for line in status if ':' in line)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields['Name'].strip() == name[:15] and not fields['State'].strip().startswith('Z'):
            found.append((int(entry), int(fields['Uid'].split()[0])))
    return found


def descendants(pid):
    """Pids of what a process started, and of what that started."""
    parents = {}
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            try:
                with open('/proc/{}/stat'.format(entry), encoding='utf-8') as stat:
                    parents[int(entry)] = int(stat.read().rsplit(')', 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    found, ring = [], {pid}
    while ring:
        ring = {child for child, parent in parents.items() if parent in ring}
        found += ring
    return found


def rss_anon(pid):
    """RssAnon in bytes."""
    with open('/proc/{}/status'.format(pid), encoding='utf-8') as status:
        for line in status:
            if line.startswith('RssAnon:'):
                return int(line.split()[1]) * 1024
    return 0
