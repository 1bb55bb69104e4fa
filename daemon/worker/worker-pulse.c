/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-pulse.h"

WorkerTimes
worker_times_default (void)
{
  /* The answer's is long: of a host with several dead addresses each takes its time to connect, and the program behind a
   * BITS server has five minutes to look at what was uploaded. */
  return (WorkerTimes){ .connect = 30, .stall = 60, .answer = 330 };
}

void
worker_pulse_begin_answer (WorkerPulse *self)
{
  self->answer_since = g_get_monotonic_time ();
}

void
worker_pulse_end_answer (WorkerPulse *self)
{
  self->answer_since = 0;
}

void
worker_pulse_begin_read (WorkerPulse *self)
{
  self->reading = TRUE;
}

void
worker_pulse_end_read (WorkerPulse *self, gssize received)
{
  if (received > 0)
    self->moved += (guint64) received;
  self->reading = FALSE;
}

void
worker_pulse_begin_write (WorkerPulse *self)
{
  self->writing = TRUE;
}

void
worker_pulse_note_write (WorkerPulse *self, gsize sent)
{
  self->moved += sent;
}

void
worker_pulse_end_write (WorkerPulse *self)
{
  self->writing = FALSE;
}

const char *
worker_pulse_check (WorkerPulse *self, const WorkerTimes *times, gint64 now)
{
  gint64 answer_since = self->answer_since;
  guint64 moved = self->moved;

  if (answer_since != 0 && now - answer_since >= (gint64) times->answer * G_USEC_PER_SEC)
    return "The server did not come to the end of its answer's headers in time";

  if (!self->reading && !self->writing)
    {
      self->calm_since = 0;
      return NULL;
    }
  if (self->calm_since == 0 || moved - self->seen >= WORKER_PULSE_LEAST)
    {
      self->calm_since = now;
      self->seen = moved;
      return NULL;
    }
  if (now - self->calm_since < (gint64) times->stall * G_USEC_PER_SEC)
    return NULL;
  return self->writing ? "The server takes next to nothing" : "The server sends next to nothing";
}
