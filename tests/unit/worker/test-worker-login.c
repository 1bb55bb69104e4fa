/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Servers and proxies that want to know who asks. */

#include "attempt-fixture.h"

#include "ferry-worker-protocol.h"

#include <glib/gstdio.h>
#include <libsoup/soup.h>

#include <string.h>

#define BODY "0123456789"

/* A server, or a proxy that answers for every host, with a thread of its own. */
typedef struct
{
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
  SoupServer *server;
  guint port;
  gboolean tls;
  guint requests;       /* all of them */
  char *offered;        /* (nullable): Authorization of the last of them */
  guint asked;          /* requests that were let in */
  guint served;         /* with the right answer */
  char *authorization;  /* (nullable): of the last request */
  const char *token;    /* (nullable): bearer */
  const char *redirect; /* (nullable): of /file */
} Guard;

static gboolean
basic_cb (SoupAuthDomain *domain, SoupServerMessage *message, const char *user,
          const char *password, gpointer data)
{
  return g_str_equal (user, "ada") && g_str_equal (password, "sesame");
}

static char *
digest_cb (SoupAuthDomain *domain, SoupServerMessage *message, const char *user, gpointer data)
{
  return soup_auth_domain_digest_encode_password (user, "guarded", "sesame");
}

static void
serve_cb (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
          gpointer data)
{
  Guard *guard = data;
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  g_autofree char *wanted = guard->token != NULL ? g_strconcat ("Bearer ", guard->token, NULL)
                                                 : NULL;

  g_free (guard->authorization);
  guard->authorization = g_strdup (soup_message_headers_get_one (headers, "Authorization"));
  guard->asked++;
  if (guard->redirect != NULL && g_str_equal (path, "/file"))
    {
      soup_server_message_set_redirect (message, 302, guard->redirect);
      return;
    }
  if (wanted != NULL && g_strcmp0 (guard->authorization, wanted) != 0)
    {
      soup_server_message_set_status (message, 401, NULL);
      return;
    }
  guard->served++;
  soup_server_message_set_status (message, 200, NULL);
  soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_STATIC, BODY, strlen (BODY));
}

/* Also what the guard himself answers. */
static void
request_read_cb (SoupServer *server, SoupServerMessage *message, gpointer data)
{
  Guard *guard = data;
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);

  guard->requests++;
  g_free (guard->offered);
  guard->offered = g_strdup (soup_message_headers_get_one (headers, "Authorization"));
}

static gpointer
run_loop (gpointer data)
{
  Guard *guard = data;

  g_main_context_push_thread_default (guard->context);
  g_main_loop_run (guard->loop);
  g_main_context_pop_thread_default (guard->context);
  return NULL;
}

