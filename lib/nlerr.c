// SPDX-License-Identifier: GPL-2.0-only
#include "nlerr.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <linux/netlink.h>
#include <netlink/errno.h>

#include "vmname.h"

int nlerr_to_errno(int nle)
{
	static const int table[NLE_MAX + 1] = {
		[NLE_FAILURE] = EIO,
		[NLE_INTR] = EINTR,
		[NLE_BAD_SOCK] = EBADF,
		[NLE_AGAIN] = EAGAIN,
		[NLE_NOMEM] = ENOMEM,
		[NLE_EXIST] = EEXIST,
		[NLE_INVAL] = EINVAL,
		[NLE_RANGE] = ERANGE,
		[NLE_MSGSIZE] = EMSGSIZE,
		[NLE_OPNOTSUPP] = EOPNOTSUPP,
		[NLE_AF_NOSUPPORT] = EAFNOSUPPORT,
		[NLE_OBJ_NOTFOUND] = ENOENT,
		[NLE_NOATTR] = EBADMSG,
		[NLE_MISSING_ATTR] = EBADMSG,
		[NLE_AF_MISMATCH] = EBADMSG,
		[NLE_SEQ_MISMATCH] = EBADMSG,
		[NLE_MSG_OVERFLOW] = EMSGSIZE,
		[NLE_MSG_TRUNC] = EMSGSIZE,
		[NLE_NOADDR] = EADDRNOTAVAIL,
		[NLE_MSG_TOOSHORT] = EBADMSG,
		[NLE_MSGTYPE_NOSUPPORT] = EOPNOTSUPP,
		[NLE_BUSY] = EBUSY,
		[NLE_PROTO_MISMATCH] = EPROTONOSUPPORT,
		[NLE_NOACCESS] = EACCES,
		[NLE_PERM] = EPERM,
		[NLE_PARSE_ERR] = EBADMSG,
		[NLE_NODEV] = ENODEV,
		[NLE_IMMUTABLE] = EROFS,
		[NLE_DUMP_INTR] = EAGAIN,
		[NLE_ATTRSIZE] = EBADMSG,
	};

	if (nle >= 0)
		return 0;
	if (nle < -NLE_MAX || !table[-nle])
		return -EIO;
	return -table[-nle];
}

/* Look for NLMSGERR_ATTR_MSG in the attributes at the end of a verdict. */
static void find_text(const uint8_t *p, size_t len, char *text, size_t text_size)
{
	while (len >= sizeof(struct nlattr)) {
		struct nlattr attr;
		size_t step;

		memcpy(&attr, p, sizeof(attr));
		if (attr.nla_len < sizeof(attr) || attr.nla_len > len)
			return;
		if ((attr.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG) {
			const char *msg = (const char *)p + sizeof(attr);

			vmname_sanitize(msg, strnlen(msg, attr.nla_len - sizeof(attr)), text,
					text_size);
			return;
		}
		step = NLA_ALIGN(attr.nla_len);
		if (step > len)
			step = len;
		p += step;
		len -= step;
	}
}

int nlerr_extack(const struct nlmsghdr *hdr, char *text, size_t text_size)
{
	const uint8_t *payload = (const uint8_t *)hdr + NLMSG_HDRLEN;
	struct nlmsghdr inner;
	size_t len, skip;
	int32_t error;

	text[0] = '\0';
	if (hdr->nlmsg_len < NLMSG_HDRLEN)
		return -EBADMSG;
	len = hdr->nlmsg_len - NLMSG_HDRLEN;
	if (len < sizeof(error))
		return -EBADMSG;
	memcpy(&error, payload, sizeof(error));
	if (error > 0 || error < -4095)
		return -EBADMSG;

	skip = sizeof(error);
	if (hdr->nlmsg_type == NLMSG_ERROR) {
		if (len < sizeof(struct nlmsgerr))
			return -EBADMSG;
		memcpy(&inner, payload + sizeof(error), sizeof(inner));
		skip = sizeof(struct nlmsgerr);
		/* Without NLM_F_CAPPED the whole request is repeated here. */
		if (!(hdr->nlmsg_flags & NLM_F_CAPPED)) {
			if (inner.nlmsg_len < NLMSG_HDRLEN || inner.nlmsg_len > len)
				return -EBADMSG;
			skip = sizeof(error) + NLMSG_ALIGN(inner.nlmsg_len);
		}
	}
	if ((hdr->nlmsg_flags & NLM_F_ACK_TLVS) && skip < len)
		find_text(payload + skip, len - skip, text, text_size);
	return error;
}
