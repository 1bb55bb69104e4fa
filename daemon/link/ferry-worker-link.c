/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-worker-link.h"
#include "ferry-config.h"
#include "ferry-error.h"
#include "ferry-event.h"
#include "ferry-link.h"
#include "ferry-text.h"
#include "ferry-worker-requests.h"

/* From the launcher's start to the hello. Generous: a machine that boots is slow. */
#define START_TIME (30 * G_TIME_SPAN_SECOND)

/* From a connection to its hello, and how many may be in between: the worker needs one, what else
 * that user connects is of no use. */
#define HELLO_TIME   (5 * G_TIME_SPAN_SECOND)
#define GREETING_MAX 4

/* From the last hold or request to the stop. */
#define IDLE_TIME (10 * G_TIME_SPAN_SECOND)

/* After failures in a row; one that was up that long, or worked until it was killed, begins a new row. */
#define BACKOFF_MAX (60 * G_TIME_SPAN_SECOND)
#define STEADY_TIME (60 * G_TIME_SPAN_SECOND)

/* A request waits for a worker that is backed off no longer than this: somebody waits for it in
 * turn, at most 25 s. */
#define PATIENCE (5 * G_TIME_SPAN_SECOND)

/* The launcher kills after 5 s; who is there long after that hangs in the kernel. */
#define STUCK_TIME    (10 * G_TIME_SPAN_SECOND)
#define CLOSED_REASON "Ferry is stopping"
#define STUCK_REASON  "The worker was killed but does not end, as if its disk or file server hung"

/* 16 attempts report ten times a second; a job of 200 small files makes some 1,200 frames, which
 * may come at once. That many cost ferryd less than a third of a second: a worker that floods slows
 * down its own user. */
#define FRAMES_PER_SECOND 4000

typedef enum
{
  STATE_STOPPED,
  STATE_STARTING, /* until the hello */
  STATE_UP,
  STATE_STOPPING, /* no link any more; waiting for the launcher to say that the process is gone */
} State;

/* A connection of the uid; the one that said the right hello is the worker's. */
typedef struct
{
  FerryWorkerLink *owner; /* (unowned) */
  FerryLink *link;        /* (owned) */
  guint timer;            /* for its hello, 0 = said */
} Connection;

struct _FerryWorkerLink
{
  GObject parent_instance;

  uid_t uid;
  FerryLauncher *launcher;       /* (owned) */
  FerryClock *clock;             /* (owned) */
  FerryWorkerLinkFuncs funcs;    /* (owned) */
  gpointer user_data;            /* (unowned) */
  FerryWorkerRequests *requests; /* (owned) */
  guint holds;
  gboolean closed; /* for good */

  State state;
  GList *greeting;  /* (owned) (element-type Connection): before their hello */
  Connection *live; /* (owned) (nullable): in STATE_UP */
  guint timer;      /* of the state: start, idle stop, stuck, or end of the backoff; 0 = none */

  gboolean was_up;   /* this process said hello */
  gint64 up_since;   /* boot µs, when @was_up */
  gboolean worked;   /* this process answered or reported something */
  gboolean failed;   /* in STATE_STOPPING: it is to blame */
  gboolean stuck;    /* in STATE_STOPPING: it does not end */
  char *stop_reason; /* (owned) (nullable): in STATE_STOPPING, when we know better than the launcher
                      */
  guint failures;    /* in a row */
  gint64 next_start; /* boot µs, not before */
  char *last_reason; /* (owned) (nullable): of the last failure, until the next one comes up */
};

G_DEFINE_TYPE (FerryWorkerLink, ferry_worker_link, G_TYPE_OBJECT)

static void update (FerryWorkerLink *self);
static void stop (FerryWorkerLink *self, gboolean failed, const char *reason);

static void
connection_free (Connection *connection)
{
  ferry_clock_clear (connection->owner->clock, &connection->timer);
  ferry_link_close (connection->link);
  g_object_unref (connection->link);
  g_free (connection);
}

static void
close_connections (FerryWorkerLink *self)
{
  g_list_free_full (g_steal_pointer (&self->greeting), (GDestroyNotify) connection_free);
  g_clear_pointer (&self->live, connection_free);
}

static void
ferry_worker_link_finalize (GObject *object)
{
  FerryWorkerLink *self = FERRY_WORKER_LINK (object);

  close_connections (self);
  ferry_clock_clear (self->clock, &self->timer);
  g_clear_pointer (&self->requests, ferry_worker_requests_free);
  g_clear_pointer (&self->stop_reason, g_free);
  g_clear_pointer (&self->last_reason, g_free);
  g_clear_object (&self->launcher);
  g_clear_object (&self->clock);
  G_OBJECT_CLASS (ferry_worker_link_parent_class)->finalize (object);
}

