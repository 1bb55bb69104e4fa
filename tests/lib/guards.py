# SPDX-License-Identifier: LGPL-2.1-or-later
"""Apache with a door: /basic/ and /digest/ are open to who is in its files."""

import base64
import hashlib
import os

from lib.uploads import MODULES, UploadServer, needs

REALM = 'guarded'


class ApacheGuard(UploadServer):
    """Serves the same files below both."""

    name = 'apache-guard'

    def __init__(self, tls=None):
        needs('apache2')
        super().__init__(tls)
        self.let_in('nobody-yet', '')

    def let_in(self, user, password):
        """Only him from now on."""
        sha = base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()
        self.write('basic.users', '{}:{{SHA}}{}\n'.format(user, sha))
        both = hashlib.md5(':'.join((user, REALM, password)).encode()).hexdigest()
        self.write('digest.users', '{}:{}:{}\n'.format(user, REALM, both))

    def command(self):
        for name in ('basic', 'digest'):
            path = os.path.join(self.directory, name)
            if not os.path.islink(path):
                os.symlink('.', path)
        modules = ['mpm_event', 'authn_core', 'authn_file', 'authz_core', 'authz_user',
                   'auth_basic', 'auth_digest', 'mime'] + ['ssl'] * bool(self.tls)
        doors = '\n'.join('''
<Location /{kind}>
  AuthType {kind}
  AuthName "{realm}"
  Auth{title}Provider file
  AuthUserFile {place}/{kind}.users
  Require valid-user
</Location>'''.format(kind=kind, title=kind.capitalize(), realm=REALM, place=self.place)
                          for kind in ('basic', 'digest'))
        config = self.write('apache.conf', '''
ServerRoot /usr/lib/apache2
{modules}
{user}
ServerName localhost
PidFile {place}/apache.pid
DefaultRuntimeDir {place}
ErrorLog {place}/error.log
Listen 127.0.0.1:{port}
TypesConfig /dev/null
DocumentRoot {files}
{tls}
<Directory />
  Options FollowSymLinks
  Require all denied
</Directory>
<Directory {files}>
  Require all granted
</Directory>
{doors}
'''.format(modules='\n'.join('LoadModule {0}_module {1}/mod_{0}.so'.format(m, MODULES)
                             for m in modules),
           user='User www-data\nGroup www-data' if os.geteuid() == 0 else '',
           place=self.place, port=self.port, files=self.directory, doors=doors,
           tls='' if not self.tls else
           'SSLEngine on\nSSLCertificateFile {}\nSSLCertificateKeyFile {}'.format(*self.tls)))
        return ['apache2', '-f', config, '-DFOREGROUND']
