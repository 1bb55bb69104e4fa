/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-launch-helper.h"
#include "ferry-launch-child.h"
#include "ferry-launch-owner.h"
#include "ferry-launch-protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* More users than this with running jobs at one time are refused. */
#define WORKERS_MAX 1024

/* How long a worker has between SIGTERM and SIGKILL. */
#define STOP_TIME (5 * G_USEC_PER_SEC)

typedef struct
{
  uid_t uid;
  pid_t pid;
  int report;     /* (owned): holds a FerryLaunchFailure when the program could not be executed */
  gint64 kill_at; /* monotonic µs, 0 = was not told to stop */
} Worker;

typedef struct
{
  const FerryLaunchHelperSetup *setup; /* (unowned) */
  gboolean privileged;
  int signals; /* (owned): signalfd of SIGCHLD */
  int null;    /* (owned) */
  Worker workers[WORKERS_MAX];
  guint n_workers;
} Helper;

static Worker *
find_worker (Helper *self, uid_t uid)
{
  for (guint i = 0; i < self->n_workers; i++)
    {
      if (self->workers[i].uid == uid)
        return &self->workers[i];
    }

  return NULL;
}

/* A failure to send means that ferryd is gone; the next read says so too. */
static void
tell_exited (Helper *self, uid_t uid, const char *reason)
{
  FerryLaunchExit message = { .uid = uid };

  g_strlcpy (message.reason, reason, sizeof message.reason);
  while (send (self->setup->socket, &message, sizeof message, MSG_NOSIGNAL) < 0 && errno == EINTR)
    ;
}

G_GNUC_PRINTF (3, 4)
static void
tell_exited_format (Helper *self, uid_t uid, const char *format, ...)
{
  char reason[sizeof (((FerryLaunchExit *) NULL)->reason)];
  va_list arguments;

  va_start (arguments, format);
  g_vsnprintf (reason, sizeof reason, format, arguments);
  va_end (arguments);
  tell_exited (self, uid, reason);
}

static void
fork_worker (Helper *self, const FerryLaunchOwner *owner)
{
  g_autofree char *argument = g_strconcat ("--socket=", self->setup->worker_socket, NULL);
  const char *argv[] = { "ferry-worker", argument, NULL };
  FerryLaunchPlan plan = {
    .uid = owner->uid,
    .gid = owner->gid,
    .groups = owner->groups,
    .n_groups = owner->n_groups,
    .privileged = self->privileged,
    .parent = getpid (),
    .path = self->setup->path,
    .argv = argv,
    .envp = (const char *const *) owner->environment,
    .program = self->setup->program,
    .null = self->null,
  };
  int report[2];
  pid_t pid;

  if (pipe2 (report, O_CLOEXEC | O_NONBLOCK) < 0)
    {
      tell_exited_format (self, owner->uid, "The worker could not be started: pipe: %s",
                          g_strerror (errno));
      return;
    }

  plan.report = report[1];
  pid = fork ();
  if (pid == 0)
    ferry_launch_child_run (&plan);
  close (report[1]);
  if (pid < 0)
    {
      tell_exited_format (self, owner->uid, "The worker could not be started: fork: %s",
                          g_strerror (errno));
      close (report[0]);
      return;
    }

  self->workers[self->n_workers++] = (Worker){
    .uid = owner->uid,
    .pid = pid,
    .report = report[0],
  };
}

static void
start_worker (Helper *self, uid_t uid)
{
  g_autoptr (FerryLaunchOwner) owner = NULL;
  g_autoptr (GError) error = NULL;

  /* ferryd never asks for these. A reply would speak of the worker that runs. */
  if (find_worker (self, uid) != NULL)
    {
      fprintf (stderr, "ferry-launcher: user %u has a worker already\n", (guint) uid);
      return;
    }

  if (uid == (uid_t) -1 || (!self->privileged && uid != getuid ()))
    {
      tell_exited_format (self, uid,
                          "The worker could not be started: ferryd runs as user %u and serves "
                          "that user only, not user %u",
                          (guint) getuid (), (guint) uid);
      return;
    }
  if (self->n_workers == WORKERS_MAX)
    {
      tell_exited_format (self, uid, "The worker could not be started: %u workers run already",
                          self->n_workers);
      return;
    }

  owner = ferry_launch_owner_new (uid, &error);
  if (owner == NULL)
    tell_exited_format (self, uid, "The worker could not be started: %s", error->message);
  else
    fork_worker (self, owner);
}

