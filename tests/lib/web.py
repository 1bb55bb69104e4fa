# SPDX-License-Identifier: LGPL-2.1-or-later
"""nginx, the real server: HTTP/1.1, HTTP/2 over TLS, slow places, ranges."""

import os
import shutil
import socket
import subprocess

from lib import content, isolate
from lib.process import Process, wait_until

CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'

CONFIG = '''
{user}
worker_processes 2;
pid {dir}/nginx.pid;
error_log {dir}/logs/nginx-error.log;
events {{ worker_connections 512; }}
http {{
  default_type application/octet-stream;
  access_log {dir}/logs/nginx-access.log;
  client_body_temp_path {dir}/nginx-tmp/body;
  proxy_temp_path {dir}/nginx-tmp/proxy;
  fastcgi_temp_path {dir}/nginx-tmp/fastcgi;
  uwsgi_temp_path {dir}/nginx-tmp/uwsgi;
  scgi_temp_path {dir}/nginx-tmp/scgi;
  sendfile on;
  server {{
    listen 127.0.0.1:{plain};
    {places}
  }}
  server {{
    listen 127.0.0.1:{secure} ssl http2;
    listen 127.0.0.2:{secure} ssl http2;    # a name that is not in the certificate
    server_name localhost;
    ssl_certificate {dir}/ca/server.crt;
    ssl_certificate_key {dir}/ca/server.key;
    {places}
  }}
}}
'''

PLACES = '''
    root {dir}/www;
    location / {{ }}
    location /slow/ {{ alias {dir}/www/; limit_rate 256k; }}
    location /slower/ {{ alias {dir}/www/; limit_rate 32k; }}
    location /no-ranges/ {{ alias {dir}/www/; max_ranges 0; }}
    location /moved/ {{ rewrite ^/moved/(.*)$ /$1 redirect; }}
    location /away/ {{ return 302 http://127.0.0.1:$arg_port/file; }}
    location /away-tls/ {{ return 302 https://localhost:$arg_port/file; }}
    location /elsewhere/ {{ rewrite ^/elsewhere/(.*)$ https://127.0.0.1:{secure}/$1 redirect; }}
    location /guarded/ {{
      alias {dir}/www/; limit_rate 1m;
      auth_basic guarded; auth_basic_user_file {dir}/etc/htpasswd;
    }}
'''


def free_port():
    """A port nobody listens on now; in our own network namespace nobody takes it either."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def make_certificate(place):
    """A CA of our own and a certificate of its for localhost; (certificate, key), beside ca.crt."""
    def openssl(*args):
        subprocess.run(['openssl', *args], check=True, cwd=place, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
            '-nodes', '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj',
            '/CN=Ferry test CA')
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
            '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost')
    with open(os.path.join(place, 'extensions'), 'w', encoding='utf-8') as out:
        out.write('subjectAltName=DNS:localhost,IP:127.0.0.1\n')
    openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key',
            '-CAcreateserial', '-out', 'server.crt', '-days', '2', '-extfile', 'extensions')
    return os.path.join(place, 'server.crt'), os.path.join(place, 'server.key')


class Nginx:
    """Serves `www` at url() and secure_url(), also below /slow, /slower, /no-ranges, /moved, and below
    /guarded to who is in set_password(); /away/?port=N and /away-tls/?port=N lead to another server, /elsewhere to
    https://127.0.0.1."""

    def __init__(self, world):
        self.world = world
        self.dir = world.dir
        self.www = os.path.join(self.dir, 'www')
        self.plain, self.secure = free_port(), free_port()
        self.process = None
        self.tls = None         # (certificate, key), which this namespace trusts

    def start(self):
        for path in (self.www, os.path.join(self.dir, 'nginx-tmp')):
            os.mkdir(path)
            os.chmod(path, 0o755)
        self._make_certificates()
        places = PLACES.format(dir=self.dir, secure=self.secure)
        config = os.path.join(self.dir, 'etc', 'nginx.conf')
        with open(config, 'w', encoding='utf-8') as out:
            out.write(CONFIG.format(dir=self.dir, plain=self.plain, secure=self.secure,
                                    places=places,
                                    user='user www-data;' if self.world.root else ''))
        self.process = Process('nginx', ['nginx', '-p', self.dir, '-c', config, '-g',
                                         'daemon off;'], self.world.logs)
        self.world.stack.callback(self.stop)
        self.start_again()

    def start_again(self):
        self.process.start()

        def accepts():
            if not self.process.running:
                raise AssertionError('nginx ended: ' + self.process.log())
            with socket.socket() as probe:
                return probe.connect_ex(('127.0.0.1', self.plain)) == 0
        wait_until(accepts, 10, 'nginx')

    def stop(self):
        """The master ends its children when it is asked, not when it is killed."""
        if self.process.running:
            self.process.stop(10)

    def _make_certificates(self):
        """A certificate for localhost, of a CA that this namespace trusts and no other."""
        ca = os.path.join(self.dir, 'ca')

        self.tls = make_certificate(ca)
        if self.world.root:
            bundle = os.path.join(ca, 'bundle.crt')
            with open(bundle, 'wb') as out:
                for source in (CERTIFICATES, os.path.join(ca, 'ca.crt')):
                    if os.path.exists(source):
                        out.write(content.read(source))
            os.chmod(bundle, 0o644)
            isolate.bind(bundle, CERTIFICATES)
            self.world.stack.callback(subprocess.run, ['umount', '-l', CERTIFICATES], check=False)

    def set_password(self, user, password):
        """From the next request on he alone is let in; returns where that stands."""
        path = os.path.join(self.dir, 'etc', 'htpasswd')
        content.write(path, '{}:{{PLAIN}}{}\n'.format(user, password).encode())
        os.chmod(path, 0o644)
        return path

    def users(self):
        """(user or '-', request line, status) of all that it was asked."""
        with open(os.path.join(self.dir, 'logs', 'nginx-access.log'), encoding='utf-8') as lines:
            return [(line.split()[2], line.split('"')[1], int(line.split('"')[2].split()[0]))
                    for line in lines]

    def add(self, name, data):
        """Puts a file under www; returns its sha256."""
        content.write(os.path.join(self.www, name), data)
        return content.sha256(data)

    def add_sparse(self, name, size, seed=1):
        return content.sparse(os.path.join(self.www, name), size, seed)

    def url(self, path):
        return 'http://127.0.0.1:{}/{}'.format(self.plain, path.lstrip('/'))

    def secure_url(self, path, host='localhost'):
        return 'https://{}:{}/{}'.format(host, self.secure, path.lstrip('/'))

    def remove_all(self):
        shutil.rmtree(self.www)
        os.mkdir(self.www)
