/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Certificates and keys in files, as openssl writes them, and what else may be there. */

#include "worker-key.h"

#include "ferry-error.h"

#include <glib/gstdio.h>

#include <string.h>
#include <sys/stat.h>

#define PASSWORD "sesame"

typedef struct
{
  char *dir; /* (owned) */
} Fixture;

static char *
get_path (Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->dir, name, NULL);
}

/* @format: of a shell command */
static void
run (Fixture *fixture, const char *command)
{
  const char *argv[] = { "sh", "-ec", command, NULL };
  g_autoptr (GError) error = NULL;
  int status;

  g_spawn_sync (fixture->dir, (char **) argv, NULL,
                G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL | G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
                NULL, NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, &error));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->dir = g_dir_make_tmp ("ferry-key-XXXXXX", NULL);
  run (fixture,
       "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key "
       "-out crt -days 2 -subj /CN=alice\n"
       "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out other\n"
       "openssl pkcs8 -topk8 -in key -passout pass:" PASSWORD " -out pkcs8\n"
       "openssl ec -in key -aes256 -passout pass:" PASSWORD " -out sec1\n"
       "cat crt key > plain; cat key crt > reversed\n"
       "cat crt pkcs8 > encrypted; cat crt sec1 > traditional; cat crt other > foreign\n"
       "openssl pkcs12 -export -in crt -inkey key -passout pass:" PASSWORD " -out p12\n"
       "openssl pkcs12 -export -in crt -inkey key -passout pass: -out open12\n"
       "openssl pkcs12 -export -in crt -nokeys -passout pass: -out keyless12\n"
       "echo nonsense > nonsense; : > empty; mkfifo fifo; mkdir directory\n"
       "cat crt > broken; sed s/M/N/ key >> broken\n"
       "truncate -s 2M huge");
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  run (fixture, "rm -r ./*");
  g_rmdir (fixture->dir);
  g_free (fixture->dir);
}

static void
assert_loads (Fixture *fixture, const char *name, const char *password)
{
  g_autofree char *path = get_path (fixture, name);
  g_autoptr (GError) error = NULL;
  gboolean wants = TRUE;
  g_autoptr (GTlsCertificate) certificate = worker_key_load (path, password, &wants, &error);
  g_autoptr (GByteArray) key = NULL;
  g_autofree char *subject = NULL;

  g_test_message ("%s", name);
  g_assert_no_error (error);
  g_assert_nonnull (certificate);
  g_assert_false (wants);
  subject = g_tls_certificate_get_subject_name (certificate);
  g_assert_cmpstr (subject, ==, "CN=alice");
  g_object_get (certificate, "private-key", &key, NULL);
  g_assert_nonnull (key);
}

static void
assert_fails (Fixture *fixture, const char *name, const char *password, FerryError code,
              const char *words)
{
  g_autofree char *path = get_path (fixture, name);
  g_autoptr (GError) error = NULL;
  gboolean wants;

  g_test_message ("%s", name);
  g_assert_null (worker_key_load (path, password, &wants, &error));
  g_assert_error (error, FERRY_ERROR, (int) code);
  g_assert_nonnull (strstr (error->message, words));
  g_assert_cmpint (wants, ==, code == FERRY_ERROR_AUTHENTICATION_FAILED);
}

static void
test_formats (Fixture *fixture, gconstpointer data)
{
  assert_loads (fixture, "plain", NULL);
  assert_loads (fixture, "plain", "not needed");
  assert_loads (fixture, "reversed", NULL);
  assert_loads (fixture, "encrypted", PASSWORD);
  assert_loads (fixture, "traditional", PASSWORD);
  assert_loads (fixture, "p12", PASSWORD);
  assert_loads (fixture, "open12", NULL);
  assert_loads (fixture, "open12", "not needed");
}

static void
test_passwords (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { "encrypted", "traditional", "p12" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      assert_fails (fixture, names[i], NULL, FERRY_ERROR_AUTHENTICATION_FAILED,
                    "has a key with a password");
      assert_fails (fixture, names[i], "wrong", FERRY_ERROR_AUTHENTICATION_FAILED,
                    "has a key with another password");
    }
}

static void
test_others (Fixture *fixture, gconstpointer data)
{
  assert_fails (fixture, "absent", NULL, FERRY_ERROR_NO_FILE_ACCESS, "No such file");
  assert_fails (fixture, "directory", NULL, FERRY_ERROR_NO_FILE_ACCESS, "no regular file");
  assert_fails (fixture, "fifo", NULL, FERRY_ERROR_NO_FILE_ACCESS, "no regular file");
  assert_fails (fixture, "huge", NULL, FERRY_ERROR_NO_FILE_ACCESS, "more than 1 MiB");
  assert_fails (fixture, "nonsense", NULL, FERRY_ERROR_TLS_ERROR, "neither in PEM nor in PKCS #12");
  assert_fails (fixture, "empty", NULL, FERRY_ERROR_TLS_ERROR, "neither in PEM nor in PKCS #12");
  assert_fails (fixture, "key", NULL, FERRY_ERROR_TLS_ERROR, "neither in PEM nor in PKCS #12");
  assert_fails (fixture, "crt", NULL, FERRY_ERROR_TLS_ERROR, "no private key");
  assert_fails (fixture, "broken", NULL, FERRY_ERROR_TLS_ERROR, "no private key");
  assert_fails (fixture, "keyless12", NULL, FERRY_ERROR_TLS_ERROR, "PKCS #12");
  assert_fails (fixture, "foreign", NULL, FERRY_ERROR_TLS_ERROR, "not that of the private key");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/worker-key/formats", Fixture, NULL, set_up, test_formats, tear_down);
  g_test_add ("/worker-key/passwords", Fixture, NULL, set_up, test_passwords, tear_down);
  g_test_add ("/worker-key/others", Fixture, NULL, set_up, test_others, tear_down);
  return g_test_run ();
}
