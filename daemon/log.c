// SPDX-License-Identifier: GPL-2.0-only
/* The only file that talks to the journal, or prints. */
#include "log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#define MESSAGE_SIZE 2048
#define FIELD_SIZE   1200
#define MAX_FIELDS   8

static bool to_journal;

/* Never reuse or change one: people filter on them. */
static const char *const message_ids[LOG_EVENT_MAX] = {
	[LOG_EVENT_START] = "c1b00e06efbf49c9b79d8ba4cc184439",
	[LOG_EVENT_STOP] = "9e4524c708f9458689b94c868412ffaf",
	[LOG_EVENT_CONFIG] = "19a8018233224b00871fb5e7e3ce0103",
	[LOG_EVENT_MODULE_UP] = "ca3601dc6f634a5da0131055550f1636",
	[LOG_EVENT_MODULE_DOWN] = "2d99221333c947b6831c046c38c3ad00",
	[LOG_EVENT_MODULE_ERROR] = "1ed8e598496b48ccb1bdd3f56684ab8c",
	[LOG_EVENT_TUNING] = "89ab646df7444a8b93bfdc167838e256",
	[LOG_EVENT_VM_NEW] = "cff7c66de5f345faabeb31f6ab5a9f89",
	[LOG_EVENT_VM_GONE] = "48be5c929bf5497785cd5530642eb4fc",
	[LOG_EVENT_DISCOVERY] = "c648134a0f354da3a74d50e51b0a55b8",
	[LOG_EVENT_TEXTFILE] = "754770bd069c4d39bd3c7a68cb620698",
	[LOG_EVENT_POLICY] = "5f3c1a7be2d84f0c9a61c7d0b84e25d3",
	[LOG_EVENT_TRIP] = "918468cf56d44828a80a59056a3310d6",
};

struct entry {
	char text[MAX_FIELDS][FIELD_SIZE];
	struct iovec iov[MAX_FIELDS];
	int nr;
};

void log_open(void)
{
	unsigned long long dev = 0, ino = 0;
	const char *s = getenv("JOURNAL_STREAM");
	struct stat st;

	/* The variable is inherited; it is true only of the descriptor it names. */
	to_journal = s && sscanf(s, "%llu:%llu", &dev, &ino) == 2 && !fstat(STDERR_FILENO, &st) &&
		     st.st_dev == dev && st.st_ino == ino;
}

static void add_field(struct entry *e, const char *name, const char *value)
{
	int n;

	if (!value || e->nr == MAX_FIELDS)
		return;
	n = snprintf(e->text[e->nr], FIELD_SIZE, "%s=%s", name, value);
	e->iov[e->nr].iov_base = e->text[e->nr];
	e->iov[e->nr].iov_len = n < FIELD_SIZE ? (size_t)n : FIELD_SIZE - 1;
	e->nr++;
}

static bool send_to_journal(enum log_event event, int priority, const struct log_fields *f,
			    const char *message)
{
	struct entry e = { .nr = 0 };
	char level[12];

	snprintf(level, sizeof(level), "%d", priority);
	add_field(&e, "MESSAGE", message);
	add_field(&e, "MESSAGE_ID", message_ids[event]);
	add_field(&e, "PRIORITY", level);
	add_field(&e, "SYSLOG_IDENTIFIER", "vcpu-deboostd");
	if (f) {
		add_field(&e, "VCPU_DEBOOST_VM", f->vm);
		add_field(&e, "VCPU_DEBOOST_OLD", f->old_value);
		add_field(&e, "VCPU_DEBOOST_NEW", f->new_value);
		add_field(&e, "VCPU_DEBOOST_REASON", f->reason);
	}
	return sd_journal_sendv(e.iov, e.nr) >= 0;
}

void log_event(enum log_event event, int priority, const struct log_fields *fields, const char *fmt,
	       ...)
{
	char message[MESSAGE_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (to_journal && send_to_journal(event, priority, fields, message))
		return;
	fprintf(stderr, "vcpu-deboostd: %s\n", message);
}
