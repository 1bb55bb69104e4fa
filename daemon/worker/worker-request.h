/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One request with its redirects, up to the headers of the final answer. Blocks; in the attempt's
 * thread. */

#pragma once

#include "worker-answer.h"
#include "worker-order.h"
#include "worker-sending.h"
#include "worker-session.h"
#include "worker-trust.h"

G_BEGIN_DECLS

/** Who asks: the same for all requests of an attempt. All fields are (unowned). */
typedef struct
{
  WorkerSessions *sessions;
  SoupSession *session;
  WorkerPulse *pulse;
  GUri *home;                        /* the file's own URL: secret headers go to its origin only */
  const char *const *headers;        /* (nullable): "Name: value" */
  const char *const *secret_headers; /* (nullable) */
  const WorkerTrust *trust;
  const WorkerLogin *login;
  FerryRedirectPolicy redirect_policy;
  GCancellable *cancellable;
} WorkerRequester;

/**
 * worker_order_get_session:
 *
 * In the main thread only.
 *
 * Returns: (transfer full): the session for @order, shared with who has the same proxy, trust and login; %NULL with an error of
 *   worker_sessions_get()
 */
SoupSession *worker_order_get_session (const WorkerOrder *order, WorkerSessions *sessions,
                                       GError **error);

/** Returns: who asks for @order, of which everything is (unowned) */
WorkerRequester worker_order_get_requester (const WorkerOrder *order, WorkerSessions *sessions,
                                            SoupSession *session, WorkerPulse *pulse, GUri *home,
                                            GCancellable *cancellable);

/** What is asked for, or sent. */
typedef struct
{
  GUri *uri; /* (unowned): where to begin */

  const char *method; /* (nullable) (unowned): %NULL = GET */
  gboolean own;       /* that is the owner's choice, and no protocol's */

  /* (nullable): it must not be sent twice; asked when it is about to go out. After %FALSE it does not: G_IO_ERROR_CANCELLED */
  gboolean (*starting) (gpointer data);
  gpointer data; /* (unowned) (nullable): for @starting */

  /* of an upload */
  const char *const
      *fields; /* (nullable) (unowned): "Name: value" of the protocol; they replace the owner's */
  WorkerSending *sending; /* (nullable) (unowned): outlives the exchange; %NULL = no body at all */

  /* of a download */
  gboolean ranged;
  guint64 start;
  guint64 end;          /* exclusive, FERRY_SIZE_UNKNOWN = to the end */
  const char *if_range; /* (nullable) (unowned) */
} WorkerRequest;

/** An answer whose body is still to be read. */
typedef struct
{
  WorkerSessions *sessions;  /* (unowned) */
  GCancellable *cancellable; /* (unowned) */
  char *origin;              /* (owned): whose connection is held */
  SoupMessage *message;      /* (owned) */
  GInputStream *stream;      /* (owned) (nullable) */
  GUri *uri;                 /* (owned): after redirects */
} WorkerExchange;

/**
 * WorkerClose:
 * @WORKER_CLOSE_DROP: close the connection: the rest of the body is not wanted
 * @WORKER_CLOSE_DRAIN: read what is left if it is short, so that the connection can be used again
 * @WORKER_CLOSE_FINISHED: the body was read to its end
 */
typedef enum
{
  WORKER_CLOSE_DROP,
  WORKER_CLOSE_DRAIN,
  WORKER_CLOSE_FINISHED,
} WorkerClose;

/**
 * worker_request_send:
 *
 * Redirects are followed with the same method and body, or as a GET; one that cannot be (worker_redirect_follows()) is the
 * answer.
 *
 * Errors: as GIO, libsoup and worker_redirect_resolve() give them. An HTTP status is none.
 *
 * Returns: (transfer full): the final answer; %NULL with @error
 */
WorkerExchange *worker_request_send (const WorkerRequester *requester, const WorkerRequest *request,
                                     GError **error);

/** What came, for worker_answer_judge(). The strings live as long as @self; clear the validator. */
WorkerAnswer worker_exchange_get_answer (WorkerExchange *self);

/** Whether the body has no length of its own but chunks */
gboolean worker_exchange_is_chunked (WorkerExchange *self);

/** Returns: (transfer none) (nullable): the body with its chunks, which libsoup would take apart;
 * after a read from it @self can only be closed with WORKER_CLOSE_DROP */
GInputStream *worker_exchange_get_raw (WorkerExchange *self);

/** Returns: (transfer full): "Name: value" lines for the owner, cleaned, 16 KiB at most; none that
 * holds a secret or an address */
char **worker_message_dup_headers (SoupMessage *message);

/** Ends an exchange: @self is (transfer full) (nullable). */
void worker_exchange_close (WorkerExchange *self, WorkerClose how);

G_END_DECLS
