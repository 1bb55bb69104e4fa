/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-enums.h"
#include "ferry-error.h"
#include "ferry-names.h"

#include <gio/gio.h>
#include <string.h>

/* Every value has a word, no word twice, and the way back gives the value. */
#define CHECK_ENUM(type, prefix, count)                                                            \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autoptr (GHashTable) words = g_hash_table_new (g_str_hash, g_str_equal);                     \
    for (guint i = 0; i < (count); i++)                                                            \
      {                                                                                            \
        const char *word = prefix##_to_string (i);                                                 \
        type value = (count);                                                                      \
        g_assert_nonnull (word);                                                                   \
        g_assert_true (g_hash_table_add (words, (char *) word));                                   \
        g_assert_cmpuint (strspn (word, "abcdefghijklmnopqrstuvwxyz-"), ==, strlen (word));        \
        g_assert_true (prefix##_from_string (word, &value));                                       \
        g_assert_cmpint (value, ==, i);                                                            \
      }                                                                                            \
    g_assert_null (prefix##_to_string (count));                                                    \
    type untouched = 7;                                                                            \
    g_assert_false (prefix##_from_string ("nonsense", &untouched));                                \
    g_assert_false (prefix##_from_string ("", &untouched));                                        \
    g_assert_false (prefix##_from_string (NULL, &untouched));                                      \
    g_assert_cmpint (untouched, ==, 7);                                                            \
  }                                                                                                \
  G_STMT_END

static void
test_words (void)
{
  CHECK_ENUM (FerryJobType, ferry_job_type, FERRY_N_JOB_TYPES);
  CHECK_ENUM (FerryJobState, ferry_job_state, FERRY_N_JOB_STATES);
  CHECK_ENUM (FerryPriority, ferry_priority, FERRY_N_PRIORITIES);
  CHECK_ENUM (FerryFileState, ferry_file_state, FERRY_N_FILE_STATES);
  CHECK_ENUM (FerryWaitReason, ferry_wait_reason, FERRY_N_WAIT_REASONS);
  CHECK_ENUM (FerryErrorContext, ferry_error_context, FERRY_N_ERROR_CONTEXTS);
  CHECK_ENUM (FerryProxyUsage, ferry_proxy_usage, FERRY_N_PROXY_USAGES);
  CHECK_ENUM (FerryUploadProtocol, ferry_upload_protocol, FERRY_N_UPLOAD_PROTOCOLS);
  CHECK_ENUM (FerryCredentialTarget, ferry_credential_target, FERRY_N_CREDENTIAL_TARGETS);
  CHECK_ENUM (FerryCredentialScheme, ferry_credential_scheme, FERRY_N_CREDENTIAL_SCHEMES);
}

static void
test_contract_words (void)
{
  FerryJobState state;

  /* Words that applications compare with. */
  g_assert_cmpstr (ferry_job_state_to_string (FERRY_JOB_STATE_TRANSIENT_ERROR), ==,
                   "transient-error");
  g_assert_cmpstr (ferry_wait_reason_to_string (FERRY_WAIT_REASON_RETRY_AFTER), ==, "retry-after");
  g_assert_cmpstr (ferry_upload_protocol_to_string (FERRY_UPLOAD_PROTOCOL_PUT_RANGE), ==,
                   "put-range");
  g_assert_true (ferry_job_state_from_string ("acknowledged", &state));
  g_assert_cmpint (state, ==, FERRY_JOB_STATE_ACKNOWLEDGED);
}

static void
test_errors (void)
{
  for (guint code = 0; code < FERRY_N_ERRORS; code++)
    {
      const char *name = ferry_error_get_name (code);
      g_autoptr (GError) error = g_error_new_literal (FERRY_ERROR, code, "text");
      g_autofree char *on_the_bus = g_dbus_error_encode_gerror (error);
      FerryError back = FERRY_N_ERRORS;

      g_assert_true (g_str_has_prefix (name, FERRY_ERROR_PREFIX));
      g_assert_cmpstr (on_the_bus, ==, name);
      g_assert_true (ferry_error_from_name (name, &back));
      g_assert_cmpint (back, ==, code);
    }
  g_assert_cmpstr (ferry_error_get_name (FERRY_ERROR_NO_FILE_ACCESS), ==,
                   "org.ferry.Transfer1.Error.NoFileAccess");
}

static void
test_foreign_errors (void)
{
  FerryError code = FERRY_ERROR_STORE_FAILED;

  g_assert_false (ferry_error_from_name ("org.freedesktop.DBus.Error.Failed", &code));
  g_assert_false (ferry_error_from_name (FERRY_ERROR_PREFIX, &code));
  g_assert_false (ferry_error_from_name (NULL, &code));
  g_assert_cmpint (code, ==, FERRY_ERROR_STORE_FAILED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/enums/words", test_words);
  g_test_add_func ("/enums/contract", test_contract_words);
  g_test_add_func ("/errors/names", test_errors);
  g_test_add_func ("/errors/foreign", test_foreign_errors);
  return g_test_run ();
}
