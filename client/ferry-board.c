/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-board.h"

#include "ferry-bar.h"
#include "ferry-exit.h"
#include "ferry-explain.h"
#include "ferry-format.h"
#include "ferry-meter.h"
#include "ferry-print.h"
#include "ferry-screen.h"
#include "ferry-text.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* Fast enough to look alive, slow enough to cost nothing. */
#define TICK_MS 200

struct _FerryBoard
{
  FerryScreen *screen; /* (owned) */
  GPtrArray *lines;    /* (owned) (element-type Line): in order of their coming */
  char *notice;        /* (owned) (nullable) */
  guint tick;
  guint timer;
  guint resize;
  guint n_finished;
  gboolean held;
  GQueue late; /* (element-type Late) (owned): to be written when it is not held any more */
};

/* What is written for good. */
typedef struct
{
  int fd;
  char *text; /* (owned) */
} Late;

typedef struct
{
  char *key;           /* (owned) */
  char *label;         /* (owned) */
  FerryRemoteJob *job; /* (owned) (nullable): a copy */
  FerryMeter meter;    /* of the job */
} Line;

static void
line_free (Line *line)
{
  g_free (line->key);
  g_free (line->label);
  g_clear_pointer (&line->job, ferry_remote_job_free);
  g_free (line);
}

static void
late_free (gpointer data)
{
  Late *late = data;

  g_free (late->text);
  g_free (late);
}

static guint64
get_done (const Line *line)
{
  return line->job != NULL ? ferry_remote_job_get_number (line->job, "BytesTransferred", 0) : 0;
}

static guint64
get_total (const Line *line)
{
  return line->job != NULL ? ferry_remote_job_get_number (line->job, "BytesTotal", G_MAXUINT64)
                           : G_MAXUINT64;
}

/* Whether all is sent, and the server's reply is what comes now. */
static gboolean
is_replying (const Line *line)
{
  return line->job != NULL && get_total (line) != G_MAXUINT64 &&
         get_done (line) >= get_total (line) &&
         ferry_remote_job_get_job_type (line->job) == FERRY_JOB_TYPE_UPLOAD_REPLY;
}

static guint64
get_reply_done (const Line *line)
{
  return ferry_remote_job_get_number (line->job, "ReplyBytesTransferred", 0);
}

/* What moves in @line; what stands still is called by its label alone, the note tells the rest. */
static char *
make_name (const Line *line)
{
  return g_strconcat (line->label,
                      is_replying (line) && get_reply_done (line) > 0 ? " (reply)" : "", NULL);
}

static char *
make_note (const Line *line)
{
  g_autofree char *wait = NULL;

  if (line->job == NULL)
    return NULL;

  wait = ferry_explain_wait (line->job, (guint64) g_get_real_time ());
  if (wait != NULL)
    return g_strconcat ("waits: ", wait, NULL);

  switch (ferry_remote_job_get_state (line->job))
    {
    case FERRY_JOB_STATE_SUSPENDED:
      return g_strdup ("suspended");
    case FERRY_JOB_STATE_ERROR:
      return g_strdup ("failed");
    case FERRY_JOB_STATE_TRANSFERRED:
      return g_strdup ("transferred");
    case FERRY_JOB_STATE_CONNECTING:
    case FERRY_JOB_STATE_TRANSFERRING:
      return is_replying (line) && get_reply_done (line) == 0 ? g_strdup ("sent; waits: the reply")
                                                              : NULL;
    case FERRY_JOB_STATE_QUEUED:
    case FERRY_JOB_STATE_TRANSIENT_ERROR:
    case FERRY_JOB_STATE_ACKNOWLEDGED:
    case FERRY_JOB_STATE_CANCELLED:
      return NULL;
    }

  return NULL;
}

static FerryBarStyle
get_style (FerryBoard *self)
{
  FerryBarStyle style = { 0 };

  /* The last column stays free: some terminals wrap when it is written to. */
  style.width = MAX (ferry_screen_get_width (self->screen), 2) - 1;
  style.utf8 = ferry_screen_is_utf8 (self->screen);
  style.colour = ferry_screen_has_colour (self->screen);
  for (guint i = 0; i < self->lines->len; i++)
    {
      g_autofree char *name = make_name (g_ptr_array_index (self->lines, i));

      style.name_width = MAX (style.name_width, ferry_format_width (name));
    }

  return style;
}

