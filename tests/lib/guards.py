# SPDX-License-Identifier: LGPL-2.1-or-later
"""Apache with a door: /basic/ and /digest/ are open to who is in its files."""

import base64
import hashlib
import os
import unittest

from lib.uploads import MODULES, Apache

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


class CertificateGuard(Apache):
    """Lets in whose certificate the CA beside its own has signed."""

    name = 'apache-certificate'

    def __init__(self, tls, versions='all', wanted='require'):
        self.versions = versions
        self.wanted = wanted
        super().__init__(tls)

    def rules(self):
        return """
SSLProtocol {}
SSLVerifyClient {}
SSLCACertificateFile {}/ca.crt
SSLUserName SSL_CLIENT_S_DN_CN
<Location />
  Require expr %{{SSL_CLIENT_S_DN_CN}} == 'alice'
</Location>""".format(self.versions, self.wanted, os.path.dirname(self.tls[0]))


class GssapiGuard(Apache):
    """Lets in who proves to be `person` by a mechanism of GSSAPI."""

    modules = ('authn_core', 'authz_user', 'auth_gssapi')
    mechanism = person = None

    def __init__(self, tls=None):
        if not os.path.exists(os.path.join(MODULES, 'mod_auth_gssapi.so')):
            raise unittest.SkipTest('libapache2-mod-auth-gssapi is not installed')
        super().__init__(tls)

    def keys(self):
        """What it knows people by."""
        return ''

    def rules(self):
        return """
<Location />
  AuthType GSSAPI
  AuthName "{}"
  {}
  GssapiAllowedMech {}
  GssapiConnectionBound {}
  Require user {}
</Location>""".format(REALM, self.keys(), self.mechanism,
                      'on' if self.mechanism == 'ntlmssp' else 'off', self.person)


class KerberosGuard(GssapiGuard):
    """By a ticket of the realm."""

    name = 'apache-kerberos'
    mechanism, person = 'krb5', 'alice@FERRY.TEST'

    def __init__(self, realm, tls=None):
        self.realm = realm
        super().__init__(tls)

    def keys(self):
        return 'GssapiCredStore keytab:' + self.realm.keytab


class NtlmGuard(GssapiGuard):
    """By NTLM, with the password of let_in()."""

    name = 'apache-ntlm'
    mechanism, person = 'ntlmssp', r'"FERRY\\alice"'

    def __init__(self, tls=None):
        if not os.path.exists('/etc/gss/mech.d/mech.ntlmssp.conf'):
            raise unittest.SkipTest('gss-ntlmssp is not installed')
        super().__init__(tls)
        self.process.env = dict(os.environ, NTLM_USER_FILE=self.let_in('nobody-yet', ''))

    def rules(self):
        os.symlink('.', os.path.join(self.directory, 'ntlm'))
        return super().rules()

    def let_in(self, user, password):
        """Only him from now on; returns where that stands."""
        return self.write('ntlm.users', 'FERRY:{}:{}\n'.format(user, password))
