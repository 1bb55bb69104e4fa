/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What callers give: tables of what is taken, and what each refusal is called. */

#include "ferry-args.h"

#include <limits.h>

#define INVALID_ARGS -1 /* G_DBUS_ERROR_INVALID_ARGS; other numbers are of FERRY_ERROR */
#define TAKEN        -2

static void
assert_outcome (const char *what, gboolean taken, int wanted, const GError *error)
{
  g_test_message ("%s: %s", what, error != NULL ? error->message : "taken");
  g_assert_cmpint (taken, ==, wanted == TAKEN);
  if (wanted == TAKEN)
    g_assert_no_error (error);
  else if (wanted == INVALID_ARGS)
    g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
  else
    g_assert_error (error, FERRY_ERROR, wanted);
}

static const struct
{
  const char *url;
  int outcome;
  const char *kept; /* when not the same */
} urls[] = {
  { "http://h/", TAKEN },
  { "http://h", TAKEN },
  { "HTTPS://H/x", TAKEN },
  { "https://h:8443/a/b?c=d&e", TAKEN },
  { "http://[::1]:8080/x", TAKEN },
  { "http://h/a%20b", TAKEN },
  { "http://h/\xc3\xa4", TAKEN },
  { "http://h/x#part", TAKEN, "http://h/x" },
  { "http://h/x#", TAKEN, "http://h/x" },
  { "http://h/x?a#b#c", TAKEN, "http://h/x?a" },
  { "http://h/a@b", TAKEN },
  { "http://user:geheim@h/x", INVALID_ARGS },
  { "http://user@h/x", INVALID_ARGS },
  { "http://@h/x", INVALID_ARGS },
  { "http://:geheim@h/x", INVALID_ARGS },
  { "http://user:ge/heim@h/x", INVALID_ARGS },
  { "ftp://user:geheim@h/x", INVALID_ARGS },
  { "ftp://h/x", FERRY_ERROR_UNSUPPORTED_SCHEME },
  { "file:///etc/passwd", FERRY_ERROR_UNSUPPORTED_SCHEME },
  { "data:text/plain,x", FERRY_ERROR_UNSUPPORTED_SCHEME },
  { "javascript:x", FERRY_ERROR_UNSUPPORTED_SCHEME },
  { "", INVALID_ARGS },
  { "/x", INVALID_ARGS },
  { "h/x", INVALID_ARGS },
  { "http:", INVALID_ARGS },
  { "http://", INVALID_ARGS },
  { "http:///x", INVALID_ARGS },
  { "http:h/x", INVALID_ARGS },
  { "http://h:99999/x", INVALID_ARGS },
  { "http://h:geheim/x", INVALID_ARGS },
  { "http://h/a b", INVALID_ARGS },
  { " http://h/x", INVALID_ARGS },
  { "http://h/x\r\nHost: evil", INVALID_ARGS },
  { "http://h/x\x7f", INVALID_ARGS },
  { "http://h/\tx", INVALID_ARGS },
  { "http://[::1/x", INVALID_ARGS },
};

static void
test_urls (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (urls); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *kept = ferry_args_check_url (urls[i].url, &error);

      assert_outcome (urls[i].url, kept != NULL, urls[i].outcome, error);
      if (kept != NULL)
        g_assert_cmpstr (kept, ==, urls[i].kept != NULL ? urls[i].kept : urls[i].url);
      if (error != NULL)
        {
          g_assert_true (g_str_has_prefix (error->message, "The URL "));
          g_assert_null (strstr (error->message, "geheim"));
          g_assert_null (strstr (error->message, "heim@"));
        }
      if (urls[i].outcome == FERRY_ERROR_UNSUPPORTED_SCHEME)
        g_assert_true (g_str_has_suffix (error->message, ": http, https."));
      if (strstr (urls[i].url, ":geheim@") != NULL)
        g_assert_nonnull (strstr (error->message, "SetCredentials"));
    }
}

