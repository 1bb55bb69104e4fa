/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The access table and the XML say the same: each member has its rule, and no rule is for nothing. */

#include "ferry-access.h"
#include "ferry-interface-info.h"
#include "ferry-names.h"

static guint
check_interface (FerryAccessObject object, const GDBusInterfaceInfo *info)
{
  guint n = 0;

  for (GDBusMethodInfo **method = info->methods; method != NULL && *method != NULL; method++, n++)
    {
      const FerryAccessRule *rule = ferry_access_lookup (object, info->name, (*method)->name);

      g_test_message ("%s.%s", info->name, (*method)->name);
      g_assert_nonnull (rule);
      g_assert_cmpstr (rule->member, ==, (*method)->name);
      g_assert_cmpint (rule->action != NULL, ==, rule->kind == FERRY_ACCESS_AUTHORIZED);
      if (object == FERRY_ACCESS_JOB)
        g_assert_true (rule->kind == FERRY_ACCESS_READ || rule->kind == FERRY_ACCESS_CHANGE);
      else
        g_assert_true (rule->kind != FERRY_ACCESS_READ && rule->kind != FERRY_ACCESS_CHANGE);
    }

  return n;
}

static void
test_every_member (void)
{
  guint n = 0;

  n += check_interface (FERRY_ACCESS_ROOT, &org_ferry_transfer1_manager_interface);
  n += check_interface (FERRY_ACCESS_ROOT, &org_ferry_transfer1_policy_interface);
  n += check_interface (FERRY_ACCESS_ROOT, &org_ferry_transfer1_agent_manager_interface);
  n += check_interface (FERRY_ACCESS_ROOT, &org_freedesktop_dbus_object_manager_interface);
  n += check_interface (FERRY_ACCESS_ROOT, &org_freedesktop_dbus_properties_interface);
  n += check_interface (FERRY_ACCESS_JOB, &org_ferry_transfer1_job_interface);
  n += check_interface (FERRY_ACCESS_JOB, &org_freedesktop_dbus_properties_interface);
  g_assert_cmpuint (n, ==, ferry_access_count ());
}

static void
test_default_deny (void)
{
  g_assert_null (ferry_access_lookup (FERRY_ACCESS_ROOT, FERRY_MANAGER_INTERFACE, "NoSuchThing"));
  g_assert_null (ferry_access_lookup (FERRY_ACCESS_ROOT, "a.b", "CreateJob"));
  g_assert_null (ferry_access_lookup (FERRY_ACCESS_JOB, FERRY_MANAGER_INTERFACE, "CreateJob"));
  g_assert_null (ferry_access_lookup (FERRY_ACCESS_ROOT, FERRY_JOB_INTERFACE, "Cancel"));
  g_assert_null (ferry_access_lookup (FERRY_ACCESS_ROOT, NULL, NULL));
}

static void
test_administrators (void)
{
  static const struct
  {
    const char *interface;
    const char *member;
    const char *action;
  } rows[] = {
    { FERRY_MANAGER_INTERFACE, "ListAllJobs", "org.ferry.transfer1.list-all-jobs" },
    { FERRY_MANAGER_INTERFACE, "ControlJob", "org.ferry.transfer1.control-all-jobs" },
    { FERRY_MANAGER_INTERFACE, "TakeOwnership", "org.ferry.transfer1.take-ownership" },
    { FERRY_POLICY_INTERFACE, "Set", "org.ferry.transfer1.set-policy" },
    { FERRY_POLICY_INTERFACE, "Reset", "org.ferry.transfer1.set-policy" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const FerryAccessRule *rule = ferry_access_lookup (FERRY_ACCESS_ROOT, rows[i].interface,
                                                         rows[i].member);

      g_assert_cmpint (rule->kind, ==, FERRY_ACCESS_AUTHORIZED);
      g_assert_cmpstr (rule->action, ==, rows[i].action);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/access/every-member", test_every_member);
  g_test_add_func ("/access/default-deny", test_default_deny);
  g_test_add_func ("/access/administrators", test_administrators);
  return g_test_run ();
}
