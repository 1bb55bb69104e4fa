# SPDX-License-Identifier: LGPL-2.1-or-later
"""A whole Debian, booted in a container, in which the package is installed as a user would.

It shares the network of the test process, which is a loopback of its own (isolate.py): web servers live in
the test process, outlive every reboot, and know what they were asked.
"""

import contextlib
import json
import os
import select
import shlex
import shutil
import signal
import socket
import subprocess
import time

from lib import disk, isolate, package
from lib.badserver import BadServer
from lib.client import Client
from lib.process import Deadline, descendants, wait_until
from lib.tree import ROOT

BUS = 'unix:path=/run/dbus/system_bus_socket'
TESTS = '/run/host/ferry-tests'         # tests/lib, in the machine
PACKAGES = '/run/host/ferry-packages'   # where the packages were built
SSH = ['ssh', '-q', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no',
       '-o', 'UserKnownHostsFile=/dev/null']
REBOOT = 133    # nspawn's status when it is for its caller to start the machine again
PROGRAMS = 'debootstrap', 'systemd-nspawn', 'mkfs.ext4', 'dpkg-buildpackage', 'dh', 'lintian'


def hierarchies():
    """Mount points of the cgroup trees in which systemd keeps its units."""
    found = []
    with open('/proc/mounts', encoding='utf-8') as mounts:
        for line in mounts:
            _, where, kind, options = line.split()[:4]
            if kind == 'cgroup2' or kind == 'cgroup' and 'name=systemd' in options.split(','):
                found.append(where)
    return found


def make_cgroups(name):
    """A group in each hierarchy, so that machines side by side do not meet."""
    for where in hierarchies():
        os.mkdir(os.path.join(where, name))


