/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of policies; data/org.ferry.Transfer1.Policy.gschema.xml says the same, which a test holds it to. */

#pragma once

#include "ferry-policy.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  guint32 fallback; /* the schema's default */
  guint32 minimum;
  guint32 maximum;
  const char *unit;
  const char *summary;
  const char *description;
} FerryPolicyKeyInfo;

/** Returns: (transfer none): what there is to say about @key */
const FerryPolicyKeyInfo *ferry_policy_key_get_info (FerryPolicyKey key);

/** Returns: whether @name, which may be %NULL, is a policy; sets @key only then */
gboolean ferry_policy_key_from_string (const char *name, FerryPolicyKey *key);

/**
 * ferry_policy_key_parse:
 * @given: an integer of any width, boxed or not; not consumed
 *
 * Errors: G_DBUS_ERROR_INVALID_ARGS, naming key, what was given and what is wanted
 */
gboolean ferry_policy_key_parse (FerryPolicyKey key, GVariant *given, guint32 *value,
                                 GError **error);

G_END_DECLS
