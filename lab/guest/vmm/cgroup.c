// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM's place in the cgroup tree: one group for the process, or below it libvirt's layout with
 * a threaded group per vCPU. Works on v2 and on a v1 hierarchy with the cpu controller.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "vdvm.h"

#define REMOVE_TRIES	100

/**
 * struct cgroup - what cgroup_leave() has to undo
 * @root:	mount point of the hierarchy, where the process goes at the end
 * @created:	the VM's own groups that we made, parents first
 */
struct cgroup {
	char *root;
	char **created;
	unsigned int created_nr;
	bool v2;
};

static int say(const char *path, const char *what, int err)
{
	fprintf(stderr, "vdvm: cgroup %s: %s: %s\n", path, what, strerror(err));
	return -err;
}

static int write_file(const char *dir, const char *file, const char *text)
{
	char path[PATH_MAX];
	ssize_t written;
	int fd, err = 0;

	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	written = write(fd, text, strlen(text));
	if (written < 0)
		err = errno;
	close(fd);
	return -err;
}

static void nap(void)
{
	struct timespec ms10 = { .tv_nsec = 10000000 };

	nanosleep(&ms10, NULL);
}

static long magic_of(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) ? 0 : (long)fs.f_type;
}

/* The mount point is the topmost directory of @path that is of the cgroup file system. */
static int find_root(const char *path, struct cgroup *cgroup)
{
	char *at = strdup(path);
	char *slash;
	long magic;

	if (!at)
		return say(path, "memory", ENOMEM);
	for (slash = at; (slash = strchr(slash + 1, '/')); *slash = '/') {
		*slash = '\0';
		magic = magic_of(at);
		if (magic == CGROUP2_SUPER_MAGIC || magic == CGROUP_SUPER_MAGIC) {
			cgroup->v2 = magic == CGROUP2_SUPER_MAGIC;
			cgroup->root = at;
			return 0;
		}
	}
	free(at);
	fprintf(stderr, "vdvm: cgroup %s: no cgroup mount above it; give a full path such as "
		"/sys/fs/cgroup/machine.slice/vm1.scope\n", path);
	return -EINVAL;
}

static int remember(struct cgroup *cgroup, const char *path)
{
	char **created = realloc(cgroup->created, (cgroup->created_nr + 1) * sizeof(*created));

	if (!created)
		return -ENOMEM;
	cgroup->created = created;
	created[cgroup->created_nr] = strdup(path);
	if (!created[cgroup->created_nr])
		return -ENOMEM;
	cgroup->created_nr++;
	return 0;
}

static int make_group(struct cgroup *cgroup, const char *path)
{
	if (!mkdir(path, 0755))
		return remember(cgroup, path);
	return errno == EEXIST ? 0 : -errno;
}

/* On v2 a group has a run queue entity of its own only when its parent hands out "cpu". */
static int hand_out_cpu(const struct cgroup *cgroup, const char *parent)
{
	return cgroup->v2 ? write_file(parent, "cgroup.subtree_control", "+cpu") : 0;
}

/*
 * Create what is missing of @path below the root. Its parents, such as machine.slice, are shared
 * with other VMs that come and go at the same time: they stay.
 */
static int make_path(struct cgroup *cgroup, const char *path)
{
	char parent[PATH_MAX], child[PATH_MAX];
	const char *at = path + strlen(cgroup->root);
	int r;

	snprintf(parent, sizeof(parent), "%s", cgroup->root);
	while (*(at += strspn(at, "/"))) {
		at += strcspn(at, "/");
		if (snprintf(child, sizeof(child), "%.*s", (int)(at - path), path) >=
		    (int)sizeof(child))
			return -ENAMETOOLONG;
		r = hand_out_cpu(cgroup, parent);
		if (!r && at[strspn(at, "/")])
			r = mkdir(child, 0755) && errno != EEXIST ? -errno : 0;
		else if (!r)
			r = make_group(cgroup, child);
		if (r)
			return r;
		memcpy(parent, child, sizeof(parent));
	}
	return 0;
}