static void
test_long_url (void)
{
  g_autofree char *tail = g_strnfill (FERRY_URL_MAX - strlen ("http://h/"), 'x');
  g_autofree char *longest = g_strconcat ("http://h/", tail, NULL);
  g_autofree char *longer = g_strconcat (longest, "x", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *kept = ferry_args_check_url (longest, &error);

  assert_outcome ("longest", kept != NULL, TAKEN, error);
  g_assert_null (ferry_args_check_url (longer, &error));
  assert_outcome ("longer", FALSE, FERRY_ERROR_STRING_TOO_LONG, error);
}

static const struct
{
  const char *uri;
  int outcome;
} proxies[] = {
  { "", TAKEN },
  { "http://proxy:3128", TAKEN },
  { "https://proxy", TAKEN },
  { "socks5://proxy:1080", TAKEN },
  { "socks4a://proxy", TAKEN },
  { "proxy:3128", FERRY_ERROR_UNSUPPORTED_SCHEME },
  { "ftp://proxy", FERRY_ERROR_UNSUPPORTED_SCHEME },
  { "http://", INVALID_ARGS },
  { "http://user:geheim@proxy", INVALID_ARGS },
};

static void
test_proxies (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (proxies); i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean taken = ferry_args_check_proxy_uri (proxies[i].uri, &error);

      assert_outcome (proxies[i].uri, taken, proxies[i].outcome, error);
      if (error != NULL)
        g_assert_null (strstr (error->message, "geheim"));
    }
}

static const struct
{
  const char *path;
  int outcome;
} paths[] = {
  { "/x", TAKEN },          { "/home/a/b.iso", TAKEN }, { "/a/../b", TAKEN },
  { "/a//b", TAKEN },       { "/a/...", TAKEN },        { "/a/ ", TAKEN },
  { "/a/\n", TAKEN },       { "", INVALID_ARGS },       { "x", INVALID_ARGS },
  { "./x", INVALID_ARGS },  { "~/x", INVALID_ARGS },    { "file:///x", INVALID_ARGS },
  { "/", INVALID_ARGS },    { "/a/", INVALID_ARGS },    { "/a//", INVALID_ARGS },
  { "/a/.", INVALID_ARGS }, { "/a/..", INVALID_ARGS },  { "/..", INVALID_ARGS },
};

static void
test_paths (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean taken = ferry_args_check_path (paths[i].path, &error);

      assert_outcome (paths[i].path, taken, paths[i].outcome, error);
    }
}

static void
test_long_paths (void)
{
  g_autofree char *name = g_strnfill (NAME_MAX, 'x');
  g_autofree char *longest_name = g_strconcat ("/", name, NULL);
  g_autofree char *longer_name = g_strconcat ("/x", name, NULL);
  g_autofree char *longest = g_strnfill (PATH_MAX - 1, '/');
  g_autofree char *longer = g_strnfill (PATH_MAX, '/');
  g_autoptr (GError) error = NULL;

  longest[PATH_MAX - 2] = 'x';
  longer[PATH_MAX - 1] = 'x';
  g_assert_true (ferry_args_check_path (longest_name, &error));
  g_assert_true (ferry_args_check_path (longest, &error));
  g_assert_no_error (error);
  g_assert_false (ferry_args_check_path (longer_name, &error));
  assert_outcome ("longer name", FALSE, FERRY_ERROR_STRING_TOO_LONG, error);
  g_clear_error (&error);
  g_assert_false (ferry_args_check_path (longer, &error));
  assert_outcome ("longer path", FALSE, FERRY_ERROR_STRING_TOO_LONG, error);
}

