/*
 * trust.h - whom a node serves, and as whom it forwards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_TRUST_H
#define RW_NODE_TRUST_H

#include "node/worker.h"

/* Before all else: what common->opts.secret says. */
int trust_read_secret(struct common *common, struct err *err);

/* 0, or -EINVAL: a node with these options should not listen there. */
int trust_check(const struct common *common, const struct address *a, struct err *err);

/* What common says about TLS, made of common->opts.tls. Half of it is left on failure. */
int trust_prepare(struct common *common, const struct address *addresses, unsigned count,
		  struct err *err);
void trust_finish(struct common *common);

#endif