def remove_cgroups(name):
    """With all that is in them; their processes must have been killed."""
    def gone(path):
        for folder, _, _ in os.walk(path, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        return not os.path.exists(path)
    for where in hierarchies():
        path = os.path.join(where, name)
        wait_until(lambda path=path: gone(path), 20, 'the end of the processes in ' + path)


def remove_cgroups_below(folder):
    """Of machines that had their places in that folder; whoever ran them may have been killed."""
    for name in os.listdir(folder):
        remove_cgroups(name)


def reason_against():
    """Why no machine can be booted here, None when it can."""
    if os.geteuid() != 0:
        return 'needs root'
    if not os.path.exists('/dev/loop-control'):
        return 'there are no loop devices'
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return 'not installed: ' + ', '.join(missing)
    if not isolate.possible(isolate.FLAGS + ['--net'], ['ip', 'link', 'set', 'lo', 'up']):
        return 'this machine gives root no namespaces of his own'
    if not hierarchies():
        return 'no control groups are mounted'
    try:
        make_cgroups('ferry-probe-{}'.format(os.getpid()))
    except OSError as error:
        return 'no control group can be made: {}'.format(error)
    finally:
        remove_cgroups('ferry-probe-{}'.format(os.getpid()))
    return disk.possible()


class Machine:
    """One machine with a disk of its own. Parts are undone by stop(), whatever happened between."""

    def __init__(self, place):
        self.place = place
        self.stack = contextlib.ExitStack()
        self.name = os.path.basename(place)
        self.console = os.path.join(place, 'console')
        self.clients = []
        self.nspawn = self.leader = self.notify = None
        self._http = None
        self.disk = disk.Disk(place)
        make_cgroups(self.name)
        self.stack.callback(remove_cgroups, self.name)
        # nspawn leaves something there for each machine.
        os.makedirs('/run/systemd/nspawn', exist_ok=True)
        isolate.tmpfs('/run/systemd/nspawn')
        self.disk.mount()

    # -- power

    def power_on(self):
        """Returns once there is an init; boot() waits until it has started everything."""
        path = os.path.join(self.place, 'notify')
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(path)
        argv = ['systemd-nspawn', '--quiet', '--boot', '--register=no', '--keep-unit',
                '--directory=' + self.disk.root, '--machine=ferry-test', '--notify-ready=yes',
                '--link-journal=no', '--resolv-conf=off', '--timezone=off',
                '--console=read-only',
                '--bind-ro={}:{}'.format(os.path.join(ROOT, 'tests', 'lib'), TESTS),
                '--bind-ro={}:{}'.format(package.place(), PACKAGES), 'systemd.show_status=false']
        groups = ' '.join(shlex.quote(os.path.join(where, self.name, 'cgroup.procs'))
                          for where in hierarchies())
        script = 'for group in {}; do echo $$ > $group; done; exec "$@"'.format(groups)
        env = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'NOTIFY_SOCKET': path}
        with open(self.console, 'ab') as console:
            self.nspawn = subprocess.Popen(['sh', '-c', script, '-', *argv], env=env,
                                           stdin=subprocess.DEVNULL, stdout=console,
                                           stderr=console)
        self._wait_notify('X_NSPAWN_LEADER_PID')

    def boot(self, seconds=60):
        """Powers on and waits until all has started; a unit that failed is a failure."""
        self.power_on()
        self.wait_booted(seconds)

    def wait_booted(self, seconds=60):
        """Waits until systemd has started everything it was to start."""
        self._wait_notify('READY', seconds)
        state = self.run(['systemctl', 'is-system-running'], check=False).stdout.strip()
        if state != 'running':
            failed = self.run(['systemctl', '--failed', '--no-legend', '--plain'],
                              check=False).stdout
            raise AssertionError('the machine is {}:\n{}\n{}'.format(state, failed, self.log()[-4000:]))

    def _wait_notify(self, wanted, seconds=60):
        """Reads what nspawn says about the machine until the wanted variable comes."""
        end = time.monotonic() + seconds
        while True:
            if not select.select([self.notify], [], [], 0.2)[0]:
                if self.nspawn.poll() is not None:
                    raise AssertionError('the machine ended with {}:\n{}'.format(
                        self.nspawn.returncode, self.log()[-4000:]))
                if time.monotonic() > end:
                    raise Deadline('no {} from the machine within {} s:\n{}'.format(
                        wanted, seconds, self.log()[-4000:]))
                continue
            said = dict(line.split('=', 1) for line in
                        self.notify.recv(4096).decode().splitlines() if '=' in line)
            if 'X_NSPAWN_LEADER_PID' in said:
                self.leader = int(said['X_NSPAWN_LEADER_PID'])
            if wanted in said:
                return

    def reboot(self, seconds=60):
        """As a user does it; returns when all runs again."""
        self._shut_down('reboot', REBOOT, seconds)
        self.boot(seconds)

    def power_off(self, seconds=60):
        """As a user does it."""
        self._shut_down('poweroff', 0, seconds)

    def _shut_down(self, how, wanted, seconds):
        self.close_clients()
        self.run(['systemctl', how], check=False)
        status = self.nspawn.wait(seconds)
        if status != wanted:
            raise AssertionError('{} ended with {}:\n{}'.format(how, status, self.log()[-4000:]))
        self._forget()

    def power_cut(self):
        """At once: what was not synced is lost, every process is gone. boot() may follow."""
        self.disk.cut()
        self._kill()
        self.close_clients()
        self.disk.unmount()
        self.disk.mount()

    def _kill(self):
        """With its init all processes of the machine go; nspawn ends when it sees that."""
        if self.leader is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.leader, signal.SIGKILL)
        try:
            self.nspawn.wait(10)
        except subprocess.TimeoutExpired:
            for pid in [*descendants(self.nspawn.pid), self.nspawn.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.nspawn.wait(10)
        self._forget()

    def _forget(self):
        self.nspawn = self.leader = None
        self.notify.close()

    def stop(self):
        """Ends the machine, if it runs, and takes away what it needed."""
        try:
            if self.nspawn is not None:
                self._kill()
            self.close_clients()
            self.disk.unmount()
        finally:
            self.stack.close()

    # -- inside

    def enter(self, user=None, env=None, cwd=None):
        """A command line that runs another one inside: as a user without any session, in his home."""
        argv = ['nsenter', '--target', str(self.leader), '--mount', '--uts', '--ipc', '--pid',
                '--root', '--wd', '--']
        name = user or 'root'
        home = '/home/' + user if user else '/root'
        if user:
            argv += ['setpriv', '--reuid', user, '--regid', user, '--init-groups', '--']
        values = dict({'HOME': home, 'USER': name, 'LOGNAME': name, 'LC_ALL': 'C.UTF-8',
                       'PATH': '/usr/local/bin:/usr/bin:/bin' if user else
                       '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'},
                      **(env or {}))
        return argv + ['env', '-i', '-C', cwd or home, *('{}={}'.format(k, v) for k, v in values.items())]

    def run(self, argv, user=None, check=True, timeout=60, stdin=None, env=None, cwd=None):
        """Runs a program to its end; returns the CompletedProcess. A shell line may be given as str."""
        command = ['sh', '-c', argv] if isinstance(argv, str) else list(argv)
        return self._finish([*self.enter(user, env, cwd), *command], argv, check, timeout, stdin)

    def _finish(self, command, shown, check, timeout, stdin=None):
        done = subprocess.run(command, input=stdin or '', timeout=timeout, text=True,
                              errors='backslashreplace', stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        if check and done.returncode:
            raise AssertionError('{} ended with {}:\n{}{}'.format(shown, done.returncode,
                                                                  done.stdout, done.stderr))
        return done

    def start(self, argv, user=None, **popen):
        """Starts a program and returns the Popen; it ends with the machine, or by the caller."""
        command = ['sh', '-c', argv] if isinstance(argv, str) else list(argv)
        return subprocess.Popen([*self.enter(user), *command], text=True, **popen)

    def login(self, user, line, check=True, timeout=60):
        """Runs a shell line in a session that logind knows: over ssh, through PAM."""
        return self._finish([*self.enter(), *SSH, user + '@127.0.0.1', line], line, check, timeout)

    def cron(self, user, line):
        """Has cron run a shell line as that user now. Its clock has minutes, so it is told that the
        machine has just booted."""
        self.run(['crontab', '-'], user, stdin='@reboot {}\n'.format(line))
        self.run('systemctl stop cron && rm -f /run/crond.reboot && systemctl start cron')

    def client(self, user):
        """A connection of that user to the machine's bus."""
        client = Client([*self.enter(user), 'python3', '-B', TESTS + '/peer.py', BUS])
        self.clients.append(client)
        return client

    def close_clients(self):
        for client in self.clients:
            client.close()
        self.clients = []

    def path(self, path):
        """Where a file of the machine is for us."""
        return os.path.join(self.disk.root, path.lstrip('/'))

    def journal(self, *options):
        return self.run(['journalctl', '--no-pager', '--output=cat', *options]).stdout

    def log_size(self):
        """Where log() would go on from, later."""
        return os.path.getsize(self.console)

    def log(self, start=0):
        """What came on the console, the journal included."""
        with open(self.console, 'rb') as console:
            console.seek(start)
            return console.read().decode(errors='backslashreplace')

    # -- Ferry

    def install(self, path=None):
        """As a user installs a file; this tree's package when none is named."""
        name = os.path.basename(path or package.current())
        return self.apt('install', os.path.join(PACKAGES, name))

    def apt(self, *arguments, check=True):
        return self.run(['apt-get', '--quiet', '--assume-yes', '--no-install-recommends',
                         *arguments], check=check, timeout=120,
                        env={'DEBIAN_FRONTEND': 'noninteractive'})

    def jobs(self, user):
        """`ferry list --json` of that user, finished ones left out."""
        return json.loads(self.run(['ferry', 'list', '--json'], user).stdout)

    def job(self, user, word):
        return json.loads(self.run(['ferry', 'show', '--json', word], user).stdout)

    def wait_job(self, user, word, predicate, what, seconds=60):
        """Waits until the job of that user is as wanted; returns it."""
        def arrived():
            job = self.job(user, word)
            return job if predicate(job) else None
        return wait_until(arrived, seconds, what)

    def processes(self, name):
        """(pid inside, fields of /proc/PID/status) of all processes with that program name."""
        found = []
        listing = self.run('for f in /proc/[0-9]*/status; do cat $f 2> /dev/null && echo; done')
        for block in listing.stdout.split('\n\n'):
            fields = dict(line.split(':', 1) for line in block.splitlines() if ':' in line)
            fields = {key: value.strip() for key, value in fields.items()}
            if fields.get('Name') == name[:15] and not fields['State'].startswith('Z'):
                found.append((int(fields['Pid']), fields))
        return found

    @property
    def http(self):
        """A server that misbehaves on request; the machine's reboots do not touch it."""
        if self._http is None:
            self._http = BadServer()
            self.stack.callback(self._http.close)
        return self._http
