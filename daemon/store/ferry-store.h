/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The durable truth: jobs, files, clean-up duties, policy values set over the bus. DESIGN section 8.
 *
 * The main thread notes changes; at the end of the main-loop turn (or when the commit before it is
 * done) all of them go to the store's own thread as one transaction, so that no disk holds up the
 * main loop and calls that arrive together share one sync. */

#pragma once

#include "ferry-queue.h"

G_BEGIN_DECLS

#define FERRY_TYPE_STORE (ferry_store_get_type ())
G_DECLARE_FINAL_TYPE (FerryStore, ferry_store, FERRY, STORE, GObject)

/**
 * FerryDutyKind:
 * @FERRY_DUTY_REMOVE: a temporary file must go
 * @FERRY_DUTY_CANCEL_UPLOAD: a server must be told that nobody sends the rest
 */
typedef enum
{
  FERRY_DUTY_REMOVE,
  FERRY_DUTY_CANCEL_UPLOAD,
} FerryDutyKind;

/**
 * FerryDuty:
 *
 * What the owner's worker must do although its job may be gone.
 */
typedef struct
{
  gint64 id; /* given by the store */
  uid_t owner;
  char *path;           /* (owned) (nullable) (type filename): the target it was for; of REMOVE */
  char *temporary_name; /* (owned) (nullable) (type filename): of REMOVE */
  GVariant *resume;     /* (owned) (nullable) */
  FerryDutyKind kind;

  /* of CANCEL_UPLOAD */
  char *owner_name; /* (owned) (nullable): user name, for a uid may get another holder */
  char *url;        /* (owned) (nullable) */
  GVariant *
      request; /* (owned) (nullable): a{sv}: how the server is asked, in the words of ferry-worker-protocol.h */
  gint64 deadline;       /* service time µs when it is given up */
  FerrySecrets *secrets; /* (owned) (nullable): of this run of ferryd only */
} FerryDuty;

void ferry_duty_free (FerryDuty *self);

/**
 * ferry_store_new:
 * @directory: the state directory
 *
 * Opens or creates the store; sets a corrupt one aside under a dated name, salvages what can be read and says so
 * in the journal. Blocks (start-up only).
 *
 * Returns: (nullable): %NULL with FERRY_ERROR_STORE_FAILED: cannot be opened, or of a newer schema
 *   (the message names both versions; nothing was written)
 */
FerryStore *ferry_store_new (const char *directory, GError **error);

/** Reads all jobs into @queue, all duties into @duties (element-type FerryDuty). Blocks (start-up, or after a failed commit). */
gboolean ferry_store_load (FerryStore *self, FerryQueue *queue, GPtrArray *duties, GError **error);

/**
 * ferry_store_watch:
 *
 * From now on what ferry_job_touch() marks in jobs of @queue, and their coming and going, is written.
 * (A job is inserted on "job-added", deleted on "job-removed".) @queue is held without a reference.
 */
void ferry_store_watch (FerryStore *self, FerryQueue *queue);
void ferry_store_unwatch (FerryStore *self);

/** Notes a duty (@duty stays the caller's) and sets its id at once. */
void ferry_store_add_duty (FerryStore *self, FerryDuty *duty);
/** Notes what changed in one that was added or loaded. */
void ferry_store_change_duty (FerryStore *self, const FerryDuty *duty);
void ferry_store_remove_duty (FerryStore *self, gint64 id);

/** Small named values: "service-time", "wall", "last-good.<key>", "policy.<key>". @value %NULL deletes. */
void ferry_store_set_value (FerryStore *self, const char *name, GVariant *value);
/** Returns: (transfer full) (nullable): as last set, committed or not */
GVariant *ferry_store_get_value (FerryStore *self, const char *name);
/** Returns: (transfer container) (element-type utf8): names that start with @prefix */
GPtrArray *ferry_store_list_values (FerryStore *self, const char *prefix);

/**
 * FerryStoreFunc:
 * @error: (nullable): %NULL: all that was noted before the call is on disk; else FERRY_ERROR_STORE_FAILED
 */
typedef void (*FerryStoreFunc) (const GError *error, gpointer user_data);

/** Calls @func (never from within) once all that was noted up to now is durable; at once in the next turn when nothing is pending. */
void ferry_store_after_commit (FerryStore *self, FerryStoreFunc func, gpointer user_data);

/**
 * Signal "failed" (GError): a commit failed; its changes and all noted since are dropped, and the
 * waiting functions were told. The model must be loaded anew (ferry_store_load()); until that has worked nothing is
 * noted and whoever waits is told FERRY_ERROR_STORE_FAILED.
 */

/** Returns: (transfer none) (type filename): the state directory */
const char *ferry_store_get_directory (FerryStore *self);

/** Returns: (transfer none) (nullable): a sentence, why the last commit failed; %NULL when it did not */
const char *ferry_store_get_problem (FerryStore *self);

/** Number of commits so far, for the test that counts syncs. */
guint64 ferry_store_get_commits (FerryStore *self);

/** Commits what is pending, writes the second copy (ferry.db.backup) only at start, closes. Blocks. */
void ferry_store_close (FerryStore *self);

G_END_DECLS
