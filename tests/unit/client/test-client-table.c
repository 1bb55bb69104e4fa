/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-format.h"
#include "ferry-table.h"

static FerryTable *
make_table (void)
{
  static const char *const titles[] = { "ID", ">SIZE", "NAME", NULL };
  static const char *const first[] = { "3f2a", "5 B", "a-name-of-some-length.tar.gz", NULL };
  static const char *const second[] = { "beef", "12.3 MB", "b", NULL };
  FerryTable *table = ferry_table_new (titles);

  ferry_table_add (table, g_strdupv ((char **) first), NULL);
  ferry_table_add (table, g_strdupv ((char **) second),
                   g_strdup ("waits for: ferry complete beef"));
  return table;
}

static void
test_beside (void)
{
  g_autoptr (FerryTable) table = make_table ();
  g_autofree char *text = ferry_table_render (table, G_MAXINT, 2, TRUE);

  g_assert_cmpstr (text, ==,
                   "ID       SIZE  NAME\n"
                   "3f2a      5 B  a-name-of-some-length.tar.gz\n"
                   "beef  12.3 MB  b                             waits for: ferry complete beef\n");
}

static void
test_below (void)
{
  g_autoptr (FerryTable) table = make_table ();
  g_autofree char *text = ferry_table_render (table, 30, 2, TRUE);

  g_assert_cmpstr (text, ==,
                   "ID       SIZE  NAME\n"
                   "3f2a      5 B  a-name-….tar.gz\n"
                   "beef  12.3 MB  b\n"
                   "    waits for: ferry complete\n"
                   "    beef\n");
}

static void
test_empty (void)
{
  static const char *const titles[] = { "ID", "NAME", NULL };
  g_autoptr (FerryTable) table = ferry_table_new (titles);
  g_autofree char *text = ferry_table_render (table, 10, 1, TRUE);

  g_assert_cmpstr (text, ==, "ID  NAME\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/table/beside", test_beside);
  g_test_add_func ("/client/table/below", test_below);
  g_test_add_func ("/client/table/empty", test_empty);
  return g_test_run ();
}
