/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Not by libproxy, which knows no https, and does not say what went wrong. */

#include "proxy-script.h"

#include "ferry-config.h"
#include "ferry-error.h"

#include <libsoup/soup.h>
#include <string.h>

#define WPAD_ADDRESS "http://wpad/wpad.dat"

G_GNUC_PRINTF (2, 3)
static void
set_error (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_propagate_error (error, g_error_new_valist (FERRY_ERROR, FERRY_ERROR_CONNECT_FAILED, format,
                                                arguments));
  va_end (arguments);
}

/* Returns: (transfer full) (nullable): all that @stream has */
static char *
read_all (GInputStream *stream, const char *place, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) local_error = NULL;
  guint8 block[16 * 1024];
  gssize got;

  while ((got = g_input_stream_read (stream, block, sizeof block, NULL, &local_error)) > 0)
    {
      g_byte_array_append (bytes, block, got);
      if (bytes->len > PROXY_SCRIPT_MAX)
        {
          set_error (error, "%s is longer than %d bytes", place, PROXY_SCRIPT_MAX);
          return NULL;
        }
    }
  if (local_error != NULL)
    {
      set_error (error, "%s cannot be read: %s", place, local_error->message);
      return NULL;
    }
  if (bytes->len == 0)
    {
      set_error (error, "%s is empty", place);
      return NULL;
    }
  /* Old ones are in Latin-1. */
  if (!g_utf8_validate ((const char *) bytes->data, bytes->len, NULL))
    return g_convert ((const char *) bytes->data, bytes->len, "UTF-8", "ISO-8859-1", NULL, NULL,
                      NULL);
  return g_strndup ((const char *) bytes->data, bytes->len);
}

static void
explain (const GError *cause, const char *place, GError **error)
{
  const char *colon = g_strrstr (cause->message, ": ");

  if (cause->domain == G_RESOLVER_ERROR)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_RESOLVE_FAILED,
                 "%s is not found: its name does not resolve", place);
  else
    set_error (error, "%s is not reached: %s", place, colon != NULL ? colon + 2 : cause->message);
}

/* Returns: whether there is just no script in this network, as most have none. Servers of names that are asked for one without
 * a domain may call that a failure of theirs; browsers do not mind it either. */
static gboolean
is_absent (SoupMessage *message, const GError *error)
{
  if (error == NULL)
    return soup_message_get_status (message) == SOUP_STATUS_NOT_FOUND;
  return g_error_matches (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND) ||
         g_error_matches (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_TEMPORARY_FAILURE);
}

static char *
load_http (GUri *uri, gboolean wpad, const char *place, GError **error)
{
  g_autoptr (GProxyResolver) direct = g_simple_proxy_resolver_new (NULL, NULL);
  g_autoptr (SoupSession)
      session = soup_session_new_with_options ("proxy-resolver", direct, "timeout",
                                               PROXY_SCRIPT_SILENCE, "user-agent",
                                               "ferry/" FERRY_VERSION, NULL);
  g_autoptr (SoupMessage) message = soup_message_new_from_uri (SOUP_METHOD_GET, uri);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GInputStream) stream = soup_session_send (session, message, NULL, &local_error);

  if (wpad && is_absent (message, local_error))
    return g_strdup ("");
  if (stream == NULL)
    {
      explain (local_error, place, error);
      return NULL;
    }
  if (soup_message_get_status (message) != SOUP_STATUS_OK)
    {
      set_error (error, "%s answered %u %s", place, soup_message_get_status (message),
                 soup_message_get_reason_phrase (message));
      return NULL;
    }
  return read_all (stream, place, error);
}

static char *
load_file (const char *address, const char *place, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_uri (address);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GInputStream) stream = G_INPUT_STREAM (g_file_read (file, NULL, &local_error));

  if (stream == NULL)
    {
      set_error (error, "%s cannot be read: %s", place, local_error->message);
      return NULL;
    }
  return read_all (stream, place, error);
}

char *
proxy_script_load (const char *address, char **place, GError **error)
{
  const gboolean wpad = *address == '\0';
  g_autoptr (GUri) uri = g_uri_parse (wpad ? WPAD_ADDRESS : address, SOUP_HTTP_URI_FLAGS, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme (uri) : "";

  if (g_str_equal (scheme, "file"))
    {
      *place = g_strdup ("The proxy auto-configuration in a file");
      return load_file (address, *place, error);
    }
  if ((g_str_equal (scheme, "http") || g_str_equal (scheme, "https")) &&
      g_uri_get_host (uri) != NULL && *g_uri_get_host (uri) != '\0')
    {
      *place = g_strdup_printf ("The proxy auto-configuration at %s", g_uri_get_host (uri));
      return load_http (uri, wpad, *place, error);
    }
  *place = g_strdup ("The proxy auto-configuration");
  set_error (error, "%s has an address that is none of http, https or file", *place);
  return NULL;
}
