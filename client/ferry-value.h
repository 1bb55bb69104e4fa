/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values as people type them. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * FerrySettable:
 * @name: a writable property of a job
 * @type: its D-Bus type
 * @choices: (nullable): the words it can be
 */
typedef struct
{
  const char *name;
  const char *type;
  const char *const *choices;
} FerrySettable;

/**
 * ferry_value_find_property:
 * @key: a name in any case, with or without hyphens: "MinimumRetryDelay", "minimum-retry-delay"
 *
 * Returns: (transfer none) (nullable): the property; InvalidArgs naming the ones there are
 */
const FerrySettable *ferry_value_find_property (const char *key, GError **error);

/** Returns: (transfer none): all writable properties, the last has no name */
const FerrySettable *ferry_value_get_properties (void);

/**
 * ferry_value_parse:
 * @key: what the value is for
 * @type: a D-Bus type
 * @choices: (nullable): the words that it can be
 * @text: what was typed
 *
 * Strings are taken as they are; integers in decimal; booleans as true/false, yes/no, on/off; lists of strings separated
 * by commas, or as ["one", "two, with a comma"]; other types in GVariant's text form.
 *
 * Returns: (transfer floating) (nullable): the value; InvalidArgs naming @key, what was given and what is wanted
 */
GVariant *ferry_value_parse (const char *key, const char *type, const char *const *choices,
                             const char *text, GError **error);

/** Returns: (transfer full): @value for people: strings bare, lists separated by commas; clean */
char *ferry_value_print (GVariant *value);

/** Returns: whether @text is a priority; InvalidArgs naming the ones there are */
gboolean ferry_value_check_priority (const char *text, GError **error);

/** Returns: whether @text is a protocol of uploads; InvalidArgs naming the ones there are */
gboolean ferry_value_check_protocol (const char *text, GError **error);

/** Parses a decimal number of seconds or an index. Returns whether it fits a u. */
gboolean ferry_value_parse_uint32 (const char *key, const char *text, guint32 *value,
                                   GError **error);

G_END_DECLS
