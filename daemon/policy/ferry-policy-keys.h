/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of policies; data/org.ferry.Transfer1.Policy.gschema.xml says the same, which a test holds it to. */

#pragma once

#include "ferry-policy.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  guint64 fallback; /* the schema's default */
  guint64 minimum;
  guint64 maximum;
  const char *unit;
  const char *summary;
  const char *description;
  const char *(*word) (
      guint bit); /* (nullable): a value is a list of words, kept as bits: the word of a bit */
} FerryPolicyKeyInfo;

/** Returns: (transfer none): what there is to say about @key */
const FerryPolicyKeyInfo *ferry_policy_key_get_info (FerryPolicyKey key);

/** Returns: whether @name, which may be %NULL, is a policy; sets @key only then */
gboolean ferry_policy_key_from_string (const char *name, FerryPolicyKey *key);

/**
 * ferry_policy_key_parse:
 * @given: an integer of any width, or a list of words, boxed or not; not consumed
 *
 * Errors: G_DBUS_ERROR_INVALID_ARGS, naming key, what was given and what is wanted
 */
gboolean ferry_policy_key_parse (FerryPolicyKey key, GVariant *given, guint64 *value,
                                 GError **error);

/** Returns: (transfer none): the type of @key's values, as the schema and the bus have them: u, or t where that is too
 * small; as for a list of words */
const GVariantType *ferry_policy_key_get_value_type (FerryPolicyKey key);

/** Returns: (transfer floating) (nullable): av: all words that there are, %NULL of a number */
GVariant *ferry_policy_key_get_choices (FerryPolicyKey key);

/** Returns: (transfer floating): @value, which fits, as that type */
GVariant *ferry_policy_key_new_value (FerryPolicyKey key, guint64 value);

G_END_DECLS
