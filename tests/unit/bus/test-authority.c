/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to polkit: what becomes of its answers, how many at a time, and what is remembered. polkit is a script here. */

#include "bus-fixture.h"
#include "fake-clock.h"
#include "ferry-authority.h"
#include "ferry-error.h"
#include "ferry-names.h"
#include "link-wait.h"

#define POLKIT_NAME      "org.freedesktop.PolicyKit1"
#define POLKIT_PATH      "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

#define POLKIT_XML                                                                                 \
  "<node><interface name='" POLKIT_INTERFACE "'>"                                                  \
  "<method name='CheckAuthorization'>"                                                             \
  "<arg type='(sa{sv})' direction='in'/><arg type='s' direction='in'/>"                            \
  "<arg type='a{ss}' direction='in'/><arg type='u' direction='in'/>"                               \
  "<arg type='s' direction='in'/><arg type='(bba{ss})' direction='out'/></method>"                 \
  "<signal name='Changed'/></interface></node>"

typedef struct
{
  BusFixture *bus;           /* (owned) */
  GDBusConnection *service;  /* (owned) */
  GDBusConnection *polkit;   /* (owned) */
  FerryFakeClock *clock;     /* (owned) */
  FerryAuthority *authority; /* (owned) */
  GPtrArray *questions; /* (owned) (element-type GDBusMethodInvocation): in the order they came */
  guint registration;
} Fixture;

typedef struct
{
  gboolean done;
  gboolean granted;
  GError *error; /* (owned) (nullable) */
} Answer;

static void
on_method_call (GDBusConnection *connection, const char *sender, const char *path,
                const char *interface, const char *method, GVariant *parameters,
                GDBusMethodInvocation *invocation, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_ptr_array_add (fixture->questions, invocation);
}

static void
start_polkit (Fixture *fixture)
{
  static const GDBusInterfaceVTable vtable = { on_method_call, NULL, NULL, { 0 } };
  g_autoptr (GDBusNodeInfo) info = g_dbus_node_info_new_for_xml (POLKIT_XML, NULL);
  g_autoptr (GError) error = NULL;

  fixture->registration = g_dbus_connection_register_object (fixture->polkit, POLKIT_PATH,
                                                             info->interfaces[0], &vtable, fixture,
                                                             NULL, &error);
  g_assert_no_error (error);
  bus_fixture_own_name (fixture->polkit, POLKIT_NAME);
}

static gboolean
set_up (Fixture *fixture)
{
  fixture->bus = bus_fixture_start ();
  if (fixture->bus == NULL)
    return FALSE;

  fixture->service = bus_fixture_connect (fixture->bus);
  fixture->polkit = bus_fixture_connect (fixture->bus);
  fixture->clock = ferry_fake_clock_new ();
  fixture->questions = g_ptr_array_new ();
  fixture->authority = ferry_authority_new (fixture->service, FERRY_CLOCK (fixture->clock));
  return TRUE;
}

static void
tear_down (Fixture *fixture)
{
  g_assert_cmpuint (fixture->questions->len, ==, 0);
  ferry_authority_close (fixture->authority);
  g_assert_finalize_object (fixture->authority);
  if (fixture->registration != 0)
    g_dbus_connection_unregister_object (fixture->polkit, fixture->registration);
  g_ptr_array_unref (fixture->questions);
  g_object_unref (fixture->clock);
  bus_fixture_disconnect (fixture->service);
  bus_fixture_disconnect (fixture->polkit);
  bus_fixture_stop (fixture->bus);
}

static void
on_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;

  answer->granted = ferry_authority_check_finish (FERRY_AUTHORITY (source), result, &answer->error);
  answer->done = TRUE;
  g_assert_cmpint (answer->granted, ==, answer->error == NULL);
}

static void
ask (Fixture *fixture, const char *name, uid_t uid, const char *action, gboolean interactive,
     Answer *answer)
{
  ferry_authority_check_async (fixture->authority, name, uid, action, NULL, interactive, on_checked,
                               answer);
}

