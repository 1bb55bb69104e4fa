#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Credentials that a job does not have, and its owner's agents do."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import badserver, cases, content, tree  # noqa: E402
from lib.client import (AGENT_MANAGER, ERROR, INVALID_ARGS, LIMITS_EXCEEDED, ROOT,  # noqa: E402
                        UNKNOWN_OBJECT, options, signal_args)

OTHER = 'games'
NONE = ERROR + 'NotFound'
DISMISSED = ERROR + 'AuthorizationDismissed'


def know(password, **more):
    """What an agent answers that knows."""
    values = dict({'UserName': 'me', 'Password': password, 'AllowHttp': True}, **more)
    return '{' + ', '.join('{!r}: <{}>'.format(k, str(v).lower() if isinstance(v, bool) else repr(v))
                           for k, v in values.items()) + '}'


class AgentCase(cases.WorldCase):
    """What the cases below share."""

    def guard(self, password='sesame', path='/guarded', size=5000, **how):
        route = self.world.http.add(path, content.pattern(size, 1))
        route.then(*[badserver.guarded('me', password, **how)] * 30)
        return route

    def download(self, client=None, name='a', path='/guarded'):
        client = client or self.client
        return client.submit([(self.world.http.url(path), self.path(name))])

    def agent(self, *answers, user=None, **how):
        client = self.world.client(user or self.client.user.pw_name)
        self.addCleanup(client.close)
        client.become_agent(*answers, **how)
        return client

    @staticmethod
    def asked(agent):
        return [signal_args(s)[1] for s in agent.find_signals('GetCredentials')]

    @staticmethod
    def verdicts(agent):
        return [s['signal'] for s in agent.signals
                if s['signal'] in ('CredentialsAccepted', 'CredentialsRejected')]

    def lacks(self, job):
        """It waits, and says so."""
        values = job.wait_state('error')
        self.assertEqual(values['Error']['Name'], ERROR + 'AuthenticationFailed')
        self.assertEqual(values['WaitReasons'], ['credentials'])


    @staticmethod
    def goes_on(job):
        """Also from an error."""
        job.wait_for(lambda v: v['State'] == 'transferred', what='the file')


