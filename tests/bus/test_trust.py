#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which servers are trusted over TLS: what is wrong is refused by name, and overlooked only as the job's flags and the
administrator's policy say."""

import hashlib
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from gi.repository import GLib  # noqa: E402
from lib import cases, content  # noqa: E402
from lib.client import ERROR, INVALID_ARGS, JOB, POLICY, ROOT  # noqa: E402
from lib.process import wait_until  # noqa: E402
from lib.uploads import NginxDav  # noqa: E402

NAMES = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
FLAGS = ('ignore-unknown-ca', 'ignore-hostname', 'ignore-expiry', 'allow-https-to-http')
# What is wrong with a certificate: the words of the error, and the flag that overlooks it.
KINDS = {
    'self-signed': ('is self-signed', 'ignore-unknown-ca'),
    'unknown': ('signed by nobody we know', 'ignore-unknown-ca'),
    'other-host': ('is for another host', 'ignore-hostname'),
    'expired': ('has expired', 'ignore-expiry'),
}


def openssl(place, *args):
    return subprocess.run(['openssl', *args], check=True, cwd=place, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


class TrustCase(cases.WorldCase):
    """One file, behind servers with certificates of each kind."""

    def setUp(self):
        super().setUp()
        self.needs_root()       # only root can have this namespace trust the CA
        self.body = content.pattern(5000, 3)
        self.world.nginx        # with it comes the CA

    def make(self, kind):
        """(certificate, key) of that kind; `good` is one that this machine trusts."""
        place = os.path.join(self.world.dir, 'ca', kind)
        os.makedirs(place, exist_ok=True)
        new = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'key')
        names = 'subjectAltName=DNS:elsewhere.example' if kind == 'other-host' else NAMES
        if kind == 'self-signed':
            openssl(place, 'req', '-x509', *new, '-out', 'crt', '-days', '2', '-subj', '/CN=localhost',
                    '-addext', names)
        else:
            ca = os.path.join(self.world.dir, 'ca', 'ca')
            if kind == 'unknown':
                ca = os.path.join(place, 'ca')
                openssl(place, 'req', '-x509', *new[:-1], 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj',
                        '/CN=Nobody')
            openssl(place, 'req', *new, '-out', 'csr', '-subj', '/CN=localhost')
            with open(os.path.join(place, 'names'), 'w', encoding='utf-8') as out:
                out.write(names + '\n')
            openssl(place, 'x509', '-req', '-in', 'csr', '-CA', ca + '.crt', '-CAkey', ca + '.key',
                    '-set_serial', str(hash(kind) & 0xffff), '-out', 'crt', '-days',
                    '-1' if kind == 'expired' else '2', '-extfile', 'names')
        return os.path.join(place, 'crt'), os.path.join(place, 'key')

    def serve(self, kind='good'):
        server = NginxDav.of(self, self.make(kind))
        content.write(os.path.join(server.directory, 'file'), self.body)
        os.chmod(os.path.join(server.directory, 'file'), 0o644)
        return server

    def fetch(self, server, **properties):
        """A running job; its target is `target`."""
        return self.client.submit([(server.url('file'), self.path('target'))], AutoComplete=True,
                                  NoProgressTimeout=0, **properties)

    def arrives(self, job):
        values = job.wait_for(lambda v: v['State'] in ('acknowledged', 'error'), 30, 'the end')
        self.assertEqual(values['State'], 'acknowledged', values['Error'])
        self.assertEqual(content.read(self.path('target')), self.body)
        os.unlink(self.path('target'))

    def refused(self, job, words):
        values = job.wait_for(lambda v: v['State'] in ('acknowledged', 'error'), 30, 'the end')
        self.assertEqual(values['State'], 'error')
        self.assertEqual(values['Error']['Name'], ERROR + 'TlsError')
        self.assertIn(words, values['Error']['Message'])
        self.assertFalse(os.path.exists(self.path('target')))
        return values['Error']['Message']

    def allow(self, *flags):
        """The administrator's policy; ferryd acts on it at once."""
        self.world.set_policy({'allow-insecure-tls': '[{}]'.format(', '.join(repr(f) for f in flags))}
                              if flags else {})
        wait_until(lambda: sorted(self.client.call(ROOT, POLICY, 'GetEffective')[
            'allow-insecure-tls']['Value']) == sorted(flags), 20, 'the policy')