/* Answers the oldest question that polkit was asked. */
static void
reply (Fixture *fixture, gboolean yes, gboolean challenge, gboolean dismissed)
{
  GDBusMethodInvocation *invocation = g_ptr_array_steal_index (fixture->questions, 0);
  GVariantBuilder details;

  g_variant_builder_init (&details, G_VARIANT_TYPE ("a{ss}"));
  if (dismissed)
    g_variant_builder_add (&details, "{ss}", "polkit.dismissed", "true");
  g_dbus_method_invocation_return_value (invocation,
                                         g_variant_new ("((bba{ss}))", yes, challenge, &details));
}

static void
test_question (void)
{
  Fixture fixture = { 0 };
  Answer answer = { 0 };
  g_autoptr (GVariant) parameters = NULL;
  g_autoptr (GVariant) subject = NULL;
  g_autoptr (GVariant) details = NULL;
  const char *kind, *name, *action, *type;
  GVariantBuilder builder;
  guint flags;

  if (!set_up (&fixture))
    return;

  start_polkit (&fixture);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&builder, "{ss}", "type", "download");
  ferry_authority_check_async (fixture.authority, ":1.77", 1000, FERRY_ACTION_CREATE_JOB,
                               g_variant_builder_end (&builder), TRUE, on_checked, &answer);
  wait_until (fixture.questions->len == 1);
  parameters = g_variant_ref (
      g_dbus_method_invocation_get_parameters (fixture.questions->pdata[0]));
  g_variant_get (parameters, "((&s@a{sv})&s@a{ss}us)", &kind, &subject, &action, &details, &flags,
                 NULL);
  g_assert_cmpstr (kind, ==, "system-bus-name");
  g_assert_true (g_variant_lookup (subject, "name", "&s", &name));
  g_assert_cmpstr (name, ==, ":1.77");
  g_assert_cmpstr (action, ==, "org.ferry.transfer1.create-job");
  g_assert_true (g_variant_lookup (details, "type", "&s", &type));
  g_assert_cmpstr (type, ==, "download");
  g_assert_cmpuint (flags, ==, 1);
  reply (&fixture, TRUE, FALSE, FALSE);
  wait_until (answer.done);
  g_assert_true (answer.granted);
  tear_down (&fixture);
}

