#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ProxyUsage `default`: what the user set in his desktop, real dconf databases and real scripts included."""

import glob
import os
import pwd
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import cases, content, isolate  # noqa: E402
from lib.client import ERROR, options  # noqa: E402
from lib.proxies import Tinyproxy  # noqa: E402
from lib.web import free_port  # noqa: E402

MODULES = '/usr/lib/*/libproxy/*/modules'
LOGIN = ('ada', 'Mark-setting-x7')
SCRIPT = 'function FindProxyForURL (url, host) {{ {} }}'


class SettingCase(cases.WorldCase):
    """The user has a home; each case has a worker of its own, which knows nothing of the one before."""

    def setUp(self):
        self.needs_root()
        super().setUp()
        self.nginx = self.world.nginx
        self.body = content.pattern(100_000, 4)
        self.nginx.add('file', self.body)
        self.urls = (self.nginx.url('file'), self.nginx.secure_url('file'))
        passwd = os.path.join(self.world.dir, 'etc', 'passwd')
        with open(passwd, 'w', encoding='utf-8') as out:
            for entry in pwd.getpwall():
                home = self.home if entry.pw_name == self.user else '/nonexistent'
                out.write('{}:x:{}:{}::{}:/bin/sh\n'.format(entry.pw_name, entry.pw_uid,
                                                            entry.pw_gid, home))
        os.chmod(passwd, 0o644)
        isolate.bind(passwd, '/etc/passwd')
        self.addCleanup(subprocess.run, ['umount', '/etc/passwd'], check=True)
        # The one that tidied up after the case before has other ideas of where the home is.
        self.world.kill_workers()

    def desktop(self, **groups):
        """Compiles the user's dconf database; `http` is the group system/proxy/http, `proxy` system/proxy itself."""
        source = self.world.home('root', 'keys')
        text = ''
        for name, keys in groups.items():
            text += '[system/proxy{}]\n'.format('' if name == 'proxy' else '/' + name)
            text += ''.join('{}={}\n'.format(key.replace('_', '-'), value)
                            for key, value in keys.items())
        content.write(os.path.join(source, 'keys'), text.encode())
        folder = self.path('.config/dconf')
        os.makedirs(folder, exist_ok=True)
        subprocess.run(['dconf', 'compile', os.path.join(folder, 'user'), source], check=True)
        entry = pwd.getpwnam(self.user)
        for path in (self.path('.config'), folder, os.path.join(folder, 'user')):
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def manual(self, port, ignored=()):
        self.desktop(proxy={'mode': "'manual'", 'ignore_hosts': list(ignored) or '@as []'},
                     http={'host': "'127.0.0.1'", 'port': port})

    def automatic(self, script, url=None):
        """nginx has the script, unless it is elsewhere."""
        self.nginx.add('proxy.pac', SCRIPT.format(script).encode())
        self.desktop(proxy={'mode': "'auto'", 'ignore_hosts': '@as []',
                            'autoconfig_url': "'{}'".format(url or self.nginx.url('proxy.pac'))})

    def end(self, url, login=None):
        job = self.client.create('setting', 'download', AutoComplete=True, NoProgressTimeout=0)
        job.add_file(url, self.path('target'))
        if login:
            job.call('SetCredentials', '(ssa{sv})', 'proxy', 'basic', options(
                {'UserName': login[0], 'Password': login[1]}))
        job.resume()
        return job.wait_for(lambda v: v['State'] in ('acknowledged', 'error'), 60, 'the end')

    def arrives(self, url, **more):
        values = self.end(url, **more)
        self.assertEqual(values['State'], 'acknowledged', values['Error'])
        self.assertEqual(content.read(self.path('target')), self.body)
        os.unlink(self.path('target'))

    def fails(self, url, message, name='ConnectFailed'):
        error = self.end(url)['Error']
        self.assertEqual((error['Name'], error['Message']), (ERROR + name, message))