class Asked(AgentCase):
    def test_one_that_knows(self):
        route = self.guard()
        agent = self.agent(know('sesame'))
        job = self.download()
        job.wait_state('transferred')
        query = self.asked(agent)[0]
        self.assertEqual(query, {
            'Job': job.id, 'Target': 'server', 'Scheme': 'http', 'Host': '127.0.0.1',
            'Port': self.world.http.port, 'Realm': 'guarded', 'Path': '/guarded', 'Attempt': 1,
            'AuthSchemes': ['basic'], 'Interactive': False})
        agent.wait_signal('CredentialsAccepted')
        self.assertEqual(len(route.requests), 2)
        self.assertEqual(job.files()[0]['HttpStatus'], 200)

    def test_nobody_there(self):
        self.guard()
        job = self.download()
        self.lacks(job)
        self.client.wait_signal('Failed', job.path)
        agent = self.agent(know('sesame'))
        self.goes_on(job)
        agent.wait_signal('CredentialsAccepted')

    def test_nobody_knows(self):
        self.guard()
        agent = self.agent(NONE)
        job = self.download()
        self.lacks(job)
        self.assertEqual(len(self.asked(agent)), 1)
        job.call('SetCredentials', '(ssa{sv})', 'server', 'basic',
                 options({'UserName': 'me', 'Password': 'sesame', 'AllowHttp': True}))
        self.goes_on(job)

    def test_wrong(self):
        """It is asked three times, and told of each."""
        self.guard()
        agent = self.agent(know('wrong'))
        self.lacks(self.download())
        agent.wait_signal('CredentialsRejected', count=3)
        self.assertEqual([q['Attempt'] for q in self.asked(agent)], [1, 2, 3])
        self.assertEqual(self.verdicts(agent), ['CredentialsRejected'] * 3)

    def test_not_over_plain_http(self):
        """Nobody said that a password may be read by everybody."""
        route = self.guard()
        self.agent(know('sesame', AllowHttp=False))
        self.lacks(self.download())
        self.assertEqual([r.get('Authorization') for r in route.requests], [None])

    def test_answers_that_cannot_be_used(self):
        self.guard()
        for answer in ("{'UserName': <'me'>}", "{'Password': <5>}", '{}', know('x', Realm='y'),
                       know('sesame', AuthScheme='digest'), know('sesame', AuthScheme=''),
                       know('line\nfeed'), 'org.freedesktop.DBus.Error.Failed'):
            with self.subTest(answer=answer):
                agent = self.agent(answer)
                job = self.download()
                self.lacks(job)
                self.assertEqual(len(self.asked(agent)), 1)
                job.cancel()
                agent.close()

    def test_changed_in_the_middle(self):
        """The agent is asked again, and the job goes on at the same byte."""
        route = self.world.http.add('/guarded', content.pattern(400000, 1))
        route.then(*[badserver.guarded('me', 'old', stop_after=150000)] * 2,
                   *[badserver.guarded('me', 'new')] * 4)
        agent = self.agent(know('old'), know('new'))
        job = self.client.submit([(self.world.http.url('/guarded'), self.path('a'))],
                                 MinimumRetryDelay=5)
        job.wait_for(lambda v: v['BytesTransferred'] >= 100000, what='the first part')
        job.wait_for(lambda v: v['State'] == 'transient-error', what='the break')
        job.resume()
        job.wait_state('transferred')
        agent.wait_signal('CredentialsAccepted', count=2)
        self.assertEqual(self.verdicts(agent), [
            'CredentialsAccepted', 'CredentialsRejected', 'CredentialsAccepted'])
        self.assertEqual([q['Attempt'] for q in self.asked(agent)], [1, 2])
        self.assertEqual(job.get('BytesTransferred'), 400000)

    def test_upload(self):
        source = self.path('source')
        with open(source, 'wb') as out:
            out.write(content.pattern(300000, 2))
        os.chown(source, self.client.user.pw_uid, self.client.user.pw_gid)
        route = self.world.http.add('/up', b'')
        refuse = badserver.status(401, headers=[('WWW-Authenticate', 'Basic realm="guarded"')])

        def behave(route, request, stream):
            right = request.get('Authorization') == 'Basic bWU6c2VzYW1l'
            stream.file.read(int(request.get('Content-Length') or 0))
            (badserver.status(201) if right else refuse)(route, request, stream)
        route.then(*[behave] * 10)
        agent = self.agent(know('sesame'))
        job = self.client.submit([(self.world.http.url('/up'), source)], 'put', 'upload',
                                 UploadProtocol='put')
        job.wait_state('transferred')
        agent.wait_signal('CredentialsAccepted')


class Told(AgentCase):
    def test_readme(self):
        """The agent that README.md shows, for a server of ours."""
        with open(os.path.join(tree.ROOT, 'README.md'), encoding='utf-8') as readme:
            program = readme.read().split('```py\n')[1].split('```')[0]
        for told, here in (('files.example', '127.0.0.1'), ("== 'https'", "== 'http'"),
                           ("'swordfish')", "'swordfish'), 'AllowHttp': GLib.Variant('b', True)"),
                           ('GLib.MainLoop()', "print('registered', flush=True)\nGLib.MainLoop()")):
            self.assertIn(told, program)
            program = program.replace(told, here)
        route = self.world.http.add('/guarded', b'inside')
        route.then(*[badserver.guarded('alice', 'swordfish')] * 3)
        agent = self.world.spawn(['/usr/bin/python3', '-c', program], self.client.user.pw_name,
                                 stdout=subprocess.PIPE)
        try:
            self.assertEqual(agent.stdout.readline(), 'registered\n')
            self.download().wait_state('transferred')
        finally:
            agent.kill()
            agent.wait()
            agent.stdout.close()