static const struct
{
  gboolean yes, challenge, dismissed, interactive;
  int code;         /* of FERRY_ERROR, -1: none */
  const char *name; /* of an error without a code */
} outcomes[] = {
  { TRUE, FALSE, FALSE, FALSE, -1, NULL },
  { FALSE, FALSE, FALSE, FALSE, FERRY_ERROR_NOT_AUTHORIZED, NULL },
  { FALSE, FALSE, FALSE, TRUE, FERRY_ERROR_NOT_AUTHORIZED, NULL },
  { FALSE, TRUE, FALSE, TRUE, FERRY_ERROR_NOT_AUTHORIZED, NULL },
  { FALSE, FALSE, TRUE, TRUE, FERRY_ERROR_AUTHORIZATION_DISMISSED, NULL },
  { FALSE, TRUE, FALSE, FALSE, -1, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired" },
};

static void
test_outcomes (void)
{
  Fixture fixture = { 0 };

  if (!set_up (&fixture))
    return;

  start_polkit (&fixture);
  for (gsize i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      g_autofree char *name = g_strdup_printf (":2.%" G_GSIZE_FORMAT, i);
      g_autofree char *error_name = NULL;
      Answer answer = { 0 };

      ask (&fixture, name, 1000, FERRY_ACTION_CREATE_JOB, outcomes[i].interactive, &answer);
      wait_until (fixture.questions->len == 1);
      reply (&fixture, outcomes[i].yes, outcomes[i].challenge, outcomes[i].dismissed);
      wait_until (answer.done);
      g_assert_cmpint (answer.granted, ==, outcomes[i].yes);
      if (outcomes[i].code >= 0)
        g_assert_error (answer.error, FERRY_ERROR, outcomes[i].code);
      if (outcomes[i].name != NULL)
        {
          error_name = g_dbus_error_get_remote_error (answer.error);
          g_assert_cmpstr (error_name, ==, outcomes[i].name);
        }
      g_clear_error (&answer.error);
    }
  tear_down (&fixture);
}

static void
test_root (void)
{
  Fixture fixture = { 0 };
  Answer answer = { 0 };

  if (!set_up (&fixture))
    return;

  start_polkit (&fixture);
  ask (&fixture, ":1.77", 0, FERRY_ACTION_EXCEED_LIMITS, FALSE, &answer);
  wait_until (answer.done);
  g_assert_true (answer.granted);
  tear_down (&fixture);
}

/* An error is a refusal, also for what is granted by default. */
static void
test_error (void)
{
  Fixture fixture = { 0 };
  Answer answer = { 0 };

  if (!set_up (&fixture))
    return;

  start_polkit (&fixture);
  ask (&fixture, ":1.77", 1000, FERRY_ACTION_CREATE_JOB, FALSE, &answer);
  wait_until (fixture.questions->len == 1);
  g_dbus_method_invocation_return_dbus_error (g_ptr_array_steal_index (fixture.questions, 0),
                                              "org.freedesktop.PolicyKit1.Error.Failed", "no");
  wait_until (answer.done);
  g_assert_error (answer.error, FERRY_ERROR, FERRY_ERROR_NOT_AUTHORIZED);
  g_clear_error (&answer.error);

  /* As if there were no polkit, but there is one. */
  ask (&fixture, ":1.77", 1000, FERRY_ACTION_CREATE_JOB, FALSE, &answer);
  wait_until (fixture.questions->len == 1);
  answer.done = FALSE;
  g_dbus_method_invocation_return_dbus_error (g_ptr_array_steal_index (fixture.questions, 0),
                                              "org.freedesktop.DBus.Error.ServiceUnknown", "no");
  wait_until (answer.done);
  g_assert_error (answer.error, FERRY_ERROR, FERRY_ERROR_NOT_AUTHORIZED);
  g_clear_error (&answer.error);
  tear_down (&fixture);
}

static void
test_no_polkit (void)
{
  static const struct
  {
    const char *action;
    gboolean granted;
  } rows[] = {
    { FERRY_ACTION_CREATE_JOB, TRUE },         { FERRY_ACTION_UPLOAD, TRUE },
    { FERRY_ACTION_FOREGROUND, TRUE },         { FERRY_ACTION_EXCEED_LIMITS, FALSE },
    { FERRY_ACTION_LIST_ALL_JOBS, FALSE },     { FERRY_ACTION_CONTROL_ALL_JOBS, FALSE },
    { FERRY_ACTION_TAKE_OWNERSHIP, FALSE },    { FERRY_ACTION_SET_POLICY, FALSE },
    { "org.ferry.transfer1.anything", FALSE },
  };
  Fixture fixture = { 0 };

  if (!set_up (&fixture))
    return;

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Answer answer = { 0 };

      ask (&fixture, ":1.77", 1000, rows[i].action, FALSE, &answer);
      wait_until (answer.done);
      g_assert_cmpint (answer.granted, ==, rows[i].granted);
      if (!rows[i].granted)
        g_assert_error (answer.error, FERRY_ERROR, FERRY_ERROR_NOT_AUTHORIZED);
      g_clear_error (&answer.error);
    }
  tear_down (&fixture);
}

/* == what is remembered == */

/* Asks once more and says whether polkit heard of it; it says no then. */
static gboolean
is_asked_again (Fixture *fixture, const char *name, const char *action)
{
  Answer answer = { 0 };
  gboolean asked;

  ask (fixture, name, 1000, action, FALSE, &answer);
  wait_until (answer.done || fixture->questions->len == 1);
  asked = fixture->questions->len == 1;
  if (asked)
    reply (fixture, FALSE, FALSE, FALSE);
  wait_until (answer.done);
  g_assert_cmpint (answer.granted, ==, !asked);
  g_clear_error (&answer.error);
  return asked;
}