static const struct
{
  const char *line;
  int readable; /* outcome in RequestHeaders */
  int secret;   /* outcome in SetCustomHeaders */
} headers[] = {
  { "User-Agent: x", TAKEN, TAKEN },
  { "Accept: a, b;q=0.5", TAKEN, TAKEN },
  { "X-Empty:", TAKEN, TAKEN },
  { "X: a\tb", TAKEN, TAKEN },
  { "X: \xc3\xa4", TAKEN, TAKEN },
  { "x.!#$%&'*+-^_`|~9: y", TAKEN, TAKEN },
  { "Referer: http://h/a:b", TAKEN, TAKEN },
  { "Authorization: Bearer geheim", INVALID_ARGS, TAKEN },
  { "authorization: Bearer geheim", INVALID_ARGS, TAKEN },
  { "Proxy-Authorization: Basic geheim", INVALID_ARGS, TAKEN },
  { "COOKIE: geheim=1", INVALID_ARGS, TAKEN },
  { "Host: geheim", INVALID_ARGS, INVALID_ARGS },
  { "hOST: geheim", INVALID_ARGS, INVALID_ARGS },
  { "Range: bytes=0-", INVALID_ARGS, INVALID_ARGS },
  { "If-Range: x", INVALID_ARGS, INVALID_ARGS },
  { "If-Anything: x", INVALID_ARGS, INVALID_ARGS },
  { "Content-Length: 5", INVALID_ARGS, INVALID_ARGS },
  { "Content-Range: x", INVALID_ARGS, INVALID_ARGS },
  { "Content-Encoding: gzip", INVALID_ARGS, INVALID_ARGS },
  { "Transfer-Encoding: chunked", INVALID_ARGS, INVALID_ARGS },
  { "Connection: close", INVALID_ARGS, INVALID_ARGS },
  { "TE: trailers", INVALID_ARGS, INVALID_ARGS },
  { "Upgrade: h2c", INVALID_ARGS, INVALID_ARGS },
  { "Expect: 100-continue", INVALID_ARGS, INVALID_ARGS },
  { "Accept-Encoding: gzip", INVALID_ARGS, INVALID_ARGS },
  { "Teapot: x", TAKEN, TAKEN },
  { "", INVALID_ARGS, INVALID_ARGS },
  { "geheim", INVALID_ARGS, INVALID_ARGS },
  { ": geheim", INVALID_ARGS, INVALID_ARGS },
  { "Host : geheim", INVALID_ARGS, INVALID_ARGS },
  { " X: geheim", INVALID_ARGS, INVALID_ARGS },
  { "X Y: geheim", INVALID_ARGS, INVALID_ARGS },
  { "X\r\nHost: geheim", INVALID_ARGS, INVALID_ARGS },
  { "X: geheim\r\nHost: evil", INVALID_ARGS, INVALID_ARGS },
  { "X: geheim\nHost: evil", INVALID_ARGS, INVALID_ARGS },
  { "X: geheim\r", INVALID_ARGS, INVALID_ARGS },
  { "X: geheim\x01", INVALID_ARGS, INVALID_ARGS },
  { "X\xc3\xa4: geheim", INVALID_ARGS, INVALID_ARGS },
};

static void
test_headers (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      const char *const list[] = { "X-First: 1", headers[i].line, NULL };

      for (int secret = FALSE; secret <= TRUE; secret++)
        {
          g_autoptr (GError) error = NULL;
          gboolean taken = ferry_args_check_headers ("headers", list, secret, &error);

          assert_outcome (headers[i].line, taken, secret ? headers[i].secret : headers[i].readable,
                          error);
          if (error != NULL)
            g_assert_null (strstr (error->message, "geheim"));
          if (headers[i].readable != headers[i].secret && !secret)
            g_assert_nonnull (strstr (error->message, "SetCustomHeaders"));
        }
    }
}

static void
test_many_headers (void)
{
  g_autofree char *value = g_strnfill (1000, 'v');
  g_autofree char *line = g_strconcat ("X: ", value, NULL);
  g_autoptr (GPtrArray) list = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  /* Each with its line end counts 1005 bytes. */
  for (gsize i = 0; i < FERRY_HEADERS_MAX / 1005; i++)
    g_ptr_array_add (list, line);
  g_ptr_array_add (list, NULL);
  g_assert_true (ferry_args_check_headers ("h", (const char *const *) list->pdata, TRUE, &error));
  g_assert_no_error (error);

  list->pdata[list->len - 1] = line;
  g_ptr_array_add (list, NULL);
  g_assert_false (ferry_args_check_headers ("h", (const char *const *) list->pdata, TRUE, &error));
  assert_outcome ("too many", FALSE, FERRY_ERROR_STRING_TOO_LONG, error);
}

#define HEX64 "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"

