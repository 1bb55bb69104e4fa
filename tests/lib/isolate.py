# SPDX-License-Identifier: LGPL-2.1-or-later
"""Puts the whole test process into namespaces of its own.

polkit reads its actions from /usr/share, dconf its profiles from /etc and TLS its certificates from
/etc/ssl: a test that wants the real ones must change those places, and the machine must not notice.
With a network namespace nothing outside can be reached and no port can clash; with a process
namespace nothing that a test started can outlive it, however it ends.
"""

import ctypes
import os
import subprocess
import sys

MARK = 'FERRY_TEST_ISOLATED'
FLAGS = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private']


def possible(flags, command):
    """Whether namespaces can be had; without root they cannot."""
    if os.geteuid() != 0:
        return False
    probe = subprocess.run(['unshare', *flags, *command], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    return probe.returncode == 0


def inside():
    """Whether this process is already in namespaces of its own."""
    return MARK in os.environ


def own_network():
    """Whether one of them is a network; some containers have no right to it."""
    return os.environ.get(MARK) == 'network'


def enter(want_network=True):
    """Starts this program again in its own namespaces; returns at once when that is impossible."""
    if inside():
        if own_network():
            subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
            network(True)
        return
    with_network = FLAGS + ['--net']
    if want_network and possible(with_network, ['ip', 'link', 'set', 'lo', 'up']):
        flags, mark = with_network, 'network'
    elif possible(FLAGS, ['true']):
        flags, mark = FLAGS, 'yes'
    else:
        return
    env = dict(os.environ, **{MARK: mark})
    os.execvpe('unshare', ['unshare', *flags, '/usr/bin/python3', '-B', *sys.argv], env)


def network(up):
    """GNetworkMonitor calls the machine online while there is a default route; loopback works
    either way."""
    verb = 'add' if up else 'del'
    subprocess.run(['ip', 'route', verb, 'default', 'dev', 'lo'], check=True)


def bind(source, target):
    """Shows source at target, for this namespace only."""
    subprocess.run(['mount', '--bind', source, target], check=True)


def tmpfs(target):
    """An empty directory over target, for this namespace only."""
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', target], check=True)


def set_parent_death_signal():
    """For children outside a process namespace: they end with the test process (Linux only)."""
    ctypes.CDLL(None, use_errno=True).prctl(1, 9)
