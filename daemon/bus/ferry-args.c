/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-args.h"

#include <limits.h>

#include "ferry-method.h"
#include "ferry-options.h"
#include "ferry-text.h"

#define URI_FLAGS                                                                                  \
  (G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED_PATH | G_URI_FLAGS_ENCODED_QUERY |               \
   G_URI_FLAGS_ENCODED_FRAGMENT | G_URI_FLAGS_SCHEME_NORMALIZE)

/* Bytes of a stranger's word in an error text. */
#define SHOWN_MAX 64

/* Bytes of a SHA-256. */
#define PIN_SIZE 32

G_GNUC_PRINTF (2, 3)
static gboolean
refuse (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error != NULL)
    *error = g_error_new_valist (G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, format, args);
  va_end (args);
  return FALSE;
}

gboolean
ferry_args_check_length (const char *name, const char *text, glong max, GError **error)
{
  glong length = g_utf8_strlen (text, -1);

  if (length <= max)
    return TRUE;

  g_set_error (error, FERRY_ERROR, FERRY_ERROR_STRING_TOO_LONG,
               "\"%s\" has %ld characters, and at most %ld are allowed.", name, length, max);
  return FALSE;
}

static gboolean
check_bytes (const char *what, gsize length, gsize max, GError **error)
{
  if (length <= max)
    return TRUE;

  g_set_error (error, FERRY_ERROR, FERRY_ERROR_STRING_TOO_LONG,
               "%s has %" G_GSIZE_FORMAT " bytes, and at most %" G_GSIZE_FORMAT " are allowed.",
               what, length, max);
  return FALSE;
}

static gboolean
has_control (const char *text, gboolean space_too)
{
  for (const char *p = text; *p != '\0'; p++)
    {
      if ((guchar) *p < 0x20 || *p == 0x7f || (space_too && *p == ' '))
        return TRUE;
    }

  return FALSE;
}