class Several(AgentCase):
    def test_latest_first(self):
        self.guard()
        agents = [self.agent(know('sesame')), self.agent(NONE), self.agent(NONE)]
        job = self.download()
        job.wait_state('transferred')
        times = [a.find_signals('GetCredentials')[0]['time'] for a in agents]
        self.assertEqual(times, sorted(times, reverse=True))
        self.assertEqual([self.verdicts(a) for a in agents[1:]], [[], []])

    def test_dismissed(self):
        """A person who does not want to is not asked by the next one."""
        self.guard()
        other = self.agent(know('sesame'))
        self.agent(DISMISSED)
        self.lacks(self.download())
        self.assertEqual(self.asked(other), [])

    def test_killed_while_asked(self):
        self.guard()
        other = self.agent(know('sesame'))
        hanging = self.agent(None)
        job = self.download()
        hanging.wait_signal('GetCredentials')
        self.assertEqual(job.get_all()['WaitReasons'], ['credentials'])
        self.assertEqual(self.asked(other), [])
        hanging.child.kill()
        job.wait_state('transferred')
        self.assertEqual(len(self.asked(other)), 1)

    def test_unregistered(self):
        self.guard()
        agent = self.agent(know('sesame'))
        agent.call(ROOT, AGENT_MANAGER, 'UnregisterAgent', '(o)', '/agent')
        self.assertEqual(agent.error(ROOT, AGENT_MANAGER, 'UnregisterAgent', '(o)', '/agent').name,
                         UNKNOWN_OBJECT)
        self.lacks(self.download())
        self.assertEqual(self.asked(agent), [])

    def test_person(self):
        """Everybody else first."""
        self.guard()
        person = self.agent(NONE, know('sesame'), interactive=True)
        other = self.agent(NONE)
        self.download().wait_state('transferred')
        self.assertEqual([q['Interactive'] for q in self.asked(person)], [False, True])
        self.assertEqual([q['Interactive'] for q in self.asked(other)], [False])

    def test_limits(self):
        agent = self.agent(NONE)
        for n in range(7):
            agent.register_agent('/agent/{}'.format(n))
        agent.register_agent('/agent')
        error = agent.error(ROOT, AGENT_MANAGER, 'RegisterAgent', '(oa{sv})', '/more', {})
        self.assertEqual(error.name, LIMITS_EXCEEDED)
        error = agent.error(ROOT, AGENT_MANAGER, 'RegisterAgent', '(oa{sv})', '/agent',
                            options({'Clever': True}))
        self.assertEqual(error.name, INVALID_ARGS)
        self.assertIn('Clever', error.message)
        self.agent(NONE, user=OTHER)

    def test_job_ends_while_asked(self):
        self.guard()
        hanging = self.agent(None)
        job = self.download()
        request = signal_args(hanging.wait_signal('GetCredentials')[0])[0]
        job.cancel()
        self.assertEqual(signal_args(hanging.wait_signal('CancelRequest')[0]),
                         (request, 'not-needed'))

    def test_restart(self):
        """Nothing of an agent is kept; it comes again, and the job goes on."""
        self.guard(rate=20000)
        agent = self.agent(know('sesame'))
        job = self.download()
        job.wait_for(lambda v: v['BytesTransferred'] > 0, what='the first bytes')
        self.world.kill_workers()
        self.world.kill_ferryd()
        self.guard()
        self.world.start_ferryd()
        agent.register_agent()
        self.goes_on(job)
        self.assertEqual(len(self.asked(agent)), 2)


class Privacy(AgentCase):
    def test_of_another_user(self):
        """He is never asked, and does not hear of it."""
        self.guard()
        stranger = self.agent(know('sesame'), user=OTHER)
        job = self.download()
        self.lacks(job)
        stranger.register_agent()
        stranger.ping_bus()
        self.assertEqual(stranger.find_signals('GetCredentials'), [])
        self.assertEqual(job.get('State'), 'error')

    def test_hanging_harms_nobody_else(self):
        self.guard()
        hanging = self.agent(None)
        self.download()
        hanging.wait_signal('GetCredentials')
        stranger = self.agent(know('sesame'), user=OTHER)
        target = os.path.join(self.world.home(OTHER), 'a')
        job = stranger.submit([(self.world.http.url('/guarded'), target)])
        job.wait_state('transferred')
        self.world.http.add('/open', b'open')
        other = self.download(name='b', path='/open')
        other.wait_state('transferred')


if __name__ == '__main__':
    cases.main()
