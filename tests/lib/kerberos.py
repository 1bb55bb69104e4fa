# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Kerberos realm of one world: the real KDC, and who is in it."""

import os
import pwd
import shutil
import socket
import subprocess

from lib import isolate
from lib.process import Process, wait_until
from lib.uploads import needs
from lib.web import free_port

REALM = 'FERRY.TEST'
CONFIG = '/etc/krb5.conf'


class Realm:
    """Has HTTP/localhost; add() makes people. The machine's krb5.conf names it, in this namespace."""

    def __init__(self, world):
        needs('krb5kdc', 'kdb5_util', 'kadmin.local', 'kinit')
        self.world = world
        self.place = os.path.join(world.dir, 'kerberos')
        self.tickets = os.path.join(world.dir, 'tickets')
        self.port = free_port()
        for path, mode in ((self.place, 0o755), (self.tickets, 0o1777)):
            os.mkdir(path)
            os.chmod(path, mode)
        config = self._write('krb5.conf', '''
[libdefaults]
  default_realm = {realm}
  default_ccache_name = FILE:{tickets}/%{{uid}}
  udp_preference_limit = 1
  clockskew = 2
  dns_lookup_kdc = false
  dns_lookup_realm = false
[realms]
  {realm} = {{
    kdc = 127.0.0.1:{port}
  }}
[logging]
  kdc = STDERR
[domain_realm]
  localhost = {realm}
'''.format(realm=REALM, tickets=self.tickets, port=self.port))
        self.profile = self._write('kdc.conf', '''
[realms]
  {realm} = {{
    database_name = {place}/principal
    default_principal_flags = +preauth
    key_stash_file = {place}/stash
    kdc_listen = 127.0.0.1:{port}
    kdc_tcp_listen = 127.0.0.1:{port}
  }}
'''.format(realm=REALM, place=self.place, port=self.port))
        self.env = world.env(KRB5_KDC_PROFILE=self.profile, KRB5_CONFIG=config)
        self._run('kdb5_util', 'create', '-s', '-W', '-P', 'master')
        self.keytab = os.path.join(self.place, 'keytab')
        self.admin('addprinc -randkey HTTP/localhost')
        self.admin('ktadd -k {} HTTP/localhost'.format(self.keytab))
        os.chmod(self.keytab, 0o644)
        isolate.bind(config, CONFIG)
        world.stack.callback(subprocess.run, ['umount', '-l', CONFIG], check=False)
        self.kdc = Process('krb5kdc', ['krb5kdc', '-n', '-r', REALM], world.logs, env=self.env)
        world.stack.callback(self.kdc.kill)
        self.start()

    def start(self):
        """Unless it runs."""
        if not self.kdc.running:
            self.kdc.start()

            def accepts():
                with socket.socket() as probe:
                    return probe.connect_ex(('127.0.0.1', self.port)) == 0
            wait_until(accepts, 10, 'the KDC')

    def _write(self, name, text):
        path = os.path.join(self.place, name)
        with open(path, 'w', encoding='utf-8') as out:
            out.write(text)
        return path

    def _run(self, *argv, **options):
        done = subprocess.run(argv, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False, **options)
        if done.returncode:
            raise AssertionError('{}: {}'.format(' '.join(argv), done.stdout))

    def admin(self, order):
        self._run('kadmin.local', '-r', REALM, '-q', order)

    def set_password(self, name, password):
        """Makes him when he is not there."""
        self.admin('addprinc -pw {} {}'.format(password, name))
        self.admin('cpw -pw {} {}'.format(password, name))

    def failures(self):
        """How often the KDC was given a wrong password."""
        return self.kdc.log().count('PREAUTH_FAILED')

    def is_expired(self, path):
        """Whether the KDC says so."""
        copy = path + '.copy'
        shutil.copy(path, copy)
        done = subprocess.run(['kvno', '-q', '-c', copy, 'HTTP/localhost'], env=self.env, check=False,
                              stderr=subprocess.PIPE)
        os.unlink(copy)
        return b'expired' in done.stderr

    def login(self, user, name, password, path=None, lifetime='1h'):
        """That user of the machine has a ticket of `name` from now on; returns where."""
        entry = pwd.getpwnam(user)
        path = path or os.path.join(self.tickets, str(entry.pw_uid))
        self._run('kinit', '-l', lifetime, '-c', path, name, input=password + '\n', user=entry.pw_uid,
                  group=entry.pw_gid, extra_groups=[])
        return path
