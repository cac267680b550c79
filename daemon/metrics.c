// SPDX-License-Identifier: GPL-2.0-only
/* The metrics file of a manager: where it is, when it is written. */
#include "metrics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/prom_write.h"
#include "daemon/version.h"

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* Where a value of "textfile" points; "" for nowhere. */
static const char *resolve(const char *value)
{
	if (!strcmp(value, "off"))
		return "";
	if (strcmp(value, "auto"))
		return value;
	if (is_directory(CONFIG_TEXTFILE_DIR))
		return CONFIG_TEXTFILE_DIR "/" CONFIG_TEXTFILE_NAME;
	log_event(LOG_EVENT_TEXTFILE, LOG_NOTICE, NULL,
		  "no metrics file: " CONFIG_TEXTFILE_DIR " does not exist; set textfile in "
		  "[metrics] to have one");
	return "";
}

void metrics_configure(struct manager *m)
{
	const char *value = m->options.textfile ? m->options.textfile : m->config.textfile;
	const char *path = resolve(value);

	if (!strcmp(path, m->textfile))
		return;
	metrics_remove(m);
	snprintf(m->textfile, sizeof(m->textfile), "%s", path);
	m->textfile_error = 0;
}

static const char *next_step(int error)
{
	if (error != -EACCES && error != -EROFS)
		return "";
	return "; \"systemd-tmpfiles --create vcpu-deboostd.conf\" lets the service write to "
	       "node_exporter's folder, for another one see vcpu-deboostd.conf(5)";
}

void metrics_write(struct manager *m)
{
	struct prom_input in = {
		.version = VD_VERSION,
		.module_up = m->k.present,
		.info = &m->k.info,
		.tuning = &m->k.tuning,
		.vms = m->vms.vms,
		.nr_vms = m->vms.nr,
		.collected_ms = m->answered_ms,
		.collection_errors = m->collection_errors,
	};
	int r;

	if (!m->textfile[0])
		return;
	r = prom_render(&m->buf, &in);
	if (!r)
		r = prom_write(m->textfile, m->buf.data, m->buf.len);
	if (r == m->textfile_error)
		return;
	m->textfile_error = r;
	if (r < 0)
		log_event(LOG_EVENT_TEXTFILE, LOG_ERR,
			  &(struct log_fields){ .reason = strerror(-r) },
			  "metrics file %s cannot be written, what was there stays: %s%s",
			  m->textfile, strerror(-r), next_step(r));
	else
		log_event(LOG_EVENT_TEXTFILE, LOG_NOTICE, NULL, "metrics file %s is written again",
			  m->textfile);
}

void metrics_remove(struct manager *m)
{
	if (!m->textfile[0])
		return;
	if (unlink(m->textfile) < 0 && errno != ENOENT)
		log_event(LOG_EVENT_TEXTFILE, LOG_WARNING, NULL,
			  "metrics file %s cannot be removed: %s", m->textfile, strerror(errno));
}
