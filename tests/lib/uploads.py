# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers that take uploads, each a process of its own on loopback.

  with BitsServer() as server: ...                   or, in a case,
  server = BitsServer.of(self, {'overlap': 'strict'})

A server keeps its port and its directory over kill() and start().
"""

import contextlib
import json
import os
import pwd
import shutil
import socket
import ssl
import tempfile
import unittest
import urllib.request

from lib import content
from lib.process import Process, wait_until
from lib.tree import ROOT
from lib.web import free_port

CACHE = os.environ.get('FERRY_TEST_CACHE', '/var/cache/ferry-tests')
MODULES = '/usr/lib/apache2/modules'


def needs(*programs):
    """Skips when one of them is not installed; tests/install does that."""
    for program in programs:
        if shutil.which(program, path='/usr/sbin:/usr/bin:/sbin:/bin:' + os.environ['PATH']) is None:
            raise unittest.SkipTest('{} is not installed'.format(program))


class UploadServer:
    """What they share: a directory into which files come, a port, a process."""

    name = 'server'
    user = 'www-data'       # who the server becomes when root starts it; None: who we are

    def __init__(self, tls=None, port=None):
        self.tls = tls                      # (certificate, key) for https
        self.place = tempfile.mkdtemp(prefix=self.name + '-',
                                      dir=os.environ.get('FERRY_TEST_TMP', '/var/tmp'))
        self.directory = os.path.join(self.place, 'files')
        os.chmod(self.place, 0o755)
        self.make_directory(self.directory)
        self.port = port or free_port()
        self.process = Process(self.name, self.command(), self.place)

    @classmethod
    def of(cls, case, *args, **options):
        """A started one that ends with the case (or class, when that is given)."""
        server = cls(*args, **options)
        clean = case.addClassCleanup if isinstance(case, type) else case.addCleanup
        clean(server.close)
        server.start()
        return server

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    def make_directory(self, path):
        """One in which the server may write."""
        os.mkdir(path)
        os.chmod(path, 0o755)
        if os.geteuid() == 0 and self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def command(self):
        raise NotImplementedError

    def start(self):
        self.process.start()

        def accepts():
            if not self.process.running:
                raise AssertionError('{} ended: {}'.format(self.name, self.process.log()))
            with socket.socket() as probe:
                return probe.connect_ex(('127.0.0.1', self.port)) == 0
        wait_until(accepts, 20, self.name)
        return self

    def kill(self):
        """kill -9; the directory stays."""
        self.process.kill()

    def stop(self):
        """Politely, because some have children."""
        if self.process.running:
            self.process.stop(10)

    def close(self):
        """The end of it and of its directory."""
        try:
            self.stop()
        finally:
            shutil.rmtree(self.place, ignore_errors=True)

    def url(self, path='', host=None):
        return '{}://{}:{}/{}'.format('https' if self.tls else 'http',
                                      host or ('localhost' if self.tls else '127.0.0.1'),
                                      self.port, path.lstrip('/'))

    def file(self, path):
        """Where the file of that URL path is."""
        return os.path.join(self.directory, path.lstrip('/'))

    def sha256(self, path):
        """Of what is at that URL path, None when nothing is."""
        return content.file_sha256(self.file(path)) if os.path.exists(self.file(path)) else None

    def write(self, name, text):
        """A file of its configuration; returns its path."""
        path = os.path.join(self.place, name)
        with open(path, 'w', encoding='utf-8') as out:
            out.write(text)
        return path


class BitsServer(UploadServer):
    """tests/bits-server; settings and faults are described there."""

    name = 'bits-server'
    user = None

    def __init__(self, settings=None, faults=(), tls=None):
        self.at_start = ['--set={}={}'.format(k, v) for k, v in (settings or {}).items()]
        self.at_start += ['--fault=' + json.dumps(fault) for fault in faults]
        super().__init__(tls)

    def command(self):
        argv = ['/usr/bin/python3', '-B', os.path.join(ROOT, 'tests', 'bits-server'), '--port',
                str(self.port), '--directory', self.directory, *self.at_start]
        return argv + (['--cert', self.tls[0], '--key', self.tls[1]] if self.tls else [])

    def order(self, **orders):
        """POSTs to its control URL; returns what it answers."""
        request = urllib.request.Request(self.url('-/control'), json.dumps(orders).encode())
        return self._json(request)

    def _json(self, request):
        context = ssl._create_unverified_context() if self.tls else None
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            *([urllib.request.HTTPSHandler(context=context)] if context else []))
        with opener.open(request, timeout=20) as answer:
            return json.load(answer)

    def set(self, **settings):
        """Settings, with _ for -."""
        return self.order(settings={k.replace('_', '-'): v for k, v in settings.items()})

    def fail(self, *faults):
        """These faults from now on."""
        return self.order(faults=list(faults))

    def release(self):
        return self.order(release=True)

    def log(self, packet=None, method=None):
        """The requests so far, of that packet or method."""
        return [e for e in self._json(self.url('-/log'))['log']
                if packet in (None, e['packet']) and method in (None, e['method'])]

    @property
    def connections(self):
        """How many there were, with those that asked for the log."""
        return len({e['connection'] for e in self.log()})

    def wait_log(self, packet, count=1, state=None, seconds=30):
        """Waits for the count-th such packet (in that state) and returns it."""
        def found():
            return [e for e in self.log(packet) if state in (None, e['state'])]
        wait_until(lambda: len(found()) >= count, seconds, 'packet {} of {}'.format(count, packet))
        return found()[count - 1]

    def sessions(self):
        """Ids of the sessions that the server still has."""
        folder = os.path.join(self.directory, 'BITS-Sessions')
        return [n for n in os.listdir(folder) if n != 'Replies'] if os.path.isdir(folder) else []


class TusServer(UploadServer):
    """The tus server of the node packages that tests/install fetches."""

    name = 'tus-server'
    user = None

    def __init__(self, tls=None):
        needs('node')
        self.packages = os.path.join(CACHE, 'tus')
        if not os.path.isdir(os.path.join(self.packages, 'node_modules', '@tus', 'server')):
            raise unittest.SkipTest('the node packages of a tus server are not in {}; npm could '
                                    'not fetch them'.format(self.packages))
        super().__init__(tls)

    def command(self):
        return ['node', os.path.join(ROOT, 'tests', 'lib', 'tus-server.mjs'), self.packages,
                self.directory, str(self.port), *(self.tls or ())]

    def url(self, path='files', host=None):
        return super().url(path, host)

    def uploads(self):
        """(offset, length) of each, by id."""
        found = {}
        for name in os.listdir(self.directory):
            if name.endswith('.json'):
                with contextlib.suppress(FileNotFoundError), \
                        open(self.file(name), encoding='utf-8') as info:
                    found[name[:-5]] = (os.stat(self.file(name[:-5])).st_size,
                                        json.load(info)['size'])
        return found

    def whole(self):
        """Digests of the complete ones."""
        return sorted(self.sha256(ident) for ident, (offset, length) in self.uploads().items()
                      if offset == length)


class NginxDav(UploadServer):
    """Plain PUT below /up/, whole files only; `limit` is client_max_body_size. Below /bits/ it hands
    everything on to the server at port `behind`. `guard` is a file of those who are let in."""

    name = 'nginx-dav'

    def __init__(self, tls=None, limit='0', behind=None, guard=None):
        needs('nginx')
        self.limit, self.behind, self.guard = limit, behind, guard
        super().__init__(tls)

    def command(self):
        for name in ('up', 'tmp'):
            self.make_directory(os.path.join(self.directory, name))
        certificate = '' if not self.tls else \
            'ssl_certificate {}; ssl_certificate_key {};'.format(*self.tls)
        proxy = '' if self.behind is None else \
            'location /bits/ {{ proxy_pass http://127.0.0.1:{}/; }}'.format(self.behind)
        guard = '' if self.guard is None else \
            'auth_basic guarded; auth_basic_user_file {};'.format(self.guard)
        config = self.write('nginx.conf', '''
{user}
worker_processes 1;
daemon off;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {place}/access.log;
  client_body_temp_path {files}/tmp;
  proxy_temp_path {place}/proxy;
  fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi;
  scgi_temp_path {place}/scgi;
  client_max_body_size {limit};
  server {{
    listen 127.0.0.1:{port} {ssl};
    {certificate}
    root {files};
    {guard}
    location /up/ {{ dav_methods PUT DELETE; create_full_put_path off; }}
    {proxy}
  }}
}}
'''.format(user='user www-data;' if os.geteuid() == 0 else '', place=self.place,
           files=self.directory, port=self.port, ssl='ssl' if self.tls else '', limit=self.limit,
           certificate=certificate, proxy=proxy, guard=guard))
        return ['nginx', '-p', self.place, '-c', config, '-e', os.path.join(self.place, 'start.log')]


class Apache(UploadServer):
    """Shows its files, as `modules` and `rules` say."""

    modules = ()            # beside those that every Apache needs

    def __init__(self, tls=None):
        needs('apache2')
        super().__init__(tls)

    def rules(self):
        """More of its configuration."""
        raise NotImplementedError

    def command(self):
        modules = ['mpm_event', 'authz_core', 'mime', *self.modules] + ['ssl'] * bool(self.tls)
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
{rules}
'''.format(modules='\n'.join('LoadModule {0}_module {1}/mod_{0}.so'.format(m, MODULES)
                             for m in modules),
           user='User www-data\nGroup www-data' if os.geteuid() == 0 else '',
           place=self.place, port=self.port, files=self.directory, rules=self.rules(),
           tls='' if not self.tls else
           'SSLEngine on\nSSLCertificateFile {}\nSSLCertificateKeyFile {}'.format(*self.tls)))
        return ['apache2', '-f', config, '-DFOREGROUND']


class ApacheDav(Apache):
    """PUT below /up/, plain and with Content-Range."""

    name = 'apache-dav'
    modules = ('dav', 'dav_fs')

    def rules(self):
        up, locks = os.path.join(self.directory, 'up'), os.path.join(self.place, 'locks')
        self.make_directory(up)
        self.make_directory(locks)
        return """
