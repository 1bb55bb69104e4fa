#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Through real proxies, plain and by CONNECT, with and without a password; and which of the two failed."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content  # noqa: E402
from lib.client import ERROR, options  # noqa: E402
from lib.proxies import Squid, Tinyproxy  # noqa: E402
from lib.uploads import NginxDav  # noqa: E402
from lib.web import free_port  # noqa: E402

LOGIN = ('ada', 'Mark-proxy-x7')
UNKNOWN = 'answered 407 Proxy Authentication Required'


class ProxyCase(cases.WorldCase):
    """A file at a real server, plain and over TLS."""

    def setUp(self):
        self.needs_root()       # only root can have this namespace trust the server
        super().setUp()
        self.nginx = self.world.nginx
        self.body = content.pattern(300_000, 9)
        self.nginx.add('file', self.body)
        self.urls = (self.nginx.url('file'), self.nginx.secure_url('file'))

    def job(self, url, proxy, scheme=None, login=LOGIN, files=None, job_type='download', **properties):
        """A running job; `proxy` is a Proxy or an address, and it has the login for it with a scheme."""
        uri = proxy if isinstance(proxy, str) else 'http://' + proxy.address
        job = self.client.create('proxy', job_type, **{
            'AutoComplete': True, 'NoProgressTimeout': 0, 'ProxyUri': uri,
            'ProxyUsage': 'override', **properties})
        job.add_file(url, files or self.path('target'))
        if scheme:
            job.call('SetCredentials', '(ssa{sv})', 'proxy', scheme, options(
                {'UserName': login[0], 'Password': login[1]}))
        job.resume()
        return job

    def end(self, job):
        return job.wait_for(lambda v: v['State'] in ('acknowledged', 'error'), 30, 'the end')

    def arrives(self, job):
        values = self.end(job)
        self.assertEqual(values['State'], 'acknowledged', values['Error'])
        self.assertEqual(content.read(self.path('target')), self.body)
        os.unlink(self.path('target'))

    def fails(self, job, name, message):
        error = self.end(job)['Error']
        self.assertEqual((error['Name'], error['Message']), (ERROR + name, message))
        self.assertNotIn(LOGIN[1], repr(error))
        return error

    def check_logins(self, proxy, scheme):
        for url in self.urls:
            with self.subTest(url=url):
                self.arrives(self.job(url, proxy, scheme))
                # Nor by the tunnel of the one before.
                refused = 'The proxy {} {}'.format(proxy.address, UNKNOWN)
                error = self.fails(self.job(url, proxy), 'AuthenticationFailed', refused)
                self.assertEqual((error['Context'], error['HttpStatus']), ('transport', 407))
                error = self.end(self.job(url, proxy, scheme, ('ada', 'wrong')))['Error']
                self.assertEqual(error['Name'], ERROR + 'AuthenticationFailed')
                if proxy.name != 'tinyproxy':   # which then says 401, as a server would
                    self.assertEqual(error['Message'], refused)


class Ways(ProxyCase):
    def test_plain_and_tunnel(self):
        proxy = Tinyproxy.of(self)
        for url in self.urls:
            self.arrives(self.job(url, proxy))
        self.assertIn('GET {} HTTP/1.1'.format(self.urls[0]), proxy.served())
        self.assertIn('CONNECT localhost:{} HTTP/1.1'.format(self.nginx.secure), proxy.served())

    def test_direct(self):
        """`none` and what ProxyBypass names go past it."""
        proxy = Tinyproxy.of(self)
        for url in self.urls:
            self.arrives(self.job(url, proxy, ProxyUsage='none'))
            self.arrives(self.job(url, proxy, ProxyBypass=['127.0.0.1', 'localhost']))
        self.assertNotIn('HTTP/1.1', proxy.served())

    def test_upload(self):
        proxy = Tinyproxy.of(self, LOGIN)
        for tls in (None, self.nginx.tls):
            server = NginxDav.of(self, tls)
            content.write(self.path('source'), self.body)
            job = self.job(server.url('up/x'), proxy, 'basic', files=self.path('source'),
                           job_type='upload')
            values = self.end(job)
            self.assertEqual(values['State'], 'acknowledged', values['Error'])
            self.assertEqual(content.read(server.file('up/x')), self.body)
            self.fails(self.job(server.url('up/y'), proxy, files=self.path('source'),
                                job_type='upload'),
                       'AuthenticationFailed', 'The proxy {} {}'.format(proxy.address, UNKNOWN))


