/* SPDX-License-Identifier: GPL-2.0-only */
/* What steer.c and steer_auto.c share. */
#ifndef STEER_PRIV_H
#define STEER_PRIV_H

#include <stdint.h>

struct manager;
struct vm;

/* CLOCK_MONOTONIC. */
uint64_t steer_now_ms(void);

/* One look at a VM with mode = auto, after its counters were collected. */
void steer_try(struct manager *m, struct vm *vm);

#endif /* STEER_PRIV_H */