class Manual(SettingCase):
    def test_used(self):
        proxy = Tinyproxy.of(self)
        self.manual(proxy.port)
        for url in self.urls:
            self.arrives(url)
        self.assertIn('GET {} HTTP/1.1'.format(self.urls[0]), proxy.served())
        self.assertIn('CONNECT localhost:{} HTTP/1.1'.format(self.nginx.secure), proxy.served())
        # Nothing was made where the user would see it, and the worker reads no settings itself.
        self.assertEqual(self.left_over(), ['.config'])
        self.assertEqual(os.listdir(self.path('.config/dconf')), ['user'])
        for pid, _ in self.world.workers():
            with open('/proc/{}/maps'.format(pid), encoding='utf-8') as maps:
                self.assertNotIn('dconf', ' '.join(line for line in maps if '.so' in line))

    def test_ignored(self):
        self.manual(free_port(), ['127.0.0.0/8', 'localhost'])
        for url in self.urls:
            self.arrives(url)

    def test_not_there(self):
        port = free_port()
        self.manual(port)
        for url in self.urls:
            self.fails(url, 'The proxy 127.0.0.1:{} is not reached: Connection refused'.format(port))

    def test_login(self):
        proxy = Tinyproxy.of(self, LOGIN)
        self.manual(proxy.port)
        refused = 'The proxy {} answered 407 Proxy Authentication Required'.format(proxy.address)
        for url in self.urls:
            self.arrives(url, login=LOGIN)
            self.fails(url, refused, 'AuthenticationFailed')

    def test_network_without_script(self):
        """Servers of names that fail say no more about `wpad` than those that do not know it."""
        nowhere = os.path.join(self.world.home('root'), 'resolv.conf')
        content.write(nowhere, b'nameserver 127.0.0.1\noptions attempts:1\n')
        isolate.bind(nowhere, '/etc/resolv.conf')
        self.addCleanup(subprocess.run, ['umount', '/etc/resolv.conf'], check=True)
        self.desktop(proxy={'mode': "'auto'", 'ignore_hosts': '@as []', 'autoconfig_url': "''"})
        self.arrives(self.urls[0])

    def test_changed(self):
        """The next worker goes by it, whatever the one before had kept."""
        self.manual(free_port())
        self.assertEqual(self.end(self.urls[0])['Error']['Name'], ERROR + 'ConnectFailed')
        proxy = Tinyproxy.of(self)
        self.manual(proxy.port)
        self.world.kill_workers()
        self.arrives(self.urls[0])
        self.assertIn('GET ', proxy.served())


class Automatic(SettingCase):
    def setUp(self):
        super().setUp()
        if not glob.glob(MODULES + '/pacrunner_*'):
            self.skipTest('libproxy1-plugin-webkit is not installed')

    def test_some_hosts(self):
        proxy = Tinyproxy.of(self)
        self.automatic("return host == 'localhost' ? 'PROXY {}' : 'DIRECT'".format(proxy.address))
        for url in self.urls:
            self.arrives(url)
        self.assertEqual(proxy.served().count(' HTTP/1.1'), 1)
        self.assertIn('CONNECT localhost:{} HTTP/1.1'.format(self.nginx.secure), proxy.served())

    def test_script_over_tls(self):
        proxy = Tinyproxy.of(self)
        self.automatic("return 'PROXY {}'".format(proxy.address),
                       self.nginx.secure_url('proxy.pac'))
        self.arrives(self.urls[1])
        self.assertIn('CONNECT ', proxy.served())

    def test_first_is_down(self):
        proxy = Tinyproxy.of(self)
        self.automatic("return 'PROXY 127.0.0.1:{}; PROXY {}'".format(free_port(), proxy.address))
        for url in self.urls:
            self.arrives(url)
        self.assertIn('GET ', proxy.served())
        self.assertIn('CONNECT ', proxy.served())

    def test_second_asks_who_it_is(self):
        """The error names the one that answered."""
        proxy = Tinyproxy.of(self, LOGIN)
        self.automatic("return 'PROXY 127.0.0.1:{}; PROXY {}'".format(free_port(), proxy.address))
        for url in self.urls:
            self.fails(url, 'The proxy {} answered 407 Proxy Authentication Required'.format(
                proxy.address), 'AuthenticationFailed')

    def test_wrong_scripts(self):
        at = 'The proxy auto-configuration at 127.0.0.1 '
        self.automatic("throw 'up'")
        self.fails(self.urls[0], at + 'is a script that fails')
        self.world.kill_workers()
        self.automatic('', self.nginx.url('absent'))
        self.fails(self.urls[0], at + 'answered 404 Not Found')
        self.world.kill_workers()
        self.automatic('', 'http://127.0.0.1:{}/'.format(free_port()))
        self.fails(self.urls[0], at + 'is not reached: Connection refused')

    def test_no_engine(self):
        proxy = Tinyproxy.of(self)
        for modules in glob.glob(MODULES):
            isolate.bind(self.world.home('root', 'empty'), modules)
            self.addCleanup(subprocess.run, ['umount', modules], check=True)
        self.automatic("return 'PROXY {}'".format(proxy.address))
        for url in self.urls:
            self.fails(url, 'The proxy auto-configuration at 127.0.0.1 needs the package '
                       'libproxy1-plugin-webkit')
        self.assertNotIn('HTTP/1.1', proxy.served())


if __name__ == '__main__':
    cases.main()
