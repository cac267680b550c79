// SPDX-License-Identifier: GPL-2.0-only
/* What goes to the journal, and when it goes to stderr instead. The test is the journal. */
#include "logged.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "daemon/log.h"

#define FIELDS_MAX 16

static struct journal {
	char field[FIELDS_MAX][2100];
	int nr;
	int error;
} journal;

int sd_journal_sendv(const struct iovec *iov, int n)
{
	int i;

	if (journal.error)
		return journal.error;
	assert_in_range(n, 1, FIELDS_MAX);
	for (i = 0; i < n; i++)
		snprintf(journal.field[i], sizeof(journal.field[i]), "%.*s", (int)iov[i].iov_len,
			 (const char *)iov[i].iov_base);
	journal.nr = n;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	memset(&journal, 0, sizeof(journal));
	logged_begin();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	log_open();
	logged_end();
	return 0;
}

/* As systemd does it, @more beside the truth. */
static void open_journal(unsigned int more)
{
	struct stat st;
	char text[64];

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + more);
	setenv("JOURNAL_STREAM", text, 1);
	log_open();
}

static void test_fields(void **state)
{
	static const struct log_fields all = { "web", "off", "active", "rule" },
				       some = { .vm = "db" };

	(void)state;
	open_journal(0);
	log_event(LOG_EVENT_POLICY, LOG_NOTICE, &all, "%s is %d", "this", 7);
	assert_quiet();
	assert_int_equal(journal.nr, 8);
	assert_string_equal(journal.field[0], "MESSAGE=this is 7");
	assert_string_equal(journal.field[1], "MESSAGE_ID=5f3c1a7be2d84f0c9a61c7d0b84e25d3");
	assert_string_equal(journal.field[2], "PRIORITY=5");
	assert_string_equal(journal.field[3], "SYSLOG_IDENTIFIER=vcpu-deboostd");
	assert_string_equal(journal.field[4], "VCPU_DEBOOST_VM=web");
	assert_string_equal(journal.field[5], "VCPU_DEBOOST_OLD=off");
	assert_string_equal(journal.field[6], "VCPU_DEBOOST_NEW=active");
	assert_string_equal(journal.field[7], "VCPU_DEBOOST_REASON=rule");
	log_event(LOG_EVENT_VM_GONE, LOG_INFO, &some, "gone");
	assert_int_equal(journal.nr, 5);
	assert_string_equal(journal.field[4], "VCPU_DEBOOST_VM=db");
	log_event(LOG_EVENT_STOP, LOG_ERR, NULL, "%s", "");
	assert_int_equal(journal.nr, 4);
	assert_string_equal(journal.field[0], "MESSAGE=");
}

/* Every class has an identifier of its own, as journalctl --new-id128 makes them. */
static void test_identifiers(void **state)
{
	char ids[LOG_EVENT_MAX][44];
	int i, k;

	(void)state;
	open_journal(0);
	for (i = 0; i < LOG_EVENT_MAX; i++) {
		log_event((enum log_event)i, LOG_INFO, NULL, "x");
		assert_int_equal(strlen(journal.field[1]), strlen("MESSAGE_ID=") + 32);
		memcpy(ids[i], journal.field[1], sizeof(ids[i]));
		assert_int_equal(strspn(ids[i] + 11, "0123456789abcdef"), 32);
		for (k = 0; k < i; k++)
			assert_string_not_equal(ids[k], ids[i]);
	}
}

static void test_long(void **state)
{
	char text[5000];
	size_t n;

	(void)state;
	open_journal(0);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_event(LOG_EVENT_START, LOG_INFO, &(struct log_fields){ .reason = text }, "%s", text);
	/* Cut, and nothing of what lies behind. */
	n = strlen(journal.field[0]);
	assert_in_range(n, 1000, 2100);
	assert_int_equal(strspn(journal.field[0] + 8, "x"), n - 8);
	n = strlen(journal.field[4]);
	assert_in_range(n, 1000, 2100);
	assert_memory_equal(journal.field[4], "VCPU_DEBOOST_REASON=xxx", 23);
}

/* Not ours, or gone: a line on stderr is better than nothing. */
static void test_stderr(void **state)
{
	(void)state;
	log_open();
	log_event(LOG_EVENT_START, LOG_INFO, NULL, "one");
	open_journal(1);
	log_event(LOG_EVENT_START, LOG_INFO, NULL, "two");
	setenv("JOURNAL_STREAM", "nonsense", 1);
	log_open();
	log_event(LOG_EVENT_START, LOG_INFO, NULL, "three");
	assert_int_equal(journal.nr, 0);
	open_journal(0);
	journal.error = -ENOENT;
	log_event(LOG_EVENT_START, LOG_INFO, NULL, "four");
	assert_string_equal(logged(), "vcpu-deboostd: one\nvcpu-deboostd: two\n"
				      "vcpu-deboostd: three\nvcpu-deboostd: four\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_fields),
		TEST(test_identifiers),
		TEST(test_long),
		TEST(test_stderr),
	};

	return cmocka_run_group_tests_name("daemon log", tests, NULL, NULL);
}