/* GLib's own texts about a bad URI quote parts of it, which may be parts of a password. */
static GUri *
parse_uri (const char *what, const char *text, const char *const *schemes, GError **error)
{
  g_autoptr (GUri) uri = NULL;
  g_autofree char *scheme = NULL;

  if (!check_bytes (what, strlen (text), FERRY_URL_MAX, error))
    return NULL;
  if (has_control (text, TRUE))
    {
      refuse (error, "%s holds a space or a control character; write it as %%20 and the like.",
              what);
      return NULL;
    }

  uri = g_uri_parse (text, URI_FLAGS, NULL);
  scheme = uri != NULL ? g_strdup (g_uri_get_scheme (uri)) : g_uri_parse_scheme (text);
  if (uri != NULL && g_uri_get_userinfo (uri) != NULL)
    {
      refuse (error,
              "%s holds a user name or password before the \"@\"; give it with SetCredentials.",
              what);
      return NULL;
    }
  if (scheme != NULL && !g_strv_contains (schemes, scheme))
    {
      g_autofree char *shown = ferry_text_clean (scheme, SHOWN_MAX);
      g_autofree char *known = g_strjoinv (", ", (char **) schemes);

      g_set_error (error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED_SCHEME,
                   "%s has the scheme \"%s\", and only these can be used: %s.", what, shown, known);
      return NULL;
    }
  if (uri == NULL || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0')
    {
      refuse (error, "%s is not an absolute URL with a host.", what);
      return NULL;
    }

  return g_steal_pointer (&uri);
}

char *
ferry_args_check_url (const char *url, GError **error)
{
  static const char *const schemes[] = { "http", "https", NULL };
  g_autoptr (GUri) uri = parse_uri ("The URL", url, schemes, error);

  if (uri == NULL)
    return NULL;

  /* The text as it came otherwise: to normalise it is to ask the server for something else. */
  return g_strndup (url, strcspn (url, "#"));
}

gboolean
ferry_args_check_proxy_uri (const char *uri_text, GError **error)
{
  static const char *const schemes[] = { "http",    "https",  "socks", "socks4",
                                         "socks4a", "socks5", NULL };
  g_autoptr (GUri) uri = NULL;

  if (*uri_text == '\0')
    return TRUE;

  uri = parse_uri ("\"ProxyUri\"", uri_text, schemes, error);
  return uri != NULL;
}

gboolean
ferry_args_check_path (const char *path, GError **error)
{
  gsize length = strlen (path);
  const char *last = strrchr (path, '/');

  if (*path != '/')
    return refuse (error, "The path must be absolute, and begin with \"/\".");
  if (!check_bytes ("The path", length, PATH_MAX - 1, error))
    return FALSE;

  last++;
  if (*last == '\0')
    return refuse (error, "The path ends in \"/\", and that of a file is wanted.");
  if (g_str_equal (last, ".") || g_str_equal (last, ".."))
    return refuse (error, "The path ends in \"%s\", and that of a file is wanted.", last);

  return check_bytes ("The name of the file", strlen (last), NAME_MAX, error);
}

/* Whether the header belongs to the transfer itself: set by a caller it would break ranges, framing or routing. */
static gboolean
is_reserved (const char *header)
{
  static const char *const reserved[] = { "host",
                                          "range",
                                          "content-length",
                                          "content-range",
                                          "content-encoding",
                                          "transfer-encoding",
                                          "connection",
                                          "te",
                                          "upgrade",
                                          "expect",
                                          "accept-encoding",
                                          NULL };
  g_autofree char *lower = g_ascii_strdown (header, -1);

  return g_str_has_prefix (lower, "if-") || g_strv_contains (reserved, lower);
}

static gboolean
is_secret (const char *header)
{
  static const char *const secret[] = { "authorization", "proxy-authorization", "cookie", NULL };
  g_autofree char *lower = g_ascii_strdown (header, -1);

  return g_strv_contains (secret, lower);
}

static gboolean
check_header (const char *name, const char *line, gboolean secret, GError **error)
{
  const char *colon = strchr (line, ':');
  g_autofree char *header = NULL;

  if (colon == NULL || !ferry_method_is_token (line, colon - line))
    return refuse (error, "An entry of \"%s\" is not of the form \"Name: value\".", name);

  header = g_strndup (line, MIN (colon - line, SHOWN_MAX));
  for (const char *p = colon; *p != '\0'; p++)
    {
      if (((guchar) *p < 0x20 && *p != '\t') || *p == 0x7f)
        return refuse (error, "The value of %s in \"%s\" holds a control character.", header, name);
    }
  if (is_reserved (header))
    return refuse (error, "%s in \"%s\" is set by the service itself and cannot be given.", header,
                   name);
  if (!secret && is_secret (header))
    return refuse (error,
                   "%s does not belong in \"%s\", which is stored; give it with SetCustomHeaders.",
                   header, name);

  return TRUE;
}

gboolean
ferry_args_check_headers (const char *name, const char *const *headers, gboolean secret,
                          GError **error)
{
  g_autofree char *what = NULL;
  gsize total = 0;

  for (gsize i = 0; headers[i] != NULL; i++)
    {
      if (!check_header (name, headers[i], secret, error))
        return FALSE;
      total += strlen (headers[i]) + 2;
    }

  what = g_strdup_printf ("\"%s\"", name);
  return check_bytes (what, total, FERRY_HEADERS_MAX, error);
}

gboolean
ferry_args_check_bypass (const char *name, const char *const *entries, GError **error)
{
  g_autofree char *what = NULL;
  gsize total = 0;

  for (gsize i = 0; entries[i] != NULL; i++)
    {
      if (*entries[i] == '\0' || has_control (entries[i], TRUE))
        return refuse (error, "An entry of \"%s\" is empty or holds a space or control character.",
                       name);
      total += strlen (entries[i]) + 1;
    }

  what = g_strdup_printf ("\"%s\"", name);
  return check_bytes (what, total, FERRY_BYPASS_MAX, error);
}

gboolean
ferry_args_check_method (const char *name, const char *method, GError **error)
{
  static const char *const refused[] = { "HEAD", "CONNECT", "TRACE", NULL };
  gsize length = strlen (method);

  if (length > FERRY_METHOD_MAX)
    return refuse (error, "\"%s\" has %" G_GSIZE_FORMAT " characters, and at most %d are allowed.",
                   name, length, FERRY_METHOD_MAX);
  if (!ferry_method_is_token (method, length))
    {
      g_autofree char *shown = ferry_text_clean (method, SHOWN_MAX);

      return refuse (error,
                     "\"%s\" was given as \"%s\", and a method is wanted: letters, digits and "
                     "!#$%%&'*+-.^_`|~ only.",
                     name, shown);
    }
  if (g_strv_contains (refused, method))
    return refuse (error, "\"%s\" was given as \"%s\", a method that brings no file.", name,
                   method);
  return TRUE;
}

char *
ferry_args_check_digest (const char *name, const char *digest, GError **error)
{
  const char *colon = strchr (digest, ':');
  g_autofree char *lower = NULL;
  gsize wanted = 0;

  if (g_ascii_strncasecmp (digest, "sha256:", 7) == 0)
    wanted = 64;
  else if (g_ascii_strncasecmp (digest, "sha512:", 7) == 0)
    wanted = 128;
  if (wanted == 0 || strlen (colon + 1) != wanted ||
      strspn (colon + 1, "0123456789abcdefABCDEF") != wanted)
    {
      refuse (error, "\"%s\" must be \"sha256:\" and 64 or \"sha512:\" and 128 hexadecimal digits.",
              name);
      return NULL;
    }

  lower = g_ascii_strdown (digest, -1);
  return g_steal_pointer (&lower);
}

/* curl's form is base64 of the same digest. Returns: (transfer full) (nullable) */
static char *
read_pin (const char *pin)
{
  g_autofree guchar *digest = NULL;
  g_autofree char *hex = NULL;
  gsize size;

  if (!g_str_has_prefix (pin, "sha256//"))
    return g_str_has_prefix (pin, "sha256:") ? ferry_args_check_digest ("", pin, NULL) : NULL;

  digest = g_base64_decode (pin + strlen ("sha256//"), &size);
  if (size != PIN_SIZE)
    return NULL;
  hex = ferry_text_new_hex (digest, size);
  return g_strconcat ("sha256:", hex, NULL);
}

char **
ferry_args_check_pins (const char *name, const char *const *pins, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; pins[i] != NULL; i++)
    {
      g_autofree char *pin = read_pin (pins[i]);

      if (i == FERRY_PINS_MAX)
        {
          g_set_error (error, FERRY_ERROR, FERRY_ERROR_STRING_TOO_LONG,
                       "\"%s\" has more than %d entries.", name, FERRY_PINS_MAX);
          return NULL;
        }
      if (pin == NULL)
        {
          g_autofree char *shown = ferry_text_clean (pins[i], SHOWN_MAX);

          refuse (error,
                  "\"%s\" has the entry \"%s\", and \"sha256:\" and 64 hexadecimal digits, or "
                  "\"sha256//\" and base64, are wanted.",
                  name, shown);
          return NULL;
        }
      g_strv_builder_add (builder, pin);
    }

  return g_strv_builder_end (builder);
}

