// SPDX-License-Identifier: GPL-2.0-only
#include "cli/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/out.h"
#include "cli/vms.h"
#include "lib/ctl.h"
#include "lib/vmname.h"

#define PATIENCE_SECONDS 5

static int connect_daemon(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = VD_CTL_DIR "/" VD_CTL_NAME };
	struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static int explain_connect(const struct ctx *ctx, int error)
{
	if (error == -EACCES || error == -EPERM)
		return fail(ctx, EXIT_NOT_PERMITTED,
			    "not permitted to ask the daemon; run as root, or as a member of "
			    "the group vcpu-deboost");
	return fail(ctx, EXIT_NOT_RUNNING,
		    "the daemon does not answer (%s); start it with "
		    "\"systemctl start vcpu-deboostd\"",
		    strerror(-error));
}

static int transact(const char *verb, uint32_t vm_id, char *buf, size_t size, size_t *ret_len)
{
	char request[128];
	int fd = connect_daemon(), r = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	n = snprintf(request, sizeof(request), "{\"verb\":\"%s\",\"vm\":%u}", verb, vm_id);
	if (send(fd, request, (size_t)n, MSG_NOSIGNAL) < 0)
		r = -errno;
	n = r ? 0 : recv(fd, buf, size, 0);
	if (!r && n <= 0)
		r = n < 0 ? -errno : -ECONNRESET;
	close(fd);
	if (!r)
		*ret_len = (size_t)n;
	return r;
}

const char *ctl_text(const json_t *answer, const char *key, char *buf, size_t size)
{
	const char *text = json_string_value(json_object_get(answer, key));

	return vmname_sanitize(text ? text : "", text ? strlen(text) : 0, buf, size);
}

int ctl_ask(struct ctx *ctx, const char *verb, const char *spec, json_t **ret)
{
	char buf[VD_CTL_ANSWER_MAX], text[256];
	struct vm_row vm;
	json_t *answer;
	size_t len = 0;
	int r;

	ctx->vm = spec;
	r = vm_resolve(ctx, &vm);
	if (r != EXIT_OK)
		return r;
	r = transact(verb, vm.vm.id, buf, sizeof(buf), &len);
	if (r < 0)
		return explain_connect(ctx, r);
	answer = json_loadb(buf, len, 0, NULL);
	if (!json_is_object(answer)) {
		json_decref(answer);
		return fail(ctx, EXIT_FAILED,
			    "the daemon's answer is not understood; are daemon and "
			    "vdctl of one version?");
	}
	if (json_object_get(answer, "error")) {
		r = fail(ctx, EXIT_REFUSED, "%s", ctl_text(answer, "error", text, sizeof(text)));
		json_decref(answer);
		return r;
	}
	*ret = answer;
	return EXIT_OK;
}