static char *
render_line (FerryBoard *self, const Line *line, const FerryBarStyle *style)
{
  g_autofree char *note = make_note (line);
  g_autofree char *name = make_name (line);
  FerryBar bar = {
    .name = name,
    .note = note,
    .done = get_done (line),
    .total = get_total (line),
    .rate = line->job != NULL ? ferry_remote_job_get_number (line->job, "TransferRate", 0) : 0,
    .tick = self->tick,
  };

  if (is_replying (line))
    {
      bar.done = get_reply_done (line);
      bar.total = ferry_remote_job_get_number (line->job, "ReplyBytesTotal", G_MAXUINT64);
    }

  return ferry_bar_render (&bar, style);
}

/* What does not fit on the screen, in one line. */
static char *
render_rest (FerryBoard *self, guint n_hidden)
{
  return g_strdup_printf ("%s %u more, %u done", ferry_screen_is_utf8 (self->screen) ? "…" : "...",
                          n_hidden, self->n_finished);
}

static void
draw (FerryBoard *self)
{
  g_autoptr (GPtrArray) shown = g_ptr_array_new_with_free_func (g_free);
  FerryBarStyle style;
  guint height, room;

  if (!ferry_screen_is_live (self->screen) || self->held)
    return;

  style = get_style (self);
  height = ferry_screen_get_height (self->screen);
  room = height > 2 ? height - 1 : 1;
  if (self->notice != NULL && room > 1)
    room--;
  if (self->lines->len > room && room > 1)
    room--;

  for (guint i = 0; i < self->lines->len && i < room; i++)
    g_ptr_array_add (shown, render_line (self, g_ptr_array_index (self->lines, i), &style));
  if (self->lines->len > room)
    g_ptr_array_add (shown, render_rest (self, self->lines->len - room));
  if (self->notice != NULL)
    g_ptr_array_add (shown, ferry_format_cut (self->notice, style.width, style.utf8));

  ferry_screen_draw (self->screen, shown);
}

