#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be said of the package without installing it."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, package, tree  # noqa: E402


class Package(unittest.TestCase):
    """The one of this tree."""

    def test_lintian(self):
        """Nothing to say, but for overrides that have their reasons."""
        done = subprocess.run(['lintian', '--allow-root', '--tag-display-limit=0',
                               package.changes()], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT)
        self.assertEqual((done.returncode, done.stdout), (0, ''))

    def test_version(self):
        """The programs say that of the package."""
        with open(os.path.join(tree.ROOT, 'meson.build'), encoding='utf-8') as build:
            self.assertIn("version: '{}'".format(package.version()), build.read())


if __name__ == '__main__':
    cases.main()
