/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-policy.h"

#include "ferry-event.h"
#include "ferry-names.h"
#include "ferry-policy-dconf.h"
#include "ferry-policy-keys.h"

/* Names of values in the store. */
#define BUS_PREFIX       "policy."
#define LAST_GOOD_PREFIX "last-good."

/* What the administrator last said of a key, kept for when he says nonsense: locked, set, value of the key's type. */
#define LAST_GOOD_TYPE "(bb*)"

/* What holds for one key. */
typedef struct
{
  guint64 value;
  FerryPolicySource source;
  gboolean locked;
} State;

struct _FerryPolicy
{
  GObject parent_instance;

  FerryStore *store;             /* (owned) */
  gulong store_failed;           /* signal handler */
  FerryPolicyDconf *dconf;       /* (owned) */
  FerryPolicySnapshot *snapshot; /* (owned): what dconf said last */
  State states[FERRY_N_POLICY_KEYS];
};

G_DEFINE_TYPE (FerryPolicy, ferry_policy, G_TYPE_OBJECT)

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

const char *
ferry_policy_source_to_string (FerryPolicySource source)
{
  switch (source)
    {
    case FERRY_POLICY_SOURCE_LOCKED:
      return "locked";
    case FERRY_POLICY_SOURCE_BUS:
      return "bus";
    case FERRY_POLICY_SOURCE_ADMINISTRATOR:
      return "administrator";
    case FERRY_POLICY_SOURCE_DEFAULT:
      return "default";
    case FERRY_POLICY_SOURCE_INVALID:
      return "invalid";
    }

  return NULL;
}

void
ferry_policy_prepare_environment (const char *runtime_directory)
{
  g_autofree char *config = g_build_filename (runtime_directory, "dconf-config", NULL);
  const char *profile = g_getenv ("DCONF_PROFILE");

  /* A path was meant for us; a name may come from somebody's login shell. */
  if (profile == NULL || !g_path_is_absolute (profile))
    g_setenv ("DCONF_PROFILE", FERRY_DCONF_PROFILE, TRUE);
  g_setenv ("XDG_RUNTIME_DIR", runtime_directory, TRUE);
  g_setenv ("XDG_CONFIG_HOME", config, TRUE);
  /* libdconf would connect to the session bus for the user database, and GDBus end us when that session ends. */
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "disabled:", TRUE);
}

/* --- what holds --- */

/* What dconf says of @key; what it said last when that is of no use now. */
static FerryPolicyReading
get_reading (FerryPolicy *self, FerryPolicyKey key)
{
  FerryPolicyReading reading = self->snapshot->readings[key];
  const char *key_name = ferry_policy_key_to_string (key);
  g_autofree char *name = g_strconcat (LAST_GOOD_PREFIX, key_name, NULL);
  g_autoptr (GVariant) kept = NULL;
  gboolean locked = FALSE;

  if (reading.valid)
    {
      kept = reading.set || reading.locked
                 ? g_variant_ref_sink (
                       g_variant_new ("(bb@*)", reading.locked, reading.set,
                                      ferry_policy_key_new_value (key, reading.value)))
                 : NULL;
      ferry_store_set_value (self->store, name, kept);
      return reading;
    }

  reading.set = FALSE;
  kept = ferry_store_get_value (self->store, name);
  if (kept != NULL && g_variant_is_of_type (kept, G_VARIANT_TYPE (LAST_GOOD_TYPE)))
    {
      g_autoptr (GVariant) value = NULL;

      g_variant_get (kept, "(bb@*)", &locked, &reading.set, &value);
      reading.set = reading.set && ferry_policy_key_parse (key, value, &reading.value, NULL);
    }
  if (!self->snapshot->readable)
    reading.locked = locked;
  return reading;
}

/* The value set over the bus, if it (still) is one. */
static gboolean
get_bus_value (FerryPolicy *self, FerryPolicyKey key, guint64 *value)
{
  const char *key_name = ferry_policy_key_to_string (key);
  g_autofree char *name = g_strconcat (BUS_PREFIX, key_name, NULL);
  g_autoptr (GVariant) kept = ferry_store_get_value (self->store, name);
  g_autoptr (GError) error = NULL;

  if (kept == NULL)
    return FALSE;
  if (ferry_policy_key_parse (key, kept, value, &error))
    return TRUE;

  g_warning ("Of the values set over the bus, %s", error->message);
  return FALSE;
}

