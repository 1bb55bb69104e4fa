/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the administrator has set and locked in dconf. */

#pragma once

#include "ferry-policy.h"

G_BEGIN_DECLS

/* What dconf has for one key. */
typedef struct
{
  gboolean valid;  /* FALSE: unreadable, wrong type or out of range; @value says nothing then */
  gboolean locked; /* known only when @valid or the snapshot is readable */
  gboolean set;    /* FALSE: no value: the default */
  guint64 value;
} FerryPolicyReading;

typedef struct
{
  gboolean readable; /* FALSE: nothing could be read */
  FerryPolicyReading readings[FERRY_N_POLICY_KEYS];
  /* (owned) (element-type utf8 GVariant): keys that are no policies, with their values */
  GHashTable *unknown;
  GPtrArray *problems; /* (owned) (element-type utf8): sentences, each naming the key or the file */
} FerryPolicySnapshot;

void ferry_policy_snapshot_free (FerryPolicySnapshot *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPolicySnapshot, ferry_policy_snapshot_free)

typedef struct _FerryPolicyDconf FerryPolicyDconf;

/** Something may have changed: read again. */
typedef void (*FerryPolicyDconfFunc) (gpointer user_data);

/**
 * ferry_policy_dconf_new:
 *
 * @changed is called at most once a second, whatever is sent over the bus, never from within a call.
 */
FerryPolicyDconf *ferry_policy_dconf_new (FerryPolicyDconfFunc changed, gpointer user_data);
/** %NULL is fine. */
void ferry_policy_dconf_free (FerryPolicyDconf *self);

/** Returns: (transfer full): all there is now */
FerryPolicySnapshot *ferry_policy_dconf_read (FerryPolicyDconf *self);

G_END_DECLS