static void
ferry_worker_link_class_init (FerryWorkerLinkClass *class)
{
  G_OBJECT_CLASS (class)->finalize = ferry_worker_link_finalize;
}

static void
ferry_worker_link_init (FerryWorkerLink *self)
{
}

static gboolean
send_request (guint32 id, const char *kind, GVariant *arguments, gpointer data)
{
  FerryWorkerLink *self = data;

  return self->live != NULL && ferry_link_send (self->live->link, id, kind, arguments);
}

static void
requests_changed (gpointer data)
{
  update (FERRY_WORKER_LINK (data));
}

static void
request_late (const char *reason, gpointer data)
{
  stop (FERRY_WORKER_LINK (data), TRUE, reason);
}

FerryWorkerLink *
ferry_worker_link_new (uid_t uid, FerryLauncher *launcher, FerryClock *clock,
                       const FerryWorkerLinkFuncs *funcs, gpointer user_data)
{
  static const FerryWorkerRequestsFuncs request_funcs = {
    .send = send_request,
    .changed = requests_changed,
    .late = request_late,
  };
  FerryWorkerLink *self = g_object_new (FERRY_TYPE_WORKER_LINK, NULL);

  self->uid = uid;
  self->launcher = g_object_ref (launcher);
  self->clock = g_object_ref (clock);
  self->funcs = *funcs;
  self->user_data = user_data;
  self->requests = ferry_worker_requests_new (clock, &request_funcs, self);
  return self;
}

static void
set_timer (FerryWorkerLink *self, gint64 deadline, FerryClockFunc func)
{
  ferry_clock_clear (self->clock, &self->timer);
  self->timer = ferry_clock_add (self->clock, deadline, func, self);
}

/* == the process == */

static void
start_late_cb (gpointer data)
{
  FerryWorkerLink *self = data;

  self->timer = 0;
  stop (self, TRUE, "The worker was started but did not connect");
}

static void
start (FerryWorkerLink *self)
{
  self->state = STATE_STARTING;
  self->was_up = FALSE;
  self->worked = FALSE;
  self->failed = FALSE;
  self->stuck = FALSE;
  set_timer (self, ferry_clock_get_boot (self->clock) + START_TIME, start_late_cb);
  ferry_launcher_start (self->launcher, self->uid);
}

/* It was killed and does not end: it waits in the kernel, for a disk or a file server that does not
 * answer. */
static void
stuck_cb (gpointer data)
{
  g_autoptr (FerryWorkerLink) self = g_object_ref (FERRY_WORKER_LINK (data));

  self->timer = 0;
  self->stuck = TRUE;
  ferry_worker_requests_fail_all (self->requests, STUCK_REASON);
}

/* The link goes now, the process in its time. Until it is gone, what it was asked is not answered:
 * it may still be at it.
 * @reason is %NULL when how the process ends tells more. */
static void
stop (FerryWorkerLink *self, gboolean failed, const char *reason)
{
  if (self->state != STATE_STARTING && self->state != STATE_UP)
    return;

  self->state = STATE_STOPPING;
  self->failed = failed;
  g_free (self->stop_reason);
  self->stop_reason = g_strdup (reason);
  close_connections (self);
  set_timer (self, ferry_clock_get_boot (self->clock) + STUCK_TIME, stuck_cb);
  ferry_launcher_stop (self->launcher, self->uid);
}

static void
record_failure (uid_t uid, const char *reason)
{
  g_autofree char *number = g_strdup_printf ("%u", (guint) uid);
  const char *const fields[] = { "FERRY_UID", number, NULL };

  ferry_event_log (FERRY_EVENT_WORKER_FAILED, fields, "The worker of uid %s failed: %s", number,
                   reason);
}

/* A worker that did its work until it was killed is no crash loop: somebody kills it, and no transfer of its user
 * shall wait for that longer than a second. One that we had to stop is another matter (@blamed). */
static void
note_failure (FerryWorkerLink *self, const char *reason, gboolean blamed)
{
  gint64 now = ferry_clock_get_boot (self->clock);
  gint64 delay;

  if (self->was_up && (now - self->up_since >= STEADY_TIME || (self->worked && !blamed)))
    self->failures = 0;
  self->failures++;
  delay = self->failures > 6 ? BACKOFF_MAX
                             : MIN (BACKOFF_MAX, G_TIME_SPAN_SECOND << (self->failures - 1));
  self->next_start = now + delay;
  g_free (self->last_reason);
  self->last_reason = g_strdup (reason);
  record_failure (self->uid, reason);
}

