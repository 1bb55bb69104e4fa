/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The property table and the XML say the same; each setter takes what it may and nothing else. */

#include "ferry-interface-info.h"
#include "ferry-property.h"

static void
test_same_as_xml (void)
{
  GDBusInterfaceInfo *info = (GDBusInterfaceInfo *) &org_ferry_transfer1_job_interface;
  const FerryProperty *properties;
  guint n, n_xml = 0;

  properties = ferry_property_list (&n);
  while (info->properties[n_xml] != NULL)
    n_xml++;
  g_assert_cmpuint (n, ==, n_xml);

  for (guint i = 0; i < n; i++)
    {
      const GDBusPropertyInfo *xml = g_dbus_interface_info_lookup_property (info,
                                                                            properties[i].name);
      gboolean writable = (properties[i].flags & FERRY_PROPERTY_WRITABLE) != 0;

      g_test_message ("%s", properties[i].name);
      g_assert_nonnull (xml);
      g_assert_cmpstr (xml->signature, ==, properties[i].signature);
      g_assert_cmpint ((xml->flags & G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE) != 0, ==, writable);
      g_assert_true (xml->flags & G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
      g_assert_nonnull (properties[i].get);
      g_assert_cmpint (properties[i].set != NULL, ==, writable);
      g_assert_true (ferry_property_lookup (properties[i].name) == &properties[i]);
    }
  g_assert_null (ferry_property_lookup ("NoSuchThing"));
}

/* What ListAllJobs tells: API.md's list, and nothing that could hold a name, a URL or a path. */
static void
test_public (void)
{
  static const char *const wanted[] = { "Id",
                                        "Type",
                                        "State",
                                        "BytesTotal",
                                        "ErrorCount",
                                        "FilesTotal",
                                        "CreationTime",
                                        "BytesTransferred",
                                        "Error",
                                        "WaitReasons",
                                        "TransferRate",
                                        "FilesTransferred",
                                        "Priority",
                                        "ExpirationTime",
                                        "ApplicationId",
                                        "ModificationTime",
                                        "NextAttemptTime",
                                        "TransferCompletionTime",
                                        NULL };
  const FerryProperty *properties;
  guint n, n_public = 0;

  properties = ferry_property_list (&n);
  for (guint i = 0; i < n; i++)
    {
      if (properties[i].flags & FERRY_PROPERTY_PUBLIC)
        {
          g_assert_true (g_strv_contains (wanted, properties[i].name));
          n_public++;
        }
    }
  g_assert_cmpuint (n_public, ==, g_strv_length ((char **) wanted));
}

#define INVALID_ARGS -1
#define TAKEN        -2

#define HEX_64       "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
#define HEX_64_UPPER "ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789"

static const struct
{
  const char *name;
  const char *value; /* GVariant text */
  int outcome;
  const char *then; /* GVariant text of what is read after; NULL: @value */
  FerryJobType type;
} settings[] = {
  { "DisplayName", "'x'", TAKEN },
  { "DisplayName", "8", INVALID_ARGS },
  { "Description", "''", TAKEN },
  { "ApplicationId", "'org.x.Y'", TAKEN },
  { "Priority", "'high'", TAKEN },
  { "Priority", "'urgent'", INVALID_ARGS },
  { "Priority", "''", INVALID_ARGS },
  { "Priority", "1", INVALID_ARGS },
  { "MinimumRetryDelay", "int64 30", TAKEN, "uint32 30" },
  { "MinimumRetryDelay", "0", TAKEN, "uint32 5" },
  { "MinimumRetryDelay", "-1", INVALID_ARGS },
  { "NoProgressTimeout", "0", TAKEN, "uint32 0" },
  { "MaximumDownloadTime", "uint32 4294967295", TAKEN },
  { "MaximumDownloadTime", "uint64 4294967296", INVALID_ARGS },
  { "NotificationInterval", "byte 0x05", TAKEN, "uint32 5" },
  { "AutoComplete", "true", TAKEN },
  { "AutoComplete", "1", INVALID_ARGS },
  { "MaximumDownloadSize", "5", TAKEN, "uint64 5" },
  { "RequestHeaders", "['Accept: x']", TAKEN },
  { "RequestHeaders", "@as []", TAKEN },
  { "RequestHeaders", "['Cookie: x']", INVALID_ARGS },
  { "RequestHeaders", "'Accept: x'", INVALID_ARGS },
  { "ProxyUsage", "'override'", TAKEN },
  { "ProxyUsage", "'auto'", INVALID_ARGS },
  { "ProxyUri", "'http://p:1'", TAKEN },
  { "ProxyUri", "''", TAKEN },
  { "ProxyUri", "'http://u:p@h'", INVALID_ARGS },
  { "ProxyUri", "'ftp://h'", FERRY_ERROR_UNSUPPORTED_SCHEME },
  { "ProxyBypass", "['localhost']", TAKEN },
  { "ProxyBypass", "['']", INVALID_ARGS },
  { "UploadProtocol", "'auto'", INVALID_ARGS },
  { "UploadProtocol", "'put'", INVALID_ARGS },
  { "TlsFlags", "['ignore-expiry', 'ignore-hostname', 'ignore-expiry']", TAKEN,
    "['ignore-hostname', 'ignore-expiry']" },
  { "TlsFlags", "@as []", TAKEN },
  { "TlsFlags", "['ignore-all']", INVALID_ARGS },
  { "TlsFlags", "'ignore-expiry'", INVALID_ARGS },
  { "ServerPins",
    "['sha256:" HEX_64_UPPER "', 'sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=']", TAKEN,
    "['sha256:" HEX_64 "', "
    "'sha256:0000000000000000000000000000000000000000000000000000000000000000']" },
  { "ServerPins", "['sha256//AAAA']", INVALID_ARGS },
  { "ServerPins", "['sha512:" HEX_64 HEX_64 "']", INVALID_ARGS },
  { "ServerPins", "['']", INVALID_ARGS },
  { "RedirectPolicy", "'report'", TAKEN },
  { "RedirectPolicy", "'ask'", INVALID_ARGS },
  { "HttpMethod", "'POST'", TAKEN },
  { "HttpMethod", "''", TAKEN },
  { "HttpMethod", "'GET'", TAKEN },
  { "HttpMethod", "'get'", TAKEN },
  { "HttpMethod", "'VERSION-CONTROL'", TAKEN },
  { "HttpMethod", "'ABCDEFGHIJKLMNOPQRSTUVWXYZ!#.^_9'", TAKEN },
  { "HttpMethod", "'ABCDEFGHIJKLMNOPQRSTUVWXYZ!#.^_9x'", INVALID_ARGS },
  { "HttpMethod", "'HEAD'", INVALID_ARGS },
  { "HttpMethod", "'CONNECT'", INVALID_ARGS },
  { "HttpMethod", "'TRACE'", INVALID_ARGS },
  { "HttpMethod", "'GET /x'", INVALID_ARGS },
  { "HttpMethod", "' '", INVALID_ARGS },
  { "HttpMethod", "'P\u00f6ST'", INVALID_ARGS },
  { "HttpMethod", "'A\r\nB'", INVALID_ARGS },
  { "HttpMethod", "5", INVALID_ARGS },
  { "HttpMethod", "'POST'", TAKEN, NULL, FERRY_JOB_TYPE_UPLOAD },
  { "HttpMethod", "'PUT'", TAKEN, NULL, FERRY_JOB_TYPE_UPLOAD },
  { "HttpMethod", "'GET'", INVALID_ARGS, NULL, FERRY_JOB_TYPE_UPLOAD },
  { "HttpMethod", "''", TAKEN, NULL, FERRY_JOB_TYPE_UPLOAD_REPLY },
  { "HttpMethod", "'PUT'", INVALID_ARGS, NULL, FERRY_JOB_TYPE_UPLOAD_REPLY },
  { "ClientCertificate", "'/srv/alice.pem'", TAKEN },
  { "ClientCertificate", "'pkcs11:token=x?pin-source=file:/srv/pin'", TAKEN },
  { "ClientCertificate", "''", TAKEN },
  { "ClientCertificate", "'alice.pem'", INVALID_ARGS },
  { "ClientCertificate", "'pkcs11:token=x?pin-value=1234'", INVALID_ARGS },
  { "ClientCertificate", "'pkcs11:token=x;pin-value=1234'", INVALID_ARGS },
  { "ClientCertificate", "'pkcs11:pin-value=1234'", INVALID_ARGS },
  { "ClientCertificate", "'pkcs11:token=x? pin-value=1234'", INVALID_ARGS },
  { "ClientCertificate", "'pkcs11:token=x?a=b&pin-value =1234'", INVALID_ARGS },
  { "ClientCertificate", "'pkcs11:token=x?pin-\\nvalue=1234'", INVALID_ARGS },
  { "ClientCertificate", "'pkcs11:token=x?pin-source=file:/srv/pin&pin-value=1234'", INVALID_ARGS },
  { "UploadProtocol", "'put'", TAKEN, NULL, FERRY_JOB_TYPE_UPLOAD },
  { "UploadProtocol", "'tus'", TAKEN, NULL, FERRY_JOB_TYPE_UPLOAD },
  { "UploadProtocol", "'ftp'", INVALID_ARGS, NULL, FERRY_JOB_TYPE_UPLOAD },
  { "UploadProtocol", "''", INVALID_ARGS, NULL, FERRY_JOB_TYPE_UPLOAD },
  { "UploadProtocol", "'bits'", TAKEN, NULL, FERRY_JOB_TYPE_UPLOAD_REPLY },
  { "UploadProtocol", "'auto'", TAKEN, NULL, FERRY_JOB_TYPE_UPLOAD_REPLY },
  { "UploadProtocol", "'put'", INVALID_ARGS, NULL, FERRY_JOB_TYPE_UPLOAD_REPLY },
  { "UploadProtocol", "'tus'", INVALID_ARGS, NULL, FERRY_JOB_TYPE_UPLOAD_REPLY },
  { "ReplyPath", "'/x'", INVALID_ARGS },
  { "ReplyPath", "'/x'", INVALID_ARGS, NULL, FERRY_JOB_TYPE_UPLOAD },
  { "ReplyPath", "'/x'", TAKEN, NULL, FERRY_JOB_TYPE_UPLOAD_REPLY },
  { "ReplyPath", "''", TAKEN, NULL, FERRY_JOB_TYPE_UPLOAD_REPLY },
  { "ReplyPath", "'x'", INVALID_ARGS, NULL, FERRY_JOB_TYPE_UPLOAD_REPLY },
  { "ReplyPath", "'/x/'", INVALID_ARGS, NULL, FERRY_JOB_TYPE_UPLOAD_REPLY },
  { "Id", "'x'", INVALID_ARGS },
  { "State", "'queued'", INVALID_ARGS },
  { "ReplyBytesTotal", "uint64 1", INVALID_ARGS },
};

static void
test_set (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      const FerryProperty *property = ferry_property_lookup (settings[i].name);
      g_autoptr (FerryJob) job = ferry_job_new (settings[i].type, 1000, "x");
      g_autoptr (GVariant) value = g_variant_parse (NULL, settings[i].value, NULL, NULL, NULL);
      g_autoptr (GVariant) before = NULL;
      g_autoptr (GVariant) after = NULL;
      g_autoptr (GError) error = NULL;
      gboolean taken;

      if (property->set != NULL)
        before = g_variant_ref_sink (property->get (NULL, job));
      taken = ferry_property_set (property, job, value, &error);
      g_test_message ("%s = %s: %s", property->name, settings[i].value,
                      error != NULL ? error->message : "taken");
      g_assert_cmpint (taken, ==, settings[i].outcome == TAKEN);
      if (settings[i].outcome == INVALID_ARGS)
        g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
      else if (!taken)
        g_assert_error (error, FERRY_ERROR, settings[i].outcome);
      if (error != NULL)
        g_assert_nonnull (strstr (error->message, property->name));
      if (property->set == NULL)
        continue;

      after = g_variant_ref_sink (property->get (NULL, job));
      if (taken)
        {
          const char *then = settings[i].then != NULL ? settings[i].then : settings[i].value;
          g_autoptr (GVariant) wanted = g_variant_parse (NULL, then, NULL, NULL, NULL);

          g_assert_true (g_variant_equal (after, wanted));
        }
      else
        {
          g_assert_true (g_variant_equal (after, before));
        }
    }
}

