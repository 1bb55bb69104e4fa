/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-pin.h"

#include "ferry-text.h"

#include <string.h>

struct _WorkerPin
{
  GTlsInteraction parent_instance;

  char *pin; /* (owned) (nullable) */
  _Atomic gboolean refused;
};

G_DEFINE_FINAL_TYPE (WorkerPin, worker_pin, G_TYPE_TLS_INTERACTION)

WorkerPin *
worker_pin_new (const char *pin)
{
  WorkerPin *self = g_object_new (WORKER_TYPE_PIN, NULL);

  self->pin = g_strdup (pin);
  return self;
}

gboolean
worker_pin_was_refused (WorkerPin *self)
{
  return self->refused;
}

/* In the main thread, for which a handshake waits. */
static GTlsInteractionResult
ask_password (GTlsInteraction *interaction, GTlsPassword *password, GCancellable *cancellable,
              GError **error)
{
  WorkerPin *self = WORKER_PIN (interaction);

  /* The last one before it locks itself is for a person with the token at hand. */
  if (self->pin == NULL || self->refused ||
      (g_tls_password_get_flags (password) & (G_TLS_PASSWORD_RETRY | G_TLS_PASSWORD_FINAL_TRY)))
    {
      self->refused = TRUE;
      /* Not UNHANDLED: GIO's GnuTLS would go on with an empty one, for ever. */
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "No other PIN is known");
      return G_TLS_INTERACTION_FAILED;
    }
  g_tls_password_set_value_full (password, (guchar *) g_strdup (self->pin),
                                 (gssize) strlen (self->pin), (GDestroyNotify) ferry_text_wipe);
  return G_TLS_INTERACTION_HANDLED;
}

static void
worker_pin_finalize (GObject *object)
{
  ferry_text_wipe (WORKER_PIN (object)->pin);
  G_OBJECT_CLASS (worker_pin_parent_class)->finalize (object);
}

static void
worker_pin_class_init (WorkerPinClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = worker_pin_finalize;
  G_TLS_INTERACTION_CLASS (klass)->ask_password = ask_password;
}

static void
worker_pin_init (WorkerPin *self)
{
}
