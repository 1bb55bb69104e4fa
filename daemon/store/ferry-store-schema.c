/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-store-schema.h"

/* No constraints besides the keys: a stray value must cost its row, not the store (the loader says so
 * and goes on), and a check of the whole file must not fail for it. No index: rows are only ever found by key.
 *
 * Sizes and times are integers (2^64-1 as -1), enumerations the words of the contract, dictionaries and
 * lists serialised GVariants of little endian: Error and resume a{sv}, lists as, ranges a(tt), values v. */
static gboolean
create_version_1 (sqlite3 *handle, GError **error)
{
  return ferry_db_exec (
      handle,
      "CREATE TABLE jobs ("
      "  sequence INTEGER PRIMARY KEY,"
      "  id TEXT, owner INTEGER, owner_name TEXT, type TEXT, state TEXT,"
      "  display_name TEXT, description TEXT, application_id TEXT, priority TEXT,"
      "  minimum_retry_delay INTEGER, no_progress_timeout INTEGER,"
      "  maximum_download_time INTEGER, notification_interval INTEGER,"
      "  auto_complete INTEGER, maximum_download_size INTEGER,"
      "  request_headers BLOB, proxy_usage TEXT, proxy_uri TEXT, proxy_bypass BLOB,"
      "  had_secrets INTEGER, exempt INTEGER, completing INTEGER,"
      "  creation_time INTEGER, modification_time INTEGER,"
      "  transfer_completion_time INTEGER, final_time INTEGER, activity_time INTEGER,"
      "  no_progress_since INTEGER, active_time INTEGER,"
      "  error_count INTEGER, failures INTEGER, error BLOB,"
      "  next_index INTEGER, next_attempt INTEGER);"
      "CREATE TABLE files ("
      "  job INTEGER, idx INTEGER,"
      "  remote_url TEXT, local_path TEXT, ranges BLOB, digest TEXT,"
      "  expected_size INTEGER, may_replace INTEGER, mode INTEGER, state TEXT,"
      "  bytes_total INTEGER, bytes_transferred INTEGER, validator TEXT,"
      "  http_status INTEGER, response_headers BLOB, restarts INTEGER, error BLOB,"
      "  generation INTEGER, resume BLOB,"
      "  PRIMARY KEY (job, idx)) WITHOUT ROWID;"
      "CREATE TABLE duties ("
      "  id INTEGER PRIMARY KEY,"
      "  owner INTEGER, path TEXT, temporary_name TEXT, resume BLOB);"
      "CREATE TABLE named_values (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;",
      error);
}

/* Uploads. What older rows do not say is NULL, which reads as the default. */
static gboolean
add_uploads (sqlite3 *handle, GError **error)
{
  return ferry_db_exec (handle,
                        "ALTER TABLE jobs ADD COLUMN upload_protocol TEXT;"
                        "ALTER TABLE jobs ADD COLUMN resolved_upload_protocol TEXT;"
                        "ALTER TABLE jobs ADD COLUMN resumable INTEGER;"
                        "ALTER TABLE jobs ADD COLUMN reply_path TEXT;"
                        "ALTER TABLE duties ADD COLUMN kind TEXT;"
                        "ALTER TABLE duties ADD COLUMN owner_name TEXT;"
                        "ALTER TABLE duties ADD COLUMN url TEXT;"
                        "ALTER TABLE duties ADD COLUMN request BLOB;"
                        "ALTER TABLE duties ADD COLUMN deadline INTEGER;",
                        error);
}

/* Which servers a job trusts, and whether it follows them. */
static gboolean
add_trust (sqlite3 *handle, GError **error)
{
  return ferry_db_exec (handle,
                        "ALTER TABLE jobs ADD COLUMN tls_flags INTEGER;"
                        "ALTER TABLE jobs ADD COLUMN server_pins BLOB;"
                        "ALTER TABLE jobs ADD COLUMN redirect_policy TEXT;",
                        error);
}

/* How servers are asked. */
static gboolean
add_method (sqlite3 *handle, GError **error)
{
  return ferry_db_exec (handle, "ALTER TABLE jobs ADD COLUMN http_method TEXT;", error);
}

/* By what the owner is known to servers. */
static gboolean
add_certificate (sqlite3 *handle, GError **error)
{
  return ferry_db_exec (handle, "ALTER TABLE jobs ADD COLUMN client_certificate TEXT;", error);
}

static const FerrySchemaStep steps_of_ferry[] = {
  create_version_1, add_uploads, add_trust, add_method, add_certificate,
};

guint
ferry_schema_get_version (void)
{
  return G_N_ELEMENTS (steps_of_ferry);
}

gboolean
ferry_schema_migrate (sqlite3 *handle, GError **error)
{
  return ferry_schema_run_steps (handle, steps_of_ferry, G_N_ELEMENTS (steps_of_ferry), error);
}

gboolean
ferry_schema_run_steps (sqlite3 *handle, const FerrySchemaStep *steps, guint n_steps,
                        GError **error)
{
  gint64 version;

  if (!ferry_db_get_integer (handle, "PRAGMA user_version", &version, error))
    return FALSE;

  for (guint i = (guint) version; i < n_steps; i++)
    {
      g_autofree char *set_version = g_strdup_printf ("PRAGMA user_version = %u", i + 1);

      if (!ferry_db_exec (handle, "BEGIN IMMEDIATE", error))
        return FALSE;
      if (!steps[i](handle, error) || !ferry_db_exec (handle, set_version, error) ||
          !ferry_db_exec (handle, "COMMIT", error))
        {
          ferry_db_rollback (handle);
          return FALSE;
        }
    }

  return TRUE;
}
