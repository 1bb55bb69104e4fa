/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-clock.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

G_DEFINE_INTERFACE (FerryClock, ferry_clock, G_TYPE_OBJECT)

static void
ferry_clock_default_init (FerryClockInterface *iface)
{
}

gint64
ferry_clock_get_wall (FerryClock *self)
{
  return FERRY_CLOCK_GET_IFACE (self)->get_wall (self);
}

gint64
ferry_clock_get_boot (FerryClock *self)
{
  return FERRY_CLOCK_GET_IFACE (self)->get_boot (self);
}

gint64
ferry_clock_get_awake (FerryClock *self)
{
  return FERRY_CLOCK_GET_IFACE (self)->get_awake (self);
}

guint
ferry_clock_add (FerryClock *self, gint64 deadline, FerryClockFunc func, gpointer user_data)
{
  return FERRY_CLOCK_GET_IFACE (self)->add (self, deadline, func, user_data);
}

void
ferry_clock_remove (FerryClock *self, guint id)
{
  FERRY_CLOCK_GET_IFACE (self)->remove (self, id);
}

void
ferry_clock_clear (FerryClock *self, guint *id)
{
  if (*id != 0)
    ferry_clock_remove (self, *id);
  *id = 0;
}

/* == the machine's clock ==
 *
 * One timerfd on CLOCK_BOOTTIME armed for the earliest timer: GLib's own timeouts stand still in suspend, so that a
 * retry due at 3:00 would come hours late. It is armed before the main loop sleeps and not with each change: timers
 * come and go by the hundred in one turn. */

typedef struct
{
  guint id;
  gint64 deadline; /* boot µs */
  FerryClockFunc func;
  gpointer user_data; /* (unowned) */
} Timer;

#define FERRY_TYPE_SYSTEM_CLOCK (ferry_system_clock_get_type ())
G_DECLARE_FINAL_TYPE (FerrySystemClock, ferry_system_clock, FERRY, SYSTEM_CLOCK, GObject)

struct _FerrySystemClock
{
  GObject parent_instance;

  int fd;            /* (owned) */
  gint64 armed;      /* boot µs that the fd is set to, 0 = none */
  GSource *source;   /* (owned) */
  GSequence *timers; /* (owned) (element-type Timer): by deadline */
  GHashTable *by_id; /* (owned) (element-type guint GSequenceIter) */
  guint last_id;
};

static void ferry_system_clock_iface_init (FerryClockInterface *iface);

G_DEFINE_TYPE_WITH_CODE (FerrySystemClock, ferry_system_clock, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (FERRY_TYPE_CLOCK, ferry_system_clock_iface_init))

