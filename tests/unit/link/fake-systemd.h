/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* As much of systemd on a private bus as starts workers: it does what the test says, when the test says so, and tells
 * changes only to those who subscribed. */

#pragma once

#include "bus-fixture.h"

G_BEGIN_DECLS

typedef struct _FakeSystemd FakeSystemd;

/** Not on the bus yet. */
FakeSystemd *fake_systemd_new (BusFixture *bus);
void fake_systemd_free (FakeSystemd *self);

/** As daemon-reexec does: what is not answered never is, and subscribers are forgotten; units stay. */
void fake_systemd_enter (FakeSystemd *self);
void fake_systemd_leave (FakeSystemd *self);

/** What was sent to it has arrived. */
void fake_systemd_sync (FakeSystemd *self);

/** Calls so far, without those that only look: "RestartUnit UNIT replace;". */
const char *fake_systemd_get_calls (FakeSystemd *self);
void fake_systemd_forget_calls (FakeSystemd *self);

/** How many times somebody looked at units. */
guint fake_systemd_get_looks (FakeSystemd *self);

/** @member is answered with this D-Bus error from now on, %NULL = no more. */
void fake_systemd_refuse (FakeSystemd *self, const char *member, const char *error);

/** Calls of @member are not answered until fake_systemd_answer(), then with what was true when they came; %NULL = none
 * any more. */
void fake_systemd_hold (FakeSystemd *self, const char *member);
gboolean fake_systemd_is_holding (FakeSystemd *self);
void fake_systemd_answer (FakeSystemd *self);

/** Puts @unit into a state, with a job or without, and tells. */
void fake_systemd_set (FakeSystemd *self, const char *unit, const char *active_state, guint32 job);

/** What the properties of @unit say from now on. */
void fake_systemd_set_result (FakeSystemd *self, const char *unit, const char *result, gint32 code,
                              gint32 status);

G_END_DECLS
