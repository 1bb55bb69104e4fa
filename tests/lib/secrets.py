# SPDX-License-Identifier: LGPL-2.1-or-later
"""One job for each way that a secret comes in, with marks to look for afterwards."""

from lib import badserver, content
from lib.client import options

MARKS = {'password': 'Mark-password-x7', 'header': 'Mark-header-x7', 'token': 'Mark-token-x7',
         'proxy': 'Mark-proxy-x7', 'agent': 'Mark-agent-x7', 'created': 'Mark-created-x7'}


def basic(password):
    return options({'UserName': 'me', 'Password': password, 'AllowHttp': True})


def create(client):
    """name -> job, each with its secret."""
    jobs = {name: client.create(name) for name in ('password', 'header', 'token', 'proxy', 'agent')}
    jobs['created'] = client.create('created', Credentials=[
        ('server', 'basic', basic(MARKS['created']))])
    jobs['password'].call('SetCredentials', '(ssa{sv})', 'server', 'basic',
                          basic(MARKS['password']))
    jobs['proxy'].call('SetCredentials', '(ssa{sv})', 'proxy', 'digest', options(
        {'UserName': 'me', 'Password': MARKS['proxy']}))
    jobs['token'].call('SetCredentials', '(ssa{sv})', 'server', 'bearer', options(
        {'Token': MARKS['token'], 'AllowHttp': True}))
    jobs['header'].call('SetCustomHeaders', '(as)', ['Authorization: ' + MARKS['header']])
    return jobs


def run(client, agent, http, place):
    """Fetches a file into `place` with each of them, to the end. Returns all that their owner can see of them."""
    for name in ('password', 'agent', 'created'):
        http.add('/' + name, content.pattern(1000, 1),
                 *[badserver.guarded('me', MARKS[name])] * 5)
    for name in ('header', 'token', 'proxy'):
        http.add('/' + name, content.pattern(1000, 1))
    agent.become_agent("{{'UserName': <'me'>, 'Password': <'{}'>, 'AllowHttp': <true>}}".format(
        MARKS['agent']))
    seen = []
    for name, job in create(client).items():
        job.add_file(http.url('/' + name), place + '/' + name)
        job.resume()
        job.wait_state('transferred')
        seen.append(repr(job.get_all()) + repr(job.files()))
        if job.complete() != (1, 0):
            raise AssertionError('{} was not completed'.format(name))
    for name in ('header', 'token'):
        if MARKS[name] not in repr([r.headers for r in http.routes['/' + name].requests]):
            raise AssertionError('{} was not sent'.format(name))
    return ''.join(seen) + repr(client.signals)


def found_in(data):
    """Names of the secrets in there."""
    return [what for what, mark in MARKS.items() if mark.encode() in data]
