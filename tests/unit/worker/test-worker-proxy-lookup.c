/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real ferry-proxy-lookup: what settings, variables and scripts come to. */

#include "worker-proxy-resolver.h"

#include "ferry-error.h"

#include <glib/gstdio.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HTTP  "http://host.example/"
#define HTTPS "https://host.example/"

#define MISUNDERSTOOD   "error The proxy setting cannot be understood end "
#define USELESS_SETTING "error The proxy setting names no proxy that Ferry can use end "

#define MANUAL                                                                                     \
  "[system/proxy]\nmode='manual'\nignore-hosts=['past.example', '*.past', '10.0.0.0/8']\n"         \
  "[system/proxy/http]\nhost='http.proxy'\nport=1\n"

typedef struct
{
  char *home;
  char *config; /* ~/.config/dconf */
  char *script;
} Fixture;

/* What is asked, and what is to come of it. */
typedef struct
{
  const char *variables[3]; /* NAME=VALUE */
  const char *url;
  const char *answer;
} Row;

static void
set_up (Fixture *self)
{
  g_autoptr (GError) error = NULL;

  self->home = g_dir_make_tmp ("ferry-proxy-XXXXXX", &error);
  g_assert_no_error (error);
  self->config = g_build_filename (self->home, ".config", "dconf", NULL);
  self->script = g_build_filename (self->home, "script.pac", NULL);
}

static void
tear_down (Fixture *self)
{
  const char *const argv[] = { "rm", "-r", self->home, NULL };

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
  g_free (self->home);
  g_free (self->config);
  g_free (self->script);
}

