/* SPDX-License-Identifier: GPL-2.0-only */
/* What the daemon says. Only changes of state are said, and each one once. */
#ifndef LOG_H
#define LOG_H

#include <syslog.h>

enum log_event {
	LOG_EVENT_START,
	LOG_EVENT_STOP,
	LOG_EVENT_CONFIG,
	LOG_EVENT_MODULE_UP,
	LOG_EVENT_MODULE_DOWN,
	LOG_EVENT_MODULE_ERROR,
	LOG_EVENT_TUNING,
	LOG_EVENT_VM_NEW,
	LOG_EVENT_VM_GONE,
	LOG_EVENT_DISCOVERY,
	LOG_EVENT_TEXTFILE,
	LOG_EVENT_POLICY,
	LOG_EVENT_TRIP,
	LOG_EVENT_MAX
};

/**
 * struct log_fields - journal fields beside the message; any may be NULL
 * @vm: VCPU_DEBOOST_VM, the VM it is about
 * @old_value: VCPU_DEBOOST_OLD
 * @new_value: VCPU_DEBOOST_NEW
 * @reason: VCPU_DEBOOST_REASON
 */
struct log_fields {
	const char *vm;
	const char *old_value;
	const char *new_value;
	const char *reason;
};

/**
 * log_open() - find out where stderr goes
 *
 * When that is the journal, entries go there with their fields; otherwise
 * every message is a line on stderr.
 */
void log_open(void);

/**
 * log_event() - say one thing
 * @event: its class, with a MESSAGE_ID of its own
 * @priority: LOG_ERR .. LOG_INFO
 * @fields: may be NULL; the text alone has to make sense
 * @fmt: one line, no final newline
 */
__attribute__((format(printf, 4, 5))) void log_event(enum log_event event, int priority,
						     const struct log_fields *fields,
						     const char *fmt, ...);

#endif /* LOG_H */