static void
get_yes (Fixture *fixture)
{
  Answer answer = { 0 };

  ask (fixture, ":1.77", 1000, FERRY_ACTION_CREATE_JOB, FALSE, &answer);
  wait_until (fixture->questions->len == 1);
  reply (fixture, TRUE, FALSE, FALSE);
  wait_until (answer.done);
  g_assert_true (answer.granted);
}

static void
test_memory (void)
{
  Fixture fixture = { 0 };

  if (!set_up (&fixture))
    return;

  start_polkit (&fixture);
  get_yes (&fixture);
  g_assert_false (is_asked_again (&fixture, ":1.77", FERRY_ACTION_CREATE_JOB));
  g_assert_true (is_asked_again (&fixture, ":1.78", FERRY_ACTION_CREATE_JOB));
  g_assert_true (is_asked_again (&fixture, ":1.77", FERRY_ACTION_FOREGROUND));
  ferry_fake_clock_advance (fixture.clock, FERRY_AUTHORITY_KEEP * G_USEC_PER_SEC - 1);
  g_assert_false (is_asked_again (&fixture, ":1.77", FERRY_ACTION_CREATE_JOB));
  ferry_fake_clock_advance (fixture.clock, 1);
  g_assert_true (is_asked_again (&fixture, ":1.77", FERRY_ACTION_CREATE_JOB));
  tear_down (&fixture);
}

/* For a second, and not for who lets a person be asked. */
static void
test_memory_of_a_no (void)
{
  Fixture fixture = { 0 };
  Answer answer = { 0 }, kept = { 0 }, person = { 0 };

  if (!set_up (&fixture))
    return;

  start_polkit (&fixture);
  ask (&fixture, ":1.77", 1000, FERRY_ACTION_LIST_ALL_JOBS, FALSE, &answer);
  wait_until (fixture.questions->len == 1);
  reply (&fixture, FALSE, TRUE, FALSE);
  wait_until (answer.done);

  ask (&fixture, ":1.77", 1000, FERRY_ACTION_LIST_ALL_JOBS, FALSE, &kept);
  wait_until (kept.done);
  g_assert_cmpuint (fixture.questions->len, ==, 0);
  g_assert_cmpstr (kept.error->message, ==, answer.error->message);

  ask (&fixture, ":1.77", 1000, FERRY_ACTION_LIST_ALL_JOBS, TRUE, &person);
  wait_until (fixture.questions->len == 1);
  reply (&fixture, FALSE, FALSE, TRUE);
  wait_until (person.done);
  g_assert_error (person.error, FERRY_ERROR, FERRY_ERROR_AUTHORIZATION_DISMISSED);

  ferry_fake_clock_advance (fixture.clock, FERRY_AUTHORITY_KEEP_NO * G_USEC_PER_SEC);
  g_assert_true (is_asked_again (&fixture, ":1.77", FERRY_ACTION_LIST_ALL_JOBS));
  g_clear_error (&answer.error);
  g_clear_error (&kept.error);
  g_clear_error (&person.error);
  tear_down (&fixture);
}