class Logins(ProxyCase):
    def test_tinyproxy(self):
        self.check_logins(Tinyproxy.of(self, LOGIN), 'basic')

    def test_squid_basic(self):
        self.check_logins(Squid.of(self, LOGIN), 'basic')

    def test_squid_digest(self):
        self.check_logins(Squid.of(self, LOGIN, 'digest'), 'digest')


class Default(ProxyCase):
    """The machine's own: here that of ferryd's environment."""

    @classmethod
    def setUpClass(cls):
        cls.port = free_port()
        address = 'http://127.0.0.1:{}'.format(cls.port)
        cls.world_options = {'ferryd_env': {'http_proxy': address, 'https_proxy': address,
                                            'no_proxy': '127.0.0.2'}}
        super().setUpClass()

    def ask(self, url, **properties):
        return self.job(url, '', **{'ProxyUsage': 'default', **properties})

    def test_used(self):
        proxy = Tinyproxy(port=self.port)
        self.addCleanup(proxy.close)
        proxy.start()
        for url in self.urls:
            self.arrives(self.ask(url, ProxyUsage='none'))
        self.assertNotIn('HTTP/1.1', proxy.served())
        for url in self.urls:
            self.arrives(self.ask(url))
        self.assertIn('GET {} HTTP/1.1'.format(self.urls[0]), proxy.served())
        self.assertIn('CONNECT localhost:{} HTTP/1.1'.format(self.nginx.secure), proxy.served())

    def test_past_it(self):
        """no_proxy; the proxy is not even there."""
        error = self.end(self.ask(self.nginx.secure_url('file', '127.0.0.2')))['Error']
        self.assertEqual(error['Name'], ERROR + 'TlsError', 'it was asked, but has no such name')

    def test_not_there(self):
        for url in self.urls:
            self.fails(self.ask(url), 'ConnectFailed',
                       'The proxy 127.0.0.1:{} is not reached: Connection refused'.format(self.port))


class Failures(ProxyCase):
    def test_nobody_there(self):
        address = '127.0.0.1:{}'.format(free_port())
        for url in self.urls:
            error = self.fails(self.job(url, 'http://' + address), 'ConnectFailed',
                               'The proxy {} is not reached: Connection refused'.format(address))
            self.assertEqual(error['Context'], 'transport')

    def test_no_such_name(self):
        for url in self.urls:
            self.fails(self.job(url, 'http://proxy.invalid:3128'), 'ResolveFailed',
                       'The proxy proxy.invalid:3128 is not found: its name does not resolve')

    def test_no_tunnel(self):
        proxy = Tinyproxy.of(self, tunnels=1)
        error = self.fails(self.job(self.urls[1], proxy), 'Forbidden',
                           'The proxy {} answered 403 Forbidden'.format(proxy.address))
        self.assertEqual(error['HttpStatus'], 403)

    def test_server_is_not_the_proxy(self):
        """What is the server's own failure does not blame it."""
        proxy = Tinyproxy.of(self)
        for url in self.urls:
            self.fails(self.job(url + '-absent', proxy), 'NotFound',
                       'The server answered 404 Not Found')
        address = '127.0.0.1:{}'.format(free_port())
        error = self.end(self.job('http://{}/x'.format(address), proxy, ProxyUsage='none'))['Error']
        self.assertEqual(error['Name'], ERROR + 'ConnectFailed')
        self.assertNotIn('proxy', error['Message'])


if __name__ == '__main__':
    cases.main()
