# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian package of this tree, built once for each state of the tree, in a copy.

There is an older one too, to upgrade from: the same tree under a lower version. The programs know their
version, so an older ferryd does not get on with a newer worker, as it will be between releases.
"""

import glob
import hashlib
import os
import re
import shutil
import subprocess

from lib.tree import ROOT, tracked

PREVIOUS = '0.0.9'
# A package is made without them, and they change often.
LEFT_OUT = ('tests/', '.ci/', '.git')
STATE = 'state'     # holds the digest of what was built


class PackageError(Exception):
    """It cannot be built; the text has the end of the log."""


def sources():
    """What the package is made from, sorted."""
    return sorted(f for f in tracked() if not f.startswith(LEFT_OUT))


def digest(files):
    """Of names, contents and whether they can be run."""
    state = hashlib.sha256()
    for name in files:
        path = os.path.join(ROOT, name)
        with open(path, 'rb') as source:
            data = source.read()
        state.update('{}\0{}\0{}\0'.format(name, os.access(path, os.X_OK), len(data)).encode())
        state.update(data)
    return state.hexdigest()


def version(folder):
    """The one in the changelog."""
    with open(os.path.join(folder, 'debian', 'changelog'), encoding='utf-8') as changelog:
        return re.match(r'\w+ \((.*?)\)', changelog.readline()).group(1)


def dpkg_buildpackage(place, *options):
    env = dict(os.environ, DEB_BUILD_OPTIONS='noautodbgsym parallel={}'.format(os.cpu_count()))
    for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'G_DEBUG'):
        env.pop(name, None)
    log = os.path.join(place, 'log')
    with open(log, 'ab') as out:
        done = subprocess.run(['dpkg-buildpackage', '-us', '-uc', '-b', *options], env=env,
                              cwd=os.path.join(place, 'source'), stdin=subprocess.DEVNULL,
                              stdout=out, stderr=out)
    if done.returncode:
        with open(log, encoding='utf-8', errors='backslashreplace') as text:
            raise PackageError(text.read()[-8000:])


def become_previous(folder):
    """The same tree as an older release; what was compiled stays, save what knows the version."""
    with open(os.path.join(folder, 'debian', 'changelog'), 'r+', encoding='utf-8') as changelog:
        first = changelog.read().split('\n -- ')[0] + '\n -- Nobody <nobody@example.org>  ' \
            'Sun, 01 Nov 2026 12:00:00 +0000\n'
        changelog.seek(0)
        changelog.truncate()
        changelog.write(re.sub(r'\(.*?\)', '({})'.format(PREVIOUS), first, count=1))
    with open(os.path.join(folder, 'meson.build'), 'r+', encoding='utf-8') as build:
        text = re.sub(r"version: '.*?'", "version: '{}'".format(PREVIOUS), build.read(), count=1)
        build.seek(0)
        build.truncate()
        build.write(text)
    # As `debian/rules clean` does, but for the folder of objects.
    debian = os.path.join(folder, 'debian')
    for name in ('.debhelper', 'ferry', 'tmp'):
        shutil.rmtree(os.path.join(debian, name), ignore_errors=True)
    for name in glob.glob(os.path.join(debian, '*debhelper*')) + \
            glob.glob(os.path.join(debian, '*.substvars')):
        os.unlink(name)


def build(place):
    """Builds what is not there; returns (this tree's package, the older one, the .changes file)."""
    files = sources()
    state = digest(files)
    recorded = os.path.join(place, STATE)
    folder = os.path.join(place, 'source')
    current = version(ROOT)
    if not os.path.exists(recorded) or open(recorded, encoding='utf-8').read() != state:
        shutil.rmtree(place, ignore_errors=True)
        for name in files:
            target = os.path.join(folder, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), target)
        dpkg_buildpackage(place)
        become_previous(folder)
        dpkg_buildpackage(place, '--no-pre-clean')
        with open(recorded, 'w', encoding='utf-8') as out:
            out.write(state)

    def find(pattern):
        return glob.glob(os.path.join(place, pattern))[0]
    return (find('ferry_{}_*.deb'.format(current)), find('ferry_{}_*.deb'.format(PREVIOUS)),
            find('ferry_{}_*.changes'.format(current)))