static void
test_memory_ends_with_changed (void)
{
  Fixture fixture = { 0 };
  Answer answer = { 0 };

  if (!set_up (&fixture))
    return;

  start_polkit (&fixture);
  get_yes (&fixture);
  g_dbus_connection_emit_signal (fixture.polkit, NULL, POLKIT_PATH, POLKIT_INTERFACE, "Changed",
                                 NULL, NULL);
  bus_fixture_sync (fixture.polkit);
  bus_fixture_sync (fixture.service);
  link_wait_settle ();
  g_assert_true (is_asked_again (&fixture, ":1.77", FERRY_ACTION_CREATE_JOB));

  /* A yes to a question from before the change is good for that question only. */
  ferry_fake_clock_advance (fixture.clock, FERRY_AUTHORITY_KEEP_NO * G_USEC_PER_SEC);
  ask (&fixture, ":1.77", 1000, FERRY_ACTION_CREATE_JOB, FALSE, &answer);
  wait_until (fixture.questions->len == 1);
  g_dbus_connection_emit_signal (fixture.polkit, NULL, POLKIT_PATH, POLKIT_INTERFACE, "Changed",
                                 NULL, NULL);
  reply (&fixture, TRUE, FALSE, FALSE);
  wait_until (answer.done);
  g_assert_true (answer.granted);
  g_assert_true (is_asked_again (&fixture, ":1.77", FERRY_ACTION_CREATE_JOB));
  tear_down (&fixture);
}

/* == how many == */

static void
test_limit_per_user (void)
{
  Fixture fixture = { 0 };
  Answer answers[10] = { 0 };
  Answer other = { 0 };

  if (!set_up (&fixture))
    return;

  start_polkit (&fixture);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autofree char *name = g_strdup_printf (":2.%u", i);

      ask (&fixture, name, 1000, FERRY_ACTION_CREATE_JOB, FALSE, &answers[i]);
    }
  ask (&fixture, ":3.1", 1001, FERRY_ACTION_CREATE_JOB, FALSE, &other);
  wait_until (fixture.questions->len == FERRY_AUTHORITY_MAX_USER_CHECKS + 1);
  bus_fixture_sync (fixture.polkit);
  link_wait_settle ();
  g_assert_cmpuint (fixture.questions->len, ==, FERRY_AUTHORITY_MAX_USER_CHECKS + 1);

  /* Each answer lets the next question through; all get theirs in the end. */
  for (guint i = 0; i < G_N_ELEMENTS (answers) + 1; i++)
    {
      wait_until (fixture.questions->len > 0);
      reply (&fixture, TRUE, FALSE, FALSE);
    }
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    wait_until (answers[i].done);
  wait_until (other.done);
  tear_down (&fixture);
}

/* However fast polkit answers: the rest waits for the next second. */
static void
test_limit_per_second (void)
{
  Fixture fixture = { 0 };
  Answer answers[FERRY_AUTHORITY_MAX_USER_RATE + 3] = { 0 };
  Answer other = { 0 };

  if (!set_up (&fixture))
    return;

  start_polkit (&fixture);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autofree char *name = g_strdup_printf (":2.%u", i);

      ask (&fixture, name, 1000, FERRY_ACTION_CREATE_JOB, FALSE, &answers[i]);
    }
  for (guint i = 0; i < FERRY_AUTHORITY_MAX_USER_RATE; i++)
    {
      wait_until (fixture.questions->len > 0);
      reply (&fixture, TRUE, FALSE, FALSE);
      wait_until (answers[i].done);
    }
  ask (&fixture, ":3.1", 1001, FERRY_ACTION_CREATE_JOB, FALSE, &other);
  wait_until (fixture.questions->len == 1);
  reply (&fixture, TRUE, FALSE, FALSE);
  wait_until (other.done);
  g_assert_false (answers[FERRY_AUTHORITY_MAX_USER_RATE].done);

  ferry_fake_clock_advance (fixture.clock, G_USEC_PER_SEC);
  for (guint i = FERRY_AUTHORITY_MAX_USER_RATE; i < G_N_ELEMENTS (answers); i++)
    {
      wait_until (fixture.questions->len > 0);
      reply (&fixture, TRUE, FALSE, FALSE);
      wait_until (answers[i].done);
    }
  tear_down (&fixture);
}

