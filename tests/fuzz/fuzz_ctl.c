// SPDX-License-Identifier: GPL-2.0-only
/* Requests on the control socket. */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>

#include "daemon/ctl.h"
#include "daemon/manager.h"
#include "lib/ctl.h"

static struct vm vms[3];

static struct manager *manager(void)
{
	static struct manager *m;

	if (m)
		return m;
	m = calloc(1, sizeof(*m));
	REQUIRE(m);
	for (unsigned int i = 0; i < 3; i++) {
		vms[i].id = 7 + i;
		strcpy(vms[i].name, "web\"1");
		vms[i].tuning.have = UINT64_MAX;
		vms[i].tuning.mode = VCPU_DEBOOST_MODE_OBSERVE;
		vms[i].steer.automatic = i;
		auto_init(&vms[i].steer.trial, i, 0);
	}
	vms[2].steer.trial.state = AUTO_TRIAL;
	vms[2].steer.trial.pairs = 3;
	m->vms = (struct vmtab){ .vms = vms, .nr = 3 };
	return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;
	json_t *answer;

	/* Longer ones are refused where they are received. */
	if (size > VD_CTL_REQUEST_MAX)
		return 0;
	text = ctl_answer(manager(), (const char *)data, size);
	REQUIRE(text && strlen(text) <= VD_CTL_ANSWER_MAX);
	answer = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	REQUIRE(json_is_object(answer));
	json_decref(answer);
	free(text);
	return 0;
}