static gint
compare_ranges (gconstpointer a, gconstpointer b)
{
  const FerryRange *left = a;
  const FerryRange *right = b;

  return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static gboolean
check_overlap (GArray *ranges, GError **error)
{
  g_autoptr (GArray) sorted = g_array_copy (ranges);

  g_array_sort (sorted, compare_ranges);
  for (guint i = 1; i < sorted->len; i++)
    {
      const FerryRange *before = &g_array_index (sorted, FerryRange, i - 1);
      const FerryRange *range = &g_array_index (sorted, FerryRange, i);

      if (before->length == FERRY_SIZE_UNKNOWN || before->offset + before->length > range->offset)
        {
          g_set_error (error, FERRY_ERROR, FERRY_ERROR_OVERLAPPING_RANGES,
                       "The ranges at %" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT " overlap.",
                       before->offset, range->offset);
          return FALSE;
        }
    }

  return TRUE;
}

gboolean
ferry_args_check_ranges (GVariant *variant, GArray **out, GError **error)
{
  g_autoptr (GArray) ranges = g_array_new (FALSE, FALSE, sizeof (FerryRange));
  GVariantIter iter;
  FerryRange range;

  *out = NULL;
  g_variant_iter_init (&iter, variant);
  while (g_variant_iter_next (&iter, "(tt)", &range.offset, &range.length))
    {
      /* The end must be a number too, and 2^64-1 means "unknown". */
      if (range.length == 0 || range.offset == FERRY_SIZE_UNKNOWN ||
          (range.length != FERRY_SIZE_UNKNOWN &&
           range.length > FERRY_SIZE_UNKNOWN - 1 - range.offset))
        {
          g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_RANGE,
                       "The range at %" G_GUINT64_FORMAT " of length %" G_GUINT64_FORMAT
                       " is empty or ends beyond the largest size.",
                       range.offset, range.length);
          return FALSE;
        }
      g_array_append_val (ranges, range);
    }
  if (!check_overlap (ranges, error))
    return FALSE;

  if (ranges->len > 0)
    *out = g_steal_pointer (&ranges);
  return TRUE;
}

