# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files of this tree, as far as they are its own."""

import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def tracked():
    """What is committed or about to be; a tree without git is walked."""
    done = subprocess.run(['git', '-c', 'safe.directory=*', '-C', ROOT, 'ls-files', '--cached',
                           '--others', '--exclude-standard'], stdout=subprocess.PIPE, text=True)
    if done.returncode == 0:
        return [f for f in done.stdout.split('\n') if f and os.path.isfile(os.path.join(ROOT, f))]
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if not f.startswith(('.git', '_build'))]
        found += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names]
    return found