static void
write_file (const char *path, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

/* Gives the user the settings of a keyfile, by the real compiler of dconf. */
static void
set_desktop (Fixture *self, const char *keyfile)
{
  g_autofree char *source = g_build_filename (self->home, "source", NULL);
  g_autofree char *file = g_build_filename (source, "keys", NULL);
  g_autofree char *database = g_build_filename (self->config, "user", NULL);
  const char *const argv[] = { "dconf", "compile", database, source, NULL };
  g_autoptr (GError) error = NULL;
  int status;

  g_mkdir_with_parents (source, 0700);
  g_mkdir_with_parents (self->config, 0700);
  write_file (file, keyfile);
  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status,
                &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
}

/* Returns: (transfer full): it, with nothing but @variables in its environment */
static GSubprocess *
start (Fixture *self, const char *const *variables)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  GSubprocess *process;
  g_autoptr (GError) error = NULL;
  char *empty[] = { NULL };

  g_subprocess_launcher_set_environ (launcher, empty);
  g_subprocess_launcher_setenv (launcher, "HOME", self->home, TRUE);
  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C.UTF-8", TRUE);
  for (guint i = 0; variables[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (variables[i], "=", 2);

      g_subprocess_launcher_setenv (launcher, parts[0], parts[1], TRUE);
    }
  process = g_subprocess_launcher_spawn (launcher, &error, g_getenv ("FERRY_PROXY_LOOKUP"), NULL);
  g_assert_no_error (error);
  return process;
}

/* Returns: (transfer full): all that it says to who asks for @url, in one line */
static char *
ask (Fixture *self, const char *const *variables, const char *url)
{
  g_autoptr (GSubprocess) process = start (self, variables);
  g_autofree char *line = g_strconcat (url, "\n", NULL);
  g_autoptr (GError) error = NULL;
  char *output = NULL;

  g_subprocess_communicate_utf8 (process, line, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (process));
  return g_strdelimit (output, "\n", ' ');
}

static void
check (Fixture *self, const Row *rows, gsize n_rows)
{
  for (gsize i = 0; i < n_rows; i++)
    {
      g_autofree char *answer = ask (self, rows[i].variables, rows[i].url);

      g_test_message ("%s %s", rows[i].url, rows[i].answer);
      g_assert_cmpstr (answer, ==, rows[i].answer);
    }
}

static gboolean
has_schema (void)
{
  g_autoptr (GSettingsSchema)
      schema = g_settings_schema_source_lookup (g_settings_schema_source_get_default (),
                                                "org.gnome.system.proxy", TRUE);

  if (schema == NULL)
    g_test_skip ("gsettings-desktop-schemas is not installed");
  return schema != NULL;
}

/* Makes the script of @body. Returns: (transfer full) (nullable): the variable that asks for it; %NULL when there is no engine */
static char *
use_script (Fixture *self, const char *body)
{
  char *variable = g_strdup_printf ("http_proxy=pac+file://%s", self->script);
  const char *const variables[] = { variable, NULL };
  g_autofree char *answer = NULL;

  write_file (self->script, "function FindProxyForURL () { return 'DIRECT' }");
  answer = ask (self, variables, HTTP);
  write_file (self->script, body);
  if (g_str_equal (answer, "proxy direct:// end "))
    return variable;
  g_assert_nonnull (strstr (answer, "libproxy1-plugin-webkit"));
  g_test_skip ("libproxy1-plugin-webkit is not installed");
  g_free (variable);
  return NULL;
}

static void
test_machine (void)
{
  static const Row rows[] = {
    { { NULL }, HTTP, "proxy direct:// end " },
    { { "http_proxy=http://a:1" }, HTTP, "proxy http://a:1 end " },
    { { "http_proxy=a:1" }, HTTP, "proxy http://a:1 end " },
    { { "http_proxy=" }, HTTP, "proxy direct:// end " },
    { { "http_proxy=http://u:p@a:1" }, HTTPS, "proxy http://u:p@a:1 end " },
    { { "http_proxy=http://a:1", "https_proxy=http://b:2" }, HTTPS, "proxy http://b:2 end " },
    { { "http_proxy=http://a:1", "https_proxy=http://b:2" }, HTTP, "proxy http://a:1 end " },
    { { "https_proxy=http://b:2" }, HTTP, "proxy direct:// end " },
    { { "all_proxy=http://a:1" }, HTTP, "proxy http://a:1 end " },
    { { "ALL_PROXY=http://a:1", "http_proxy=http://b:2" }, HTTPS, "proxy http://b:2 end " },
    { { "all_proxy=socks://a:1" },
      HTTPS,
      "proxy socks5://a:1 proxy socks4a://a:1 proxy socks4://a:1 end " },
    { { "all_proxy=socks5h://u:p@a:1" }, HTTPS, "proxy socks5://u:p@a:1 end " },
    { { "all_proxy=SOCKS5://a:1" }, HTTPS, "proxy socks5://a:1 end " },
    { { "all_proxy=quic://a:1" }, HTTPS, USELESS_SETTING },
    { { "http_proxy=http://a b:1" }, HTTP, USELESS_SETTING },
    { { "http_proxy=http://u:p w@a:1" }, HTTP, "proxy http://u:p%20w@a:1 end " },
    { { "http_proxy=http://\xc3\xbc:p@b\xc3\xbc"
        "cher:1" },
      HTTP,
      "proxy http://%C3%BC:p@xn--bcher-kva:1 end " },
    { { "http_proxy=http://a:1", "no_proxy=x,.example" }, HTTP, "proxy direct:// end " },
    { { "http_proxy=http://a:1", "no_proxy=x" }, HTTP, "proxy http://a:1 end " },
  };
  Fixture fixture;

  set_up (&fixture);
  check (&fixture, rows, G_N_ELEMENTS (rows));
  tear_down (&fixture);
}

static void
test_manual (void)
{
  static const Row rows[] = {
    { { NULL }, HTTP, "proxy http://http.proxy:1 end " },
    { { NULL }, HTTPS, "proxy http://http.proxy:1 end " },
    { { "http_proxy=http://a:1" }, HTTP, "proxy http://http.proxy:1 end " },
    { { "http_proxy=http://a:1" }, "http://past.example/", "proxy direct:// end " },
    { { NULL }, "https://deep.in.past/", "proxy direct:// end " },
    { { NULL }, "http://10.1.2.3:8080/", "proxy direct:// end " },
    { { NULL }, "http://11.1.2.3/", "proxy http://http.proxy:1 end " },
  };
  static const Row more[] = {
    { { NULL }, HTTP, "proxy http://u%40:p%3A@http.proxy:1 end " },
    { { NULL }, HTTPS, "proxy http://https.proxy:2 end " },
  };
  static const Row socks[] = {
    { { "http_proxy=http://a:1" },
      HTTP,
      "proxy socks5://socks.proxy:3 proxy socks4a://socks.proxy:3 proxy socks4://socks.proxy:3 "
      "end " },
  };
  static const Row none[] = {
    { { NULL }, HTTP, "proxy direct:// end " },
    { { "http_proxy=http://a:1" }, HTTP, "proxy http://a:1 end " },
  };
  Fixture fixture;

  if (!has_schema ())
    return;
  set_up (&fixture);
  set_desktop (&fixture, MANUAL);
  check (&fixture, rows, G_N_ELEMENTS (rows));
  set_desktop (&fixture, MANUAL "use-authentication=true\nauthentication-user='u@'\n"
                                "authentication-password='p:'\n"
                                "[system/proxy/https]\nhost='https.proxy'\nport=2\n"
                                "[system/proxy/socks]\nhost='socks.proxy'\nport=3\n");
  check (&fixture, more, G_N_ELEMENTS (more));
  set_desktop (&fixture, "[system/proxy]\nmode='manual'\n"
                         "[system/proxy/socks]\nhost='socks.proxy'\nport=3\n");
  check (&fixture, socks, G_N_ELEMENTS (socks));
  set_desktop (&fixture, "[system/proxy]\nmode='none'\n[system/proxy/http]\nhost='http.proxy'\n");
  check (&fixture, none, G_N_ELEMENTS (none));
  tear_down (&fixture);
}

/* What is meant for a proxy is never taken for none. */
static void
test_manual_hosts (void)
{
  static const char *const hosts[][2] = {
    { "::1", "proxy http://[::1]:1 end " },
    { "[::1]", "proxy http://[::1]:1 end " },
    { "b\xc3\xbc"
      "cher.example",
      "proxy http://xn--bcher-kva.example:1 end " },
    { " ", MISUNDERSTOOD },
    { "a b", MISUNDERSTOOD },
    { "::1::", MISUNDERSTOOD },
    { "http://a", MISUNDERSTOOD },
    { "a/b", MISUNDERSTOOD },
    { "a?", MISUNDERSTOOD },
  };
  Fixture fixture;

  if (!has_schema ())
    return;
  set_up (&fixture);
  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autofree char *keys = g_strdup_printf (MANUAL "host='%s'\n", hosts[i][0]);
      const Row rows[] = {
        { { NULL }, HTTP, hosts[i][1] },
        { { NULL }, HTTPS, hosts[i][1] },
        { { NULL }, "http://past.example/", "proxy direct:// end " },
      };

      set_desktop (&fixture, keys);
      check (&fixture, rows, G_N_ELEMENTS (rows));
    }
  set_desktop (&fixture, "[system/proxy]\nmode='manual'\n[system/proxy/socks]\nhost='a b'\n");
  check (&fixture, &(Row){ { NULL }, HTTP, MISUNDERSTOOD }, 1);
  tear_down (&fixture);
}

