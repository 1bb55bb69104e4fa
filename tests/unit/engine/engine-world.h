/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An engine on a real store, with a clock, a network and a worker that do what the test says. The worker is in this
 * process and speaks the real protocol over the real socket, as our own uid. */

#pragma once

#include "fake-clock.h"
#include "ferry-engine.h"
#include "ferry-link.h"

G_BEGIN_DECLS

#define SECOND ((gint64) G_USEC_PER_SEC)
#define DAY    (86400 * SECOND)

/* One message that the engine sent. */
typedef struct
{
  guint32 id;
  char *kind;          /* (owned) */
  GVariant *arguments; /* (owned) */
} Order;

typedef struct
{
  char *directory; /* (owned) */
  FerryFakeClock *clock;
  FerryNetwork *network;
  FerryLauncher *launcher;
  FerryStore *store;
  FerryPolicy *policy;
  FerryWorkers *workers;
  FerryEngine *engine;

  GPtrArray *orders;              /* (owned) (element-type Order): not looked at yet */
  guint32 unanswered;             /* id of the last request that was met with silence */
  char *unanswered_kind;          /* (owned) (nullable) */
  GVariant *unanswered_arguments; /* (owned) (nullable) */
  GString *events;                /* (owned): words of the engine's signals, as "transferred " */
  gboolean silent;                /* the worker answers no request by itself */
  gboolean stubborn;              /* the worker does not answer "stop" by itself */
  gboolean no_start;              /* the worker does not come when started */
  const char *refuse;             /* (nullable): kind of request that is answered with @refusal */
  const char *refusal;            /* (nullable): text of an a{sv}; %NULL = TargetExists */
  const char *last_words;         /* (nullable): text of an a{sv}, what "stopped" says */
  const char *reply;              /* (nullable): what "read" gives, piece by piece */
  gsize piece;                    /* bytes of a piece, 0 = as asked */
} World;

#define WORLD_NO_DESTINATION                                                                       \
  "{'Error': <{'Name': <'org.ferry.Transfer1.Error.NoFileAccess'>, "                               \
  "'Message': <'It is not there now'>}>, 'Transient': <true>, 'WaitReason': <'destination'>}"

World *world_new (void);
void world_free (World *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

/** Ends the engine without a word, as a crash does, and starts another on the same store. */
void world_restart (World *self);

/** The same once all that was noted is durable. Returns: (transfer none) (nullable): @job as the new engine has it */
FerryJob *world_reload (World *self, FerryJob *job);

/** Runs the main context until @condition, an expression, is true; fails after 10 s of real time. */
#define world_wait(condition)                                                                      \
  G_STMT_START                                                                                     \
  {                                                                                                \
    gint64 world_deadline = g_get_monotonic_time () + 10 * SECOND;                                 \
    while (!(condition))                                                                           \
      {                                                                                            \
        if (g_get_monotonic_time () > world_deadline)                                              \
          g_error ("Waited in vain for: %s", #condition);                                          \
        if (!g_main_context_iteration (NULL, FALSE))                                               \
          g_usleep (200);                                                                          \
      }                                                                                            \
  }                                                                                                \
  G_STMT_END

/** Runs the main context until all that was noted is durable and told. */
void world_settle (World *self);

/** A GAsyncReadyCallback. @data: a GAsyncResult **, which takes a reference to @result */
void world_keep_result_cb (GObject *source, GAsyncResult *result, gpointer data);

void world_set_network (World *self, gboolean available);

/** Kills the worker's link. */
void world_drop_worker (World *self);

/** Whether an order of @kind waits to be looked at. */
gboolean world_has_order (World *self, const char *kind);

/** Returns: (transfer full): the arguments of the next order of @kind, which is waited for */
GVariant *world_take_order (World *self, const char *kind);

/** Answers the last request that a silent worker left without an answer, as one that is not silent would. */
void world_answer (World *self);

/** The worker reports; @format is a text-format a{sv} without the Attempt, which is added. */
void world_report (World *self, guint64 attempt, const char *kind, const char *text);

/** Reports that @attempt got no connection, which may pass. @more: what else it says, as ", 'Key': <value>" */
void world_fail (World *self, guint64 attempt, const char *more);

/** Waits for the next "start". Returns: its attempt */
guint64 world_take_start (World *self);

/** A job of ours with @n_files files of sizes not known, submitted and durable. */
FerryJob *world_submit (World *self, guint n_files, gboolean resume, gboolean auto_complete);

/** A job of ours with one file and high priority, submitted and resumed. */
FerryJob *world_submit_urgent (World *self);

#define WORLD_SOURCE      "/source/file"
#define WORLD_SOURCE_SIZE 1000 /* bytes, as the worker finds it */

/**
 * world_submit_upload:
 * @reply_path: (nullable): of an upload-reply
 *
 * A job of ours that sends WORLD_SOURCE, submitted and durable. Whatever the engine does, the worker is never asked to
 * change or remove that file: the world sees to it.
 */
FerryJob *world_submit_upload (World *self, FerryJobType type, const char *reply_path,
                               gboolean resume);

/** Waits until world_keep_result_cb() has @result of adding files, which must be the FerryError @code. */
void world_assert_add_fails (World *self, GAsyncResult *const *result, gint code);

/** Waits for the next "start-upload". Returns: its attempt */
guint64 world_take_upload (World *self);

/** Reports all of WORLD_SOURCE as sent by @attempt, and waits until @job is transferred. */
void world_finish_upload (World *self, FerryJob *job, guint64 attempt);

/** Reports all of @bytes of the next started file as done. */
void world_finish_file (World *self, guint64 bytes);

/** Complete; fails the test unless it succeeds. */
void world_complete (World *self, FerryJob *job, guint *published, guint *discarded);
void world_cancel (World *self, FerryJob *job);

/** The error of a Complete that must fail. Returns: (transfer full) */
GError *world_complete_fails (World *self, FerryJob *job);

G_END_DECLS
