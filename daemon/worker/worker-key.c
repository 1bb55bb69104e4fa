/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-key.h"

#include "ferry-error.h"
#include "ferry-text.h"
#include "worker-small-file.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGEST_SIZE 32 /* SHA-256 */

static gboolean
refuse (GError **error, FerryError code, const char *reason)
{
  g_set_error (error, FERRY_ERROR, code, "The client certificate %s", reason);
  return FALSE;
}

/* == the file == */

typedef struct
{
  char *text; /* (owned) (nullable): with a zero behind it */
  gsize size;
} Content;

static void
content_clear (Content *self)
{
  if (self->text != NULL)
    explicit_bzero (self->text, self->size);
  g_clear_pointer (&self->text, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Content, content_clear)

static gboolean
read_content (int fd, Content *content, GError **error)
{
  struct stat stat;
  gssize got;

  if (fstat (fd, &stat) != 0 || !S_ISREG (stat.st_mode))
    return refuse (error, FERRY_ERROR_NO_FILE_ACCESS, "is no regular file");
  if (stat.st_size > WORKER_KEY_FILE_MAX)
    return refuse (error, FERRY_ERROR_NO_FILE_ACCESS, "is in a file of more than 1 MiB");

  content->size = (gsize) stat.st_size;
  content->text = g_malloc0 (content->size + 1);
  got = worker_small_file_read (fd, content->text, content->size);
  if (got < 0)
    return refuse (error, FERRY_ERROR_NO_FILE_ACCESS, g_strerror (errno));
  content->size = (gsize) got;
  return TRUE;
}

static gboolean
read_file (const char *path, Content *content, GError **error)
{
  int fd = worker_small_file_open (path);
  gboolean read;

  if (fd < 0)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS,
                   "The client certificate cannot be opened: %s", g_strerror (errno));
      return FALSE;
    }
  read = read_content (fd, content, error);
  close (fd);
  return read;
}

/* == PEM == */

static gboolean
ask_for_password (const char *password, gboolean *wants_password, GError **error)
{
  *wants_password = TRUE;
  return refuse (error, FERRY_ERROR_AUTHENTICATION_FAILED,
                 password != NULL ? "has a key with another password"
                                  : "has a key with a password");
}

/* What is the same of a public key and its private one. */
typedef struct
{
  unsigned char bytes[DIGEST_SIZE];
} KeyId;

/* @id: of the key that is wanted. Returns: (transfer full) (nullable): it in PEM, as it is, to be wiped */
static char *
decrypt (const gnutls_datum_t *from, const KeyId *id, const char *password,
         gboolean *wants_password, GError **error)
{
  KeyId its_id = { { 0 } };
  gsize size = sizeof its_id.bytes;
  gnutls_x509_privkey_t key;
  gnutls_datum_t out = { NULL, 0 };
  char *text = NULL;
  int result;

  if (gnutls_x509_privkey_init (&key) != 0)
    {
      refuse (error, FERRY_ERROR_TLS_ERROR, "cannot be read");
      return NULL;
    }
  result = gnutls_x509_privkey_import2 (key, from, GNUTLS_X509_FMT_PEM, password, 0);
  if (result == 0)
    gnutls_x509_privkey_get_key_id (key, GNUTLS_KEYID_USE_SHA256, its_id.bytes, &size);
  if (result == 0)
    result = gnutls_x509_privkey_export2_pkcs8 (key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                                &out);
  gnutls_x509_privkey_deinit (key);
  if (result == 0)
    {
      text = g_strndup ((const char *) out.data, out.size);
      explicit_bzero (out.data, out.size);
      gnutls_free (out.data);
    }
  if (text != NULL && memcmp (&its_id, id, sizeof its_id) == 0)
    return text;

  if (text != NULL)
    {
      ferry_text_wipe (g_steal_pointer (&text));
      refuse (error, FERRY_ERROR_TLS_ERROR, "is not that of the private key in its file");
    }
  else if (result == GNUTLS_E_DECRYPTION_FAILED)
    {
      ask_for_password (password, wants_password, error);
    }
  else
    {
      refuse (error, FERRY_ERROR_TLS_ERROR, "has no private key in its file that can be read");
    }
  return NULL;
}

