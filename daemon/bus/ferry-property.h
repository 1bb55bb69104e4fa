/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The properties of a job: one table that serves Get, GetAll, Set, CreateJob, ObjectManager, ListAllJobs and
 * PropertiesChanged. */

#pragma once

#include "ferry-engine.h"

G_BEGIN_DECLS

/**
 * FerryPropertyFlags:
 * @FERRY_PROPERTY_PUBLIC: told by ListAllJobs
 * @FERRY_PROPERTY_WRITABLE: the contract lets the owner set it
 * @FERRY_PROPERTY_QUIET: told along with others, no reason for a signal by itself
 */
typedef enum
{
  FERRY_PROPERTY_NONE = 0,
  FERRY_PROPERTY_PUBLIC = 1 << 0,
  FERRY_PROPERTY_WRITABLE = 1 << 1,
  FERRY_PROPERTY_QUIET = 1 << 2,
} FerryPropertyFlags;

typedef struct
{
  const char *name;
  const char *signature;
  FerryPropertyFlags flags;
  /* (nullable): %NULL: not supported yet. Returns: (transfer floating) */
  GVariant *(*get) (FerryEngine *engine, FerryJob *job);
  /* (nullable): checks @value, which has the right type, and writes the field only when it is good */
  gboolean (*set) (FerryJob *job, GVariant *value, GError **error);
} FerryProperty;

/** Returns: (transfer none) (array length=n): all of them */
const FerryProperty *ferry_property_list (guint *n);

/** Returns: (transfer none) (nullable) */
const FerryProperty *ferry_property_lookup (const char *name);

/** Returns: (transfer floating) (nullable): %NULL with G_DBUS_ERROR_NOT_SUPPORTED when it is not there yet */
GVariant *ferry_property_get (const FerryProperty *self, FerryEngine *engine, FerryJob *job,
                              GError **error);

/**
 * ferry_property_set:
 * @value: of any type
 *
 * Errors: G_DBUS_ERROR_INVALID_ARGS (type, value, read-only; each names the property), G_DBUS_ERROR_NOT_SUPPORTED,
 * StringTooLong, UnsupportedScheme. The job is touched by the caller.
 */
gboolean ferry_property_set (const FerryProperty *self, FerryJob *job, GVariant *value,
                             GError **error);

/**
 * ferry_property_get_all:
 *
 * The value is packed in one block of memory: lists of thousands of jobs are made of them.
 *
 * Returns: (transfer floating): a{sv} of all readable properties; only the public ones with @public_only
 */
GVariant *ferry_property_get_all (FerryEngine *engine, FerryJob *job, gboolean public_only);

G_END_DECLS
