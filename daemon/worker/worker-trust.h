/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which servers are trusted over TLS: those whose certificate is good, or as good as the job's TlsFlags want it; and, with
 * ServerPins, only those with one of these public keys. */

#pragma once

#include "ferry-enums.h"
#include "worker-cancellable.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

/** What one job trusts; (unowned) where it is passed on. All zeros: the usual. */
typedef struct
{
  guint allowed; /* bits (1 << FerryTlsFlag) that are in force */
  guint
      forbidden; /* bits that the job asks for and policy does not allow: for the error's sentence */
  char **
      pins; /* (owned) (nullable): "sha256:<lowercase hex>" of public keys (SubjectPublicKeyInfo) */
} WorkerTrust;

/** Reads the keys TlsFlags, TlsFlagsForbidden and ServerPins of an order. */
void worker_trust_load (WorkerTrust *self, GVariantDict *dict);
void worker_trust_clear (WorkerTrust *self);

/** Returns: (transfer full): the same text for what trusts the same: connections are shared only among such */
char *worker_trust_get_key (const WorkerTrust *self);

/**
 * WorkerTrustCheck:
 *
 * One request under @trust. Lives as long as the request.
 */
typedef struct
{
  const WorkerTrust *trust; /* (unowned) */
  GCancellable
      *cancellable;    /* (unowned): for the request: the caller's own, or with pins @branch's */
  WorkerBranch branch; /* ends also with a key that is none of the pins */
  gboolean wrong_key;
} WorkerTrustCheck;

void worker_trust_check_begin (WorkerTrustCheck *self, const WorkerTrust *trust,
                               GCancellable *cancellable, SoupMessage *message);

/** @error: (inout): of the request; a certificate that is not trusted becomes TlsError with a sentence that says why. */
void worker_trust_check_end (WorkerTrustCheck *self, SoupMessage *message, GError **error);

/** Whether nobody but the server can read what is sent, and it is the one that it says it is, whatever the job overlooks. For a
 * @message that has its connection. */
gboolean worker_trust_is_private (SoupMessage *message);

G_END_DECLS
