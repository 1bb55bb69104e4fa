/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-given-logins.h"

struct _FerryGivenLogins
{
  GPtrArray *given;    /* (owned) (element-type FerryGiven) */
  GHashTable *answers; /* (owned) (element-type utf8 Answer): by request */
};

typedef struct
{
  FerryGiven *given; /* (not owned) */
  guint number;      /* of @given, when it was answered */
} Answer;

static void
given_free (gpointer data)
{
  FerryGiven *given = data;

  ferry_login_server_free (given->server);
  g_free (given->realm);
  g_free (given->certificate);
  g_clear_pointer (&given->login, ferry_keyring_login_free);
  g_free (given);
}

FerryGivenLogins *
ferry_given_logins_new (void)
{
  FerryGivenLogins *self = g_new0 (FerryGivenLogins, 1);

  self->given = g_ptr_array_new_with_free_func (given_free);
  self->answers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
ferry_given_logins_free (FerryGivenLogins *self)
{
  g_hash_table_unref (self->answers);
  g_ptr_array_unref (self->given);
  g_free (self);
}

static gboolean
is_token (const FerryLoginQuery *query)
{
  return ferry_login_query_get_password_scheme (query) == NULL;
}

FerryGiven *
ferry_given_logins_find (FerryGivenLogins *self, const FerryLoginQuery *query)
{
  for (guint i = 0; i < self->given->len; i++)
    {
      FerryGiven *given = g_ptr_array_index (self->given, i);

      if (given->token == is_token (query) && g_str_equal (given->realm, query->realm) &&
          ferry_login_query_is_same_place (query, given->proxy, given->certificate, given->server))
        return given;
    }

  return NULL;
}

FerryGiven *
ferry_given_logins_add (FerryGivenLogins *self, const FerryLoginQuery *query,
                        FerryKeyringLogin *login, gboolean keep)
{
  FerryGiven *given = ferry_given_logins_find (self, query);

  if (given == NULL)
    {
      given = g_new0 (FerryGiven, 1);
      given->server = ferry_login_server_copy (query->server);
      given->proxy = query->proxy;
      given->certificate = g_strdup (query->certificate);
      given->token = is_token (query);
      given->realm = g_strdup (query->realm);
      g_ptr_array_add (self->given, given);
    }

  g_clear_pointer (&given->login, ferry_keyring_login_free);
  given->login = login;
  given->state = login != NULL ? FERRY_GIVEN_TYPED : FERRY_GIVEN_DISMISSED;
  given->keep = keep;
  given->readable = ferry_login_query_is_readable (query);
  given->number++;
  return given;
}

void
ferry_given_logins_note_answer (FerryGivenLogins *self, const char *request, FerryGiven *given)
{
  Answer *answer = g_new0 (Answer, 1);

  answer->given = given;
  answer->number = given->number;
  g_hash_table_replace (self->answers, g_strdup (request), answer);
}

FerryGiven *
ferry_given_logins_judge (FerryGivenLogins *self, const char *request, gboolean accepted)
{
  Answer *answer = g_hash_table_lookup (self->answers, request);

  if (answer == NULL || answer->number != answer->given->number)
    return NULL;

  if (!accepted)
    answer->given->state = FERRY_GIVEN_WRONG;
  return answer->given;
}
