/* SPDX-License-Identifier: GPL-2.0-only */
/* Building the nests of a reply or an event; see the uAPI header for layout. */
#ifndef VDB_MESSAGE_H
#define VDB_MESSAGE_H

#include <linux/skbuff.h>

#include "hooks.h"
#include "vdb.h"

int vdb_put_info(struct sk_buff *skb);
int vdb_put_hook(struct sk_buff *skb, const struct vdb_hook *hook);
int vdb_put_tuning(struct sk_buff *skb, const struct vdb_tuning *tuning, u32 overrides);
int vdb_put_vm(struct sk_buff *skb, const struct vdb_vm *vm, const struct vdb_counters *sum);
int vdb_put_stats(struct sk_buff *skb, const struct vdb_vm *vm, const struct vdb_counters *sum);

extern struct genl_family vdb_family;

#endif /* VDB_MESSAGE_H */