void
ferry_worker_link_exited (FerryWorkerLink *self, const char *launcher_reason)
{
  g_autofree char *reason = NULL;
  gboolean failed = self->state != STATE_STOPPING || self->failed;
  gboolean was_up = self->was_up;
  gboolean blamed;

  if (self->state == STATE_STOPPED)
    return;

  blamed = self->stop_reason != NULL;
  reason = g_steal_pointer (&self->stop_reason);
  if (reason == NULL)
    reason = ferry_text_clean (launcher_reason, FERRY_TEXT_MAX);
  close_connections (self);
  ferry_clock_clear (self->clock, &self->timer);
  self->state = STATE_STOPPED;
  if (failed)
    note_failure (self, reason, blamed);
  self->was_up = FALSE;

  /* What was never sent may wait for the next one, if that comes soon and this one was not
   * hopeless. */
  if (failed && (!was_up || ferry_worker_link_get_next_start (self) >
                                ferry_clock_get_boot (self->clock) + PATIENCE))
    ferry_worker_requests_fail_all (self->requests, reason);
  else
    ferry_worker_requests_fail_sent (self->requests, reason);

  update (self);
  if (!self->closed && (was_up || failed))
    self->funcs.down (self->uid, reason, self->user_data);
}

static void
idle_cb (gpointer data)
{
  FerryWorkerLink *self = data;

  self->timer = 0;
  stop (self, FALSE, "The worker was idle");
}

static void
backoff_over_cb (gpointer data)
{
  FerryWorkerLink *self = data;

  self->timer = 0;
  update (self);
}

static gboolean
is_wanted (FerryWorkerLink *self)
{
  return self->holds > 0 || !ferry_worker_requests_is_empty (self->requests);
}

/* Starts what is wanted and not there, and lets go what is there and not wanted. */
static void
update (FerryWorkerLink *self)
{
  gint64 now = ferry_clock_get_boot (self->clock);
  gboolean wanted = is_wanted (self);

  if (self->closed)
    return;

  switch (self->state)
    {
    case STATE_STOPPED:
      if (!wanted)
        ferry_clock_clear (self->clock, &self->timer);
      else if (now >= self->next_start)
        start (self);
      else if (self->timer == 0)
        set_timer (self, self->next_start, backoff_over_cb);
      break;
    case STATE_UP:
      if (wanted)
        ferry_clock_clear (self->clock, &self->timer);
      else if (self->timer == 0)
        set_timer (self, now + IDLE_TIME, idle_cb);
      break;
    case STATE_STARTING:
    case STATE_STOPPING:
      break;
    }
}

/* == the connection == */

static void
forget_connection (FerryWorkerLink *self, Connection *connection)
{
  self->greeting = g_list_remove (self->greeting, connection);
  connection_free (connection);
}

static void
hello_late_cb (gpointer data)
{
  Connection *connection = data;

  connection->timer = 0;
  forget_connection (connection->owner, connection);
}

/* The first message of a connection. */
static void
greet (FerryWorkerLink *self, Connection *connection, const char *kind, GVariant *arguments)
{
  const char *version = "";

  if (g_strcmp0 (kind, "hello") != 0)
    {
      forget_connection (self, connection);
      return;
    }

  g_variant_lookup (arguments, "Version", "&s", &version);
  if (g_strcmp0 (version, FERRY_VERSION) != 0)
    {
      g_autofree char *clean = ferry_text_clean (version, 64);
      g_autofree char *reason = g_strdup_printf (
          "The worker is of version '%s', ferryd of " FERRY_VERSION, clean);

      stop (self, TRUE, reason);
      return;
    }

  self->greeting = g_list_remove (self->greeting, connection);
  close_connections (self);
  ferry_clock_clear (self->clock, &connection->timer);
  ferry_clock_clear (self->clock, &self->timer);
  self->live = connection;
  g_clear_pointer (&self->last_reason, g_free);
  self->state = STATE_UP;
  self->was_up = TRUE;
  self->up_since = ferry_clock_get_boot (self->clock);
  ferry_worker_requests_pump (self->requests);
  update (self);
  self->funcs.up (self->uid, self->user_data);
}