static gboolean
on_tick (gpointer user_data)
{
  FerryBoard *self = user_data;

  self->tick++;
  draw (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_resize (gpointer user_data)
{
  FerryBoard *self = user_data;

  ferry_screen_clear (self->screen);
  draw (self);
  return G_SOURCE_CONTINUE;
}

FerryBoard *
ferry_board_new (gboolean visible)
{
  FerryBoard *self = g_new0 (FerryBoard, 1);

  self->screen = ferry_screen_new (visible ? STDERR_FILENO : -1);
  self->lines = g_ptr_array_new_with_free_func ((GDestroyNotify) line_free);
  g_queue_init (&self->late);
  if (ferry_screen_is_live (self->screen))
    {
      self->timer = g_timeout_add (TICK_MS, on_tick, self);
      self->resize = g_unix_signal_add (SIGWINCH, on_resize, self);
    }

  return self;
}

void
ferry_board_free (FerryBoard *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_handle_id (&self->resize, g_source_remove);
  ferry_board_release (self);
  ferry_screen_free (self->screen);
  g_ptr_array_unref (self->lines);
  g_free (self->notice);
  g_free (self);
}

static Line *
find_line (FerryBoard *self, const char *key)
{
  for (guint i = 0; i < self->lines->len; i++)
    {
      Line *line = g_ptr_array_index (self->lines, i);

      if (g_str_equal (line->key, key))
        return line;
    }

  return NULL;
}

/* Whether the job had been under way before we came to look. */
static gboolean
is_older (FerryRemoteJob *job)
{
  guint64 created = ferry_remote_job_get_number (job, "CreationTime", 0);

  return created + 2 * G_USEC_PER_SEC < (guint64) g_get_real_time ();
}

/* Where nobody said what a job is called: its name, and which way it goes. */
static char *
make_label (FerryBoard *self, FerryRemoteJob *job)
{
  g_autofree char *label = ferry_remote_job_get_label (job);
  const char *mark = ferry_explain_direction (job, ferry_screen_is_utf8 (self->screen));

  return g_strconcat (mark, label, NULL);
}

static void
copy_job (Line *line, FerryRemoteJob *job)
{
  GHashTableIter iter;
  gpointer name, value;

  if (line->job == NULL)
    line->job = ferry_remote_job_new (job->path);

  g_hash_table_iter_init (&iter, job->properties);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_hash_table_replace (line->job->properties, g_strdup (name), g_variant_ref (value));
}

void
ferry_board_update (FerryBoard *self, const char *key, const char *label, FerryRemoteJob *job)
{
  Line *line;

  if (!ferry_screen_is_terminal (self->screen))
    return;

  line = find_line (self, key);
  if (line == NULL)
    {
      line = g_new0 (Line, 1);
      line->key = g_strdup (key);
      line->label = label != NULL ? ferry_text_clean (label, FERRY_TEXT_MAX)
                                  : make_label (self, job);
      g_ptr_array_add (self->lines, line);
    }
  if (job == NULL)
    line->meter.start = g_get_monotonic_time ();
  else
    {
      copy_job (line, job);
      ferry_meter_update (&line->meter, ferry_remote_job_get_state (job), get_done (line),
                          is_older (job), g_get_monotonic_time ());
    }
  /* Drawn at the next tick: many changes make one picture. */
}

/* By which protocol it was sent. */
static char *
make_remark (const Line *line)
{
  g_autofree char *protocol = NULL;

  if (line->job == NULL || !ferry_remote_job_is_upload (line->job))
    return NULL;

  protocol = ferry_remote_job_get_text (line->job, "ResolvedUploadProtocol");
  return *protocol != '\0' ? g_strconcat ("by ", protocol, NULL) : NULL;
}

void
ferry_board_finish (FerryBoard *self, const char *key)
{
  Line *line = find_line (self, key);
  FerryBarStyle style;
  guint64 done;
  g_autofree char *remark = NULL;
  g_autofree char *text = NULL;

  if (line == NULL)
    return;

  style = get_style (self);
  done = get_done (line);
  remark = make_remark (line);
  text = ferry_bar_render_done (line->label, done, ferry_meter_get_fetched (&line->meter, done),
                                ferry_meter_get_elapsed (&line->meter, g_get_monotonic_time ()),
                                remark, &style);
  self->n_finished++;
  ferry_board_print (self, text);
  ferry_board_remove (self, key);
}

void
ferry_board_remove (FerryBoard *self, const char *key)
{
  Line *line = find_line (self, key);

  if (line != NULL)
    g_ptr_array_remove (self->lines, line);
  draw (self);
}

void
ferry_board_set_notice (FerryBoard *self, const char *notice)
{
  g_free (self->notice);
  self->notice = g_strdup (notice);
  draw (self);
}

/* Writes a line for good, now or when the terminal is ours again. */
static void
put (FerryBoard *self, int fd, const char *text)
{
  Late *late;

  if (self->held && isatty (fd))
    {
      late = g_new0 (Late, 1);
      late->fd = fd;
      late->text = g_strdup (text);
      g_queue_push_tail (&self->late, late);
      return;
    }

  ferry_screen_clear (self->screen);
  if (fd == STDOUT_FILENO)
    ferry_print_path (text);
  else
    fprintf (stderr, "%s\n", text);
}

void
ferry_board_print (FerryBoard *self, const char *text)
{
  if (self->held)
    put (self, STDERR_FILENO, text);
  else
    ferry_screen_print (self->screen, text);
}

void
ferry_board_print_path (FerryBoard *self, const char *path)
{
  put (self, STDOUT_FILENO, path);
}

FerryExit
ferry_board_report (FerryBoard *self, const char *label, const GError *error)
{
  g_autofree char *text = ferry_exit_describe (error);
  g_autofree char *clean = label != NULL ? ferry_text_clean (label, FERRY_TEXT_MAX) : NULL;
  const char *colon = strstr (text, ": ");
  g_autofree char *line = NULL;

  /* "ferry: NotFound: name: sentence": the error's name stays in its place. */
  if (clean != NULL && colon != NULL)
    line = g_strdup_printf ("ferry: %.*s: %s: %s", (int) (colon - text), text, clean, colon + 2);
  else
    line = g_strdup_printf ("ferry: %s", text);
  put (self, STDERR_FILENO, line);
  draw (self);

  return ferry_exit_from_error (error);
}

void
ferry_board_clear (FerryBoard *self)
{
  ferry_screen_clear (self->screen);
}

void
ferry_board_hold (FerryBoard *self)
{
  ferry_screen_clear (self->screen);
  self->held = TRUE;
}

void
ferry_board_release (FerryBoard *self)
{
  Late *late;

  if (!self->held)
    return;

  self->held = FALSE;
  while ((late = g_queue_pop_head (&self->late)) != NULL)
    {
      put (self, late->fd, late->text);
      late_free (late);
    }
  draw (self);
}