static void
test_limit_in_all (void)
{
  Fixture fixture = { 0 };
  Answer answers[FERRY_AUTHORITY_MAX_CHECKS + 5] = { 0 };

  if (!set_up (&fixture))
    return;

  start_polkit (&fixture);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autofree char *name = g_strdup_printf (":2.%u", i);

      ask (&fixture, name, 1000 + i, FERRY_ACTION_CREATE_JOB, FALSE, &answers[i]);
    }
  wait_until (fixture.questions->len == FERRY_AUTHORITY_MAX_CHECKS);
  bus_fixture_sync (fixture.polkit);
  link_wait_settle ();
  g_assert_cmpuint (fixture.questions->len, ==, FERRY_AUTHORITY_MAX_CHECKS);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      wait_until (fixture.questions->len > 0);
      reply (&fixture, TRUE, FALSE, FALSE);
    }
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    wait_until (answers[i].done);
  tear_down (&fixture);
}

/* One dialog at a time for a user; what needs none goes past it, and a yes serves who waits for the same. */
static void
test_one_dialog (void)
{
  Fixture fixture = { 0 };
  Answer first = { 0 }, second = { 0 }, third = { 0 }, silent = { 0 };

  if (!set_up (&fixture))
    return;

  start_polkit (&fixture);
  ask (&fixture, ":2.1", 1000, FERRY_ACTION_SET_POLICY, TRUE, &first);
  ask (&fixture, ":2.1", 1000, FERRY_ACTION_SET_POLICY, TRUE, &second);
  ask (&fixture, ":2.1", 1000, FERRY_ACTION_LIST_ALL_JOBS, TRUE, &third);
  ask (&fixture, ":2.1", 1000, FERRY_ACTION_CREATE_JOB, FALSE, &silent);
  wait_until (fixture.questions->len == 2);
  bus_fixture_sync (fixture.polkit);
  link_wait_settle ();
  g_assert_cmpuint (fixture.questions->len, ==, 2);

  reply (&fixture, TRUE, FALSE, FALSE);
  wait_until (first.done && second.done);
  g_assert_true (first.granted && second.granted);
  wait_until (fixture.questions->len == 2);
  reply (&fixture, TRUE, FALSE, FALSE);
  reply (&fixture, FALSE, FALSE, FALSE);
  wait_until (silent.done && third.done);
  g_assert_true (silent.granted);
  g_assert_error (third.error, FERRY_ERROR, FERRY_ERROR_NOT_AUTHORIZED);
  g_clear_error (&third.error);
  tear_down (&fixture);
}

static void
test_close (void)
{
  Fixture fixture = { 0 };
  Answer answers[6] = { 0 };

  if (!set_up (&fixture))
    return;

  start_polkit (&fixture);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autofree char *name = g_strdup_printf (":2.%u", i);

      ask (&fixture, name, 1000, FERRY_ACTION_CREATE_JOB, FALSE, &answers[i]);
    }
  wait_until (fixture.questions->len == FERRY_AUTHORITY_MAX_USER_CHECKS);
  ferry_authority_close (fixture.authority);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      wait_until (answers[i].done);
      g_assert_error (answers[i].error, FERRY_ERROR, FERRY_ERROR_NOT_AUTHORIZED);
      g_clear_error (&answers[i].error);
    }
  while (fixture.questions->len > 0)
    reply (&fixture, TRUE, FALSE, FALSE);
  tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/authority/question", test_question);
  g_test_add_func ("/authority/outcomes", test_outcomes);
  g_test_add_func ("/authority/root", test_root);
  g_test_add_func ("/authority/error", test_error);
  g_test_add_func ("/authority/no-polkit", test_no_polkit);
  g_test_add_func ("/authority/memory", test_memory);
  g_test_add_func ("/authority/memory-of-a-no", test_memory_of_a_no);
  g_test_add_func ("/authority/memory-ends-with-changed", test_memory_ends_with_changed);
  g_test_add_func ("/authority/limit-per-user", test_limit_per_user);
  g_test_add_func ("/authority/limit-per-second", test_limit_per_second);
  g_test_add_func ("/authority/limit-in-all", test_limit_in_all);
  g_test_add_func ("/authority/one-dialog", test_one_dialog);
  g_test_add_func ("/authority/close", test_close);
  return g_test_run ();
}
