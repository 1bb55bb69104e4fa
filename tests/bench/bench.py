#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ferry beside curl and aria2, on a bus and with servers of its own. No test: it fails no build."""

import argparse
import contextlib
import json
import os
import platform
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import isolate  # noqa: E402
from lib.client import POLICY, ROOT  # noqa: E402
from lib.process import processes, rss_anon, wait_until  # noqa: E402
from lib.world import World  # noqa: E402

import measure  # noqa: E402
from jobs import Jobs  # noqa: E402
from uploads import Sending  # noqa: E402

USER = 'nobody'
FLOODER = 'games'
# Calls that somebody may flood with, and over how many connections. The bus gives a user 256.
FLOODS = (('calls', 1), ('calls', 200), ('probes', 1), ('creates', 1), ('polkit', 1))
MIB = 1 << 20


class Bench:
    """What the cases share: a world, a large file on its server, a place to put things."""

    def __init__(self, args, results):
        self.args = args
        self.results = results
        self.world = World().start()
        self.home = self.world.home(USER)
        self.digest = None

    def path(self, name):
        return os.path.join(self.home, name)

    def remove(self, name):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(name))

    def large_file(self):
        """Random bytes, so that no layer can make them smaller; its digest by openssl."""
        if self.digest is None:
            path = os.path.join(self.world.nginx.www, 'large')
            with open(path, 'wb') as out:
                for _ in range(self.args.size):
                    out.write(os.urandom(MIB))
            os.chmod(path, 0o644)
            done = subprocess.run(['openssl', 'dgst', '-sha256', '-r', path], check=True,
                                  stdout=subprocess.PIPE, text=True)
            self.digest = done.stdout.split()[0]
        return 'large'

    def check(self, done):
        if done.returncode:
            raise AssertionError('{} ended with {}: {}'.format(done.args, done.returncode,
                                                               done.stderr))

    def ferry(self, *args):
        self.check(self.world.ferry(*args, user=USER, timeout=600))

    def tool(self, *argv):
        self.check(self.world.run(list(argv), user=USER, timeout=600))

    def allow_jobs(self, count):
        """The limits are not what is measured; ferryd acts on a change within a second or so."""
        limits = ('max-jobs-per-user', 'max-jobs-per-machine')
        self.world.set_policy({key: 'uint32 {}'.format(count) for key in limits})
        client = self.world.client(USER)
        wait_until(lambda: all(client.call(ROOT, POLICY, 'GetEffective')[key]['Value'] == count
                               for key in limits), 20, 'the new limits')

    def getter(self, url, *args):
        """(run, clean) of `ferry get`."""
        return (lambda: self.ferry('get', url, '-o', self.path('ferry'), *args),
                lambda: self.remove('ferry'))

    def curl(self, url):
        """(run, clean) of curl, which does not sync."""
        return (lambda: self.tool('curl', '-sS', '-f', '-o', self.path('curl'), url),
                lambda: self.remove('curl'))

    def curl_and_openssl(self, url):
        def run():
            self.tool('curl', '-sS', '-f', '-o', self.path('checked'), url)
            self.tool('openssl', 'dgst', '-sha256', self.path('checked'))
        return run, lambda: self.remove('checked')


def bench_plain(bench):
    """A large file over plain HTTP, durable, and with its digest."""
    url = bench.world.nginx.url(bench.large_file())
    seconds = measure.alternate({
        'ferry': bench.getter(url),
        'curl': bench.curl(url),
        'ferry sha256': bench.getter(url, '--digest', 'sha256:' + bench.digest),
        'curl, openssl': bench.curl_and_openssl(url),
    }, bench.args.rounds)
    bench.results.ratio('plain HTTP, durable', seconds['ferry'], seconds['curl'], 1.0, 'curl')
    bench.results.ratio('plain HTTP, durable, sha256', seconds['ferry sha256'],
                        seconds['curl, openssl'], 1.0, 'curl + openssl')
    bench.results.ratio('plain HTTP, durable, sha256', seconds['ferry sha256'], seconds['curl'],
                        1.6, 'curl')


def bench_secure(bench):
    """A large file over TLS from a server that offers HTTP/2."""
    url = bench.world.nginx.secure_url(bench.large_file())
    seconds = measure.alternate({'ferry': bench.getter(url), 'curl': bench.curl(url)},
                                bench.args.rounds)
    bench.results.ratio('HTTPS, HTTP/2 offered, durable', seconds['ferry'], seconds['curl'], 1.2,
                        'curl')


