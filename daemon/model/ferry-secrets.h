/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a job's owner gave for its servers alone: secret headers and credentials. In memory only, and wiped when it goes. */

#pragma once

#include "ferry-enums.h"

G_BEGIN_DECLS

/** One answer to a challenge. */
typedef struct
{
  FerryCredentialTarget target;
  FerryCredentialScheme scheme;
  char *
      user; /* (owned) (nullable): of all but BEARER; %NULL of NEGOTIATE is the owner's own ticket */
  char *password; /* (owned) (nullable): of BEARER the token; %NULL like @user */
  gboolean http;  /* may be sent over plain http as it is */
  gboolean asked; /* an agent gave it, and will again */
} FerryCredential;

/** Takes @user and @password (both transfer full). */
FerryCredential *ferry_credential_new (FerryCredentialTarget target, FerryCredentialScheme scheme,
                                       char *user, char *password, gboolean http);
void ferry_credential_free (FerryCredential *self);

typedef struct
{
  char **headers;         /* (owned) (nullable): "Name: value" */
  GPtrArray *credentials; /* (owned) (element-type FerryCredential) */
} FerrySecrets;

FerrySecrets *ferry_secrets_new (void);
/** @self may be %NULL, then so is the copy. */
FerrySecrets *ferry_secrets_copy (const FerrySecrets *self);
/** @self may be %NULL. */
void ferry_secrets_free (FerrySecrets *self);

/** %NULL is empty. */
gboolean ferry_secrets_is_empty (const FerrySecrets *self);

/** Whether the owner himself gave something for @target (headers are for the server). */
gboolean ferry_secrets_has_given (const FerrySecrets *self, FerryCredentialTarget target);

/** Whether he gave anything. */
gboolean ferry_secrets_has_any_given (const FerrySecrets *self);

/** Drops what agents gave for @target. */
void ferry_secrets_drop_asked (FerrySecrets *self, FerryCredentialTarget target);

/** @headers: (nullable): copied; they replace those before */
void ferry_secrets_set_headers (FerrySecrets *self, const char *const *headers);

/** @credential: (transfer full): replaces the one for the same target and scheme */
void ferry_secrets_set_credential (FerrySecrets *self, FerryCredential *credential);

/** Returns: whether there was one */
gboolean ferry_secrets_remove_credential (FerrySecrets *self, FerryCredentialTarget target,
                                          FerryCredentialScheme scheme);

/** Puts SecretHeaders and Credentials of ferry-worker-protocol.h into @dict; @self may be %NULL. */
void ferry_secrets_add (const FerrySecrets *self, GVariantDict *dict);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerrySecrets, ferry_secrets_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryCredential, ferry_credential_free)

G_END_DECLS
