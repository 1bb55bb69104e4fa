#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""README.md stays true: its tours are run, its tables are held against what they tell of.

A chapter of the README is one session of one user: its ```console blocks go to one bash, its ```python
blocks to one interpreter. Lines after a command are what it prints; a ```text block is what the python
block before it prints. `http://files.example` and `http://bits.example` are our servers, /home/alice is a
new directory.
"""

import contextlib
import functools
import os
import pwd
import re
import select
import signal
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import badserver, cases, content  # noqa: E402
from lib.cli import receive  # noqa: E402
from lib.client import POLICY, ROOT  # noqa: E402
from lib.process import Deadline, wait_until  # noqa: E402
from lib.uploads import BitsServer  # noqa: E402
from lib.world import SOURCE  # noqa: E402

# One for each chapter; all are on every Debian.
USERS = ('nobody', 'games', 'news', 'mail', 'lp')
SERVER, BITS = 'http://files.example', 'http://bits.example'
HOME, USER = '/home/alice', 'alice'
PATIENCE = 30           # s for one command
BIG, RATE = 12 << 20, 10 << 20

# What may stand before a block, in an HTML comment that nobody sees.
DIRECTIVES = ('on a terminal', 'soon', 'ferryd was restarted', 'ferryd is not running')
RUN = ('console', 'python')
# Told, not run here: they build and install. tests/fresh-clone runs them.
TOLD = {'Ferry', 'Build and install'}


def source(path):
    with open(os.path.join(SOURCE, path), encoding='utf-8') as text:
        return text.read()


class Block:
    """A fenced block and the directive before it."""

    def __init__(self, language, line, directive):
        self.language = language
        self.line = line            # of its first line, for messages
        self.directive = directive
        self.text = ''
        self.output = None          # of a python block

    def commands(self):
        """(prompt, command, what it prints) of a console block, with here-documents."""
        found, end = [], None
        for line in self.text.splitlines():
            if end is not None or found and not found[-1][2] and found[-1][1].endswith('\\'):
                found[-1][1] += '\n' + line
                end = None if line == end else end
            elif line.startswith(('$ ', '# ')) or not found:
                found.append([line[0], line[2:], ''])
                here = re.search(r'<<(\w+)$', line)
                end = here.group(1) if here else None
            else:
                found[-1][2] += line + '\n'
        return found


class Readme:
    """Chapters with their blocks, sections with their tables."""

    def __init__(self):
        self.chapters = {}      # heading of level 1 or 2 -> [Block], in order
        self.tables = {}        # heading -> [[rows]], header lines left out
        self.text = source('README.md')
        self.first_screen = self.text[:self.text.index('\nContents: ')]
        self._parse()

    def _parse(self):
        chapter, heading, block, directive, header = '', '', None, None, None
        for number, line in enumerate(self.text.splitlines(), 1):
            fence = re.match(r'^```(.*)$', line)
            if block is not None:
                if fence:
                    block = None
                else:
                    block.text += line + '\n'
            elif fence:
                block = Block(fence.group(1), number + 1, directive)
                self.chapters.setdefault(chapter, []).append(block)
                directive = None
            elif line.startswith('#'):
                heading = line.lstrip('# ')
                chapter = chapter if line.startswith('###') else heading
            elif line.startswith('<!-- tour: '):
                directive = line[len('<!-- tour: '):-len(' -->')]
            if block is None and line.startswith('|'):
                cells = [c.strip() for c in re.split(r'(?<!\\)\|', line)[1:-1]]
                if not header:
                    self.tables.setdefault(heading, []).append([])
                elif not set(line) <= set('|- '):
                    self.tables[heading][-1].append(cells)
                header = line
            else:
                header = None
        for blocks in self.chapters.values():
            for before, after in zip(blocks, blocks[1:]):
                if after.language == 'text':
                    before.output = after

    def words(self, heading, table=0):
        """The first column, which is code."""
        return [re.fullmatch(r'`(.*)`', row[0]).group(1) for row in self.tables[heading][table]]


README = Readme()


def normalize(text):
    """Puts what differs from run to run under names, and columns and empty lines aside."""
    for pattern, name in ((r'\b[0-9a-f]{32}\b', '<id>'), (r'\b\d{4}-\d\d-\d\d\b', '<date>'),
                          (r'\b\d+(:\d\d)+\b', '<time>'), (r'[\d.]+ [kMG]?B/s', '<rate>'),
                          (r'\b(?!100)\d+%', '<part>'), (r'\b[0-9a-f]{4,8}\b', '<id>'),
                          (r'[ \t]+', ' '),
                          # How far a job came before it was stopped is chance.
                          (r'(?<=[a-z]) (<part>|-) ([\d.]+ [kMG]?B|-) (<rate>|-)(?= |$)',
                           ' <progress>')):
        text = re.sub(pattern, name, text)
    return '\n'.join(line.strip() for line in text.splitlines() if line.strip())


def matches(expected, printed):
    """Whether that is what the README shows, in which … is anything."""
    pattern = '.*'.join(re.escape(part.strip('\n ')) for part in normalize(expected).split('…'))
    return re.fullmatch(r'\s*' + pattern.replace('.*', r'\s*.*\s*') + r'\s*', normalize(printed),
                        re.DOTALL) is not None


class Session:
    """A program that takes pieces of code, one after the other, and says when each is done."""

    def __init__(self, argv, folder, **popen):
        self.folder = folder        # of the files that hold the code
        self.number = 0
        self.child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, start_new_session=True, **popen)

    def write(self, code, suffix):
        self.number += 1
        path = os.path.join(self.folder, '{}-{}.{}'.format(self.child.pid, self.number, suffix))
        content.write(path, code.encode())
        return path

    def ask(self, line):
        """Sends the line; returns what was printed until the mark."""
        self.child.stdin.write(line.encode() + b'\n')
        self.child.stdin.flush()
        printed, end = b'', time.monotonic() + PATIENCE
        while not printed.endswith(b'\n@@done@@\n'):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.child.stdout], [], [], left)[0]:
                raise Deadline('no end within {} s; printed: {!r}'.format(PATIENCE, printed))
            data = os.read(self.child.stdout.fileno(), 65536)
            if not data:
                raise Deadline('the session ended; printed: {!r}'.format(printed))
            printed += data
        return printed[:-len(b'\n@@done@@\n')].decode('utf-8', 'backslashreplace')

    def close(self):
        """Ends it and what it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()


