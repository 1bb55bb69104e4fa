/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which connections hear of which jobs. */

#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct _FerrySubscriptions FerrySubscriptions;

FerrySubscriptions *ferry_subscriptions_new (void);
void ferry_subscriptions_free (FerrySubscriptions *self);

/** @name, a connection of @uid, hears of job @id. */
void ferry_subscriptions_add (FerrySubscriptions *self, const char *name, uid_t uid,
                              const char *id);

/** @name hears of all jobs of @uid. */
void ferry_subscriptions_add_all (FerrySubscriptions *self, const char *name, uid_t uid);

/** @name left the bus. */
void ferry_subscriptions_remove_name (FerrySubscriptions *self, const char *name);

/** Job @id is no longer @uid's. */
void ferry_subscriptions_remove_job (FerrySubscriptions *self, uid_t uid, const char *id);

/**
 * ferry_subscriptions_list:
 * @id: (nullable): %NULL: who hears of all
 *
 * Returns: (transfer full) (element-type utf8): connections of @uid, and of nobody else, that hear of job @id; names are
 *   valid until the next change
 */
GPtrArray *ferry_subscriptions_list (FerrySubscriptions *self, uid_t uid, const char *id);

/** Whether ferry_subscriptions_list() would name anybody. */
gboolean ferry_subscriptions_has (FerrySubscriptions *self, uid_t uid, const char *id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerrySubscriptions, ferry_subscriptions_free)

G_END_DECLS
