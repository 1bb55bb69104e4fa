/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The administrator's limits: dconf (with locks), values set over the bus, defaults. DESIGN section 7. */

#pragma once

#include "ferry-store.h"

G_BEGIN_DECLS

/* In the order of the table in ferry-policy-keys.c */
typedef enum
{
  FERRY_POLICY_MAX_JOBS_PER_USER,
  FERRY_POLICY_MAX_JOBS_PER_MACHINE,
  FERRY_POLICY_MAX_FILES_PER_JOB,
  FERRY_POLICY_MAX_RANGES_PER_FILE,
  FERRY_POLICY_JOB_INACTIVITY_TIMEOUT, /* days */
  FERRY_POLICY_MAX_DOWNLOAD_TIME,      /* s */
  FERRY_POLICY_MAX_ACTIVE_JOBS,
  FERRY_POLICY_FINISHED_JOB_RETENTION,          /* s */
  FERRY_POLICY_REQUIRE_RESUMABLE_UPLOADS_ABOVE, /* bytes, G_MAXUINT64 = off */
  FERRY_POLICY_ALLOW_INSECURE_TLS,              /* bits (1 << FerryTlsFlag) */
} FerryPolicyKey;

#define FERRY_N_POLICY_KEYS (FERRY_POLICY_ALLOW_INSECURE_TLS + 1)

/* Where a value in force comes from; words on the bus: locked, bus, administrator, default, invalid */
typedef enum
{
  FERRY_POLICY_SOURCE_LOCKED,
  FERRY_POLICY_SOURCE_BUS,
  FERRY_POLICY_SOURCE_ADMINISTRATOR,
  FERRY_POLICY_SOURCE_DEFAULT,
  FERRY_POLICY_SOURCE_INVALID,
} FerryPolicySource;

#define FERRY_TYPE_POLICY (ferry_policy_get_type ())
G_DECLARE_FINAL_TYPE (FerryPolicy, ferry_policy, FERRY, POLICY, GObject)

/** Signal "changed" (GStrv keys): values or sources in force changed. */

/**
 * ferry_policy_prepare_environment:
 * @runtime_directory: where dconf may keep its (never written) user database
 *
 * Sets DCONF_PROFILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME for libdconf. To be called in main before the first thread.
 */
void ferry_policy_prepare_environment (const char *runtime_directory);

/** Reads dconf and the store's values; follows changes. Never fails: what is wrong is logged and source `invalid`. */
FerryPolicy *ferry_policy_new (FerryStore *store);

/** The value in force. */
guint64 ferry_policy_get (FerryPolicy *self, FerryPolicyKey key);
FerryPolicySource ferry_policy_get_source (FerryPolicy *self, FerryPolicyKey key);
const char *ferry_policy_source_to_string (FerryPolicySource source);

/** The key's name, "max-jobs-per-user" ... */
const char *ferry_policy_key_to_string (FerryPolicyKey key);

/** Returns: (transfer floating): a{sa{sv}}, as GetEffective */
GVariant *ferry_policy_get_effective (FerryPolicy *self);

/**
 * ferry_policy_set:
 * @value: any integer type, or a list of words (boxed or not)
 *
 * Sets a value over the bus (kept in the store); the caller has been authorized and waits for the commit.
 * Errors: PolicyLocked; G_DBUS_ERROR_INVALID_ARGS (unknown key, wrong type, out of range: names key, value, range)
 */
gboolean ferry_policy_set (FerryPolicy *self, const char *key, GVariant *value, GError **error);
gboolean ferry_policy_reset (FerryPolicy *self, const char *key, GError **error);

G_END_DECLS