/* Nothing but what was there: a user who looks at his home does not see that we looked. */
static void
test_leaves_nothing (void)
{
  const char *const variables[] = { NULL };
  g_autoptr (GDir) dir = NULL;
  g_autoptr (GError) error = NULL;
  Fixture fixture;

  set_up (&fixture);
  g_free (ask (&fixture, variables, HTTP));
  dir = g_dir_open (fixture.home, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_dir_read_name (dir), ==, NULL);
  tear_down (&fixture);
}

static void
test_automatic (void)
{
  g_autofree char *keys = NULL;
  g_autofree char *variable = NULL;
  static const Row rows[] = {
    { { NULL }, HTTP, "proxy http://a:1 proxy direct:// end " },
    { { "http_proxy=http://b:1" }, HTTPS, "proxy http://a:1 proxy direct:// end " },
    { { "http_proxy=http://b:1" }, "https://past.example/", "proxy direct:// end " },
    { { "no_proxy=host.example" }, HTTP, "proxy http://a:1 proxy direct:// end " },
  };
  Fixture fixture;

  if (!has_schema ())
    return;
  set_up (&fixture);
  variable = use_script (&fixture, "function FindProxyForURL () { return 'PROXY a:1; DIRECT' }");
  if (variable != NULL)
    {
      keys = g_strdup_printf ("[system/proxy]\nmode='auto'\nautoconfig-url='file://%s'\n"
                              "ignore-hosts=['past.example']\n",
                              fixture.script);
      set_desktop (&fixture, keys);
      check (&fixture, rows, G_N_ELEMENTS (rows));
    }
  tear_down (&fixture);
}

