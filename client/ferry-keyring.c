/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-keyring.h"

#include "ferry-error.h"
#include "ferry-login-match.h"
#include "ferry-text.h"
#include "ferry-uri.h"

/* An attribute of ours: tells what we may remove from what is not ours to remove. */
#define MARK       "saved-by"
#define MARK_VALUE "ferry"

/* GNOME's own (SECRET_SCHEMA_COMPAT_NETWORK) and our mark, which others need not know: they find the item by what they
 * have. */
static const SecretSchema schema = {
  "org.gnome.keyring.NetworkPassword",
  SECRET_SCHEMA_NONE,
  {
      { FERRY_LOGIN_USER, SECRET_SCHEMA_ATTRIBUTE_STRING },
      { FERRY_LOGIN_DOMAIN, SECRET_SCHEMA_ATTRIBUTE_STRING },
      { FERRY_LOGIN_OBJECT, SECRET_SCHEMA_ATTRIBUTE_STRING },
      { FERRY_LOGIN_PROTOCOL, SECRET_SCHEMA_ATTRIBUTE_STRING },
      { FERRY_LOGIN_PORT, SECRET_SCHEMA_ATTRIBUTE_INTEGER },
      { FERRY_LOGIN_SERVER, SECRET_SCHEMA_ATTRIBUTE_STRING },
      { FERRY_LOGIN_AUTH_TYPE, SECRET_SCHEMA_ATTRIBUTE_STRING },
      { MARK, SECRET_SCHEMA_ATTRIBUTE_STRING },
      { NULL, 0 },
  },
};

/* A keyring's own words are of no help where there is none. */
static void
take_error (GError **error, GError *cause)
{
  if (g_error_matches (cause, SECRET_ERROR, SECRET_ERROR_IS_LOCKED))
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_AUTHORIZED,
                 "the keyring is locked, and nobody unlocked it");
  else if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, cause->message);
  else
    {
      g_autofree char *why = NULL;

      g_dbus_error_strip_remote_error (cause);
      why = ferry_text_clean (cause->message, FERRY_TEXT_MAX);
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                   "the keyring of the session cannot be used: %s", why);
    }
  g_error_free (cause);
}

/* A new one each time: one that is kept is of no use after the keyring's daemon was started again.
 * Returns: (transfer full) (nullable): %NULL with @cause */
static SecretService *
open_service (GCancellable *cancellable, GError **cause)
{
  return secret_service_open_sync (SECRET_TYPE_SERVICE, NULL, SECRET_SERVICE_OPEN_SESSION,
                                   cancellable, cause);
}

/* == finding == */

static FerryKeyringItem *
item_new (SecretService *service, SecretItem *item)
{
  FerryKeyringItem *self = g_new0 (FerryKeyringItem, 1);

  self->service = g_object_ref (service);
  self->item = g_object_ref (item);
  self->attributes = secret_item_get_attributes (item);
  self->ours = g_strcmp0 (g_hash_table_lookup (self->attributes, MARK), MARK_VALUE) == 0;
  return self;
}

static int
compare_age (gconstpointer a, gconstpointer b)
{
  const FerryKeyringItem *first = *(FerryKeyringItem *const *) a;
  const FerryKeyringItem *second = *(FerryKeyringItem *const *) b;
  guint64 one = secret_item_get_modified (first->item);
  guint64 other = secret_item_get_modified (second->item);

  return one == other ? 0 : one > other ? -1 : 1;
}