static void
stop_worker (Helper *self, uid_t uid)
{
  Worker *worker = find_worker (self, uid);

  if (worker == NULL || worker->kill_at != 0)
    return;

  worker->kill_at = g_get_monotonic_time () + STOP_TIME;
  kill (worker->pid, SIGTERM);
}

/* Returns: whether ferryd is still there */
static gboolean
serve_request (Helper *self)
{
  FerryLaunchRequest request;
  ssize_t got = recv (self->setup->socket, &request, sizeof request, MSG_DONTWAIT);

  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return TRUE;
  if (got <= 0)
    return FALSE;
  if (got != (ssize_t) sizeof request)
    {
      fprintf (stderr, "ferry-launcher: a request of %zd bytes was ignored\n", got);
      return TRUE;
    }

  switch (request.command)
    {
    case FERRY_LAUNCH_START:
      start_worker (self, request.uid);
      break;
    case FERRY_LAUNCH_STOP:
      stop_worker (self, request.uid);
      break;
    default:
      fprintf (stderr, "ferry-launcher: a request of kind %u was ignored\n", request.command);
      break;
    }
  return TRUE;
}

static void
tell_end_of (Helper *self, const Worker *worker, int status)
{
  FerryLaunchFailure failure;

  if (read (worker->report, &failure, sizeof failure) == (ssize_t) sizeof failure)
    {
      failure.step[sizeof failure.step - 1] = '\0';
      tell_exited_format (self, worker->uid, "The worker could not be started: %s: %s",
                          failure.step, g_strerror (failure.number));
    }
  else if (WIFSIGNALED (status))
    {
      tell_exited_format (self, worker->uid, "The worker was killed by signal %d (%s)",
                          WTERMSIG (status), strsignal (WTERMSIG (status)));
    }
  else
    {
      tell_exited_format (self, worker->uid, "The worker exited with status %d",
                          WEXITSTATUS (status));
    }
}