static gboolean
check_mode (FerryFile *file, GVariant *mode, GError **error)
{
  file->mode = mode != NULL ? g_variant_get_uint32 (mode) : FERRY_MODE_DEFAULT;
  return file->mode <= FERRY_MODE_MAX ||
         refuse (error, "\"Mode\" is %04o (octal), and at most %04o is allowed.", file->mode,
                 FERRY_MODE_MAX);
}

/* Takes the options that are there over into @file. */
static gboolean
parse_file_options (FerryFile *file, FerryOptions *options, GError **error)
{
  g_autoptr (GVariant) ranges = NULL;
  g_autoptr (GVariant) digest = NULL;
  g_autoptr (GVariant) size = NULL;
  g_autoptr (GVariant) replace = NULL;
  g_autoptr (GVariant) mode = NULL;

  if (!ferry_options_take_converted (options, "Ranges", "a(tt)", &ranges, error) ||
      !ferry_options_take_converted (options, "Digest", "s", &digest, error) ||
      !ferry_options_take_converted (options, "Size", "t", &size, error) ||
      !ferry_options_take_converted (options, "Replace", "b", &replace, error) ||
      !ferry_options_take_converted (options, "Mode", "u", &mode, error) ||
      !ferry_options_finish (options, error))
    return FALSE;

  if (ranges != NULL && !ferry_args_check_ranges (ranges, &file->ranges, error))
    return FALSE;
  if (digest != NULL)
    {
      file->digest = ferry_args_check_digest ("Digest", g_variant_get_string (digest, NULL), error);
      if (file->digest == NULL)
        return FALSE;
    }
  if (size != NULL)
    file->expected_size = g_variant_get_uint64 (size);
  if (replace != NULL)
    file->replace = g_variant_get_boolean (replace);
  return check_mode (file, mode, error);
}

/* Most options say how to fetch. */
static gboolean
refuse_file_options (FerryFile *file, FerryOptions *options, GError **error)
{
  static const char *const keys[] = { "Ranges", "Digest", "Size", "Replace", "Mode" };

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (GVariant) value = ferry_options_take (options, keys[i]);

      if (value != NULL)
        return refuse (error, "\"%s\" is for downloads, and the job is an upload.", keys[i]);
    }

  return ferry_options_finish (options, error);
}

/* What becomes a file here is the reply: its permissions are its owner's choice. */
static gboolean
parse_reply_options (FerryFile *file, FerryOptions *options, GError **error)
{
  g_autoptr (GVariant) mode = NULL;

  return ferry_options_take_converted (options, "Mode", "u", &mode, error) &&
         check_mode (file, mode, error) && refuse_file_options (file, options, error);
}

static FerryFile *
parse_file (const char *remote_url, const char *local_path, GVariant *dict,
            gboolean (*parse) (FerryFile *, FerryOptions *, GError **), GError **error)
{
  g_autofree char *url = ferry_args_check_url (remote_url, error);
  g_autoptr (FerryOptions) options = NULL;
  g_autoptr (FerryFile) file = NULL;

  if (url == NULL || !ferry_args_check_path (local_path, error))
    return NULL;
  options = ferry_options_new (dict, error);
  if (options == NULL)
    return NULL;

  file = ferry_file_new (url, local_path);
  if (!parse (file, options, error))
    return NULL;

  return g_steal_pointer (&file);
}

FerryFile *
ferry_args_parse_file (const char *remote_url, const char *local_path, GVariant *options,
                       GError **error)
{
  return parse_file (remote_url, local_path, options, parse_file_options, error);
}

FerryFile *
ferry_args_parse_source (const char *remote_url, const char *local_path, GVariant *options,
                         gboolean has_reply, GError **error)
{
  return parse_file (remote_url, local_path, options,
                     has_reply ? parse_reply_options : refuse_file_options, error);
}