class Shell(Session):
    def __init__(self, folder, **popen):
        super().__init__(['bash', '--norc', '--noprofile'], folder, **popen)

    def run(self, code):
        # A file of its own, so that no command reads the next one; $? is kept for the next.
        return self.ask('. {} < /dev/null; _s=$?; printf "\\n@@done@@\\n"; (exit $_s)'.format(
            self.write(code, 'sh')))

    def run_on_terminal(self, code):
        """With a terminal of 80 columns; returns what was drawn, a line for each drawing."""
        path = self.write('stty cols 80\n' + code, 'sh')
        drawn = self.run("SHELL=/bin/bash script -qec '. {}' /dev/null".format(path))
        drawn = re.sub(r'\x1b\[[0-9;?]*[ABEFGHJK]', '\n', drawn)
        drawn = re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', drawn)
        return re.sub(r'[\r\n]+', '\n', drawn)


PYTHON = r'''
import sys, traceback
names = {}
for line in sys.stdin:
    with open(line.strip()) as code:
        try:
            exec(compile(code.read(), 'README.md', 'exec'), names)
        except Exception:
            traceback.print_exc(file=sys.stdout)
    print('\n@@done@@', flush=True)
'''


class Interpreter(Session):
    def __init__(self, folder, **popen):
        super().__init__(['/usr/bin/python3', '-B', '-u', '-c', PYTHON], folder, **popen)

    def run(self, code):
        return self.ask(self.write(code, 'py'))