static void
test_scripts (void)
{
#define FIND(body) "function FindProxyForURL (url, host) { " body " } // no end of line"
#define FIVE       "proxy direct:// proxy direct:// proxy direct:// proxy direct:// proxy direct:// "
#define MANY       FIVE FIVE FIVE
#define FAILS      "error The proxy auto-configuration in a file is a script that fails end "
#define USELESS                                                                                    \
  "error The proxy auto-configuration in a file names no proxy that Ferry can use end "
  static const char *const scripts[][2] = {
    { FIND ("alert ('x'); return 'DIRECT'"), "proxy direct:// end " },
    { FIND ("return ''"), "proxy direct:// end " },
    { FIND ("return null"), "proxy direct:// end " },
    { FIND ("return ' PROXY a:1 ; ;'"), "proxy http://a:1 end " },
    { FIND ("return 'proxy a;Socks b'"),
      "proxy http://a:80 proxy socks5://b:1080 proxy socks4a://b:1080 proxy socks4://b:1080 end " },
    { FIND ("return 'SOCKS4 a:1; SOCKS5 [::1]:2'"),
      "proxy socks4://a:1 proxy socks5://[::1]:2 end " },
    { FIND ("return 'HTTPS a:1; PROXY b:1'"), "proxy http://b:1 end " },
    { FIND ("return 'HTTPS a:1'"), USELESS },
    { FIND ("return 'PROXY'"), USELESS },
    { FIND ("return 'PROXY a/b'"), USELESS },
    { FIND ("return 'PROXY b\xc3\xbc"
            "cher:1'"),
      "proxy http://xn--bcher-kva:1 end " },
    { FIND ("return 'PROXY a:1;' + Array (40).join ('DIRECT;')"), "proxy http://a:1 " MANY "end " },
    { FIND ("return 'nonsense'"), USELESS },
    { FIND ("return url == 'https://host.example/' && host == 'host.example' ? 'PROXY a:1' : 1"),
      "proxy http://a:1 end " },
    { FIND ("return dnsDomainIs (host, '.example') && shExpMatch (url, 'https://*')"
            " && isPlainHostName ('a') ? 'PROXY a:1' : 'DIRECT'"),
      "proxy http://a:1 end " },
    { "/* \xe4 */ var proxy = 'PROXY a:1'; " FIND ("return proxy"), "proxy http://a:1 end " },
    { FIND ("return 1"), FAILS },
    { FIND ("throw 'up'"), FAILS },
    { FIND ("return nothing ()"), FAILS },
    { "throw 'up'; " FIND ("return 'DIRECT'"), FAILS },
    { "function (", FAILS },
    { "function find () { return 'DIRECT'; }", FAILS },
    { "<html>No, sorry</html>", FAILS },
    { "", "error The proxy auto-configuration in a file is empty end " },
  };
  Fixture fixture;
  g_autofree char *variable = NULL;

  set_up (&fixture);
  variable = use_script (&fixture, "");
  for (gsize i = 0; variable != NULL && i < G_N_ELEMENTS (scripts); i++)
    {
      const Row row = { { variable }, HTTPS, scripts[i][1] };

      g_test_message ("%s", scripts[i][0]);
      write_file (fixture.script, scripts[i][0]);
      check (&fixture, &row, 1);
    }
  tear_down (&fixture);
}