def bench_small(bench):
    """200 jobs of one file of 64 KiB: each acknowledged durably, and completed."""
    count = bench.args.jobs
    names = ['small-{}'.format(n) for n in range(count)]
    for name in names:
        bench.world.nginx.add(name, os.urandom(65536))
    urls = [bench.world.nginx.url(name) for name in names]
    listing = os.path.join(bench.world.dir, 'urls')
    with open(listing, 'w', encoding='utf-8') as out:
        out.write('\n'.join(urls) + '\n')
    os.chmod(listing, 0o644)
    bench.allow_jobs(2 * count)
    jobs = Jobs(bench.world, USER)
    jobs.prepare([(url, bench.path(name)) for url, name in zip(urls, names)])

    def clean():
        for name in names:
            bench.remove(name)
    seconds = measure.alternate({
        'ferry': (jobs.run_all, clean),
        'aria2c': (lambda: bench.tool('aria2c', '-q', '-j16', '-d', bench.home, '-i', listing),
                   clean),
    }, bench.args.rounds)
    jobs.close()
    bench.results.ratio('{} jobs of 64 KiB'.format(count), seconds['ferry'], seconds['aria2c'],
                        1.0, 'aria2c -j16')


def bench_upload(bench):
    """A large file sent by PUT and by tus; the memory of both in turns that are not timed, as looking costs time too."""
    sending = Sending(bench, bench.args.size)
    ours = {'ferry put': sending.put(sending.ferry('put')),
            'ferry tus': sending.tus(sending.ferry('tus'))}
    peak = Peak(['ferryd', 'ferry-worker'])
    try:
        seconds = measure.alternate({
            **ours,
            'curl -T': sending.put(sending.curl),
            'curl tus': sending.tus(sending.curl_tus),
        }, bench.args.rounds)
        peak.start()
        for run, clean in ours.values():
            run()
            clean()
        peaks = peak.stop()
    finally:
        sending.close()
    bench.results.ratio('PUT', seconds['ferry put'], seconds['curl -T'], 1.0, 'curl -T')
    bench.results.ratio('tus', seconds['ferry tus'], seconds['curl tus'], 1.1,
                        'curl -T, PATCH of tus')
    for name, most in peaks.items():
        bench.results.figure('{} while sending, RssAnon at most'.format(name), most / MIB, 'MiB',
                             20)


class Flooder:
    """Another user, who sends calls as fast as he was told while this is entered."""

    def __init__(self, world, what, rate, connections):
        self.argv = ['/usr/bin/python3', '-B', os.path.join(world.lib, 'flood.py'), world.address,
                     what, str(rate), str(connections)]
        self.world = world
        self.connections = self.rate = 0

    def __enter__(self):
        self.child = self.world.spawn(self.argv, FLOODER, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE)
        self.connections = int(self.child.stdout.readline())
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.rate = int(self.child.stdout.readline() or 0)
        self.child.wait()
        self.child.stdout.close()


def bench_flood(bench):
    """What a user notices of another one who sends 10,000 calls a second."""
    bench.allow_jobs(1000)
    jobs = Jobs(bench.world, USER)
    jobs.create(100, bench.world.nginx.url('none'), bench.home)
    alone, beside = [], {}
    for number in range(bench.args.rounds + 1):
        quiet = jobs.time_get_all(1)
        if number > 0:
            alone += quiet
        for what, connections in FLOODS:
            with Flooder(bench.world, what, bench.args.flood, connections) as flooder:
                loud = jobs.time_get_all(1)
            if number > 0:
                beside.setdefault((what, connections), []).extend(loud)
                measure.say('  {} x {} {}/{}: {} calls a second'.format(
                    flooder.connections, what, number, bench.args.rounds, flooder.rate))
    jobs.close()
    own = measure.median(alone)
    measure.say('  alone: {:.2f} ms'.format(1000 * own))
    for (what, connections), times in beside.items():
        bench.results.figure('GetAll beside {} x {}'.format(connections, what),
                             measure.median(times) / own, 'x alone', 3, alone=alone, beside=times)


class Peak(threading.Thread):
    """The most anonymous memory that some processes ever had, looked at every 20 ms."""

    def __init__(self, names):
        super().__init__(daemon=True)
        self.peaks = {name: 0 for name in names}
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(0.02):
            for name in self.peaks:
                for pid, _ in processes(name):
                    with contextlib.suppress(OSError):
                        self.peaks[name] = max(self.peaks[name], rss_anon(pid))

    def stop(self):
        self.ended.set()
        self.join()
        return self.peaks


def bench_memory(bench):
    """Anonymous memory while a large file is fetched over TLS, with its digest."""
    url = bench.world.nginx.secure_url(bench.large_file())
    peak = Peak(['ferryd', 'ferry-worker'])
    peak.start()
    run, clean = bench.getter(url, '--digest', 'sha256:' + bench.digest)
    run()
    clean()
    for name, most in peak.stop().items():
        bench.results.figure('{}, RssAnon at most'.format(name), most / MIB, 'MiB', 20)


