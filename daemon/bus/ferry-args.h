/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of what callers give: URLs, paths, headers, digests, ranges. Pure.
 *
 * Error texts never hold a URL: it may hold a password in a place where nobody looks for one. */

#pragma once

#include "ferry-file.h"
#include "ferry-secrets.h"

G_BEGIN_DECLS

#define FERRY_URL_MAX      8000        /* bytes */
#define FERRY_HEADERS_MAX  (16 * 1024) /* bytes of all headers of a list */
#define FERRY_PINS_MAX     64          /* entries of ServerPins */
#define FERRY_BYPASS_MAX   (16 * 1024) /* bytes of all entries of ProxyBypass */
#define FERRY_MODE_DEFAULT 0644
#define FERRY_MODE_MAX     0777

/**
 * ferry_args_check_url:
 *
 * Errors: UnsupportedScheme, StringTooLong, G_DBUS_ERROR_INVALID_ARGS (userinfo, naming SetCredentials; not a URL).
 *
 * Returns: (transfer full) (nullable): @url without its fragment
 */
char *ferry_args_check_url (const char *url, GError **error);

/** The same for the URI of a proxy (http, https, socks, socks4, socks4a, socks5); "" is none. */
gboolean ferry_args_check_proxy_uri (const char *uri, GError **error);

/**
 * ferry_args_check_path:
 *
 * Whether @path can name a file to be made: absolute, not ending in "/", no "." or ".." at its end, lengths that the
 * system can take. Errors: StringTooLong, G_DBUS_ERROR_INVALID_ARGS.
 */
gboolean ferry_args_check_path (const char *path, GError **error);

/**
 * ferry_args_check_headers:
 * @secret: whether names that carry secrets are allowed (SetCustomHeaders) or not (RequestHeaders)
 *
 * Each line is "Name: value". Errors: StringTooLong; G_DBUS_ERROR_INVALID_ARGS, which names the header but never its
 * value.
 */
gboolean ferry_args_check_headers (const char *name, const char *const *headers, gboolean secret,
                                   GError **error);

/** Entries of ProxyBypass: short, no spaces or control characters. */
gboolean ferry_args_check_bypass (const char *name, const char *const *entries, GError **error);

/** Whether @method is a token of at most FERRY_METHOD_MAX characters that can bring a file. Errors: G_DBUS_ERROR_INVALID_ARGS,
 * naming @name and what is wrong. */
gboolean ferry_args_check_method (const char *name, const char *method, GError **error);

/**
 * ferry_args_check_digest:
 *
 * Returns: (transfer full) (nullable): "sha256:" or "sha512:" and lowercase hex digits, else %NULL with
 *   G_DBUS_ERROR_INVALID_ARGS
 */
char *ferry_args_check_digest (const char *name, const char *digest, GError **error);

/**
 * ferry_args_check_ranges:
 * @ranges: an a(tt)
 * @out: (out) (transfer full) (nullable) (element-type FerryRange): %NULL when @ranges is empty
 *
 * Errors: InvalidRange (length 0, end beyond 2^64), OverlappingRanges.
 */
gboolean ferry_args_check_ranges (GVariant *ranges, GArray **out, GError **error);

/**
 * ferry_args_check_pins:
 * @pins: "sha256:" and 64 hex digits each, or "sha256//" and base64 as curl has it
 *
 * Errors: G_DBUS_ERROR_INVALID_ARGS, naming @name and the pin; StringTooLong when there are too many
 *
 * Returns: (transfer full) (nullable): in the first form, in lower case
 */
char **ferry_args_check_pins (const char *name, const char *const *pins, GError **error);

/** Whether @word is `server`, `proxy` or `certificate`, and sets @target */
gboolean ferry_args_check_target (const char *word, FerryCredentialTarget *target, GError **error);

/** A word of SetCredentials. Errors: G_DBUS_ERROR_INVALID_ARGS; G_DBUS_ERROR_NOT_SUPPORTED: negotiate and ntlm */
gboolean ferry_args_check_scheme (const char *word, FerryCredentialScheme *scheme, GError **error);

/**
 * ferry_args_parse_credential:
 * @dict: a{sv} of SetCredentials: UserName and Password, or Token of `bearer`; AllowHttp
 *
 * No error holds what was given.
 *
 * Returns: (transfer full) (nullable)
 */
FerryCredential *ferry_args_parse_credential (const char *target_word, const char *scheme,
                                              GVariant *dict, GError **error);

/**
 * ferry_args_check_certificate:
 * @place: an absolute path, or a URI of PKCS #11 (RFC 7512); "" is none
 *
 * Errors: InvalidArgs, also for a URI with a PIN, which would be stored; StringTooLong.
 */
gboolean ferry_args_check_certificate (const char *place, GError **error);

/** Whether @text has at most @max characters. Errors: StringTooLong. */
gboolean ferry_args_check_length (const char *name, const char *text, glong max, GError **error);

/**
 * ferry_args_parse_file:
 * @options: an a{sv}
 *
 * One (remote_url, local_path, options) of AddFile. Errors: those of the above.
 *
 * Returns: (transfer full) (nullable)
 */
FerryFile *ferry_args_parse_file (const char *remote_url, const char *local_path, GVariant *options,
                                  GError **error);

/** The same for a file that is sent: no option fits it, and G_DBUS_ERROR_INVALID_ARGS says so; with @has_reply there may be
 * the reply's `Mode`. */
FerryFile *ferry_args_parse_source (const char *remote_url, const char *local_path,
                                    GVariant *options, gboolean has_reply, GError **error);

G_END_DECLS
