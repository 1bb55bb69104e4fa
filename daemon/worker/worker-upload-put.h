/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two ways to PUT have in common. */

#pragma once

#include "ferry-worker-protocol.h"
#include "worker-upload.h"

G_BEGIN_DECLS

/**
 * worker_upload_put_head:
 * @status: (out): of the answer
 * @length: (out): bytes that the server has under the upload's URL, FERRY_SIZE_UNKNOWN when it does not say
 */
WorkerUploadNext worker_upload_put_head (WorkerUpload *upload, guint *status, guint64 *length,
                                         GError **error);

/** The error that an answer to a PUT is, which is no success. Returns: %WORKER_UPLOAD_ERROR */
WorkerUploadNext worker_upload_put_refuse (WorkerUpload *upload, const WorkerUploadAnswer *answer,
                                           GError **error);

G_END_DECLS
