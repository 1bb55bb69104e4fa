/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs, files and policy as JSON. */

#pragma once

#include "ferry-remote-job.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * ferry_json_from_dictionary:
 * @dictionary: an a{sv}
 *
 * Returns: (transfer full): an object with the same keys, in the order of the alphabet; sizes and times that are not known
 *   are null
 */
JsonNode *ferry_json_from_dictionary (GVariant *dictionary);

/**
 * ferry_json_from_job:
 * @files: (nullable): an aa{sv}, becomes `Files`
 *
 * Returns: (transfer full): an object, its keys are the names of the properties
 */
JsonNode *ferry_json_from_job (FerryRemoteJob *job, GVariant *files);

/** Returns: (transfer full) (element-type FerryRemoteJob): an array of such objects */
JsonNode *ferry_json_from_jobs (GPtrArray *jobs);

/**
 * ferry_json_to_string:
 * @pretty: with line breaks; without, one line
 *
 * Returns: (transfer full): JSON in which every control character is escaped, so that it harms no terminal
 */
char *ferry_json_to_string (JsonNode *node, gboolean pretty);

/** Writes @node and a newline to stdout, and consumes it. One line unless @pretty; flushed. */
void ferry_json_print (JsonNode *node, gboolean pretty);

G_END_DECLS
