# SPDX-License-Identifier: LGPL-2.1-or-later
"""Apache with a door: /basic/ and /digest/ are open to who is in its files."""

import base64
import hashlib
import os

from lib.uploads import Apache

REALM = 'guarded'


class ApacheGuard(Apache):
    """Serves the same files below both."""

    name = 'apache-guard'
    modules = ('authn_core', 'authn_file', 'authz_user', 'auth_basic', 'auth_digest')

    def __init__(self, tls=None):
        super().__init__(tls)
        self.let_in('nobody-yet', '')

    def let_in(self, user, password):
        """Only him from now on."""
        sha = base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()
        self.write('basic.users', '{}:{{SHA}}{}\n'.format(user, sha))
        both = hashlib.md5(':'.join((user, REALM, password)).encode()).hexdigest()
        self.write('digest.users', '{}:{}:{}\n'.format(user, REALM, both))

    def rules(self):
        rules = []
        for kind in ('basic', 'digest'):
            os.symlink('.', os.path.join(self.directory, kind))
            rules.append('''
<Location /{kind}>
  AuthType {kind}
  AuthName "{realm}"
  Auth{title}Provider file
  AuthUserFile {place}/{kind}.users
  Require valid-user
</Location>'''.format(kind=kind, title=kind.capitalize(), realm=REALM, place=self.place))
        return ''.join(rules)