/* @id: (out): of the first one's key. Returns: (transfer full) (nullable): in PEM */
static char *
get_chain (const gnutls_datum_t *from, KeyId *id, GError **error)
{
  gsize size = sizeof id->bytes;
  g_autoptr (GString) text = g_string_new (NULL);
  gnutls_x509_crt_t *crts = NULL;
  unsigned int n_crts = 0;

  if (gnutls_x509_crt_list_import2 (&crts, &n_crts, from, GNUTLS_X509_FMT_PEM, 0) < 0)
    {
      refuse (error, FERRY_ERROR_TLS_ERROR, "is none, neither in PEM nor in PKCS #12");
      return NULL;
    }
  gnutls_x509_crt_get_key_id (crts[0], GNUTLS_KEYID_USE_SHA256, id->bytes, &size);
  for (unsigned int i = 0; i < n_crts; i++)
    {
      gnutls_datum_t out = { NULL, 0 };

      if (gnutls_x509_crt_export2 (crts[i], GNUTLS_X509_FMT_PEM, &out) == 0)
        g_string_append_len (text, (const char *) out.data, out.size);
      gnutls_free (out.data);
      gnutls_x509_crt_deinit (crts[i]);
    }
  gnutls_free (crts);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static GTlsCertificate *
load_pem (const Content *content, const char *password, gboolean *wants_password, GError **error)
{
  const gnutls_datum_t from = { (unsigned char *) content->text, (unsigned int) content->size };
  KeyId id;
  g_autofree char *chain = get_chain (&from, &id, error);
  GTlsCertificate *certificate = NULL;
  char *key;
  char *both;

  if (chain == NULL)
    return NULL;
  key = decrypt (&from, &id, password, wants_password, error);
  if (key == NULL)
    return NULL;
  both = g_strconcat (key, chain, NULL);
  certificate = g_tls_certificate_new_from_pem (both, -1, NULL);
  ferry_text_wipe (key);
  ferry_text_wipe (both);
  if (certificate == NULL)
    refuse (error, FERRY_ERROR_TLS_ERROR, "cannot be read");
  return certificate;
}

/* == PKCS #12 == */

/* First as if there was no password: GIO does not like one that is not needed. */
static GTlsCertificate *
open_pkcs12 (const Content *content, const char *password, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  GTlsCertificate *certificate = g_tls_certificate_new_from_pkcs12 ((const guint8 *) content->text,
                                                                    content->size, NULL,
                                                                    &local_error);

  if (certificate != NULL || password == NULL ||
      !g_error_matches (local_error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE_PASSWORD))
    {
      if (local_error != NULL)
        g_propagate_error (error, g_steal_pointer (&local_error));
      return certificate;
    }
  return g_tls_certificate_new_from_pkcs12 ((const guint8 *) content->text, content->size, password,
                                            error);
}

static GTlsCertificate *
load_pkcs12 (const Content *content, const char *password, gboolean *wants_password, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GTlsCertificate) certificate = open_pkcs12 (content, password, &local_error);
  g_autoptr (GByteArray) key = NULL;

  if (g_error_matches (local_error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE_PASSWORD))
    {
      ask_for_password (password, wants_password, error);
      return NULL;
    }
  if (certificate == NULL)
    {
      refuse (error, FERRY_ERROR_TLS_ERROR, "is none, neither in PEM nor in PKCS #12");
      return NULL;
    }
  g_object_get (certificate, "private-key", &key, NULL);
  if (key == NULL)
    {
      refuse (error, FERRY_ERROR_TLS_ERROR, "has no private key in its file that can be read");
      return NULL;
    }
  explicit_bzero (key->data, key->len);
  return g_steal_pointer (&certificate);
}

GTlsCertificate *
worker_key_load (const char *path, const char *password, gboolean *wants_password, GError **error)
{
  g_auto (Content) content = { NULL, 0 };

  *wants_password = FALSE;
  if (!read_file (path, &content, error))
    return NULL;
  return strstr (content.text, "-----BEGIN ") != NULL
             ? load_pem (&content, password, wants_password, error)
             : load_pkcs12 (&content, password, wants_password, error);
}
