/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What went wrong with a job or a file, as its `Error` property tells it. */

#pragma once

#include "ferry-enums.h"
#include "ferry-error.h"

G_BEGIN_DECLS

typedef struct
{
  FerryError code;
  FerryErrorContext context;
  char *message;     /* (owned): one sentence, clean text */
  gint64 file;       /* index of the file, -1 when the job as a whole */
  guint http_status; /* 0 when none */
} FerryFailure;

/** Returns: (transfer full): a failure; @message (copied) is cleaned */
FerryFailure *ferry_failure_new (FerryError code, FerryErrorContext context, gint64 file,
                                 guint http_status, const char *message);

/** @self may be %NULL. */
FerryFailure *ferry_failure_copy (const FerryFailure *self);
void ferry_failure_free (FerryFailure *self);

/**
 * ferry_failure_from_variant:
 * @dict: an `Error` a{sv}: of a worker or of the store
 * @file: index to use when @dict names none, -1 = none
 *
 * Returns: (transfer full) (nullable): %NULL when @dict is empty or its name is none of ours
 */
FerryFailure *ferry_failure_from_variant (GVariant *dict, gint64 file);

/** Returns: (transfer floating): the a{sv}; empty for %NULL. Without `Message` unless @with_message */
GVariant *ferry_failure_to_variant (const FerryFailure *self, gboolean with_message);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryFailure, ferry_failure_free)

G_END_DECLS