GPtrArray *
ferry_keyring_find (const FerryLoginServer *server, gboolean unlock, gboolean *locked,
                    GCancellable *cancellable, GError **error)
{
  SecretSearchFlags flags = SECRET_SEARCH_ALL | (unlock ? SECRET_SEARCH_UNLOCK : 0);
  g_autoptr (GHashTable)
      attributes = secret_attributes_build (&schema, FERRY_LOGIN_PROTOCOL, server->scheme,
                                            FERRY_LOGIN_SERVER, server->host, NULL);
  GPtrArray *items;
  GError *cause = NULL;
  g_autoptr (SecretService) service = open_service (cancellable, &cause);
  GList *found = NULL;

  if (locked != NULL)
    *locked = FALSE;
  if (service != NULL)
    found = secret_service_search_sync (service, &schema, attributes, flags, cancellable, &cause);
  if (cause != NULL)
    {
      take_error (error, cause);
      return NULL;
    }

  items = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_keyring_item_free);
  for (GList *link = found; link != NULL; link = link->next)
    {
      if (!secret_item_get_locked (link->data))
        g_ptr_array_add (items, item_new (service, link->data));
      else if (locked != NULL)
        *locked = TRUE;
    }
  g_list_free_full (found, g_object_unref);
  g_ptr_array_sort (items, compare_age);
  return items;
}

/* == items == */

SecretValue *
ferry_keyring_item_load (FerryKeyringItem *self, GCancellable *cancellable, GError **error)
{
  GError *cause = NULL;
  SecretValue *value;

  if (!secret_item_load_secret_sync (self->item, cancellable, &cause))
    {
      take_error (error, cause);
      return NULL;
    }

  value = secret_item_get_secret (self->item);
  if (value != NULL && secret_value_get_text (value) == NULL)
    g_clear_pointer (&value, secret_value_unref);
  if (value == NULL)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND, "what the keyring has is no text");
  return value;
}

gboolean
ferry_keyring_item_remove (FerryKeyringItem *self, GError **error)
{
  GError *cause = NULL;

  if (secret_item_delete_sync (self->item, NULL, &cause))
    return TRUE;

  if (cause == NULL)
    g_set_error (&cause, SECRET_ERROR, SECRET_ERROR_IS_LOCKED, "dismissed");
  take_error (error, cause);
  return FALSE;
}

gboolean
ferry_keyring_item_is_at (const FerryKeyringItem *self, const FerryLoginServer *server)
{
  const char *port = g_hash_table_lookup (self->attributes, FERRY_LOGIN_PORT);
  guint64 number = port != NULL ? g_ascii_strtoull (port, NULL, 10) : 0;

  if (number == 0)
    number = ferry_uri_get_default_port (server->scheme);
  return number == server->port;
}

char *
ferry_keyring_item_describe (const FerryKeyringItem *self)
{
  const char *user = g_hash_table_lookup (self->attributes, FERRY_LOGIN_USER);

  return user != NULL ? ferry_text_clean (user, 256) : g_strdup ("a token");
}

void
ferry_keyring_item_free (FerryKeyringItem *self)
{
  g_object_unref (self->item);
  g_object_unref (self->service);
  g_hash_table_unref (self->attributes);
  g_free (self);
}

/* == whether there is one == */

static gboolean
is_running (GCancellable *cancellable)
{
  g_autoptr (GDBusConnection) bus = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autofree char *socket = g_build_filename (g_get_user_runtime_dir (), "bus", NULL);
  gboolean has = FALSE;

  /* GLib would start a bus where there is none. */
  if (g_getenv ("DBUS_SESSION_BUS_ADDRESS") == NULL && !g_file_test (socket, G_FILE_TEST_EXISTS))
    return FALSE;
  bus = g_bus_get_sync (G_BUS_TYPE_SESSION, cancellable, NULL);
  if (bus == NULL)
    return FALSE;

  /* The end of the session is no reason to die. */
  g_dbus_connection_set_exit_on_close (bus, FALSE);
  reply = g_dbus_connection_call_sync (bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "NameHasOwner",
                                       g_variant_new ("(s)", "org.freedesktop.secrets"),
                                       G_VARIANT_TYPE ("(b)"), G_DBUS_CALL_FLAGS_NONE, -1,
                                       cancellable, NULL);
  if (reply != NULL)
    g_variant_get (reply, "(b)", &has);
  return has;
}

static gboolean
is_open (GCancellable *cancellable)
{
  g_autoptr (SecretService) service = is_running (cancellable) ? open_service (cancellable, NULL)
                                                               : NULL;
  g_autoptr (SecretCollection) collection = NULL;

  if (service != NULL)
    collection = secret_collection_for_alias_sync (service, SECRET_COLLECTION_DEFAULT,
                                                   SECRET_COLLECTION_NONE, cancellable, NULL);
  return collection != NULL && !secret_collection_get_locked (collection);
}