/* DESIGN section 7: locked, bus, administrator, default. */
static State
evaluate (FerryPolicy *self, FerryPolicyKey key)
{
  FerryPolicyReading reading = get_reading (self, key);
  State state = { ferry_policy_key_get_info (key)->fallback, FERRY_POLICY_SOURCE_DEFAULT,
                  reading.locked };

  if (reading.set)
    {
      state.value = reading.value;
      state.source = FERRY_POLICY_SOURCE_ADMINISTRATOR;
    }

  if (reading.locked)
    state.source = FERRY_POLICY_SOURCE_LOCKED;
  else if (get_bus_value (self, key, &state.value))
    {
      state.source = FERRY_POLICY_SOURCE_BUS;
      /* A nonsensical value that would not count anyway does no harm. */
      if (self->snapshot->readable)
        return state;
    }

  if (!reading.valid)
    state.source = FERRY_POLICY_SOURCE_INVALID;
  return state;
}

static void
update (FerryPolicy *self, gboolean tell)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) names = NULL;

  for (guint key = 0; key < FERRY_N_POLICY_KEYS; key++)
    {
      State state = evaluate (self, key);

      if (state.value == self->states[key].value && state.source == self->states[key].source &&
          state.locked == self->states[key].locked)
        continue;
      self->states[key] = state;
      g_strv_builder_add (builder, ferry_policy_key_to_string (key));
    }

  names = g_strv_builder_end (builder);
  if (tell && names[0] != NULL)
    g_signal_emit (self, signals[SIGNAL_CHANGED], 0, names);
}

/* Says what is new, once: the same mistake is read again whenever something else changes. */
static void
log_problems (GPtrArray *before, GPtrArray *now)
{
  for (guint i = 0; i < now->len; i++)
    {
      const char *problem = g_ptr_array_index (now, i);

      if (before == NULL || !g_ptr_array_find_with_equal_func (before, problem, g_str_equal, NULL))
        ferry_event_log (FERRY_EVENT_POLICY_PROBLEM, NULL, "%s", problem);
    }
}

static void
read_dconf (FerryPolicy *self)
{
  g_autoptr (FerryPolicySnapshot) before = g_steal_pointer (&self->snapshot);

  self->snapshot = ferry_policy_dconf_read (self->dconf);
  log_problems (before != NULL ? before->problems : NULL, self->snapshot->problems);
}

static void
dconf_changed_cb (gpointer data)
{
  g_autoptr (FerryPolicy) self = g_object_ref (data);

  read_dconf (self);
  update (self, TRUE);
}

/* What was set last is not kept. */
static void
store_failed_cb (FerryPolicy *self)
{
  update (self, TRUE);
}

/* --- the object --- */

static void
ferry_policy_dispose (GObject *object)
{
  FerryPolicy *self = FERRY_POLICY (object);

  g_clear_pointer (&self->dconf, ferry_policy_dconf_free);
  g_clear_pointer (&self->snapshot, ferry_policy_snapshot_free);
  if (self->store != NULL)
    g_clear_signal_handler (&self->store_failed, self->store);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (ferry_policy_parent_class)->dispose (object);
}

static void
ferry_policy_class_init (FerryPolicyClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ferry_policy_dispose;

  signals[SIGNAL_CHANGED] = g_signal_new ("changed", FERRY_TYPE_POLICY, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRV);
}

static void
ferry_policy_init (FerryPolicy *self)
{
  self->dconf = ferry_policy_dconf_new (dconf_changed_cb, self);
}

FerryPolicy *
ferry_policy_new (FerryStore *store)
{
  FerryPolicy *self = g_object_new (FERRY_TYPE_POLICY, NULL);

  self->store = g_object_ref (store);
  self->store_failed = g_signal_connect_swapped (store, "failed", G_CALLBACK (store_failed_cb),
                                                 self);
  read_dconf (self);
  update (self, FALSE);
  return self;
}

guint64
ferry_policy_get (FerryPolicy *self, FerryPolicyKey key)
{
  return self->states[key].value;
}

FerryPolicySource
ferry_policy_get_source (FerryPolicy *self, FerryPolicyKey key)
{
  return self->states[key].source;
}

/* --- the bus --- */

