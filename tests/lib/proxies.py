# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real proxies, each a process of its own on loopback; their users are told in the clear, for they are of no use elsewhere."""

import os
import subprocess

from lib.uploads import UploadServer, needs

SQUID_HELPERS = '/usr/lib/squid/'


class Proxy(UploadServer):
    """`login` is (user, password) of who is let through, None: everybody."""

    def __init__(self, login=None, port=None):
        needs(self.name)
        self.login = login
        super().__init__(port=port)

    @property
    def address(self):
        """As errors name it."""
        return '127.0.0.1:{}'.format(self.port)

    def served(self):
        """What it notes of requests."""
        try:
            with open(os.path.join(self.directory, 'log'), encoding='utf-8', errors='replace') as log:
                return log.read()
        except FileNotFoundError:
            return ''


class Tinyproxy(Proxy):
    """Small; knows Basic. Connects to `tunnels` alone, when that is given."""

    name = 'tinyproxy'
    user = 'www-data'

    def __init__(self, login=None, tunnels=None, port=None):
        self.tunnels = tunnels
        super().__init__(login, port)

    def command(self):
        lines = ['Port {}'.format(self.port), 'Listen 127.0.0.1', 'Timeout 600', 'MaxClients 20',
                 'LogLevel Connect', 'LogFile "{}/log"'.format(self.directory)]
        if os.geteuid() == 0:
            lines.append('User ' + self.user)
        if self.login:
            lines.append('BasicAuth {} {}'.format(*self.login))
        if self.tunnels:
            lines.append('ConnectPort {}'.format(self.tunnels))
        return ['tinyproxy', '-d', '-c', self.write('tinyproxy.conf', '\n'.join(lines) + '\n')]


class Squid(Proxy):
    """Large; asks for `scheme`, basic or digest, or with a keytab for a ticket of Kerberos."""

    name = 'squid'
    user = 'proxy'

    def __init__(self, login=None, scheme='basic', keytab=None):
        self.scheme = scheme
        self.keytab = keytab
        super().__init__(login)

    def command(self):
        lines = ['http_port 127.0.0.1:{}'.format(self.port), 'cache deny all', 'pinger_enable off',
                 'visible_hostname localhost', 'shutdown_lifetime 0 seconds', 'pid_filename none',
                 'coredump_dir none', 'logfile_rotate 0',
                 # It reads the file itself, and a bare machine has none.
                 'hosts_file ' + self.write('hosts', '127.0.0.1 localhost\n'),
                 'access_log stdio:{}/log'.format(self.directory),
                 'cache_log {}/cache.log'.format(self.directory)]
        if self.login and self.scheme == 'digest':
            users = self.write('users', '{}:{}\n'.format(*self.login))
            lines += ['auth_param digest program {}digest_file_auth {}'.format(SQUID_HELPERS, users),
                      'auth_param digest realm proxy', 'auth_param digest children 1']
        elif self.login:
            hashed = subprocess.run(['openssl', 'passwd', '-apr1', self.login[1]], check=True, text=True,
                                    stdout=subprocess.PIPE).stdout
            users = self.write('users', '{}:{}'.format(self.login[0], hashed))
            lines += ['auth_param basic program {}basic_ncsa_auth {}'.format(SQUID_HELPERS, users),
                      'auth_param basic realm proxy', 'auth_param basic children 1']
        if self.keytab:
            lines += ['auth_param negotiate program {}negotiate_kerberos_auth -k {} -s HTTP/localhost'.format(
                SQUID_HELPERS, self.keytab), 'auth_param negotiate children 1']
        if self.login or self.keytab:
            lines += ['acl known proxy_auth REQUIRED', 'http_access allow known']
        lines.append('http_access deny all' if self.login or self.keytab else 'http_access allow all')
        return ['squid', '-N', '-f', self.write('squid.conf', '\n'.join(lines) + '\n')]
