/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signing modules on the machine that loads them, with a key of its owner: for kernels that
 * take no others (module.sig_enforce, lockdown). It has to be done here, for what is loaded
 * has addresses of this very boot in it.
 *
 * A signed module is what scripts/sign-file of the kernel makes of one: the module, a detached
 * CMS message in DER (SHA-256, without certificates and attributes), struct module_signature
 * (include/linux/module_signature.h) and a line of text.
 */
#ifndef UPKEEP_LIVE_SIGNER_H
#define UPKEEP_LIVE_SIGNER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* What ends a signed module, and the bytes of struct module_signature before it. */
#define UK_SIGNATURE_MARK "~Module signature appended~\n"
enum { UK_SIGNATURE_INFO_LEN = 12 };

struct uk_signer;

/*
 * @key: a private key in PEM, for its owner alone to read; the pass phrase, if it has one, is in
 * KBUILD_SIGN_PIN, as for the kernel's own tool. @cert: its certificate in DER or PEM.
 */
struct uk_error *uk_signer_load(const char *key, const char *cert,
				struct uk_signer **ret) uk_must_check;
/* The first pair of the usual places: our own, DKMS's, shim-signed's. */
struct uk_error *uk_signer_find(struct uk_signer **ret) uk_must_check;
void uk_signer_destroy(struct uk_signer *signer);
UK_DEFINE_CLEANUP(signer, struct uk_signer *, uk_signer_destroy)
#define uk_auto_signer uk_cleanup(uk_cleanup_signer)

/* The certificate's path and subject, for messages. */
const char *uk_signer_cert(const struct uk_signer *signer);
const char *uk_signer_name(const struct uk_signer *signer);

/* Whether a kernel that lists these keys (/proc/keys) has the certificate's. */
bool uk_signer_is_listed(const struct uk_signer *signer, const char *keys);

/* The module and, behind it, its signature. */
struct uk_error *uk_signer_sign(const struct uk_signer *signer, const void *data, size_t len,
				void **ret, size_t *len_ret) uk_must_check;

#endif
