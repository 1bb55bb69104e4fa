/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* FerryBus on a private bus, over an engine whose worker, clock and network do what the test says. All in one process and
 * one main loop; the clients are connections of the same user. */

#pragma once

#include "bus-fixture.h"
#include "engine-world.h"
#include "ferry-bus.h"
#include "ferry-names.h"

G_BEGIN_DECLS

#define PROPERTIES "org.freedesktop.DBus.Properties"

typedef struct
{
  GDBusConnection *connection; /* (owned) */
  GString *heard;        /* (owned): members of the signals it got, each followed by a space */
  GPtrArray *parameters; /* (owned) (element-type GVariant): of each */
  guint subscription;
} Listener;

typedef struct
{
  BusFixture *bus;         /* (owned) */
  World *world;            /* (owned) */
  GDBusConnection *server; /* (owned) */
  FerryBus *ferry;         /* (owned) */
} Served;

/** Returns: %FALSE when the test is to be skipped */
gboolean served_set_up (Served *self);
void served_tear_down (Served *self);

Listener *listener_new (Served *self);
void listener_free (Listener *self);

/** Forgets what was heard. */
void listener_forget (Listener *self);

/** Calls and waits. Returns: (transfer full) (nullable): %NULL with @error */
GVariant *served_call (Listener *client, const char *path, const char *interface,
                       const char *member, GVariant *parameters, GError **error);

/** The same; it must succeed, and the reply is dropped. */
void served_do (Listener *client, const char *path, const char *interface, const char *member,
                GVariant *parameters);

/** Returns: (transfer full): path of a new job */
char *served_create (Listener *client);

/** All that is to be told was told, and has arrived at @client. */
void served_settle (Served *self, Listener *client);

/** Sets DisplayName, which is a change without a change of state. */
void served_rename (Listener *client, const char *path, const char *name);

G_END_DECLS
