/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of the service for one URL, and which job of the user is joined instead. */

#include "ferry-transfer.h"

#include "ferry-error.h"
#include "ferry-join.h"

static char *no_headers[] = { NULL };

/* @path with another owner: items take what they are made of. */
static FerryTransferItem *
make_download (const char *url, const char *path)
{
  return ferry_transfer_item_new_download (ferry_url_parse (url, NULL), g_strdup (path));
}

static FerryTransferItem *
make_upload (const char *url, const char *path, const char *reply)
{
  return ferry_transfer_item_new_upload (ferry_url_parse (url, NULL), g_strdup (path),
                                         g_strdup (reply));
}

/* Returns: (transfer full): the arguments of SubmitJob, as text */
static char *
print_arguments (const FerryTransferItem *item, const FerryTransferOptions *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      arguments = g_variant_ref_sink (ferry_transfer_make_arguments (item, options, &error));

  g_assert_no_error (error);
  return g_variant_print (arguments, FALSE);
}

static void
test_upload (void)
{
  FerryTransferOptions options = { .headers = no_headers };
  g_autoptr (FerryTransferItem) item = make_upload ("http://h/up/x", "/home/a/thesis.pdf", NULL);
  g_autofree char *text = print_arguments (item, &options);

  g_assert_cmpstr (text, ==,
                   "('thesis.pdf', 'upload', [('http://h/up/x', '/home/a/thesis.pdf', {})], "
                   "{'AutoComplete': <true>, 'Priority': <'foreground'>, "
                   "'MinimumRetryDelay': <uint32 5>, 'NoProgressTimeout': <uint32 300>})");
}

static void
test_upload_reply (void)
{
  static char *headers[] = { (char *) "Accept: text/plain", (char *) "Cookie: crumb=1", NULL };
  FerryTransferOptions options = {
    .headers = headers, .protocol = "bits", .priority = "low", .detach = TRUE
  };
  g_autoptr (FerryTransferItem) item = make_upload ("http://h/x", "/a/b", "/a/reply");
  g_autofree char *text = print_arguments (item, &options);

  g_assert_nonnull (strstr (text, "'upload-reply'"));
  g_assert_nonnull (strstr (text, "'UploadProtocol': <'bits'>"));
  g_assert_nonnull (strstr (text, "'ReplyPath': <'/a/reply'>"));
  g_assert_nonnull (strstr (text, "'RequestHeaders': <['Accept: text/plain']>"));
  g_assert_nonnull (strstr (text, "'CustomHeaders': <['Cookie: crumb=1']>"));
  g_assert_nonnull (strstr (text, "'Priority': <'low'>"));
  /* The service's own patience. */
  g_assert_null (strstr (text, "NoProgressTimeout"));
}

static void
test_download (void)
{
  FerryTransferOptions options = {
    .headers = no_headers, .digest = "sha256:00", .force = TRUE, .detach = TRUE
  };
  g_autoptr (FerryTransferItem) item = make_download ("http://u:secret@h/x", "/a/x");
  g_autofree char *text = print_arguments (item, &options);

  g_assert_nonnull (strstr (text, "'download', [('http://h/x', '/a/x', {'Mode': "));
  g_assert_nonnull (strstr (text, "'Replace': <true>"));
  g_assert_nonnull (strstr (text, "'Digest': <'sha256:00'>"));
  g_assert_nonnull (strstr (text, "'Priority': <'normal'>"));
  g_assert_nonnull (strstr (text, "'Credentials': <[('server', 'basic', "));
  g_assert_null (strstr (text, "UploadProtocol"));
}

static void
test_proxy (void)
{
  FerryTransferOptions options = { .headers = no_headers };
  g_autoptr (FerryTransferItem) item = make_upload ("http://h/x", "/a/b", NULL);
  g_autofree char *text = NULL;

  g_setenv ("http_proxy", "http://proxy:3128/", TRUE);
  text = print_arguments (item, &options);
  g_unsetenv ("http_proxy");
  g_assert_nonnull (strstr (text, "'ProxyUri': <'http://proxy:3128/'>"));
}

/* == joining == */

#define FILES "[{'RemoteUrl': <'http://h/up'>, 'LocalPath': <'/a/b'>}]"

static FerryRemoteJob *
make_job (const char *properties)
{
  g_autoptr (GVariant)
      dictionary = g_variant_parse (G_VARIANT_TYPE_VARDICT, properties, NULL, NULL, NULL);
  FerryRemoteJob *job = ferry_remote_job_new ("/jobs/3f2a9c0e7b5d4e1f8a6b2c3d4e5f6071");

  g_assert_nonnull (dictionary);
  ferry_remote_job_update (job, dictionary);
  return job;
}

