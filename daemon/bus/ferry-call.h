/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One method call in progress. Whoever holds it answers it, exactly once, and gives it up by that. Its parameters are
 * never logged. */

#pragma once

#include "ferry-access.h"
#include "ferry-store.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define FERRY_CALLS_MAX_PER_USER 64                 /* in handling */
#define FERRY_REPLY_MAX_BYTES    (16 * 1024 * 1024) /* the bus cuts off who sends more than 32 MiB */

/* Counts the calls in handling, for each uid and in all. */
typedef struct _FerryCallCount FerryCallCount;

FerryCallCount *ferry_call_count_new (void);
void ferry_call_count_unref (FerryCallCount *self);
guint ferry_call_count_get (FerryCallCount *self);

/**
 * FerryCall:
 *
 * Fields are read by the handlers; @state is theirs.
 */
typedef struct
{
  GDBusMethodInvocation *invocation; /* (owned) */
  FerryCallCount *count;             /* (owned) */
  gboolean identified;               /* @uid and @pid are known; counted for the uid */
  uid_t uid;
  pid_t pid;
  const char *sender;          /* (unowned): of @invocation */
  const char *member;          /* (unowned): of @invocation */
  GVariant *parameters;        /* (unowned): of @invocation */
  const FerryAccessRule *rule; /* (nullable) (unowned) */
  char *job_id;                /* (owned) (nullable): last element of the path of a job object */
  gpointer state;              /* (owned) (nullable): what a handler keeps between its steps */
  GDestroyNotify free_state;
} FerryCall;

/** @invocation: (transfer full); @job_id: (nullable) */
FerryCall *ferry_call_new (GDBusMethodInvocation *invocation, FerryCallCount *count,
                           const char *job_id);

/** Counts the call for @uid. Returns: %FALSE with G_DBUS_ERROR_LIMITS_EXCEEDED when that user has too many */
gboolean ferry_call_identify (FerryCall *self, uid_t uid, pid_t pid, GError **error);

/** Whether the message allows to ask a person. */
gboolean ferry_call_is_interactive (FerryCall *self);

/** Keeps @state (transfer full) until the call ends. */
void ferry_call_set_state (FerryCall *self, gpointer state, GDestroyNotify free_state);

/**
 * ferry_call_return:
 * @value: (transfer floating) (nullable): the out parameters
 *
 * Answers and ends @self. A reply beyond FERRY_REPLY_MAX_BYTES is G_DBUS_ERROR_LIMITS_EXCEEDED instead.
 */
void ferry_call_return (FerryCall *self, GVariant *value);

/** Answers with @error (transfer full) and ends @self. */
void ferry_call_return_error (FerryCall *self, GError *error);

/**
 * ferry_call_return_after_commit:
 *
 * Answers once all that was noted in @store is on disk, or that it could not be. For what was changed, and for what is
 * read: who was told of a change must not see it taken back by a power cut.
 */
void ferry_call_return_after_commit (FerryCall *self, FerryStore *store, GVariant *value);

/** The same for a refusal (transfer full) that tells how a job is. */
void ferry_call_refuse_after_commit (FerryCall *self, FerryStore *store, GError *refusal);

G_END_DECLS
