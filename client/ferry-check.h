/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `ferry doctor` found out, a line for each thing that it looked at. */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * FerryCheckStatus:
 * @FERRY_CHECK_OK: all is well
 * @FERRY_CHECK_NOTE: worth knowing, nothing is wrong
 * @FERRY_CHECK_PROBLEM: something is wrong
 */
typedef enum
{
  FERRY_CHECK_OK,
  FERRY_CHECK_NOTE,
  FERRY_CHECK_PROBLEM,
} FerryCheckStatus;

/**
 * FerryCheck:
 * @name: a word
 * @detail: what was found: clean text, no sentence
 * @advice: one sentence, what to do; "" when there is nothing to be done
 */
typedef struct
{
  const char *name; /* static */
  FerryCheckStatus status;
  char *detail; /* (owned) */
  char *advice; /* (owned) */
} FerryCheck;

/** Returns: (transfer full) (element-type FerryCheck): none yet */
GPtrArray *ferry_checks_new (void);

/**
 * ferry_checks_add:
 * @checks: (element-type FerryCheck)
 * @name: a static string
 * @detail: (transfer full)
 * @advice: (nullable)
 */
void ferry_checks_add (GPtrArray *checks, const char *name, FerryCheckStatus status, char *detail,
                       const char *advice);

/** Returns: how many problems there are */
guint ferry_checks_count_problems (GPtrArray *checks);

/**
 * ferry_checks_render:
 * @width: columns of the terminal
 * @utf8: whether marks other than ASCII can be shown
 * @colour: whether they are coloured
 *
 * Returns: (transfer full): a line for each check, the advice below it, and a last line that says how many problems there are
 */
char *ferry_checks_render (GPtrArray *checks, guint width, gboolean utf8, gboolean colour);

/** Returns: (transfer full): an object: `Ok`, and `Checks`, an array of objects with Check, Status, Detail and Advice */
JsonNode *ferry_checks_to_json (GPtrArray *checks);

G_END_DECLS
