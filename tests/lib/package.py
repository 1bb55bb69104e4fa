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


class PackageError(Exception):
    """It cannot be built; the text has the end of the log."""


def place():
    """The folder of packages."""
    build_dir = os.environ.get('FERRY_BUILD_DIR', os.path.join(ROOT, '_build-test'))
    return os.path.join(os.path.abspath(build_dir), 'package')


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


def version():
    """The one in the changelog."""
    with open(os.path.join(ROOT, 'debian', 'changelog'), encoding='utf-8') as changelog:
        return re.match(r'\w+ \((.*?)\)', changelog.readline()).group(1)


def dpkg_buildpackage(folder, *options):
    env = dict(os.environ, DEB_BUILD_OPTIONS='noautodbgsym parallel={}'.format(os.cpu_count()))
    for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'G_DEBUG'):
        env.pop(name, None)
    log = os.path.join(place(), 'log')
    with open(log, 'ab') as out:
        done = subprocess.run(['dpkg-buildpackage', '-us', '-uc', '-b', *options], env=env,
                              cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    if done.returncode:
        with open(log, encoding='utf-8', errors='backslashreplace') as text:
            raise PackageError(text.read()[-8000:])


def become_previous(folder):
    """The same tree as an older release; what was compiled stays, save what knows the version."""
    for name, pattern, replacement in (
            ('debian/changelog', r'\(.*?\)', '({})'.format(PREVIOUS)),
            ('meson.build', r"version: '.*?'", "version: '{}'".format(PREVIOUS))):
        with open(os.path.join(folder, name), encoding='utf-8') as old:
            text = re.sub(pattern, replacement, old.read(), count=1)
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as new:
            new.write(text)
    # As `debian/rules clean` does, but for the folder of objects.
    debian = os.path.join(folder, 'debian')
    for name in ('.debhelper', 'ferry', 'tmp'):
        shutil.rmtree(os.path.join(debian, name), ignore_errors=True)
    for name in glob.glob(os.path.join(debian, '*debhelper*')) + \
            glob.glob(os.path.join(debian, '*.substvars')):
        os.unlink(name)


def build():
    """Builds both, unless they were built from the tree as it is."""
    files = sources()
    state = digest(files)
    recorded = os.path.join(place(), 'state')
    folder = os.path.join(place(), 'source')
    if os.path.exists(recorded):
        with open(recorded, encoding='ascii') as text:
            if text.read() == state:
                return
    shutil.rmtree(place(), ignore_errors=True)
    for name in files:
        target = os.path.join(folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(os.path.join(ROOT, name), target)
    dpkg_buildpackage(folder)
    become_previous(folder)
    dpkg_buildpackage(folder, '--no-pre-clean')
    with open(recorded, 'w', encoding='ascii') as out:
        out.write(state)


def find(what, name='ferry_{}_*.deb'):
    """The file of that version; it was built before."""
    return glob.glob(os.path.join(place(), name.format(what)))[0]


def current():
    """This tree's package."""
    return find(version())


def previous():
    """An older one."""
    return find(PREVIOUS)


def changes():
    """What lintian wants to read."""
    return find(version(), 'ferry_{}_*.changes')
