/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the pure files may use: integer types and single-word atomics. They are
 * compiled twice, into the module and into the unit tests, so they include
 * this header and nothing of the kernel.
 */
#ifndef VDB_PURE_H
#define VDB_PURE_H

#ifdef __KERNEL__

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/types.h>

#else

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define READ_ONCE(x)	 (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
#define xchg(p, v)	 __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define cmpxchg(p, old, new)                                                         \
	({                                                                           \
		typeof(*(p)) __old = (old);                                          \
		__atomic_compare_exchange_n((p), &__old, (new), 0, __ATOMIC_SEQ_CST, \
					    __ATOMIC_SEQ_CST);                       \
		__old;                                                               \
	})

#endif /* __KERNEL__ */

#endif /* VDB_PURE_H */