def unhurried(route, request, stream):
    """Slow enough to be interrupted; what is left after that comes fast."""
    badserver.normal(rate=RATE if request.start is None else None)(route, request, stream)


def private(route, request, stream):
    """Only for who knows the word."""
    if request.get('Authorization') != 'Bearer swordfish':
        badserver.status(401, 'Unauthorized')(route, request, stream)
    else:
        unhurried(route, request, stream)


class Tour(cases.WorldCase):
    """The blocks of the README; one case for each of its chapters."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        http = cls.world.http
        http.add('/big.iso', content.pattern(BIG, 100), unhurried)
        for number, name in enumerate(('a.zip', 'b.zip', 'photos.zip', 'music.zip'), 101):
            http.add('/' + name, content.pattern(100000, number))
        http.add('/notes.txt', b'Bring the tent.\n')
        http.add('/busy', b'', badserver.retry_after(120))
        http.add('/inbox/big.iso', b'', receive(rate=RATE))
        http.add('/inbox/busy', b'', badserver.retry_after(120))
        cls.bits = BitsServer.of(cls, {'reply': 'json'})
        http.add('/private.zip', b'secret', private)
        http.add('/private.iso', content.pattern(BIG, 100), private)

    def setUp(self):
        # Finished jobs stay readable for a day, and a name stands for one job.
        self.user = USERS[sorted(METHODS).index(self._testMethodName)]
        super().setUp()
        self.sessions = {}
        self.addCleanup(lambda: [s.close() for s in self.sessions.values()])
        self.code = os.path.join(self.world.dir, 'code')
        os.makedirs(self.code, exist_ok=True)
        self.client.ping_bus()      # from now on its jobs are cancelled at the end

    def translate(self, text):
        """From the README's names to ours."""
        text = text.replace(SERVER, self.world.http.url('').rstrip('/')).replace(HOME, self.home)
        text = text.replace(BITS, self.bits.url('').rstrip('/'))
        return re.sub(r'\b{}\b'.format(USER), self.client.user.pw_name, text)

    def session(self, kind, root=False):
        """The chapter's session; root has a shell of his own."""
        key = kind, root
        if key not in self.sessions:
            entry = pwd.getpwuid(os.geteuid()) if root else self.client.user
            env = self.world.env(HOME=self.home, USER=entry.pw_name, LC_ALL='C.UTF-8',
                                 TERM='xterm-256color', PYTHONDONTWRITEBYTECODE='1')
            env['PATH'] = os.path.join(self.world.build, 'client') + ':' + env['PATH']
            identity = {}
            if self.world.root:
                identity = {'user': entry.pw_uid, 'group': entry.pw_gid, 'extra_groups': []}
            self.sessions[key] = kind(self.code, cwd=self.home, env=env, **identity)
        return self.sessions[key]

    def obey(self, directive):
        if directive == 'ferryd was restarted':
            self.world.restart_ferryd()
        elif directive == 'ferryd is not running':
            self.world.stop_ferryd()
            self.addCleanup(self.world.start_ferryd)

    def compare(self, line, code, expected, printed, drawn=False):
        expected = self.translate(expected)
        if drawn:
            rest = [normalize(text) for text in printed.splitlines()]
            lines = expected.splitlines()
            for text in lines:
                found = [i for i, drawing in enumerate(rest) if looks_alike(text, drawing)]
                self.assertTrue(found, 'README.md:{}: `{}` does not draw\n{}\nbut\n{}'.format(
                    line, code, text, printed))
                rest = rest[found[0]:]
            return
        self.assertTrue(matches(expected, printed), 'README.md:{}: `{}` prints\n{}\nnot\n{}'.format(
            line, code, printed, expected))

    def run_console(self, block):
        for prompt, code, expected in block.commands():
            shell = self.session(Shell, prompt == '#')
            drawn = block.directive == 'on a terminal'
            run = shell.run_on_terminal if drawn else shell.run
            printed = run(self.translate(code))
            if block.directive == 'soon':
                end = time.monotonic() + PATIENCE
                while not matches(self.translate(expected), printed) and time.monotonic() < end:
                    printed = run(self.translate(code))
            self.compare(block.line, code, expected, printed, drawn)

    def run_python(self, block):
        printed = self.session(Interpreter).run(self.translate(block.text))
        self.compare(block.line, 'python', block.output.text if block.output else '', printed)

    def run_chapter(self, heading):
        blocks = [b for b in README.chapters[heading] if b.language in RUN]
        if any(p == '#' for b in blocks for p, _, _ in b.commands()):
            self.needs_root()
        for block in blocks:
            self.obey(block.directive)
            if block.language == 'console':
                self.run_console(block)
            else:
                self.run_python(block)
        for name in re.findall(HOME + r'/(\w+\.zip)', README.first_screen) * (heading == 'Ferry'):
            wait_until(lambda n=name: os.path.exists(self.path(n)), what='the end of ' + name)
            self.assertEqual(content.read(self.path(name)),
                             self.world.http.routes['/' + name].body)