class Flags(TrustCase):
    def test_each_kind(self):
        """Named; refused without the flag, with the others, and without the policy; else overlooked."""
        self.addCleanup(self.allow)
        for kind, (words, flag) in KINDS.items():
            with self.subTest(kind=kind):
                server = self.serve(kind)
                self.allow(*FLAGS)
                self.assertNotIn('policy', self.refused(self.fetch(server), words))
                others = [f for f in FLAGS if f != flag]
                self.assertNotIn('policy', self.refused(self.fetch(server, TlsFlags=others), words))
                self.allow(*others)
                self.assertIn('policy allow-insecure-tls',
                              self.refused(self.fetch(server, TlsFlags=[flag]), words))
                self.allow(flag)
                self.arrives(self.fetch(server, TlsFlags=list(FLAGS)))

    def test_nobody_else_is_served_over_the_connection(self):
        """One job's leniency is not another's: the connection that it left open is not used."""
        self.addCleanup(self.allow)
        self.allow('ignore-unknown-ca')
        server = self.serve('self-signed')
        self.arrives(self.fetch(server, TlsFlags=['ignore-unknown-ca']))
        self.refused(self.fetch(server), 'self-signed')

    def test_words(self):
        job = self.client.create('words', TlsFlags=['ignore-expiry', 'ignore-hostname'])
        self.assertEqual(job.get('TlsFlags'), ['ignore-hostname', 'ignore-expiry'])
        error = self.client.error(job.path, 'org.freedesktop.DBus.Properties', 'Set', '(ssv)', JOB,
                                  'TlsFlags', GLib.Variant('as', ['ignore-all']))
        self.assertEqual(error.name, INVALID_ARGS)
        self.assertIn('ignore-all', error.message)


class Pins(TrustCase):
    def pin(self, certificate, form='sha256:{}'):
        key = openssl('/', 'x509', '-in', certificate, '-noout', '-pubkey')
        der = subprocess.run(['openssl', 'pkey', '-pubin', '-outform', 'der'], input=key, check=True,
                             stdout=subprocess.PIPE).stdout
        return form.format(hashlib.sha256(der).hexdigest())

    def test_pins(self):
        server = self.serve()
        other = self.make('unknown')[0]
        self.arrives(self.fetch(server, ServerPins=[self.pin(server.tls[0])]))
        self.arrives(self.fetch(server, ServerPins=[self.pin(other), self.pin(server.tls[0])]))
        self.refused(self.fetch(server, ServerPins=[self.pin(other)]), 'none of ServerPins')
        self.arrives(self.fetch(server))

    def test_the_key_changes(self):
        """Between two requests of one job: nothing is asked with the new one."""
        server = self.serve()
        pins = [self.pin(server.tls[0])]
        self.arrives(self.fetch(server, ServerPins=pins))
        server.stop()
        self.make('good')
        server.start()
        self.refused(self.fetch(server, ServerPins=pins), 'none of ServerPins')

    def test_plain_http(self):
        """What has no key cannot have the right one."""
        job = self.client.submit([(self.world.nginx.url('x'), self.path('target'))],
                                 ServerPins=['sha256:' + '0' * 64], NoProgressTimeout=0)
        self.refused(job, 'without TLS')


class Redirects(TrustCase):
    def test_policies(self):
        target = self.world.nginx.url('moved-to')
        digest = self.world.nginx.add('moved-to', self.body)
        url = self.world.nginx.url('moved/moved-to')
        job = self.client.submit([(url, self.path('target'))], RedirectPolicy='refuse')
        values = job.wait_for(lambda v: v['State'] in ('transferred', 'error'), 30, 'the end')
        self.assertEqual(values['Error']['Name'], ERROR + 'TooManyRedirects')
        self.assertIn('302', values['Error']['Message'])
        for policy, found in (('follow', url), ('report', target)):
            with self.subTest(policy=policy):
                job = self.client.submit([(url, self.path('target-' + policy))], RedirectPolicy=policy)
                job.wait_state('transferred')
                self.assertEqual(job.file()['RemoteUrl'], found)
                job.complete()
                self.assertEqual(content.file_sha256(self.path('target-' + policy)), digest)


if __name__ == '__main__':
    cases.main()
