/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The PIN of a token (PKCS #11), as GIO's TLS asks for it. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define WORKER_TYPE_PIN (worker_pin_get_type ())
G_DECLARE_FINAL_TYPE (WorkerPin, worker_pin, WORKER, PIN, GTlsInteraction)

/** @pin: (nullable): copied, and wiped at the end. It is tried once: tokens lock themselves after a few that were wrong. */
WorkerPin *worker_pin_new (const char *pin);

/** Returns: whether it was asked for and there is none, or it was wrong */
gboolean worker_pin_was_refused (WorkerPin *self);

G_END_DECLS