static void
test_too_long (void)
{
  static const struct
  {
    const char *name;
    gsize max;
  } rows[] = { { "DisplayName", 256 }, { "Description", 1024 }, { "ApplicationId", 256 } };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const FerryProperty *property = ferry_property_lookup (rows[i].name);
      g_autoptr (FerryJob) job = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 1000, "x");
      g_autofree char *text = g_strnfill (rows[i].max, 'x');
      g_autofree char *more = g_strconcat (text, "x", NULL);
      g_autoptr (GVariant) longest = g_variant_ref_sink (g_variant_new_string (text));
      g_autoptr (GVariant) longer = g_variant_ref_sink (g_variant_new_string (more));
      g_autoptr (GError) error = NULL;

      g_assert_true (ferry_property_set (property, job, longest, &error));
      g_assert_no_error (error);
      g_assert_false (ferry_property_set (property, job, longer, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STRING_TOO_LONG);
    }
}

static void
assert_value (FerryJob *job, const char *name, const char *wanted)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_property_lookup (name)->get (NULL, job));
  g_autofree char *text = g_variant_print (value, TRUE);

  g_assert_cmpstr (text, ==, wanted);
}

/* What is told of uploads, of each type and as it goes on. */
static void
test_uploads (void)
{
  g_autoptr (FerryJob) download = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 1000, "x");
  g_autoptr (FerryJob) upload = ferry_job_new (FERRY_JOB_TYPE_UPLOAD, 1000, "x");
  g_autoptr (FerryJob) job = ferry_job_new (FERRY_JOB_TYPE_UPLOAD_REPLY, 1000, "x");
  FerryFile *source = ferry_file_new ("http://h/x", "/x");
  FerryFile *reply = ferry_file_new ("", "/r");

  assert_value (download, "Resumable", "true");
  assert_value (download, "ReplyBytesTotal", "uint64 0");
  assert_value (upload, "Resumable", "false");
  assert_value (upload, "ReplyBytesTotal", "uint64 0");
  assert_value (upload, "ResolvedUploadProtocol", "''");
  assert_value (job, "ReplyBytesTotal", "uint64 18446744073709551615");
  assert_value (job, "ReplyBytesTransferred", "uint64 0");

  source->expected_size = 100;
  ferry_job_add_file (job, source);
  ferry_job_add_reply (job, reply);
  source->bytes_transferred = 40;
  reply->bytes_total = 7;
  reply->bytes_transferred = 3;
  job->resolved_upload_protocol = FERRY_UPLOAD_PROTOCOL_BITS;
  job->resumable = TRUE;
  assert_value (job, "FilesTotal", "uint32 1");
  assert_value (job, "BytesTotal", "uint64 100");
  assert_value (job, "BytesTransferred", "uint64 40");
  assert_value (job, "ReplyBytesTotal", "uint64 7");
  assert_value (job, "ReplyBytesTransferred", "uint64 3");
  assert_value (job, "ResolvedUploadProtocol", "'bits'");
  assert_value (job, "Resumable", "true");
}