static GVariant *
describe_key (FerryPolicy *self, FerryPolicyKey key)
{
  const FerryPolicyKeyInfo *info = ferry_policy_key_get_info (key);
  const State *state = &self->states[key];
  GVariant *choices = ferry_policy_key_get_choices (key);
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert_value (&dict, "Value", ferry_policy_key_new_value (key, state->value));
  g_variant_dict_insert (&dict, "Source", "s", ferry_policy_source_to_string (state->source));
  g_variant_dict_insert_value (&dict, "Default", ferry_policy_key_new_value (key, info->fallback));
  if (choices != NULL)
    {
      g_variant_dict_insert_value (&dict, "Choices", choices);
    }
  else
    {
      g_variant_dict_insert_value (&dict, "Minimum",
                                   ferry_policy_key_new_value (key, info->minimum));
      g_variant_dict_insert_value (&dict, "Maximum",
                                   ferry_policy_key_new_value (key, info->maximum));
    }
  g_variant_dict_insert (&dict, "Unit", "s", info->unit);
  g_variant_dict_insert (&dict, "Summary", "s", info->summary);
  g_variant_dict_insert (&dict, "Description", "s", info->description);
  g_variant_dict_insert (&dict, "CanSet", "b", !state->locked);
  return g_variant_dict_end (&dict);
}

/* A key that dconf has and Ferry has not: shown, so that who has misspelt it finds it. */
static GVariant *
describe_unknown (GVariant *value)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert_value (&dict, "Value", value);
  g_variant_dict_insert (&dict, "Source", "s",
                         ferry_policy_source_to_string (FERRY_POLICY_SOURCE_INVALID));
  g_variant_dict_insert (&dict, "Unit", "s", "");
  g_variant_dict_insert (&dict, "Summary", "s", "No policy of Ferry");
  g_variant_dict_insert (&dict, "Description", "s",
                         "dconf has a value of this name, which means nothing to Ferry. Is the "
                         "name misspelt?");
  g_variant_dict_insert (&dict, "CanSet", "b", FALSE);
  return g_variant_dict_end (&dict);
}

GVariant *
ferry_policy_get_effective (FerryPolicy *self)
{
  GVariantBuilder builder;
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{sa{sv}}"));
  for (guint key = 0; key < FERRY_N_POLICY_KEYS; key++)
    g_variant_builder_add (&builder, "{s@a{sv}}", ferry_policy_key_to_string (key),
                           describe_key (self, key));
  g_hash_table_iter_init (&iter, self->snapshot->unknown);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_variant_builder_add (&builder, "{s@a{sv}}", name, describe_unknown (value));
  return g_variant_builder_end (&builder);
}

static gboolean
check_key (FerryPolicy *self, const char *name, FerryPolicyKey *key, GError **error)
{
  if (!ferry_policy_key_from_string (name, key))
    {
      g_autofree char *shown = g_utf8_substring (name, 0, MIN (g_utf8_strlen (name, -1), 80));

      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "There is no policy \"%s\"",
                   shown);
      return FALSE;
    }
  if (self->states[*key].locked)
    {
      g_autoptr (GVariant)
          value = g_variant_ref_sink (ferry_policy_key_new_value (*key, self->states[*key].value));
      g_autofree char *text = g_variant_print (value, FALSE);

      g_set_error (error, FERRY_ERROR, FERRY_ERROR_POLICY_LOCKED, "%s is locked in dconf, at %s %s",
                   name, text, ferry_policy_key_get_info (*key)->unit);
      return FALSE;
    }

  return TRUE;
}

static void
store_bus_value (FerryPolicy *self, const char *key, GVariant *value)
{
  g_autofree char *name = g_strconcat (BUS_PREFIX, key, NULL);

  ferry_store_set_value (self->store, name, value);
  update (self, TRUE);
}

gboolean
ferry_policy_set (FerryPolicy *self, const char *key, GVariant *value, GError **error)
{
  g_autoptr (GVariant) given = g_variant_ref_sink (value);
  FerryPolicyKey parsed_key;
  guint64 number;

  if (!check_key (self, key, &parsed_key, error) ||
      !ferry_policy_key_parse (parsed_key, given, &number, error))
    return FALSE;

  store_bus_value (self, key, ferry_policy_key_new_value (parsed_key, number));
  return TRUE;
}

gboolean
ferry_policy_reset (FerryPolicy *self, const char *key, GError **error)
{
  FerryPolicyKey parsed_key;

  if (!check_key (self, key, &parsed_key, error))
    return FALSE;

  store_bus_value (self, key, NULL);
  return TRUE;
}