static gint64
read_clock (clockid_t id)
{
  struct timespec now;

  clock_gettime (id, &now);
  return (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static gint64
ferry_system_clock_get_wall (FerryClock *clock)
{
  return read_clock (CLOCK_REALTIME);
}

static gint64
ferry_system_clock_get_boot (FerryClock *clock)
{
  return read_clock (CLOCK_BOOTTIME);
}

static gint64
ferry_system_clock_get_awake (FerryClock *clock)
{
  return read_clock (CLOCK_MONOTONIC);
}

static gint64
get_earliest (FerrySystemClock *self)
{
  GSequenceIter *first = g_sequence_get_begin_iter (self->timers);
  const Timer *timer;

  if (g_sequence_iter_is_end (first))
    return 0;
  timer = g_sequence_get (first);
  /* A value of zero would disarm it. */
  return MAX (timer->deadline, 1);
}

static void
arm (FerrySystemClock *self)
{
  gint64 deadline = get_earliest (self);
  struct itimerspec spec = { 0 };

  if (deadline == self->armed)
    return;

  self->armed = deadline;
  spec.it_value.tv_sec = deadline / G_USEC_PER_SEC;
  spec.it_value.tv_nsec = (deadline % G_USEC_PER_SEC) * 1000;
  timerfd_settime (self->fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static int
compare_timers (gconstpointer a, gconstpointer b, gpointer data)
{
  const Timer *left = a;
  const Timer *right = b;

  if (left->deadline != right->deadline)
    return left->deadline < right->deadline ? -1 : 1;
  return left->id < right->id ? -1 : left->id > right->id;
}

/* == the source == */

typedef struct
{
  GSource source;
  FerrySystemClock *clock; /* (unowned): owns us */
  gpointer tag;
} ClockSource;

static gboolean
clock_source_prepare (GSource *source, int *timeout)
{
  *timeout = -1;
  arm (((ClockSource *) source)->clock);
  return FALSE;
}

static gboolean
clock_source_check (GSource *source)
{
  return g_source_query_unix_fd (source, ((ClockSource *) source)->tag) != 0;
}

static gboolean
clock_source_dispatch (GSource *source, GSourceFunc func, gpointer data)
{
  g_autoptr (FerrySystemClock) self = g_object_ref (((ClockSource *) source)->clock);
  gint64 now = read_clock (CLOCK_BOOTTIME);
  guint64 ticks;

  /* Nothing to read when the timer was moved between poll and here. */
  if (read (self->fd, &ticks, sizeof ticks) < 0 && errno != EAGAIN)
    g_warning ("Reading the timer failed: %s", g_strerror (errno));
  self->armed = 0;

  /* Only what is due now: a function that adds a timer for now is served in the next turn. */
  while (TRUE)
    {
      GSequenceIter *first = g_sequence_get_begin_iter (self->timers);
      Timer due;

      if (g_sequence_iter_is_end (first))
        break;
      due = *(Timer *) g_sequence_get (first);
      if (due.deadline > now)
        break;
      g_hash_table_remove (self->by_id, GUINT_TO_POINTER (due.id));
      g_sequence_remove (first);
      due.func (due.user_data);
    }

  return G_SOURCE_CONTINUE;
}

static GSourceFuncs clock_source_funcs = {
  .prepare = clock_source_prepare,
  .check = clock_source_check,
  .dispatch = clock_source_dispatch,
};

static guint
ferry_system_clock_add (FerryClock *clock, gint64 deadline, FerryClockFunc func, gpointer user_data)
{
  FerrySystemClock *self = FERRY_SYSTEM_CLOCK (clock);
  Timer *timer = g_new0 (Timer, 1);

  /* 32 bits of timers in one life of a daemon are enough to wrap only in tests of patience. */
  do
    timer->id = ++self->last_id;
  while (timer->id == 0 || g_hash_table_contains (self->by_id, GUINT_TO_POINTER (timer->id)));
  timer->deadline = deadline;
  timer->func = func;
  timer->user_data = user_data;

  g_hash_table_insert (self->by_id, GUINT_TO_POINTER (timer->id),
                       g_sequence_insert_sorted (self->timers, timer, compare_timers, NULL));
  return timer->id;
}

static void
ferry_system_clock_remove (FerryClock *clock, guint id)
{
  FerrySystemClock *self = FERRY_SYSTEM_CLOCK (clock);
  GSequenceIter *iter = g_hash_table_lookup (self->by_id, GUINT_TO_POINTER (id));

  g_return_if_fail (iter != NULL);

  g_hash_table_remove (self->by_id, GUINT_TO_POINTER (id));
  g_sequence_remove (iter);
}

static void
ferry_system_clock_finalize (GObject *object)
{
  FerrySystemClock *self = FERRY_SYSTEM_CLOCK (object);

  g_source_destroy (self->source);
  g_source_unref (self->source);
  close (self->fd);
  g_hash_table_unref (self->by_id);
  g_sequence_free (self->timers);
  G_OBJECT_CLASS (ferry_system_clock_parent_class)->finalize (object);
}

static void
ferry_system_clock_class_init (FerrySystemClockClass *class)
{
  G_OBJECT_CLASS (class)->finalize = ferry_system_clock_finalize;
}

static void
ferry_system_clock_iface_init (FerryClockInterface *iface)
{
  iface->get_wall = ferry_system_clock_get_wall;
  iface->get_boot = ferry_system_clock_get_boot;
  iface->get_awake = ferry_system_clock_get_awake;
  iface->add = ferry_system_clock_add;
  iface->remove = ferry_system_clock_remove;
}

static void
ferry_system_clock_init (FerrySystemClock *self)
{
  self->timers = g_sequence_new (g_free);
  self->by_id = g_hash_table_new (NULL, NULL);
  self->fd = timerfd_create (CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (self->fd < 0)
    g_error ("timerfd_create: %s", g_strerror (errno));

  self->source = g_source_new (&clock_source_funcs, sizeof (ClockSource));
  ((ClockSource *) self->source)->clock = self;
  ((ClockSource *) self->source)->tag = g_source_add_unix_fd (self->source, self->fd, G_IO_IN);
  g_source_attach (self->source, g_main_context_get_thread_default ());
}

FerryClock *
ferry_system_clock_new (void)
{
  return g_object_new (FERRY_TYPE_SYSTEM_CLOCK, NULL);
}