static void
reap_workers (Helper *self)
{
  guint i = 0;

  while (i < self->n_workers)
    {
      Worker worker = self->workers[i];
      siginfo_t info = { 0 };
      int status;

      if (waitid (P_PID, (id_t) worker.pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
          info.si_pid == 0)
        {
          i++;
          continue;
        }

      /* While it is not reaped, the number is its own: what it left in its group goes with it. */
      kill (-worker.pid, SIGKILL);
      waitpid (worker.pid, &status, 0);
      self->workers[i] = self->workers[--self->n_workers];
      tell_end_of (self, &worker, status);
      close (worker.report);
    }
}

/* Kills what did not end in time. Returns: milliseconds until the next one is due, -1 = none */
static int
enforce_stops (Helper *self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 next = G_MAXINT64;

  for (guint i = 0; i < self->n_workers; i++)
    {
      Worker *worker = &self->workers[i];

      if (worker->kill_at == 0)
        continue;
      if (worker->kill_at <= now)
        kill (worker->pid, SIGKILL);
      else
        next = MIN (next, worker->kill_at);
    }

  return next == G_MAXINT64 ? -1 : (int) ((next - now) / 1000 + 1);
}

static void
drain_signals (Helper *self)
{
  struct signalfd_siginfo info;

  while (read (self->signals, &info, sizeof info) == (ssize_t) sizeof info)
    ;
}

/* ferryd is gone, and with it whoever could store what a worker still does. */
G_NORETURN static void
end (Helper *self)
{
  for (guint i = 0; i < self->n_workers; i++)
    kill (-self->workers[i].pid, SIGKILL);
  for (guint i = 0; i < self->n_workers; i++)
    {
      /* Between fork and setsid it has no group of its own yet. */
      kill (self->workers[i].pid, SIGKILL);
      waitpid (self->workers[i].pid, NULL, 0);
    }
  _exit (0);
}

/* Waits until the workers of a helper before us are gone; requests wait in the socket meanwhile. */
static void
take_lock (Helper *self)
{
  gboolean said = FALSE;

  while (flock (self->setup->lock, LOCK_EX | LOCK_NB) < 0)
    {
      struct pollfd ferryd = { .fd = self->setup->socket, .events = 0 };

      if (errno != EWOULDBLOCK && errno != EINTR)
        {
          fprintf (stderr, "ferry-launcher: flock: %s\n", g_strerror (errno));
          end (self);
        }
      if (!said)
        fprintf (stderr, "ferry-launcher: waiting for workers that still run\n");
      said = TRUE;
      if (poll (&ferryd, 1, 20) > 0)
        end (self);
    }
}

/* A worker writes to our standard output and error. With a terminal there, it must not read what is
 * typed. */
static void
reopen_terminal (int fd)
{
  g_autofree char *path = NULL;
  int opened;

  if (!isatty (fd))
    return;

  path = g_strdup_printf ("/proc/self/fd/%d", fd);
  opened = open (path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (opened < 0)
    opened = open ("/dev/null", O_WRONLY | O_CLOEXEC);
  if (opened < 0 || dup2 (opened, fd) < 0)
    _exit (1);
  close (opened);
}

/* Moves @fd out of the way of the low numbers that a child uses. */
static int
raise_descriptor (int fd)
{
  int raised = fcntl (fd, F_DUPFD_CLOEXEC, 16);

  if (raised < 0)
    _exit (1);
  return raised;
}

static void
close_others (FerryLaunchHelperSetup *setup)
{
  unsigned int kept[3];

  kept[0] = (unsigned int) (setup->socket = raise_descriptor (setup->socket));
  kept[1] = (unsigned int) (setup->program = raise_descriptor (setup->program));
  kept[2] = (unsigned int) (setup->lock = raise_descriptor (setup->lock));

  /* F_DUPFD gives rising numbers, as nothing is closed between. */
  if (close_range (3, kept[0] - 1, 0) < 0)
    _exit (1);
  for (gsize i = 0; i < G_N_ELEMENTS (kept); i++)
    {
      unsigned int last = i + 1 < G_N_ELEMENTS (kept) ? kept[i + 1] - 1 : ~0U;

      if (kept[i] + 1 <= last && close_range (kept[i] + 1, last, 0) < 0)
        _exit (1);
    }
}

/* Occupies the standard descriptors that ferryd was started without, and those that a child puts to
 * use, so that whatever is opened from now on lies above. */
static void
open_null (Helper *self)
{
  int opened = open ("/dev/null", O_RDWR | O_CLOEXEC);

  if (opened < 0)
    _exit (1);
  self->null = raise_descriptor (opened);
  for (int fd = 0; fd < FERRY_LAUNCH_FIRST_FREE_FD; fd++)
    {
      if (fcntl (fd, F_GETFD) < 0 && dup3 (self->null, fd, fd > 2 ? O_CLOEXEC : 0) < 0)
        _exit (1);
    }
}

static void
prepare (Helper *self)
{
  sigset_t child;

  prctl (PR_SET_NAME, "ferry-launcher", 0, 0, 0);
  /* A stop from the terminal or the service manager is ferryd's to obey; we end when it has ended.
   */
  if (setsid () < 0)
    _exit (1);
  signal (SIGINT, SIG_IGN);
  signal (SIGTERM, SIG_IGN);
  signal (SIGHUP, SIG_IGN);
  signal (SIGPIPE, SIG_IGN);
  signal (SIGCHLD, SIG_DFL);

  open_null (self);
  reopen_terminal (STDOUT_FILENO);
  reopen_terminal (STDERR_FILENO);
  sigemptyset (&child);
  sigaddset (&child, SIGCHLD);
  if (sigprocmask (SIG_SETMASK, &child, NULL) < 0)
    _exit (1);
  self->signals = signalfd (-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  if (self->signals < 0 || chdir ("/") < 0)
    _exit (1);
}

void
ferry_launch_helper_run (const FerryLaunchHelperSetup *given)
{
  FerryLaunchHelperSetup setup = *given;
  Helper *self = g_new0 (Helper, 1);

  self->setup = &setup;
  self->privileged = geteuid () == 0;
  close_others (&setup);
  prepare (self);
  take_lock (self);

  for (;;)
    {
      struct pollfd fds[] = {
        { .fd = setup.socket, .events = POLLIN },
        { .fd = self->signals, .events = POLLIN },
      };

      if (poll (fds, G_N_ELEMENTS (fds), enforce_stops (self)) < 0 && errno != EINTR)
        end (self);
      drain_signals (self);
      reap_workers (self);
      if (fds[0].revents != 0 && !serve_request (self))
        end (self);
    }
}