static const struct
{
  const char *digest;
  const char *kept; /* NULL: refused */
} digests[] = {
  { "sha256:" HEX64, "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
  { "SHA256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
  { "sha512:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "sha512:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
  { "sha512:" HEX64, NULL },
  { "sha256:" HEX64 "0", NULL },
  { "sha256:" HEX64 HEX64, NULL },
  { "sha256:", NULL },
  { "sha256", NULL },
  { "sha256:x123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", NULL },
  { "sha256 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", NULL },
  { "md5:0123456789abcdef0123456789abcdef", NULL },
  { "sha1:0123456789abcdef0123456789abcdef01234567", NULL },
  { HEX64, NULL },
  { "", NULL },
};

static void
test_digests (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (digests); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *kept = ferry_args_check_digest ("Digest", digests[i].digest, &error);

      assert_outcome (digests[i].digest, kept != NULL,
                      digests[i].kept != NULL ? TAKEN : INVALID_ARGS, error);
      g_assert_cmpstr (kept, ==, digests[i].kept);
    }
}

static const struct
{
  const char *ranges; /* GVariant text of a(tt) */
  int outcome;
  guint n;
} range_lists[] = {
  { "@a(tt) []", TAKEN, 0 },
  { "@a(tt) [(0, 1)]", TAKEN, 1 },
  { "@a(tt) [(0, 18446744073709551615)]", TAKEN, 1 },
  { "@a(tt) [(10, 10), (0, 10), (20, 18446744073709551615)]", TAKEN, 3 },
  { "@a(tt) [(18446744073709551613, 1)]", TAKEN, 1 },
  { "@a(tt) [(0, 0)]", FERRY_ERROR_INVALID_RANGE, 0 },
  { "@a(tt) [(5, 1), (0, 0)]", FERRY_ERROR_INVALID_RANGE, 0 },
  { "@a(tt) [(18446744073709551615, 1)]", FERRY_ERROR_INVALID_RANGE, 0 },
  { "@a(tt) [(18446744073709551614, 1)]", FERRY_ERROR_INVALID_RANGE, 0 },
  { "@a(tt) [(1, 18446744073709551614)]", FERRY_ERROR_INVALID_RANGE, 0 },
  { "@a(tt) [(0, 10), (9, 1)]", FERRY_ERROR_OVERLAPPING_RANGES, 0 },
  { "@a(tt) [(0, 10), (0, 10)]", FERRY_ERROR_OVERLAPPING_RANGES, 0 },
  { "@a(tt) [(30, 5), (0, 31)]", FERRY_ERROR_OVERLAPPING_RANGES, 0 },
  { "@a(tt) [(0, 18446744073709551615), (100, 1)]", FERRY_ERROR_OVERLAPPING_RANGES, 0 },
  { "@a(tt) [(50, 1), (0, 18446744073709551615)]", FERRY_ERROR_OVERLAPPING_RANGES, 0 },
};

static void
test_ranges (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (range_lists); i++)
    {
      g_autoptr (GVariant)
          variant = g_variant_parse (NULL, range_lists[i].ranges, NULL, NULL, NULL);
      g_autoptr (GArray) ranges = NULL;
      g_autoptr (GError) error = NULL;
      gboolean taken = ferry_args_check_ranges (variant, &ranges, &error);

      assert_outcome (range_lists[i].ranges, taken, range_lists[i].outcome, error);
      g_assert_cmpuint (ranges != NULL ? ranges->len : 0, ==, range_lists[i].n);
      if (ranges != NULL)
        {
          g_autoptr (GVariant) first = g_variant_get_child_value (variant, 0);
          guint64 offset;

          /* The order is the caller's: it is that of the bytes in the file. */
          g_variant_get (first, "(tt)", &offset, NULL);
          g_assert_cmpuint (g_array_index (ranges, FerryRange, 0).offset, ==, offset);
        }
    }
}

static const struct
{
  const char *options;
  int outcome;
} file_options[] = {
  { "@a{sv} {}", TAKEN },
  { "{'Size': <5>, 'Replace': <true>, 'Mode': <byte 7>, 'Ranges': <[(0, 5)]>}", TAKEN },
  { "{'Digest': <'sha256:" HEX64 "'>}", TAKEN },
  { "{'Mode': <511>}", TAKEN },
  { "{'Mode': <512>}", INVALID_ARGS },
  { "{'Mode': <2541>}", INVALID_ARGS },
  { "{'Mode': <-1>}", INVALID_ARGS },
  { "{'Mode': <'0644'>}", INVALID_ARGS },
  { "{'Size': <-5>}", INVALID_ARGS },
  { "{'Replace': <1>}", INVALID_ARGS },
  { "{'Replce': <true>}", INVALID_ARGS },
  { "{'Digest': <'md5:x'>}", INVALID_ARGS },
  { "{'Ranges': <[(0, 0)]>}", FERRY_ERROR_INVALID_RANGE },
  { "{'Ranges': <'0-5'>}", INVALID_ARGS },
};

static void
test_files (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (file_options); i++)
    {
      g_autoptr (GVariant)
          options = g_variant_parse (NULL, file_options[i].options, NULL, NULL, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (FerryFile)
          file = ferry_args_parse_file ("http://h/x#y", "/tmp/x", options, &error);

      assert_outcome (file_options[i].options, file != NULL, file_options[i].outcome, error);
      if (file != NULL)
        {
          g_assert_cmpstr (file->remote_url, ==, "http://h/x");
          g_assert_cmpstr (file->local_path, ==, "/tmp/x");
        }
    }
}

static void
test_file_values (void)
{
  g_autoptr (GVariant) none = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  g_autoptr (GVariant) all = g_variant_parse (
      NULL, "{'Size': <5>, 'Replace': <true>, 'Mode': <416>, 'Ranges': <[(9, 5)]>}", NULL, NULL,
      NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryFile) plain = ferry_args_parse_file ("http://h/x", "/tmp/x", none, &error);
  g_autoptr (FerryFile) file = ferry_args_parse_file ("http://h/x", "/tmp/x", all, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (plain->mode, ==, 0644);
  g_assert_cmpuint (plain->expected_size, ==, FERRY_SIZE_UNKNOWN);
  g_assert_false (plain->replace);
  g_assert_null (plain->ranges);
  g_assert_null (plain->digest);
  g_assert_cmpuint (file->mode, ==, 0640);
  g_assert_cmpuint (file->expected_size, ==, 5);
  g_assert_true (file->replace);
  g_assert_cmpuint (file->ranges->len, ==, 1);

  g_assert_null (ferry_args_parse_file ("x://h/x", "/tmp/x", none, &error));
  g_clear_error (&error);
  g_assert_null (ferry_args_parse_file ("http://h/x", "tmp/x", none, &error));
  assert_outcome ("relative path", FALSE, INVALID_ARGS, error);
}

static void
test_length (void)
{
  g_autoptr (GError) error = NULL;

  /* Characters, not bytes. */
  g_assert_true (ferry_args_check_length ("N", "\xc3\xa4\xc3\xa4", 2, &error));
  g_assert_no_error (error);
  g_assert_false (ferry_args_check_length ("N", "abc", 2, &error));
  assert_outcome ("abc", FALSE, FERRY_ERROR_STRING_TOO_LONG, error);
}

static void
test_bypass (void)
{
  const char *const good[] = { "localhost", "*.example.org", "10.0.0.0/8", "[::1]:80", NULL };
  const char *const empty[] = { "localhost", "", NULL };
  const char *const space[] = { "a b", NULL };
  g_autofree char *big = g_strnfill (FERRY_BYPASS_MAX, 'x');
  const char *const large[] = { big, NULL };
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_args_check_bypass ("ProxyBypass", good, &error));
  g_assert_no_error (error);
  g_assert_false (ferry_args_check_bypass ("ProxyBypass", empty, &error));
  g_clear_error (&error);
  g_assert_false (ferry_args_check_bypass ("ProxyBypass", space, &error));
  assert_outcome ("space", FALSE, INVALID_ARGS, error);
  g_clear_error (&error);
  g_assert_false (ferry_args_check_bypass ("ProxyBypass", large, &error));
  assert_outcome ("large", FALSE, FERRY_ERROR_STRING_TOO_LONG, error);
}

/* Bytes at random: whatever a variant may hold, it is taken or refused, with an error that can be sent. */
static void
test_random (void)
{
  static const char *const keys[] = { "Ranges", "Digest", "Size", "Replace", "Mode", "X" };
  guint refused = 0;

  for (guint i = 0; i < 5000; i++)
    {
      guint8 noise[64];
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GVariant) options = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (FerryFile) file = NULL;
      g_autofree char *url = NULL;
      GVariantBuilder builder;

      for (guint j = 0; j < sizeof noise; j++)
        noise[j] = (guint8) g_test_rand_int_range (0, 256);
      bytes = g_bytes_new (noise, g_test_rand_int_range (0, sizeof noise));
      value = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_VARIANT, bytes, FALSE));
      options = g_variant_get_variant (value);
      g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
      g_variant_builder_add (&builder, "{sv}", keys[g_test_rand_int_range (0, G_N_ELEMENTS (keys))],
                             options);
      g_variant_unref (g_steal_pointer (&options));
      options = g_variant_ref_sink (g_variant_builder_end (&builder));

      noise[sizeof noise - 1] = '\0';
      url = g_utf8_make_valid ((const char *) noise, -1);
      file = ferry_args_parse_file (i % 2 == 0 ? "http://h/x" : url, "/tmp/x", options, &error);
      g_assert_cmpint (file != NULL, ==, error == NULL);
      if (error != NULL)
        {
          g_assert_true (g_utf8_validate (error->message, -1, NULL));
          g_assert_cmpuint (strlen (error->message), <, 1000);
          refused++;
        }
    }
  g_assert_cmpuint (refused, >, 2500);
}

