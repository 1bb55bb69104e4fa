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
  /* Returns: (transfer floating) */
  GVariant *(*get) (FerryEngine *engine, FerryJob *job);
  /* (nullable): checks @value, which has the right type, and writes the field only when it is good */
  gboolean (*set) (FerryJob *job, GVariant *value, GError **error);
} FerryProperty;

/** Returns: (transfer none) (array length=n): all of them */
const FerryProperty *ferry_property_list (guint *n);

/** Returns: (transfer none) (nullable) */
const FerryProperty *ferry_property_lookup (const char *name);

/**
 * ferry_property_set:
 * @value: of any type
 *
 * Errors: G_DBUS_ERROR_INVALID_ARGS (type, value, read-only, not of a job of this type; each names the property),
 * StringTooLong, UnsupportedScheme, InvalidState. The job is touched by the caller. ReplyPath of a job in the queue is
 * set by ferry_engine_set_reply_path_async() alone.
 */
gboolean ferry_property_set (const FerryProperty *self, FerryJob *job, GVariant *value,
                             GError **error);

/** Whether @path, "" = none, can be the ReplyPath of @job, as far as its text tells. Errors: as ferry_property_set() */
gboolean ferry_property_check_reply_path (FerryJob *job, const char *path, GError **error);

/**
 * ferry_property_get_all:
 *
 * The value is packed in one block of memory: lists of thousands of jobs are made of them.
 *
 * Returns: (transfer floating): a{sv} of all readable properties; only the public ones with @public_only
 */
GVariant *ferry_property_get_all (FerryEngine *engine, FerryJob *job, gboolean public_only);

G_END_DECLS