def count_wake_ups(pid, seconds, trace):
    """System calls of a process that should sleep; the one that it sits in is not counted."""
    tracer = subprocess.Popen(['strace', '-f', '-q', '-o', trace, '-p', str(pid)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    tracer.send_signal(signal.SIGINT)
    tracer.wait()
    with open(trace, encoding='utf-8') as lines:
        return [line for line in lines if not re.search(
            r'restart_syscall|<unfinished|<detached|\+\+\+|^\d+ +(?:strace|poll|ppoll)\(.*<', line)]


def bench_idle(bench):
    """What ferryd does in a minute in which there is nothing to do, but a job that keeps it."""
    client = bench.world.client(USER)
    client.create('kept', CustomHeaders=['X-Secret: yes'])
    wait_until(lambda: not bench.world.workers(), 60, 'the end of the workers')
    # The timer of the last call fires once, and finds the job.
    measure.say('  waiting for a minute of quiet, then a minute of strace')
    time.sleep(70)
    lines = count_wake_ups(bench.world.ferryd.pid, bench.args.idle,
                           os.path.join(bench.world.dir, 'strace'))
    for line in lines[:20]:
        measure.say('  ' + line.rstrip())
    bench.results.figure('idle, system calls in {} s'.format(bench.args.idle), len(lines), '', 0)
    bench.results.figure('idle, workers', len(bench.world.workers()), '', 0)


def bench_store(bench):
    """10,000 stored jobs: from the start to the bus name, and what reading one costs."""
    count = bench.args.stored
    bench.allow_jobs(2 * count)
    jobs = Jobs(bench.world, USER)
    begin = time.monotonic()
    jobs.create(count, bench.world.nginx.url('small-0'), bench.home)
    measure.say('  {} jobs of one file created in {:.1f} s'.format(count,
                                                                   time.monotonic() - begin))
    starts = []
    for _ in range(bench.args.rounds):
        bench.world.stop_ferryd(120)
        os.sync()
        begin = time.monotonic()
        bench.world.start_ferryd(120)
        starts.append(time.monotonic() - begin)
        measure.say('  start to name: {:.3f} s'.format(starts[-1]))
    bench.results.figure('start to bus name, {} jobs'.format(count), measure.median(starts), 's', 1)
    calls = jobs.time_get_all(max(1, count // 1000))
    bench.results.figure('GetAll, {} jobs'.format(count), 1000 * measure.median(calls), 'ms', 1)
    bench.results.figure('ferryd with {} jobs, RssAnon'.format(count),
                         rss_anon(bench.world.ferryd.pid) / MIB, 'MiB', 100)
    jobs.close()


CASES = {
    'plain': bench_plain,
    'secure': bench_secure,
    'small': bench_small,
    'upload': bench_upload,
    'flood': bench_flood,
    'memory': bench_memory,
    'idle': bench_idle,
    'store': bench_store,
}


def parse_arguments():
    parser = argparse.ArgumentParser(prog='tests/bench/run', description=__doc__)
    parser.add_argument('cases', nargs='*', metavar='CASE',
                        help='of {} (default: all)'.format(', '.join(CASES)))
    parser.add_argument('--rounds', type=int, default=5, help='turns of each rival (5)')
    parser.add_argument('--size', type=int, default=1024, help='MiB of the large file (1024)')
    parser.add_argument('--jobs', type=int, default=200, help='small jobs (200)')
    parser.add_argument('--stored', type=int, default=10000, help='stored jobs (10000)')
    parser.add_argument('--flood', type=int, default=10000, help='calls a second (10000)')
    parser.add_argument('--idle', type=int, default=60, help='seconds of watching (60)')
    parser.add_argument('--json', metavar='FILE', help='write all figures there, too')
    args = parser.parse_args()
    for case in args.cases:
        if case not in CASES:
            parser.error("there is no case '{}'".format(case))
    return args


def main():
    args = parse_arguments()
    isolate.enter()
    if os.geteuid() != 0:
        sys.exit('tests/bench/run needs root: a second user, polkit and policy are part of it')
    results = measure.Results()
    for name in args.cases or CASES:
        measure.say('{}: {}'.format(name, CASES[name].__doc__))
        bench = Bench(args, results)
        try:
            CASES[name](bench)
        finally:
            bench.world.stop()
    print('{}, {} CPUs, Linux {}'.format(platform.machine(), os.cpu_count(), platform.release()))
    print(results.table())
    if args.json:
        with open(args.json, 'w', encoding='utf-8') as out:
            json.dump(results.rows, out, indent=2)


if __name__ == '__main__':
    main()