static void
is_open_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  g_task_return_boolean (task, is_open (cancellable));
}

void
ferry_keyring_is_open_async (GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_run_in_thread (task, is_open_in_thread);
}

gboolean
ferry_keyring_is_open_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* == saving == */

gboolean
ferry_keyring_save (const FerryKeyringLogin *login, GCancellable *cancellable, GError **error)
{
  g_autoptr (GHashTable) attributes = secret_attributes_build (
      &schema, FERRY_LOGIN_PROTOCOL, login->server->scheme, FERRY_LOGIN_SERVER, login->server->host,
      FERRY_LOGIN_PORT, (int) login->server->port, MARK, MARK_VALUE, NULL);
  g_autofree char *place = ferry_login_server_describe (login->server);
  g_autofree char *label = NULL;
  GError *cause = NULL;
  g_autoptr (SecretService) service = open_service (cancellable, &cause);

  if (login->user != NULL)
    g_hash_table_insert (attributes, g_strdup (FERRY_LOGIN_USER), g_strdup (login->user));
  if (login->realm != NULL)
    g_hash_table_insert (attributes, g_strdup (FERRY_LOGIN_DOMAIN), g_strdup (login->realm));
  if (login->scheme != NULL)
    g_hash_table_insert (attributes, g_strdup (FERRY_LOGIN_AUTH_TYPE), g_strdup (login->scheme));
  if (login->certificate != NULL)
    g_hash_table_insert (attributes, g_strdup (FERRY_LOGIN_OBJECT), g_strdup (login->certificate));

  if (login->user != NULL)
    label = g_strdup_printf ("Ferry: %s at %s", login->user, place);
  else
    label = g_strdup_printf ("Ferry: %s for %s",
                             login->certificate != NULL ? "key of a certificate" : "token", place);
  if (service != NULL &&
      secret_service_store_sync (service, &schema, attributes, SECRET_COLLECTION_DEFAULT, label,
                                 login->secret, cancellable, &cause))
    return TRUE;

  if (cause == NULL)
    g_set_error (&cause, SECRET_ERROR, SECRET_ERROR_IS_LOCKED, "dismissed");
  take_error (error, cause);
  return FALSE;
}

static void
save_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  GError *error = NULL;

  if (ferry_keyring_save (task_data, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
ferry_keyring_save_async (FerryKeyringLogin *login, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_task_data (task, login, (GDestroyNotify) ferry_keyring_login_free);
  g_task_run_in_thread (task, save_in_thread);
}

gboolean
ferry_keyring_save_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

FerryKeyringLogin *
ferry_keyring_login_new (const FerryLoginQuery *query)
{
  FerryKeyringLogin *self = g_new0 (FerryKeyringLogin, 1);

  self->server = ferry_login_server_copy (query->server);
  self->realm = *query->realm != '\0' ? g_strdup (query->realm) : NULL;
  if (ferry_login_query_get_password_scheme (query) == NULL)
    self->scheme = g_strdup (ferry_login_query_get_scheme (query));
  self->certificate = g_strdup (query->certificate);
  return self;
}

FerryKeyringLogin *
ferry_keyring_login_copy (const FerryKeyringLogin *self)
{
  FerryKeyringLogin *copy = g_new0 (FerryKeyringLogin, 1);

  copy->server = ferry_login_server_copy (self->server);
  copy->user = g_strdup (self->user);
  copy->realm = g_strdup (self->realm);
  copy->scheme = g_strdup (self->scheme);
  copy->certificate = g_strdup (self->certificate);
  copy->secret = secret_value_ref (self->secret);
  return copy;
}

void
ferry_keyring_login_free (FerryKeyringLogin *self)
{
  g_clear_pointer (&self->server, ferry_login_server_free);
  g_free (self->certificate);
  g_free (self->user);
  g_free (self->realm);
  g_free (self->scheme);
  g_clear_pointer (&self->secret, secret_value_unref);
  g_free (self);
}