/* Before it reads anything it is the one that the kernel ends first. */
static void
test_goes_first (void)
{
  Fixture fixture;
  g_autofree char *variable = NULL;
  g_autofree char *file = NULL;
  g_autofree char *score = NULL;
  g_autoptr (GSubprocess) process = NULL;
  const char *variables[] = { NULL, NULL };
  GOutputStream *input;
  int script;

  set_up (&fixture);
  g_assert_no_errno (mkfifo (fixture.script, 0600));
  variables[0] = variable = g_strdup_printf ("http_proxy=pac+file://%s", fixture.script);
  process = start (&fixture, variables);
  input = g_subprocess_get_stdin_pipe (process);
  g_assert_true (
      g_output_stream_write_all (input, HTTP "\n", strlen (HTTP "\n"), NULL, NULL, NULL));
  script = open (fixture.script, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (script, >=, 0);
  file = g_strdup_printf ("/proc/%s/oom_score_adj", g_subprocess_get_identifier (process));
  g_assert_true (g_file_get_contents (file, &score, NULL, NULL));
  g_assert_cmpstr (score, ==, "1000\n");
  g_subprocess_force_exit (process);
  g_subprocess_wait (process, NULL, NULL);
  close (script);
  tear_down (&fixture);
}

/* Whose memory is the worker's. */
static void
test_greedy_script (void)
{
  Fixture fixture;
  g_autofree char *variable = NULL;

  set_up (&fixture);
  variable = use_script (&fixture, FIND ("for (var all = []; ; ) all.push ({ n: all.length });"));
  if (variable != NULL)
    check (&fixture,
           &(Row){ { variable },
                   HTTP,
                   "error The proxy auto-configuration takes too much memory end " },
           1);
  tear_down (&fixture);
}

/* What libproxy would take for "direct". */
static void
test_scripts_that_are_not_there (void)
{
  static const Row rows[] = {
    { { "http_proxy=pac+http://127.0.0.1:1/" },
      HTTP,
      "error The proxy auto-configuration at 127.0.0.1 is not reached: Connection refused end " },
    { { "http_proxy=pac+https://127.0.0.1:1/" },
      HTTP,
      "error The proxy auto-configuration at 127.0.0.1 is not reached: Connection refused end " },
    { { "http_proxy=pac+ftp://host/" },
      HTTP,
      "error The proxy auto-configuration has an address that is none of http, https or file "
      "end " },
    { { "http_proxy=pac+http://127.0.0.1:1/", "no_proxy=host.example" },
      HTTP,
      "proxy direct:// end " },
  };
  Fixture fixture;
  g_autofree char *variable = NULL;

  set_up (&fixture);
  check (&fixture, rows, G_N_ELEMENTS (rows));
  variable = use_script (&fixture, "");
  if (variable != NULL)
    {
      const char *const variables[] = { variable, NULL };
      g_autofree char *answer = NULL;

      g_unlink (fixture.script);
      answer = ask (&fixture, variables, HTTP);
      g_assert_true (g_str_has_prefix (
          answer, "error The proxy auto-configuration in a file cannot be read: "));
    }
  tear_down (&fixture);
}

static void
test_no_engine (void)
{
  g_autofree char *variable = NULL;
  Fixture fixture;

  set_up (&fixture);
  variable = g_strdup_printf ("http_proxy=pac+file://%s", fixture.script);
  write_file (fixture.script, "function FindProxyForURL () { return 'DIRECT' }");
  check (&fixture,
         &(Row){ { variable, "PX_MODULE_PATH=/nonexistent" },
                 HTTP,
                 "error The proxy auto-configuration in a file needs the package "
                 "libproxy1-plugin-webkit end " },
         1);
  tear_down (&fixture);
}

/* All of it: with answers that are not kept, a new setting acts at the next lookup. */
static void
test_change (void)
{
  const WorkerProxyTimes times = { .patience = 60 * 1000 };
  g_autoptr (GProxyResolver)
      resolver = worker_proxy_resolver_new (g_getenv ("FERRY_PROXY_LOOKUP"), &times);
  Fixture fixture;

  if (!has_schema ())
    return;
  set_up (&fixture);
  g_setenv ("HOME", fixture.home, TRUE);
  for (guint i = 1; i < 4; i++)
    {
      g_autofree char *keys = g_strdup_printf (MANUAL "port=%u\n", i);
      g_autofree char *proxy = g_strdup_printf ("http://http.proxy:%u", i);
      g_autoptr (GError) error = NULL;
      g_auto (GStrv) proxies = NULL;

      set_desktop (&fixture, keys);
      proxies = g_proxy_resolver_lookup (resolver, HTTP, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (proxies[0], ==, proxy);
    }
  tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker-proxy-lookup/machine", test_machine);
  g_test_add_func ("/worker-proxy-lookup/manual", test_manual);
  g_test_add_func ("/worker-proxy-lookup/manual-hosts", test_manual_hosts);
  g_test_add_func ("/worker-proxy-lookup/leaves-nothing", test_leaves_nothing);
  g_test_add_func ("/worker-proxy-lookup/automatic", test_automatic);
  g_test_add_func ("/worker-proxy-lookup/scripts", test_scripts);
  g_test_add_func ("/worker-proxy-lookup/goes-first", test_goes_first);
  g_test_add_func ("/worker-proxy-lookup/greedy-script", test_greedy_script);
  g_test_add_func ("/worker-proxy-lookup/scripts-that-are-not-there",
                   test_scripts_that_are_not_there);
  g_test_add_func ("/worker-proxy-lookup/no-engine", test_no_engine);
  g_test_add_func ("/worker-proxy-lookup/change", test_change);
  return g_test_run ();
}
