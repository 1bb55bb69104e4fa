/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-format.h"
#include "ferry-table.h"

static FerryTable *
make_table (void)
{
  static const FerryColumn columns[] = { { "ID" }, { "SIZE", TRUE, 1 }, { "NAME" } };
  static const char *const first[] = { "3f2a", "5 B", "a-name-of-some-length.tar.gz", NULL };
  static const char *const second[] = { "beef", "12.3 MB", "b", NULL };
  FerryTable *table = ferry_table_new (columns, G_N_ELEMENTS (columns));

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
  static const FerryColumn columns[] = { { "ID" }, { "NAME" } };
  g_autoptr (FerryTable) table = ferry_table_new (columns, G_N_ELEMENTS (columns));
  g_autofree char *text = ferry_table_render (table, 10, 1, TRUE);

  g_assert_cmpstr (text, ==, "ID  NAME\n");
}

/* A column is left out before the name becomes too short to tell anything. */
static void
test_spare (void)
{
  g_autoptr (FerryTable) table = make_table ();
  g_autofree char *text = ferry_table_render (table, 24, 2, TRUE);

  g_assert_cmpstr (text, ==,
                   "ID    NAME\n"
                   "3f2a  a-name-of…h.tar.gz\n"
                   "beef  b\n"
                   "    waits for: ferry\n"
                   "    complete beef\n");
}

/* Where the first column takes half of it all, the rest stands below. */
static void
test_stacked (void)
{
  static const FerryColumn columns[] = { { "ID" }, { "OWNER" }, { "SIZE", TRUE, 1 } };
  static const char *const cells[] = { "3f2a9c0e7b5d4e1f", "alice", "12.3 MB", NULL };
  g_autoptr (FerryTable) table = ferry_table_new (columns, G_N_ELEMENTS (columns));
  g_autofree char *text = NULL;
  g_autofree char *narrow = NULL;

  ferry_table_add (table, g_strdupv ((char **) cells), g_strdup ("waits for: its turn"));
  text = ferry_table_render (table, 24, 1, TRUE);
  g_assert_cmpstr (text, ==,
                   "ID\n"
                   "    OWNER     SIZE\n"
                   "3f2a9c0e7b5d4e1f\n"
                   "    alice  12.3 MB\n"
                   "    waits for: its turn\n");
  narrow = ferry_table_render (table, 16, 1, TRUE);
  g_assert_cmpstr (narrow, ==,
                   "ID\n"
                   "    OWNER\n"
                   "3f2a9c0e7b5d4e1f\n"
                   "    alice\n"
                   "    waits for:\n"
                   "    its turn\n");
}

/* No row is ever wider than the terminal. */
static void
test_narrow (void)
{
  for (guint width = 1; width < 60; width++)
    {
      static const FerryColumn columns[] = {
        { "ID" }, { "STATE" }, { "DONE", TRUE, 1 }, { "NAME" }
      };
      static const char *const cells[] = { "3f2a", "transferring", "50%", "some-name.tar.gz",
                                           NULL };
      g_autoptr (FerryTable) table = ferry_table_new (columns, G_N_ELEMENTS (columns));
      g_autofree char *text = NULL;
      g_auto (GStrv) lines = NULL;

      ferry_table_add (table, g_strdupv ((char **) cells), NULL);
      text = ferry_table_render (table, width, 3, TRUE);
      lines = g_strsplit (text, "\n", -1);
      for (gsize i = 0; lines[i] != NULL; i++)
        g_assert_cmpuint (ferry_format_width (lines[i]), <=, width);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/table/beside", test_beside);
  g_test_add_func ("/client/table/below", test_below);
  g_test_add_func ("/client/table/empty", test_empty);
  g_test_add_func ("/client/table/spare", test_spare);
  g_test_add_func ("/client/table/stacked", test_stacked);
  g_test_add_func ("/client/table/narrow", test_narrow);
  return g_test_run ();
}