def looks_alike(expected, drawing):
    """A drawing of a moving bar: the same words and signs, other lengths and numbers."""
    def shape(text):
        text = re.sub(r'▕.*▏', '<bar>', normalize(text))
        return re.sub(r'[\d.]+ [kM]?B/', '<done>/', text)
    return shape(expected) == shape(drawing)


METHODS = {'test_' + re.sub(r'\W+', '_', heading.lower()): heading
           for heading, blocks in README.chapters.items() if any(b.language in RUN for b in blocks)}
for method, chapter in METHODS.items():
    setattr(Tour, method, functools.partialmethod(Tour.run_chapter, chapter))


class Told(unittest.TestCase):
    """The tables and words of the README, against the sources they tell of."""

    def test_every_block_is_run(self):
        for heading, blocks in README.chapters.items():
            for before, block in zip([None] + blocks, blocks):
                where = 'README.md:{}'.format(block.line)
                if block.language == 'text':
                    self.assertEqual(before.language, 'python', where)
                elif block.language == 'sh':
                    self.assertIn(heading, TOLD, where)
                elif block.language == 'py':        # a program that goes on: test_agents.py runs it
                    self.assertEqual(heading, 'Jobs', where)
                else:
                    self.assertIn(block.language, RUN, where)
                self.assertIn(block.directive, (None,) + DIRECTIVES, where)

    def test_told_commands_are_there(self):
        for heading in TOLD:
            for block in README.chapters[heading]:
                if block.language != 'sh':
                    continue
                for program in re.findall(r'^\./(\S+)', block.text, re.M):
                    self.assertTrue(os.access(os.path.join(SOURCE, program), os.X_OK), program)

    def test_first_screen(self):
        self.assertLessEqual(len(README.first_screen.splitlines()), 62)
        python = [b for b in README.chapters['Ferry'] if b.language == 'python']
        self.assertEqual([len(b.text.splitlines()) for b in python], [6])

    def test_links_lead_somewhere(self):
        anchors = {re.sub(r'[^\w -]', '', h).lower().replace(' ', '-')
                   for h in re.findall(r'^#+ (.*)$', README.text, re.M)}
        for target in re.findall(r'\]\(([^)]*)\)', README.text):
            if target.startswith('#'):
                self.assertIn(target[1:], anchors)
            else:
                self.assertTrue(os.path.exists(os.path.join(SOURCE, target)), target)

    def test_errors(self):
        names = re.findall(r'FERRY_ERROR_PREFIX "(\w+)"', source('dbus/ferry-error.c'))
        self.assertGreater(len(names), 40)
        self.assertEqual(README.words('Errors'), names)
        codes = re.findall(r'^  FERRY_ERROR_(\w+),', source('dbus/ferry-error.h'), re.M)
        self.assertEqual([n.upper() for n in names], [c.replace('_', '') for c in codes])

    def enumeration(self, function):
        text = source('dbus/ferry-enums.c')
        body = text[text.index('\n{}_to_string '.format(function)):]
        return re.findall(r'return "([\w-]+)";', body[:body.index('\n}\n')])

    def test_states_and_wait_reasons(self):
        for heading, function in (('States', 'ferry_job_state'),
                                  ('What a job waits for', 'ferry_wait_reason')):
            words = self.enumeration(function)
            self.assertGreater(len(words), 5, function)
            self.assertEqual(sorted(README.words(heading)), sorted(words))
        section = README.text[README.text.index('A file is `pending`'):]
        for word in self.enumeration('ferry_file_state'):
            self.assertIn('`{}`'.format(word), section[:200])

    def test_restart_reasons(self):
        text = source('dbus/ferry-worker-protocol.h')
        words = text[text.index("Words of FileRestarted's reason"):]
        self.assertEqual(sorted(README.words('Why a file started over')),
                         sorted(re.findall(r'"([\w-]+)"', words[:words.index('*/')])))

    def test_contexts(self):
        section = README.text[README.text.index('with `Context` ('):]
        self.assertEqual(re.findall(r'`([\w-]+)`', section[:section.index(')')])[1:],
                         self.enumeration('ferry_error_context'))

    def test_policies(self):
        root = ElementTree.fromstring(source('data/org.ferry.Transfer1.Policy.gschema.xml'))
        flags = {f.get('id'): ' '.join(v.get('nick') for v in f) for f in root.iter('flags')}

        def values(key):
            span = key.find('range')
            return flags[key.get('flags')] if span is None else \
                '{}-{}'.format(span.get('min'), span.get('max'))
        wanted = [['`{}`'.format(key.get('name')), key.findtext('default').replace('[]', 'none'),
                   values(key), key.findtext('summary')] for key in root.iter('key')]
        table = [[r[0], r[1].split(' ')[0], r[2], r[3]] for r in README.tables['Policy'][0]]
        self.assertEqual(table, wanted)

    def test_policy_sources(self):
        text = source('daemon/policy/ferry-policy.h')
        words = [w.lower() for w in re.findall(r'FERRY_POLICY_SOURCE_(\w+),', text)]
        self.assertEqual(sorted(README.words('Policy', 1)), sorted(words))

    def test_polkit_actions(self):
        root = ElementTree.fromstring(source('polkit/org.ferry.transfer1.policy'))
        section = README.text[README.text.index('## Threat model'):]
        for action in root.iter('action'):
            self.assertIn('`{}`'.format(action.get('id').rsplit('.', 1)[1]), section)


class Running(cases.WorldCase):
    """What only the running programs can say."""

    def test_units_of_policies(self):
        values = self.client.call(ROOT, POLICY, 'GetEffective')
        # What a number stands for may be behind it.
        self.assertEqual({row[0].strip('`'): row[1].split(' (')[0]
                          for row in README.tables['Policy'][0]},
                         {key: '{} {}'.format(value['Default'] or 'none', value['Unit']).strip()
                          for key, value in values.items()})

    def test_commands_exist(self):
        """Every `ferry VERB` and its options, wherever the README names one."""
        helps = {}
        named = re.findall(r'(?:^[$#] |`|\$\()ferry ([a-z]+)\b([^`\n]*)', README.text, re.M)
        self.assertGreater(len(named), 40)
        for verb, rest in named:
            if verb not in helps:
                done = self.world.ferry('help', verb, user=self.user)
                self.assertEqual(done.returncode, 0, 'ferry {}: {}'.format(verb, done.stderr))
                helps[verb] = done.stdout
            for option in re.findall(r'(?<=\s)(--[a-z-]+|-[a-zA-Z])\b', rest.split('|')[0]):
                self.assertIn(option, helps[verb], 'ferry ' + verb + rest)


if __name__ == '__main__':
    cases.main()
