/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a server is still of use. Its socket's timeout sees one that says nothing; one that says
 * a byte now and then, or never comes to the end of its headers, is seen here. One thread waits for
 * the server, another one looks. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WorkerTimes:
 *
 * Seconds that a server may take; of tests only other than worker_times_default().
 */
typedef struct
{
  guint connect; /* silence while connecting, and in the TLS handshake */
  guint stall;   /* silence while a message is under way, or WORKER_PULSE_LEAST of a body */
  guint answer;  /* all from looking up the name to the end of the headers, save sending a body */
} WorkerTimes;

WorkerTimes worker_times_default (void);

/* Bytes of a body that must come in `stall` seconds. */
#define WORKER_PULSE_LEAST 1024

/** Begins as all zeros. */
typedef struct
{
  /* Of the thread that waits for the server. */
  _Atomic gint64 answer_since; /* monotonic µs, 0 = no answer is awaited */
  _Atomic gboolean reading;    /* bytes of a body are awaited */
  _Atomic gboolean writing;    /* it is to take bytes of ours */
  _Atomic guint64 moved;       /* bytes, either way */

  /* Of the one that looks. */
  gint64 calm_since; /* monotonic µs, 0 = not reading */
  guint64 seen;      /* moved until then */
} WorkerPulse;

void worker_pulse_begin_answer (WorkerPulse *self);
void worker_pulse_end_answer (WorkerPulse *self);
void worker_pulse_begin_read (WorkerPulse *self);
/** @received: bytes that came, or what a read gave: below 0 is none */
void worker_pulse_end_read (WorkerPulse *self, gssize received);

/** The same for a body of ours; @sent: bytes that it took since the last call */
void worker_pulse_begin_write (WorkerPulse *self);
void worker_pulse_note_write (WorkerPulse *self, gsize sent);
void worker_pulse_end_write (WorkerPulse *self);

/**
 * worker_pulse_check:
 * @now: monotonic, µs
 *
 * To be called several times in a second. Time that we spend with anything else than waiting for
 * the server does not count.
 *
 * Returns: (transfer none) (nullable): what is wrong with the server, in one sentence
 */
const char *worker_pulse_check (WorkerPulse *self, const WorkerTimes *times, gint64 now);

G_END_DECLS
