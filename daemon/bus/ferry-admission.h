/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may put how many calls before ferryd. Works in GDBus's thread, before calls queue up for the main loop:
 * behind that queue it would be too late, as one flooding client made others wait for 16 s. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define FERRY_ADMISSION_MAX_CALLS  32                 /* without an answer, of one unique name */
#define FERRY_ADMISSION_MAX_BYTES  (1024 * 1024)      /* of one message */
#define FERRY_ADMISSION_POOL_BYTES (32 * 1024 * 1024) /* of all calls without an answer */
#define FERRY_ADMISSION_FREE_BYTES (64 * 1024) /* of these each name may have so much in any case */

typedef struct _FerryAdmission FerryAdmission;

/** Returns: (transfer full) */
FerryAdmission *ferry_admission_new (void);
FerryAdmission *ferry_admission_ref (FerryAdmission *self);
void ferry_admission_unref (FerryAdmission *self);

/**
 * ferry_admission_enter:
 * @size: bytes of the body
 * @no_reply: whether the caller wants no reply
 *
 * A call of @sender has come. One sender may use a serial twice.
 *
 * Returns: (nullable): %NULL when it is admitted; else the sentence that refuses it
 */
const char *ferry_admission_enter (FerryAdmission *self, const char *sender, guint32 serial,
                                   gsize size, gboolean no_reply);

/**
 * ferry_admission_leave:
 *
 * An answer to @serial goes to @destination.
 *
 * Returns: whether the caller wants it
 */
gboolean ferry_admission_leave (FerryAdmission *self, const char *destination, guint32 serial);

/** Returns: calls of @sender without an answer */
guint ferry_admission_count (FerryAdmission *self, const char *sender);

/** Filters the messages of @connection. Returns: an id for g_dbus_connection_remove_filter() */
guint ferry_admission_attach (FerryAdmission *self, GDBusConnection *connection);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryAdmission, ferry_admission_unref)

G_END_DECLS