static void
set_certificate (SoupServer *server)
{
  g_autofree char *cert = g_test_build_filename (G_TEST_DIST, "worker", "tls", "cert.pem", NULL);
  g_autofree char *key = g_test_build_filename (G_TEST_DIST, "worker", "tls", "key.pem", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_files (cert, key, &error);

  g_assert_no_error (error);
  soup_server_set_tls_certificate (server, certificate);
}

/* @scheme: (nullable): basic or digest */
static void
guard_init (Guard *guard, const char *scheme, gboolean proxy)
{
  g_autoptr (SoupAuthDomain) domain = NULL;
  g_autoptr (GError) error = NULL;
  GSList *uris;

  guard->context = g_main_context_new ();
  guard->loop = g_main_loop_new (guard->context, FALSE);
  g_main_context_push_thread_default (guard->context);
  guard->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (guard->server, NULL, serve_cb, guard, NULL);
  g_signal_connect (guard->server, "request-read", G_CALLBACK (request_read_cb), guard);
  if (guard->tls)
    set_certificate (guard->server);
  if (g_strcmp0 (scheme, "basic") == 0)
    domain = soup_auth_domain_basic_new ("realm", "guarded", "proxy", proxy, "auth-callback",
                                         basic_cb, NULL);
  else if (scheme != NULL)
    domain = soup_auth_domain_digest_new ("realm", "guarded", "proxy", proxy, "auth-callback",
                                          digest_cb, NULL);
  if (domain != NULL)
    {
      soup_auth_domain_add_path (domain, "/");
      soup_server_add_auth_domain (guard->server, domain);
    }
  soup_server_listen_local (guard->server, 0,
                            SOUP_SERVER_LISTEN_IPV4_ONLY |
                                (guard->tls ? SOUP_SERVER_LISTEN_HTTPS : 0),
                            &error);
  g_main_context_pop_thread_default (guard->context);
  g_assert_no_error (error);
  uris = soup_server_get_uris (guard->server);
  guard->port = (guint) g_uri_get_port (uris->data);
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  guard->thread = g_thread_new ("guard", run_loop, guard);
}

static gboolean
quit_cb (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

static void
guard_clear (Guard *guard)
{
  g_main_context_invoke (guard->context, quit_cb, guard->loop);
  g_thread_join (guard->thread);
  soup_server_disconnect (guard->server);
  g_object_unref (guard->server);
  g_main_loop_unref (guard->loop);
  g_main_context_unref (guard->context);
  g_free (guard->authorization);
  g_free (guard->offered);
}

static void
set_session (Fixture *fixture, const char *proxy)
{
  g_autoptr (GError) error = NULL;

  g_clear_object (&fixture->session);
  fixture->session = worker_sessions_get (fixture->sessions, proxy != NULL ? "override" : "none",
                                          proxy, NULL, &(WorkerTrust){ 0 }, "", FALSE, &error);
  g_assert_no_error (error);
}

/* Runs one attempt with these credentials, as text of a(ssa{sv}). */
static const char *
run_on (Fixture *fixture, const Guard *guard, const char *credentials)
{
  g_autofree char *url = g_strdup_printf ("%s://127.0.0.1:%u/file", guard->tls ? "https" : "http",
                                          guard->port);
  const char *end;

  g_free (fixture->site.content);
  fixture->site.content = (guint8 *) g_strdup (BODY);
  fixture->site.size = strlen (BODY);
  fixture->url = url;
  fixture->credentials = credentials;
  end = fixture_run (fixture);
  fixture->url = NULL;
  return end;
}

/* The same from the start. */
static const char *
run (Fixture *fixture, const Guard *guard, const char *credentials)
{
  g_clear_pointer (&fixture->resume, g_variant_unref);
  return run_on (fixture, guard, credentials);
}

#define HTTP                       "'AllowHttp': <true>"
#define ADA                        "'UserName': <'ada'>, 'Password': <'sesame'>"
#define EVE                        "'UserName': <'eve'>, 'Password': <'x'>"
#define OF(target, scheme, values) "('" target "', '" scheme "', {" values "})"

/* What was wanted, to be asked of somebody; @target: (nullable): %NULL = nobody is to be asked. */
static void
assert_challenge (Fixture *fixture, const char *target, const char *scheme)
{
  g_autoptr (GVariant) challenge = g_variant_lookup_value (fixture_get_end (fixture), "Challenge",
                                                           G_VARIANT_TYPE_VARDICT);
  g_auto (GStrv) schemes = NULL;
  const char *text;

  g_assert_true ((challenge != NULL) == (target != NULL));
  if (target == NULL)
    return;
  g_assert_true (g_variant_lookup (challenge, "Target", "&s", &text));
  g_assert_cmpstr (text, ==, target);
  g_assert_true (g_variant_lookup (challenge, "Realm", "&s", &text));
  g_assert_cmpstr (text, ==, "guarded");
  g_assert_true (g_variant_lookup (challenge, "Host", "&s", &text));
  g_assert_cmpstr (text, ==, "127.0.0.1");
  g_assert_true (g_variant_lookup (challenge, "AuthSchemes", "^as", &schemes));
  g_assert_cmpuint (g_strv_length (schemes), ==, 1);
  g_assert_cmpstr (schemes[0], ==, scheme);
}

static void
test_basic (Fixture *fixture, gconstpointer data)
{
  Guard guard = { 0 };

  guard_init (&guard, "basic", FALSE);
  set_session (fixture, NULL);
  fixture_assert_done (fixture,
                       run (fixture, &guard, "[" OF ("server", "basic", ADA ", " HTTP) "]"));
  /* It is sent without being asked. */
  g_assert_cmpuint (guard.asked, ==, 1);
  g_assert_true (g_str_has_prefix (guard.authorization, "Basic "));
  fixture_assert_failed (fixture,
                         run (fixture, &guard, "[" OF ("server", "basic", EVE ", " HTTP) "]"),
                         "AuthenticationFailed", FALSE);
  fixture_assert_failed (fixture, run (fixture, &guard, "@a(ssa{sv}) []"), "AuthenticationFailed",
                         FALSE);
  assert_challenge (fixture, "server", "basic");
  guard_clear (&guard);
}

static void
test_digest (Fixture *fixture, gconstpointer data)
{
  Guard guard = { 0 };

  guard_init (&guard, "digest", FALSE);
  set_session (fixture, NULL);
  /* No password goes over the line: plain http is fine. */
  fixture_assert_done (fixture, run (fixture, &guard, "[" OF ("server", "digest", ADA) "]"));
  g_assert_true (g_str_has_prefix (guard.authorization, "Digest "));
  g_assert_cmpuint (guard.served, ==, 1);
  fixture_assert_failed (fixture, run (fixture, &guard, "[" OF ("server", "digest", EVE) "]"),
                         "AuthenticationFailed", FALSE);
  /* Nothing is remembered of the one that was right. */
  fixture_assert_failed (fixture, run (fixture, &guard, "@a(ssa{sv}) []"), "AuthenticationFailed",
                         FALSE);
  g_assert_cmpuint (guard.served, ==, 1);
  guard_clear (&guard);
}

static void
test_bearer (Fixture *fixture, gconstpointer data)
{
  Guard guard = { .token = "abc.def" };

  guard_init (&guard, NULL, FALSE);
  fixture_assert_done (fixture,
                       run (fixture, &guard,
                            "[" OF ("server", "bearer", "'Password': <'abc.def'>, " HTTP) "]"));
  fixture_assert_failed (
      fixture, run (fixture, &guard, "[" OF ("server", "bearer", "'Password': <'x'>, " HTTP) "]"),
      "AuthenticationFailed", FALSE);
  guard_clear (&guard);
}

/* What everybody on the way could read is not sent unless the job says so. */
static void
test_plain_http (Fixture *fixture, gconstpointer data)
{
  Guard guard = { 0 };

  guard_init (&guard, "basic", FALSE);
  fixture_assert_failed (fixture, run (fixture, &guard, "[" OF ("server", "basic", ADA) "]"),
                         "AuthenticationFailed", FALSE);
  fixture_assert_failed (
      fixture, run (fixture, &guard, "[" OF ("server", "bearer", "'Password': <'x'>") "]"),
      "AuthenticationFailed", FALSE);
  g_assert_cmpuint (guard.asked, ==, 0);
  guard_clear (&guard);
}

/* A redirect to somebody else takes nothing along, and his challenge is not answered. */
static void
test_elsewhere (Fixture *fixture, gconstpointer data)
{
  Guard other = { 0 };
  Guard guard = { 0 };
  g_autofree char *url = NULL;

  guard_init (&other, "digest", FALSE);
  url = g_strdup_printf ("http://127.0.0.1:%u/other", other.port);
  guard.redirect = url;
  guard_init (&guard, NULL, FALSE);
  set_session (fixture, NULL);
  fixture_assert_failed (fixture,
                         run (fixture, &guard,
                              "[" OF ("server", "basic", ADA ", " HTTP) ", " OF ("server", "digest",
                                                                                 ADA) "]"),
                         "AuthenticationFailed", FALSE);
  assert_challenge (fixture, NULL, NULL);
  g_assert_nonnull (guard.authorization);
  g_assert_null (other.authorization);
  g_assert_cmpuint (other.served, ==, 0);
  guard_clear (&guard);
  guard_clear (&other);
}

static void
test_proxy (Fixture *fixture, gconstpointer data)
{
  static const char *const schemes[] = { "basic", "digest" };
  static const char *const right[] = { "[" OF ("proxy", "basic", ADA) "]",
                                       "[" OF ("proxy", "digest", ADA) "]" };
  static const char *const wrong[] = { "[" OF ("proxy", "basic", EVE) "]",
                                       "[" OF ("server", "digest", ADA) "]" };

  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      Guard guard = { 0 };
      g_autofree char *proxy = NULL;

      guard_init (&guard, schemes[i], TRUE);
      proxy = g_strdup_printf ("http://127.0.0.1:%u", guard.port);
      set_session (fixture, proxy);
      fixture_assert_done (fixture, run (fixture, &guard, right[i]));
      g_assert_cmpuint (guard.served, ==, 1);
      g_assert_null (guard.authorization);
      fixture_assert_failed (fixture, run (fixture, &guard, wrong[i]), "AuthenticationFailed",
                             FALSE);
      assert_challenge (fixture, "proxy", schemes[i]);
      g_assert_cmpuint (guard.served, ==, 1);
      guard_clear (&guard);
    }
}

/* == ~/.netrc == */

#define NONE "@a(ssa{sv}) []"
#define LINE "machine 127.0.0.1 login ada password sesame\n"

/* The user's file is there with that text and mode. */
static void
set_netrc (Fixture *fixture, const char *text, int mode)
{
  if (fixture->netrc == NULL)
    fixture->netrc = g_build_filename (fixture->directory, "netrc", NULL);
  g_assert_true (g_file_set_contents (fixture->netrc, text, -1, NULL));
  g_assert_cmpint (g_chmod (fixture->netrc, mode), ==, 0);
}

static void
netrc_tear_down (Fixture *fixture, gconstpointer data)
{
  g_remove (fixture->netrc);
  g_free ((char *) fixture->netrc);
  fixture_tear_down (fixture, data);
}

static void
trust (Fixture *fixture)
{
  g_autofree char *cert = g_test_build_filename (G_TEST_DIST, "worker", "tls", "cert.pem", NULL);
  g_autoptr (GTlsDatabase) database = g_tls_file_database_new (cert, NULL);

  g_object_set (fixture->session, "tls-database", database, NULL);
}

/* It was refused by the server, in these words; none of them is the password. */
static void
assert_refused (Fixture *fixture, const char *end, const char *words)
{
  g_autoptr (GVariant) error = NULL;
  g_autofree char *all = NULL;
  const char *message = "";

  fixture_assert_failed (fixture, end, "AuthenticationFailed", FALSE);
  error = g_variant_lookup_value (fixture_get_end (fixture), "Error", G_VARIANT_TYPE_VARDICT);
  g_variant_lookup (error, "Message", "&s", &message);
  g_assert_cmpstr (message, ==, words);
  all = g_variant_print (fixture_get_end (fixture), FALSE);
  g_assert_null (strstr (all, "sesame"));
}

#define REFUSED "The server answered 401 Unauthorized"
#define ONLY_HTTPS                                                                                 \
  "; the password that ~/.netrc has for it is only sent over https, to a server with a good "      \
  "certificate"

/* @guard begins, and there is a ~/.netrc with the right login for it. */
static void
begin_netrc (Fixture *fixture, Guard *guard, const char *scheme)
{
  guard_init (guard, scheme, FALSE);
  set_session (fixture, NULL);
  trust (fixture);
  set_netrc (fixture, LINE, 0600);
}

static void
test_netrc (Fixture *fixture, gconstpointer data)
{
  Guard guard = { .tls = TRUE, .redirect = "/there" };

  begin_netrc (fixture, &guard, "basic");
  fixture_assert_done (fixture, run (fixture, &guard, NONE));
  g_assert_true (g_str_has_prefix (guard.authorization, "Basic "));
  /* Asked for at the first request; not again at the second. */
  g_assert_cmpuint (guard.requests, ==, 3);
  /* The next attempt knows nothing of it. */
  set_netrc (fixture, "machine 127.0.0.1 login ada password wrong", 0600);
  assert_refused (fixture, run (fixture, &guard, NONE), REFUSED);
  g_assert_cmpuint (guard.requests, ==, 5);
  set_netrc (fixture, LINE, 0600);
  fixture_assert_done (fixture, run (fixture, &guard, NONE));
  guard_clear (&guard);
}

static void
test_netrc_digest (Fixture *fixture, gconstpointer data)
{
  for (gboolean tls = FALSE; tls <= TRUE; tls++)
    {
      Guard guard = { .tls = tls };

      begin_netrc (fixture, &guard, "digest");
      fixture_assert_done (fixture, run (fixture, &guard, NONE));
      g_assert_true (g_str_has_prefix (guard.authorization, "Digest "));
      set_netrc (fixture, "machine elsewhere.example login ada password sesame", 0600);
      assert_refused (fixture, run (fixture, &guard, NONE), REFUSED);
      guard_clear (&guard);
    }
}

/* Where others could read it, or answer in the server's place, the password stays here. */
static void
test_netrc_in_the_open (Fixture *fixture, gconstpointer data)
{
  const char *const flags[] = { "ignore-unknown-ca", NULL };

  for (gboolean tls = FALSE; tls <= TRUE; tls++)
    {
      Guard guard = { .tls = tls };

      guard_init (&guard, "basic", FALSE);
      set_session (fixture, NULL);
      fixture->tls_flags = flags;
      set_netrc (fixture, LINE, 0600);
      assert_refused (fixture, run (fixture, &guard, NONE), REFUSED ONLY_HTTPS);
      g_assert_null (guard.offered);
      g_assert_cmpuint (guard.requests, ==, 1);
      guard_clear (&guard);
    }
}

static void
test_netrc_not_used (Fixture *fixture, gconstpointer data)
{
  Guard guard = { .tls = TRUE };

  guard_init (&guard, "basic", FALSE);
  set_session (fixture, NULL);
  trust (fixture);
  set_netrc (fixture, LINE, 0644);
  assert_refused (fixture, run (fixture, &guard, NONE),
                  REFUSED "; ~/.netrc is not used: others may read it; chmod 600 it");
  set_netrc (fixture, LINE "machine x login \"", 0600);
  assert_refused (fixture, run (fixture, &guard, NONE),
                  REFUSED "; ~/.netrc is not used: it is malformed");
  g_assert_null (guard.offered);
  g_assert_cmpuint (guard.requests, ==, 2);
  guard_clear (&guard);
}

/* A job that has its own asks for no other. */
static void
test_netrc_comes_last (Fixture *fixture, gconstpointer data)
{
  const char *const token[] = { "X-Other: y", "authorization: Bearer x", NULL };
  Guard guard = { .tls = TRUE };

  begin_netrc (fixture, &guard, "basic");
  assert_refused (fixture, run (fixture, &guard, "[" OF ("server", "basic", EVE) "]"), REFUSED);
  g_assert_cmpstr (guard.offered, ==, "Basic ZXZlOng=");
  assert_refused (fixture, run (fixture, &guard, "[" OF ("server", "digest", ADA) "]"), REFUSED);
  g_assert_null (guard.offered);
  fixture->secret_headers = token;
  assert_refused (fixture, run (fixture, &guard, NONE), REFUSED);
  g_assert_cmpstr (guard.offered, ==, "Bearer x");
  g_assert_cmpuint (guard.served, ==, 0);
  /* Those of the proxy are no others. */
  fixture->secret_headers = NULL;
  fixture_assert_done (fixture, run (fixture, &guard, "[" OF ("proxy", "basic", EVE) "]"));
  guard_clear (&guard);
}

/* Somebody else chose the URL. */
static void
test_netrc_of_others (Fixture *fixture, gconstpointer data)
{
  Guard guard = { .tls = TRUE };

  begin_netrc (fixture, &guard, "basic");
  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture->resume = g_variant_ref_sink (
      g_variant_new_parsed ("{%s: <true>}", FERRY_RESUME_NO_SYMLINKS));
  assert_refused (fixture, run_on (fixture, &guard, NONE), REFUSED);
  /* It is kept with the bytes. */
  assert_refused (fixture, run_on (fixture, &guard, NONE), REFUSED);
  fixture->redirect_policy = "report";
  assert_refused (fixture, run (fixture, &guard, NONE), REFUSED);
  g_assert_null (guard.offered);
  fixture->redirect_policy = "follow";
  fixture_assert_done (fixture, run (fixture, &guard, NONE));
  guard_clear (&guard);
}

/* Even to the host that the file names, but for another port. */
static void
test_netrc_elsewhere (Fixture *fixture, gconstpointer data)
{
  Guard other = { .tls = TRUE };
  Guard guard = { .tls = TRUE };
  g_autofree char *url = NULL;

  guard_init (&other, "basic", FALSE);
  url = g_strdup_printf ("https://127.0.0.1:%u/other", other.port);
  guard.redirect = url;
  begin_netrc (fixture, &guard, "basic");
  assert_refused (fixture, run (fixture, &guard, NONE), REFUSED);
  g_assert_nonnull (guard.authorization);
  g_assert_cmpuint (other.requests, ==, 1);
  g_assert_null (other.offered);
  guard_clear (&guard);
  guard_clear (&other);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/worker-login/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
#define ADD_NETRC(name, function)                                                                  \
  g_test_add ("/worker-login/netrc/" name, Fixture, NULL, fixture_set_up, function, netrc_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("basic", test_basic);
  ADD ("digest", test_digest);
  ADD ("bearer", test_bearer);
  ADD ("plain-http", test_plain_http);
  ADD ("elsewhere", test_elsewhere);
  ADD ("proxy", test_proxy);
  ADD_NETRC ("found", test_netrc);
  ADD_NETRC ("digest", test_netrc_digest);
  ADD_NETRC ("in-the-open", test_netrc_in_the_open);
  ADD_NETRC ("not-used", test_netrc_not_used);
  ADD_NETRC ("comes-last", test_netrc_comes_last);
  ADD_NETRC ("of-others", test_netrc_of_others);
  ADD_NETRC ("elsewhere", test_netrc_elsewhere);
  return g_test_run ();
}