/* Nothing of how to fetch fits what is sent. */
static void
test_sources (void)
{
  static const char *const options[] = { "{'Ranges': <@a(tt) []>}", "{'Digest': <'x'>}",
                                         "{'Size': <5>}", "{'Replace': <true>}",
                                         "{'Mode': <384>}" };
  g_autoptr (GVariant) none = g_variant_ref_sink (g_variant_new_parsed ("@a{sv} {}"));
  g_autoptr (GVariant) strange = g_variant_ref_sink (g_variant_new_parsed ("{'Size2': <5>}"));
  g_autoptr (GVariant) mode = g_variant_ref_sink (g_variant_new_parsed ("{'Mode': <384>}"));
  g_autoptr (FerryFile) file = ferry_args_parse_source ("http://h/x#y", "/x", none, FALSE, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (file->remote_url, ==, "http://h/x");
  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (GVariant) dict = g_variant_ref_sink (g_variant_new_parsed (options[i]));

      g_assert_null (ferry_args_parse_source ("http://h/x", "/x", dict, FALSE, &error));
      assert_outcome (options[i], FALSE, INVALID_ARGS, error);
      g_assert_nonnull (strstr (error->message, "is for downloads"));
      g_clear_error (&error);
    }
  g_clear_pointer (&file, ferry_file_free);
  file = ferry_args_parse_source ("http://h/x", "/x", mode, TRUE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (file->mode, ==, 0600);
  g_assert_null (ferry_args_parse_source ("http://h/x", "/x", strange, TRUE, &error));
  assert_outcome ("Size2", FALSE, INVALID_ARGS, error);
  g_assert_nonnull (strstr (error->message, "not known"));
  g_clear_error (&error);
  g_assert_null (ferry_args_parse_source ("http://u:p@h/x", "/x", none, TRUE, &error));
  assert_outcome ("userinfo", FALSE, INVALID_ARGS, error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/args/urls", test_urls);
  g_test_add_func ("/args/long-url", test_long_url);
  g_test_add_func ("/args/proxies", test_proxies);
  g_test_add_func ("/args/paths", test_paths);
  g_test_add_func ("/args/long-paths", test_long_paths);
  g_test_add_func ("/args/headers", test_headers);
  g_test_add_func ("/args/many-headers", test_many_headers);
  g_test_add_func ("/args/digests", test_digests);
  g_test_add_func ("/args/ranges", test_ranges);
  g_test_add_func ("/args/files", test_files);
  g_test_add_func ("/args/file-values", test_file_values);
  g_test_add_func ("/args/length", test_length);
  g_test_add_func ("/args/bypass", test_bypass);
  g_test_add_func ("/args/random", test_random);
  g_test_add_func ("/args/sources", test_sources);
  return g_test_run ();
}