static void
on_message (FerryLink *link, guint32 id, const char *kind, GVariant *arguments, gpointer data)
{
  Connection *connection = data;
  g_autoptr (FerryWorkerLink) self = g_object_ref (connection->owner);

  if (connection != self->live)
    {
      greet (self, connection, kind, arguments);
    }
  else if (g_str_equal (kind, "reply"))
    {
      if (!ferry_worker_requests_answer (self->requests, id, arguments))
        {
          stop (self, TRUE, "The worker answered a question that it was not asked");
          return;
        }
      self->worked = TRUE;
      if (self->state == STATE_UP)
        ferry_worker_requests_pump (self->requests);
      update (self);
    }
  else if (g_str_equal (kind, "hello"))
    {
      stop (self, TRUE, "The worker said hello twice");
    }
  else
    {
      self->worked = TRUE;
      self->funcs.message (self->uid, kind, arguments, self->user_data);
    }
}

static void
on_closed (FerryLink *link, const GError *error, gpointer data)
{
  Connection *connection = data;
  g_autoptr (FerryWorkerLink) self = g_object_ref (connection->owner);

  if (connection != self->live)
    {
      forget_connection (self, connection);
    }
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA) ||
           g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    {
      g_autofree char *reason = g_strdup_printf ("The worker's link was closed: %s",
                                                 error->message);

      stop (self, TRUE, reason);
    }
  else
    {
      stop (self, TRUE, NULL);
    }
}

gboolean
ferry_worker_link_expects_connection (FerryWorkerLink *self)
{
  return self->state == STATE_STARTING && g_list_length (self->greeting) < GREETING_MAX;
}

void
ferry_worker_link_take (FerryWorkerLink *self, GSocketConnection *socket_connection)
{
  Connection *connection = g_new0 (Connection, 1);

  connection->owner = self;
  connection->link = ferry_link_new (socket_connection, FRAMES_PER_SECOND);
  connection->timer = ferry_clock_add (self->clock, ferry_clock_get_boot (self->clock) + HELLO_TIME,
                                       hello_late_cb, connection);
  self->greeting = g_list_prepend (self->greeting, connection);
  ferry_link_run (connection->link, on_message, on_closed, connection);
}

/* == what FerryWorkers asks == */

void
ferry_worker_link_hold (FerryWorkerLink *self)
{
  self->holds++;
  update (self);
}

void
ferry_worker_link_release (FerryWorkerLink *self)
{
  g_return_if_fail (self->holds > 0);

  self->holds--;
  update (self);
}

gboolean
ferry_worker_link_is_up (FerryWorkerLink *self)
{
  return self->state == STATE_UP;
}

gint64
ferry_worker_link_get_next_start (FerryWorkerLink *self)
{
  if (self->state != STATE_STOPPED || self->next_start <= ferry_clock_get_boot (self->clock))
    return 0;

  return self->next_start;
}

const char *
ferry_worker_link_get_failure (FerryWorkerLink *self)
{
  return self->last_reason;
}

gboolean
ferry_worker_link_send (FerryWorkerLink *self, const char *kind, GVariant *arguments)
{
  return self->live != NULL && ferry_link_send (self->live->link, 0, kind, arguments);
}

void
ferry_worker_link_kill (FerryWorkerLink *self)
{
  stop (self, TRUE, "The worker was stopped because it did not keep to what was agreed");
}

void
ferry_worker_link_request (FerryWorkerLink *self, const char *kind, GVariant *arguments,
                           guint timeout, GTask *task)
{
  gint64 wait = ferry_worker_link_get_next_start (self) - ferry_clock_get_boot (self->clock);
  g_autofree char *hopeless = NULL;

  if (self->closed)
    hopeless = g_strdup (CLOSED_REASON);
  else if (self->stuck)
    hopeless = g_strdup (STUCK_REASON);
  else if (wait > PATIENCE)
    hopeless = g_strdup_printf ("%s; it is started again in %d s", self->last_reason,
                                (int) (wait / G_TIME_SPAN_SECOND));
  if (hopeless != NULL)
    {
      g_task_return_new_error (task, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED, "%s", hopeless);
      g_object_unref (task);
      return;
    }

  ferry_worker_requests_add (self->requests, kind, arguments, timeout, task);
  if (self->state == STATE_UP)
    ferry_worker_requests_pump (self->requests);
  update (self);
}

void
ferry_worker_link_close (FerryWorkerLink *self)
{
  if (self->closed)
    return;

  self->closed = TRUE;
  stop (self, FALSE, NULL);
  ferry_clock_clear (self->clock, &self->timer);
  ferry_worker_requests_fail_all (self->requests, CLOSED_REASON);
}
