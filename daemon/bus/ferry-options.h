/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dictionary of options as a stranger sent it: known keys are taken out one by one, what is left is an error. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _FerryOptions FerryOptions;

/**
 * ferry_options_new:
 * @dict: an a{sv}
 *
 * Errors: G_DBUS_ERROR_INVALID_ARGS for a key that is there twice.
 *
 * Returns: (transfer full) (nullable)
 */
FerryOptions *ferry_options_new (GVariant *dict, GError **error);
void ferry_options_free (FerryOptions *self);

/** Whether @key was given and not taken yet. */
gboolean ferry_options_has (FerryOptions *self, const char *key);

/**
 * ferry_options_take:
 *
 * Returns: (transfer full) (nullable): the value of @key as it came, which is no longer left over
 */
GVariant *ferry_options_take (FerryOptions *self, const char *key);

/**
 * ferry_options_take_converted:
 * @type: type string that is wanted
 * @value: (out) (transfer full) (nullable): %NULL when @key is absent
 *
 * Takes @key and converts it with ferry_options_convert().
 */
gboolean ferry_options_take_converted (FerryOptions *self, const char *key, const char *type,
                                       GVariant **value, GError **error);

/** Returns: %FALSE with G_DBUS_ERROR_INVALID_ARGS, naming one, when keys are left that nobody took */
gboolean ferry_options_finish (FerryOptions *self, GError **error);

/**
 * ferry_options_convert:
 * @key: name for the error text
 * @value: what was given
 * @type: one of "s", "b", "u", "t", "as", "a(tt)"
 *
 * The same value with exactly @type: an integer of any width (also within a(tt)) when it fits. People type `8`, not
 * `uint32 8`, and languages have their own ideas of which integer that is.
 *
 * Returns: (transfer full) (nullable): %NULL with G_DBUS_ERROR_INVALID_ARGS naming key, type given and type wanted
 */
GVariant *ferry_options_convert (const char *key, GVariant *value, const char *type,
                                 GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryOptions, ferry_options_free)

G_END_DECLS