static gboolean
is_match (const char *type, const FerryTransferItem *item)
{
  g_autofree char *properties = g_strdup_printf ("{'Type': <'%s'>}", type);
  g_autoptr (FerryRemoteJob) job = make_job (properties);
  g_autoptr (GVariant) files = g_variant_parse (G_VARIANT_TYPE ("aa{sv}"), FILES, NULL, NULL, NULL);
  g_autoptr (GVariant) file = ferry_join_match (job, files, item);

  return file != NULL;
}

/* The same two names mean something else the other way round. */
static void
test_match (void)
{
  g_autoptr (FerryTransferItem) same = make_upload ("http://h/up#there", "/a/b", NULL);
  g_autoptr (FerryTransferItem) reply = make_upload ("http://h/up", "/a/b", "/a/r");
  g_autoptr (FerryTransferItem) fetched = make_download ("http://h/up", "/a/b");
  g_autoptr (FerryTransferItem) other_file = make_upload ("http://h/up", "/a/c", NULL);
  g_autoptr (FerryTransferItem) other_url = make_upload ("http://h/down", "/a/b", NULL);

  g_assert_true (is_match ("upload", same));
  g_assert_false (is_match ("upload-reply", same));
  g_assert_false (is_match ("download", same));
  g_assert_true (is_match ("upload-reply", reply));
  g_assert_false (is_match ("upload", reply));
  g_assert_true (is_match ("download", fetched));
  g_assert_false (is_match ("upload", fetched));
  g_assert_false (is_match ("upload", other_file));
  g_assert_false (is_match ("upload", other_url));
}

static void
test_check (void)
{
  static const struct
  {
    const char *properties;
    const char *protocol;
    const char *problem; /* NULL = joined */
  } rows[] = {
    { "{'UploadProtocol': <'auto'>, 'ReplyPath': <'/a/r'>}", NULL, NULL },
    { "{'UploadProtocol': <'auto'>, 'ReplyPath': <''>}", "auto", NULL },
    { "{'UploadProtocol': <'auto'>, 'ResolvedUploadProtocol': <'bits'>}", "bits", NULL },
    { "{'UploadProtocol': <'bits'>}", NULL, NULL },
    { "{'UploadProtocol': <'auto'>}", "bits", "another protocol; `ferry cancel 3f2a9c0e`" },
    { "{'UploadProtocol': <'bits'>}", "auto", "another protocol" },
    { "{'UploadProtocol': <'auto'>, 'ReplyPath': <'/a/other'>}", NULL, "the reply into /a/other" },
  };
  g_autoptr (FerryTransferItem) item = make_upload ("http://h/up", "/a/b", "/a/r");
  g_autoptr (GVariant) file = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      FerryTransferOptions options = { .protocol = rows[i].protocol };
      g_autoptr (FerryRemoteJob) job = make_job (rows[i].properties);
      g_autoptr (GError) error = NULL;

      g_assert_true (ferry_join_check (job, file, 1, item, &options, &error) ==
                     (rows[i].problem == NULL));
      if (rows[i].problem == NULL)
        continue;
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
      g_assert_nonnull (strstr (error->message, rows[i].problem));
    }
}

static void
test_check_download (void)
{
  static const FerryTransferOptions plain = { 0 };
  static const FerryTransferOptions strict = { .digest = "sha256:00" };
  g_autoptr (FerryTransferItem) item = make_download ("http://h/up", "/a/b");
  g_autoptr (GVariant) file = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  g_autoptr (FerryRemoteJob) job = make_job ("{}");

  g_assert_true (ferry_join_check (job, file, 1, item, &plain, NULL));
  g_assert_false (ferry_join_check (job, file, 1, item, &strict, NULL));
  g_assert_false (ferry_join_check (job, file, 2, item, &plain, NULL));
}

int
main (int argc, char **argv)
{
  static const char *const variables[] = {
    "http_proxy", "https_proxy", "all_proxy", "no_proxy", "ALL_PROXY", "HTTPS_PROXY", "NO_PROXY",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (variables); i++)
    g_unsetenv (variables[i]);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/transfer/upload", test_upload);
  g_test_add_func ("/client/transfer/upload-reply", test_upload_reply);
  g_test_add_func ("/client/transfer/download", test_download);
  g_test_add_func ("/client/transfer/proxy", test_proxy);
  g_test_add_func ("/client/transfer/match", test_match);
  g_test_add_func ("/client/transfer/check", test_check);
  g_test_add_func ("/client/transfer/check-download", test_check_download);
  return g_test_run ();
}