/* What goes by one protocol cannot be told to go by another. */
static void
test_settled (void)
{
  const FerryProperty *property = ferry_property_lookup ("UploadProtocol");
  g_autoptr (FerryJob) job = ferry_job_new (FERRY_JOB_TYPE_UPLOAD, 1000, "x");
  g_autoptr (GVariant) same = g_variant_ref_sink (g_variant_new_string ("auto"));
  g_autoptr (GVariant) other = g_variant_ref_sink (g_variant_new_string ("tus"));
  g_autoptr (GError) error = NULL;

  job->resolved_upload_protocol = FERRY_UPLOAD_PROTOCOL_PUT;
  g_assert_true (ferry_property_set (property, job, same, NULL));
  g_assert_false (ferry_property_set (property, job, other, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, "by put"));
  assert_value (job, "UploadProtocol", "'auto'");
  ferry_job_unsettle (job);
  g_assert_true (ferry_property_set (property, job, other, NULL));
}

static gboolean
set_text (FerryJob *job, const char *name, const char *text, GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_string (text));

  return ferry_property_set (ferry_property_lookup (name), job, value, error);
}

/* A method and a protocol that has its own do not go together, whichever comes second. */
static void
test_method_and_protocol (void)
{
  static const struct
  {
    const char *protocol;
    gboolean fits;
  } rows[] = {
    { "auto", TRUE }, { "put", TRUE }, { "bits", FALSE }, { "tus", FALSE }, { "put-range", FALSE }
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (FerryJob) first = ferry_job_new (FERRY_JOB_TYPE_UPLOAD, 1000, "x");
      g_autoptr (FerryJob) second = ferry_job_new (FERRY_JOB_TYPE_UPLOAD, 1000, "x");
      g_autoptr (GError) method = NULL;
      g_autoptr (GError) protocol = NULL;

      g_assert_true (set_text (first, "UploadProtocol", rows[i].protocol, NULL));
      g_assert_cmpint (set_text (first, "HttpMethod", "POST", &method), ==, rows[i].fits);
      g_assert_true (set_text (second, "HttpMethod", "POST", NULL));
      g_assert_cmpint (set_text (second, "UploadProtocol", rows[i].protocol, &protocol), ==,
                       rows[i].fits);
      if (rows[i].fits)
        continue;
      g_assert_error (method, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
      g_assert_error (protocol, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
      assert_value (first, "HttpMethod", "''");
      assert_value (second, "UploadProtocol", "'auto'");
      /* Nor do they without the method. */
      g_assert_true (set_text (second, "HttpMethod", "", NULL));
      g_assert_true (set_text (second, "UploadProtocol", rows[i].protocol, NULL));
    }
}

static void
test_method_settled (void)
{
  g_autoptr (FerryJob) job = ferry_job_new (FERRY_JOB_TYPE_UPLOAD, 1000, "x");
  g_autoptr (GError) error = NULL;

  g_assert_true (set_text (job, "HttpMethod", "POST", NULL));
  job->resolved_upload_protocol = FERRY_UPLOAD_PROTOCOL_PUT;
  g_assert_true (set_text (job, "HttpMethod", "POST", NULL));
  g_assert_false (set_text (job, "HttpMethod", "PATCH", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, "HttpMethod"));
  assert_value (job, "HttpMethod", "'POST'");
  ferry_job_unsettle (job);
  g_assert_true (set_text (job, "HttpMethod", "PATCH", NULL));
}

/* What an attempt was told is what it settles on. */
static void
test_attempt_settles (void)
{
  static const char *const names[] = { "HttpMethod", "UploadProtocol" };
  static const char *const before[] = { "", "auto" };
  static const char *const after[] = { "POST", "put" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (FerryJob) job = ferry_job_new (FERRY_JOB_TYPE_UPLOAD, 1000, "x");
      FerryFile *source = ferry_file_new ("https://files.example/up", "/srv/x");
      g_autofree char *unchanged = g_strdup_printf ("'%s'", before[i]);
      g_autoptr (GError) error = NULL;

      ferry_job_add_file (job, source);
      source->attempt = 7;
      g_assert_true (set_text (job, names[i], before[i], NULL));
      g_assert_false (set_text (job, names[i], after[i], &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
      g_assert_nonnull (strstr (error->message, names[i]));
      assert_value (job, names[i], unchanged);
      source->attempt = 0;
      g_assert_true (set_text (job, names[i], after[i], NULL));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/property/same-as-xml", test_same_as_xml);
  g_test_add_func ("/property/public", test_public);
  g_test_add_func ("/property/set", test_set);
  g_test_add_func ("/property/too-long", test_too_long);
  g_test_add_func ("/property/uploads", test_uploads);
  g_test_add_func ("/property/settled", test_settled);
  g_test_add_func ("/property/method-and-protocol", test_method_and_protocol);
  g_test_add_func ("/property/method-settled", test_method_settled);
  g_test_add_func ("/property/attempt-settles", test_attempt_settles);
  return g_test_run ();
}