DavLockDB {}/lock
<Directory {}>
  Dav On
</Directory>""".format(locks, up)


class LighttpdDav(UploadServer):
    """Plain PUT below /up/; `ranged` takes Content-Range for files that exist. Its answer to OPTIONS
    never ends."""

    name = 'lighttpd-dav'

    def __init__(self, ranged=False, tls=None):
        needs('lighttpd')
        if not os.path.exists('/usr/lib/lighttpd/mod_webdav.so'):
            raise unittest.SkipTest('lighttpd-mod-webdav is not installed')
        self.ranged = ranged
        super().__init__(tls)

    def command(self):
        for name in ('files/up', 'tmp'):
            self.make_directory(os.path.join(self.place, name))
        config = self.write('lighttpd.conf', '''
server.modules = ("mod_webdav")
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{files}"
server.errorlog = "{place}/error.log"
server.upload-dirs = ("{place}/tmp")
{user}
mimetype.assign = ("" => "application/octet-stream")
$HTTP["url"] =~ "^/up/" {{
  webdav.activate = "enable"
  {ranged}
}}
'''.format(port=self.port, files=self.directory, place=self.place,
           user='server.username = "www-data"\nserver.groupname = "www-data"'
           if os.geteuid() == 0 else '',
           ranged='webdav.opts = ("partial-put-copy-modify" => "enable")' if self.ranged else ''))
        # It opens its log as the user that it becomes.
        log = os.path.join(self.place, 'error.log')
        open(log, 'w', encoding='utf-8').close()
        if os.geteuid() == 0:
            entry = pwd.getpwnam(self.user)
            os.chown(log, entry.pw_uid, entry.pw_gid)
        return ['lighttpd', '-D', '-f', config]


class Chezdav(UploadServer):
    """Plain PUT; what came of a broken one stays, and Content-Range is overlooked."""

    name = 'chezdav'
    user = None

    def __init__(self):
        needs('chezdav')
        super().__init__()

    def command(self):
        return ['chezdav', '--local', '--no-mdns', '-p', str(self.port), '-P', self.directory]
