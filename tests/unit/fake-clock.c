/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fake-clock.h"

typedef struct
{
  guint id;
  gint64 deadline;
  FerryClockFunc func;
  gpointer user_data; /* (unowned) */
} Timer;

struct _FerryFakeClock
{
  GObject parent_instance;

  gint64 boot;
  gint64 asleep; /* of @boot */
  gint64 wall;
  GList *timers; /* (owned) (element-type Timer): by deadline */
  guint last_id;
};

static void ferry_fake_clock_iface_init (FerryClockInterface *iface);

G_DEFINE_TYPE_WITH_CODE (FerryFakeClock, ferry_fake_clock, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (FERRY_TYPE_CLOCK, ferry_fake_clock_iface_init))

static gint64
get_wall (FerryClock *clock)
{
  return FERRY_FAKE_CLOCK (clock)->wall;
}

static gint64
get_boot (FerryClock *clock)
{
  return FERRY_FAKE_CLOCK (clock)->boot;
}

static gint64
get_awake (FerryClock *clock)
{
  FerryFakeClock *self = FERRY_FAKE_CLOCK (clock);

  return self->boot - self->asleep;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const Timer *left = a;
  const Timer *right = b;

  return left->deadline < right->deadline ? -1 : left->deadline > right->deadline;
}

static guint
add (FerryClock *clock, gint64 deadline, FerryClockFunc func, gpointer user_data)
{
  FerryFakeClock *self = FERRY_FAKE_CLOCK (clock);
  Timer *timer = g_new0 (Timer, 1);

  timer->id = ++self->last_id;
  timer->deadline = deadline;
  timer->func = func;
  timer->user_data = user_data;
  self->timers = g_list_insert_sorted (self->timers, timer, compare);
  return timer->id;
}

static void
remove_timer (FerryClock *clock, guint id)
{
  FerryFakeClock *self = FERRY_FAKE_CLOCK (clock);

  for (GList *l = self->timers; l != NULL; l = l->next)
    {
      Timer *timer = l->data;

      if (timer->id == id)
        {
          self->timers = g_list_delete_link (self->timers, l);
          g_free (timer);
          return;
        }
    }

  g_error ("No timer %u", id);
}

static void
ferry_fake_clock_finalize (GObject *object)
{
  g_list_free_full (FERRY_FAKE_CLOCK (object)->timers, g_free);
  G_OBJECT_CLASS (ferry_fake_clock_parent_class)->finalize (object);
}

static void
ferry_fake_clock_class_init (FerryFakeClockClass *class)
{
  G_OBJECT_CLASS (class)->finalize = ferry_fake_clock_finalize;
}

static void
ferry_fake_clock_iface_init (FerryClockInterface *iface)
{
  iface->get_wall = get_wall;
  iface->get_boot = get_boot;
  iface->get_awake = get_awake;
  iface->add = add;
  iface->remove = remove_timer;
}

static void
ferry_fake_clock_init (FerryFakeClock *self)
{
  self->boot = 1000 * G_USEC_PER_SEC;
  self->wall = G_GINT64_CONSTANT (1790000000) * G_USEC_PER_SEC;
}

FerryFakeClock *
ferry_fake_clock_new (void)
{
  return g_object_new (FERRY_TYPE_FAKE_CLOCK, NULL);
}

void
ferry_fake_clock_advance (FerryFakeClock *self, gint64 usec)
{
  gint64 end = self->boot + usec;

  while (self->timers != NULL)
    {
      Timer *timer = self->timers->data;
      Timer due = *timer;

      if (due.deadline > end)
        break;
      if (due.deadline > self->boot)
        {
          self->wall += due.deadline - self->boot;
          self->boot = due.deadline;
        }
      self->timers = g_list_delete_link (self->timers, self->timers);
      g_free (timer);
      due.func (due.user_data);
    }

  self->wall += end - self->boot;
  self->boot = end;
}

void
ferry_fake_clock_sleep (FerryFakeClock *self, gint64 usec)
{
  self->boot += usec;
  self->wall += usec;
  self->asleep += usec;
  ferry_fake_clock_advance (self, 0);
}

void
ferry_fake_clock_jump_wall (FerryFakeClock *self, gint64 usec)
{
  self->wall += usec;
}

guint
ferry_fake_clock_get_n_timers (FerryFakeClock *self)
{
  return g_list_length (self->timers);
}
