/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The progress of several jobs on the terminal: a line each while they run, one that stays when they are done. */

#pragma once

#include "ferry-exit.h"
#include "ferry-remote-job.h"

G_BEGIN_DECLS

typedef struct _FerryBoard FerryBoard;

/**
 * ferry_board_new:
 * @visible: %FALSE for one that never shows anything but errors
 *
 * Returns: (transfer full): an empty board on stderr; without a terminal it shows errors only
 */
FerryBoard *ferry_board_new (gboolean visible);

void ferry_board_free (FerryBoard *self);

/**
 * ferry_board_update:
 * @key: names the line, e.g. the job's path
 * @label: (nullable): what to call it; %NULL = the job's label
 * @job: (nullable): the job; copied from; %NULL while there is none yet
 *
 * Adds or changes a line.
 */
void ferry_board_update (FerryBoard *self, const char *key, const char *label, FerryRemoteJob *job);

/** Turns the line @key into one that stays: how much was fetched or sent, in what time. */
void ferry_board_finish (FerryBoard *self, const char *key);

/** Removes the line @key. */
void ferry_board_remove (FerryBoard *self, const char *key);

/** Shows @notice (clean text, %NULL for none) below the lines. */
void ferry_board_set_notice (FerryBoard *self, const char *notice);

/** Writes @text above the lines, for good; only on a terminal. */
void ferry_board_print (FerryBoard *self, const char *text);

/** Like ferry_exit_report() with the lines out of the way; @label (nullable) tells whose error it is. */
FerryExit ferry_board_report (FerryBoard *self, const char *label, const GError *error);

/** Writes @path to stdout, for good: see ferry_print_path(). */
void ferry_board_print_path (FerryBoard *self, const char *path);

/** Leaves the terminal to somebody else: nothing is written to it until ferry_board_release(). */
void ferry_board_hold (FerryBoard *self);

/** Has the terminal again; what was to be written meanwhile is. */
void ferry_board_release (FerryBoard *self);

/** Takes the lines off the screen, so that others can write. */
void ferry_board_clear (FerryBoard *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryBoard, ferry_board_free)

G_END_DECLS