static int join_process(const char *path)
{
	return write_file(path, "cgroup.procs", "0");
}

static int join_thread(const char *path, bool v2)
{
	return write_file(path, v2 ? "cgroup.threads" : "tasks", "0");
}

static int make_thread_group(struct cgroup *cgroup, const char *path)
{
	int r = make_group(cgroup, path);

	return r || !cgroup->v2 ? r : write_file(path, "cgroup.type", "threaded");
}

static int make_libvirt_layout(struct cgroup *cgroup, const char *path, unsigned int vcpus)
{
	char middle[PATH_MAX - 32], leaf[PATH_MAX];
	unsigned int i;
	int r;

	snprintf(middle, sizeof(middle), "%s/libvirt", path);
	r = hand_out_cpu(cgroup, path);
	if (!r)
		r = make_group(cgroup, middle);
	if (!r)
		r = join_process(middle);
	snprintf(leaf, sizeof(leaf), "%s/emulator", middle);
	if (!r)
		r = make_thread_group(cgroup, leaf);
	for (i = 0; !r && i < vcpus; i++) {
		snprintf(leaf, sizeof(leaf), "%s/vcpu%u", middle, i);
		r = make_thread_group(cgroup, leaf);
	}
	/* Only once the group is the root of a threaded tree may it hold both tasks and "cpu". */
	if (!r && cgroup->v2)
		r = write_file(middle, "cgroup.subtree_control", "+cpu");
	snprintf(leaf, sizeof(leaf), "%s/emulator", middle);
	return r ? r : join_thread(leaf, cgroup->v2);
}

/**
 * cgroup_enter() - create the VM's groups and move the process there
 * @path:	full path, /sys/fs/cgroup/...
 * @per_vcpu:	libvirt's layout below it
 * @vcpus:	number of groups then
 * @ret_cgroup:	for cgroup_leave()
 *
 * Call it before any other thread exists: threads inherit the group.
 * Return: 0, or negative errno after an error sentence.
 */
int cgroup_enter(const char *path, bool per_vcpu, unsigned int vcpus, struct cgroup **ret_cgroup)
{
	struct cgroup *cgroup = calloc(1, sizeof(*cgroup));
	int r;

	if (!cgroup)
		return say(path, "memory", ENOMEM);
	r = find_root(path, cgroup);
	if (r) {
		free(cgroup);
		return r;
	}
	r = make_path(cgroup, path);
	if (!r)
		r = per_vcpu ? make_libvirt_layout(cgroup, path, vcpus) : join_process(path);
	if (r) {
		say(path, "cannot be set up with the cpu controller", -r);
		cgroup_leave(cgroup);
		return r;
	}
	*ret_cgroup = cgroup;
	return 0;
}

/* On the vCPU's own thread. */
int cgroup_join_vcpu(const char *path, unsigned int vcpu)
{
	char leaf[PATH_MAX];
	int r;

	snprintf(leaf, sizeof(leaf), "%s/libvirt/vcpu%u", path, vcpu);
	r = join_thread(leaf, magic_of(leaf) == CGROUP2_SUPER_MAGIC);
	return r ? say(leaf, "a vCPU cannot join", -r) : 0;
}

/* A thread that was joined may still be on its way out of the group: try for a while. */
static void remove_group(const char *path)
{
	int tries;

	for (tries = 0; tries < REMOVE_TRIES && rmdir(path) && errno == EBUSY; tries++)
		nap();
}

void cgroup_leave(struct cgroup *cgroup)
{
	int r;

	if (!cgroup)
		return;
	r = join_process(cgroup->root);
	if (r)
		say(cgroup->root, "cannot go back", -r);
	while (cgroup->created_nr) {
		cgroup->created_nr--;
		remove_group(cgroup->created[cgroup->created_nr]);
		free(cgroup->created[cgroup->created_nr]);
	}
	free(cgroup->created);
	free(cgroup->root);
	free(cgroup);
}
