/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-service-time.h"

#define HOUR (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)
#define DAY  (24 * HOUR)

struct _FerryServiceTime
{
  GObject parent_instance;

  FerryClock *clock; /* (owned) */
  FerryStore *store; /* (owned) */
  gint64 start;      /* boot µs */
  gint64 offset;     /* service time minus boot time */
  gint64 doubtful;   /* µs of absence, more than a day, that count once the clock is believed */
  guint save_timer;
  guint belief_timer;
};

G_DEFINE_TYPE (FerryServiceTime, ferry_service_time, G_TYPE_OBJECT)

static void
ferry_service_time_dispose (GObject *object)
{
  FerryServiceTime *self = FERRY_SERVICE_TIME (object);

  if (self->clock != NULL)
    {
      ferry_clock_clear (self->clock, &self->save_timer);
      ferry_clock_clear (self->clock, &self->belief_timer);
    }
  g_clear_object (&self->clock);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (ferry_service_time_parent_class)->dispose (object);
}

static void
ferry_service_time_class_init (FerryServiceTimeClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ferry_service_time_dispose;
  g_signal_new ("changed", FERRY_TYPE_SERVICE_TIME, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 0);
}

static void
ferry_service_time_init (FerryServiceTime *self)
{
}

static gint64
get_stored (FerryStore *store, const char *name)
{
  g_autoptr (GVariant) value = ferry_store_get_value (store, name);

  return value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_INT64)
             ? g_variant_get_int64 (value)
             : 0;
}

static void
believed_cb (gpointer data)
{
  FerryServiceTime *self = data;

  self->belief_timer = 0;
  ferry_service_time_set_synchronized (self);
}

/* An hour is little beside 90 days, and one write an hour is little beside anything; a daemon that
 * is idle exits, and saves then. */
static void
save_cb (gpointer data)
{
  FerryServiceTime *self = data;

  self->save_timer = 0;
  ferry_service_time_save (self);
  self->save_timer = ferry_clock_add (self->clock, ferry_clock_get_boot (self->clock) + HOUR,
                                      save_cb, self);
}

FerryServiceTime *
ferry_service_time_new (FerryClock *clock, FerryStore *store)
{
  FerryServiceTime *self = g_object_new (FERRY_TYPE_SERVICE_TIME, NULL);
  gint64 last = get_stored (store, "service-time");
  gint64 last_wall = get_stored (store, "wall");
  gint64 absence = last_wall != 0 ? ferry_clock_get_wall (clock) - last_wall : 0;

  self->clock = g_object_ref (clock);
  self->store = g_object_ref (store);
  self->start = ferry_clock_get_boot (clock);

  /* Backward: the clock was set, or is wrong now; it says nothing about how long we were away. */
  absence = MAX (absence, 0);
  if (absence > DAY)
    {
      self->doubtful = absence;
      absence = 0;
      self->belief_timer = ferry_clock_add (clock, self->start + DAY, believed_cb, self);
    }

  self->offset = last + absence - self->start;
  self->save_timer = ferry_clock_add (clock, self->start + HOUR, save_cb, self);
  return self;
}

gint64
ferry_service_time_get (FerryServiceTime *self)
{
  return ferry_clock_get_boot (self->clock) + self->offset;
}

gint64
ferry_service_time_to_boot (FerryServiceTime *self, gint64 service_time)
{
  return service_time - self->offset;
}

gint64
ferry_service_time_get_start (FerryServiceTime *self)
{
  return self->start;
}

gboolean
ferry_service_time_is_doubtful (FerryServiceTime *self)
{
  return self->doubtful != 0;
}

void
ferry_service_time_save (FerryServiceTime *self)
{
  /* While an absence is in doubt the old pair stays: the next start must find it again. */
  if (self->doubtful != 0)
    return;

  ferry_store_set_value (self->store, "service-time",
                         g_variant_new_int64 (ferry_service_time_get (self)));
  ferry_store_set_value (self->store, "wall",
                         g_variant_new_int64 (ferry_clock_get_wall (self->clock)));
}

void
ferry_service_time_set_synchronized (FerryServiceTime *self)
{
  if (self->doubtful == 0)
    return;

  ferry_clock_clear (self->clock, &self->belief_timer);
  self->offset += self->doubtful;
  self->doubtful = 0;
  ferry_service_time_save (self);
  g_signal_emit_by_name (self, "changed");
}
